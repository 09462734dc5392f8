/** Before the arbiter (ERI-H): with the signed package, the signed description, and everything that shows they were bought and paid. */
import { encodeShape, linkOf, signMessage } from '../../crypto/signed-message.ts';
import type { Env } from '../../journal/machine.ts';
import { acceptanceType } from '../message/acceptance.ts';
import { type Complaint, complaintType, type SegmentEvidence } from '../message/complaint.ts';
import { sealKey } from '../message/custody.ts';
import { routeOf } from '../message/endpoint.ts';
import type { Purchase } from './purchase.ts';
import { finish, type ReceiverDecision, step } from './receiver-decision.ts';
import { idOf } from './receiver-input.ts';
import type { ReceiverPolicy } from './receiver-policy.ts';

export interface Grounds {
  readonly about: Complaint['about'];
  /** A code, told to whoever asked for the purchase where there is no arbiter. */
  readonly reason: string;
  readonly segment?: SegmentEvidence;
  readonly statement?: string;
}

/** Without an arbiter the purchase ends here, told as what it is; all evidence stays in its history. */
export function complain(
  purchase: Purchase,
  { about, reason, segment, statement = '' }: Grounds,
  env: Env,
  policy: ReceiverPolicy,
): ReceiverDecision {
  const { arbiter } = policy;
  if (arbiter === undefined) return finish(purchase, about === 'withheld' ? 'withheld' : 'faulty', reason, env);
  const { reference, order, taken, passedKey, accept, evidence, description, manifest, custody, urls } = purchase;
  const acceptance = { order, taken: taken!, passedKey: passedKey!, accept: accept!, evidence: evidence! };
  const said: Complaint = {
    ...{ arbiter: arbiter.name, about, acceptance: encodeShape(acceptanceType, acceptance) },
    ...{ description, manifest, custody, urls, statement, atMs: env.nowMs },
    key: sealKey(purchase.orderKey, {
      ...{ recipient: arbiter.party.publicKey, binding: purchase.orderDigest, random: env.random },
    }),
    ...(segment && { segment }),
  };
  const body = signMessage(complaintType, said, policy.signer);
  const complaint = { about, digest: linkOf(body) };
  return step(purchase, { type: 'complained', reference, complaint, atMs: env.nowMs }, () => ({
    records: [],
    // Until it is decided, however long that takes.
    send: [
      { id: idOf(reference, 'complaint'), to: routeOf(arbiter.url, complaintType), kind: complaintType.name, body },
    ],
  }));
}

/** The ruling: signed, with its reasons; told to the customer, who waits for it, and to merchant and trustee, who have to act on it. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { requireReadable, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import type { Complaint } from '../message/complaint.ts';
import { routeOf } from '../message/endpoint.ts';
import { type Outcome, type Reason, type Ruling, rulingType } from '../message/ruling.ts';
import type { Signed } from '../message/signed-by.ts';
import type { ArbiterPolicy } from './arbiter-policy.ts';
import { type ArbiterRecord, type Case, caseKey } from './case.ts';
import { consequencesOf } from './judge.ts';

export interface Verdict {
  readonly reasons: readonly Reason[];
  readonly person?: { readonly name: string; readonly outcome: Outcome };
  /** SHA-256 of what was opened. */
  readonly content?: Uint8Array | null;
  readonly release?: Uint8Array;
  /** Where it is decided at once: the case was never open. */
  readonly complaint?: Signed<Complaint>;
}

/** What is known of a case that is decided at once: whom to tell is not. */
export type Ruled =
  | Case
  | { readonly case: string; readonly order: Uint8Array; readonly merchant: null; readonly trustee: null };

/** Whoever does not take a ruling for so long is told no more: the customer has it. */
const TELL_MS = 90 * 86_400_000;

/** @throws MessageError when a person's words are too long */
export function rule(of: Ruled, verdict: Verdict, env: Env, policy: ArbiterPolicy): Decision<ArbiterRecord> {
  const { reasons, person, content, release, complaint } = verdict;
  const consequences = consequencesOf(reasons, person?.outcome);
  if (consequences === undefined) throw new Error('these reasons lead to no ruling');
  const said: Ruling = {
    ...{ case: fromHex(of.case), arbiter: policy.name, order: of.order, reasons, atMs: env.nowMs },
    ...consequences,
    ...(person && { person: person.name }),
    ...(content && { content }),
    ...(release && { release }),
  };
  const ruling = signMessage(rulingType, said, policy.signer);
  requireReadable(rulingType, said, ruling);
  const code = reasons.at(-1)!.code;
  return {
    records: [{ type: 'ruled', case: of.case, ruling, complaint: complaint?.bytes ?? null, code, atMs: env.nowMs }],
    keys: [caseKey(of.case), `order:${toHex(of.order)}`],
    ...(of.merchant === null ? { answer: ruling } : { answers: [{ messageId: of.messageId, body: ruling }] }),
    send: of.merchant === null ? [] : told(of, ruling, env, policy),
    cancel: [`key-request:${of.case}`, `hearing:${of.case}`],
  };
}

function told(of: Case, body: Uint8Array, env: Env, { merchants, trustees }: ArbiterPolicy): readonly Outgoing[] {
  const roles = { merchant: merchants.get(of.merchant), trustee: trustees.get(of.trustee) };
  return Object.entries(roles).flatMap(([role, known]) => {
    if (known === undefined) return [];
    const to = routeOf(known.url, rulingType);
    return [{ id: `ruling:${of.case}:${role}`, to, kind: rulingType.name, body, expiresAtMs: env.nowMs + TELL_MS }];
  });
}

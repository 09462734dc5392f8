/** Packages on sale: K2 is lodged with the trustee before the first order, and again before its keeping ends. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { type Lodging, lodgingType, sealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { routeOf } from '../message/endpoint.ts';
import { tell } from './news.ts';
import type { PublishInput, SenderInput } from './sender-input.ts';
import { keepMs, type SenderPolicy } from './sender-policy.ts';
import { type Edition, packageKey, type SenderRecord, type SenderState } from './sender-state.ts';

type SenderDecision = Decision<SenderRecord>;

export const renewTimer = (of: string) => `renew:${of}`;

/** A package published before is left as it is. */
export function decidePublish(
  { editions }: SenderState,
  { edition: asked, description }: PublishInput,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  if (editions.has(asked.package)) return { records: [] };
  const edition: Edition = { ...asked, keptUntilMs: 0, lodgings: 1 };
  return {
    records: [{ type: 'published', edition, description, atMs: env.nowMs }],
    keys: [packageKey(edition.package)],
    send: [lodge(edition, env, policy)],
  };
}

function lodge(edition: Edition, env: Env, policy: SenderPolicy): Outgoing {
  const trustee = policy.trustees.get(edition.trustee)!;
  const binding = fromHex(edition.package);
  const lodging: Lodging = {
    ...{ manifest: edition.manifest, trustee: edition.trustee, atMs: env.nowMs },
    keepUntilMs: env.nowMs + keepMs(policy),
    key: sealKey(fromHex(edition.productKey), { recipient: trustee.party.publicKey, binding, random: env.random }),
  };
  return {
    id: `lodging:${edition.package}:${edition.lodgings}`,
    to: routeOf(trustee.url, lodgingType),
    kind: lodgingType.name,
    body: signMessage(lodgingType, lodging, policy.signer),
  };
}

/** @throws DeliveryError `OFFER_UNFIT` for a receipt of another key: asked again, and nothing is sold meanwhile */
export function decideCustody(
  { editions }: SenderState,
  { package: of, receipt }: Extract<SenderInput, { type: 'custody' }>,
  env: Env,
): SenderDecision {
  const edition = editions.get(of);
  if (edition === undefined) return { records: [] };
  const { package: named, trustee, keptUntilMs } = receipt.value;
  if (toHex(named) !== of || trustee !== edition.trustee || receipt.signer.name !== edition.trustee) {
    throw new DeliveryError('OFFER_UNFIT', 'the receipt is not for this package, or not the trustee’s');
  }
  return {
    records: [{ type: 'custody', package: of, receipt: receipt.bytes, keptUntilMs, atMs: env.nowMs }],
    keys: [packageKey(of)],
    timers: [{ id: renewTimer(of), atMs: keptUntilMs - Math.floor(Math.max(0, keptUntilMs - env.nowMs) / 5) }],
  };
}

/** Nothing more is sold of it once the last receipt has run out. */
export function decideCustodyRefused(
  { editions }: SenderState,
  { package: of, code }: Extract<SenderInput, { type: 'custody-refused' }>,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const edition = editions.get(of);
  if (edition === undefined) return { records: [] };
  const news = { order: fromHex(of), what: 'not-in-custody', reason: code.slice(0, 100) } as const;
  return {
    records: [{ type: 'custody-refused', package: of, code, atMs: env.nowMs }],
    keys: [packageKey(of)],
    send: tell(policy, `custody:${of}:${edition.lodgings}`, news),
  };
}

export function decideRenewal({ editions }: SenderState, of: string, env: Env, policy: SenderPolicy): SenderDecision {
  const edition = editions.get(of);
  if (edition === undefined) return { records: [] };
  const next = { ...edition, lodgings: edition.lodgings + 1 };
  return { records: [{ type: 'lodged-again', package: of, atMs: env.nowMs }], send: [lodge(next, env, policy)] };
}

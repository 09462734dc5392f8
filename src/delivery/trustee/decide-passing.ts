/** Signing K1 and passing it on (US 09/718,411, claim 25). */
import { toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { nameOfKey, routeOf } from '../message/endpoint.ts';
import { passedKeyType } from '../message/key-handover.ts';
import { requireStanding } from './decide-refund.ts';
import type { HandoverInput, TrusteeInput } from './trustee-input.ts';
import { maxPassing, type TrusteePolicy } from './trustee-policy.ts';
import { orderKey, type TrusteeRecord, type TrusteeState } from './trustee-state.ts';

const KEY = 'passed-key:';
export const ACCEPTANCE = 'passed-acceptance:';

/** The customer gets the very bytes the merchant gets: with them it shows that K1 was passed on, and can show it to the merchant too. */
export function decideHandover(
  state: TrusteeState,
  { handover }: HandoverInput,
  env: Env,
  policy: TrusteePolicy,
): Decision<TrusteeRecord> {
  const { order: digest, merchant, deadlineMs } = handover.value;
  const order = toHex(digest);
  requireStanding(state, merchant, env, policy);
  const { passingOf } = state;
  const customer = nameOfKey(handover.signer);
  if ((passingOf.get(customer) ?? 0) >= maxPassing(policy)) {
    throw new DeliveryError('ORDERS_OPEN', 'too many keys of this customer wait to be passed on');
  }
  const said = { handover: handover.bytes, trustee: policy.name, atMs: env.nowMs };
  const passed = signMessage(passedKeyType, said, policy.signer);
  return {
    records: [{ type: 'passing', order, customer, passed, atMs: env.nowMs }],
    keys: [orderKey(order)],
    answer: passed,
    send: [
      {
        id: `${KEY}${order}`,
        to: routeOf(policy.merchants.get(merchant)!.url, passedKeyType),
        kind: passedKeyType.name,
        body: passed,
        expiresAtMs: deadlineMs,
      },
    ],
  };
}

/** What a reply is about: an outbox id of ours. */
export function deliveredOf(id: string, outcome: string): TrusteeInput {
  if (!id.startsWith(KEY) && !id.startsWith(ACCEPTANCE)) return { type: 'told' };
  const what = id.startsWith(KEY) ? 'key' : 'acceptance';
  return { type: 'delivered', what, order: id.slice(id.indexOf(':') + 1).split('/')[0]!, outcome };
}

export function decideDelivered(
  { passing }: TrusteeState,
  { what, order, outcome }: Extract<TrusteeInput, { type: 'delivered' }>,
  env: Env,
): Decision<TrusteeRecord> {
  if (what === 'acceptance') {
    return { records: [{ type: 'told', order, outcome, atMs: env.nowMs }], keys: [orderKey(order)] };
  }
  if (!passing.has(order)) return { records: [] };
  return { records: [{ type: 'passed', order, outcome, atMs: env.nowMs }], keys: [orderKey(order)] };
}

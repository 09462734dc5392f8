/** Orders as they come, K1 as the trustee passes it, and re-sending (US 09/718,411, claims 24, 25 and 27). */
import { equalBytes, fromHex, toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { ACKNOWLEDGED, nameOfKey } from '../message/endpoint.ts';
import { orderTakenType } from '../message/order.ts';
import { MAX_RESENDINGS, resendingType } from '../message/resending.ts';
import { tell } from './news.ts';
import type { KeyInput, NotAcceptInput, OrderInput } from './sender-input.ts';
import { GRACE_MS, longestOrderMs, maxOpen, type SenderPolicy } from './sender-policy.ts';
import { orderKey, type SenderRecord, type SenderState } from './sender-state.ts';

type SenderDecision = Decision<SenderRecord>;

const lapseTimer = (order: string) => `lapse:${order}`;

/** @throws DeliveryError `PACKAGE_UNKNOWN`, `CUSTODY_ENDED`, `ORDER_EXPIRED`, `ORDERS_OPEN` */
export function decideOrder(
  { editions, openOf }: SenderState,
  { order: signed }: OrderInput,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const { value: order, digest, bytes } = signed;
  const edition = editions.get(toHex(order.package));
  if (edition === undefined || edition.product !== order.product || edition.description !== toHex(order.description)) {
    throw new DeliveryError('PACKAGE_UNKNOWN', 'no such package is sold here, or not as it is described');
  }
  if (env.nowMs >= order.deadlineMs || order.deadlineMs > env.nowMs + longestOrderMs(policy)) {
    throw new DeliveryError('ORDER_EXPIRED', 'the deadline is over, or too far away');
  }
  // What is taken must be releasable by the trustee: that is the customer's protection, and ours against its doubts.
  if (edition.trustee !== order.trustee || order.deadlineMs + GRACE_MS > edition.keptUntilMs) {
    throw new DeliveryError('CUSTODY_ENDED', 'the trustee does not keep the key for that long');
  }
  const customer = nameOfKey(signed.signer);
  if ((openOf.get(customer) ?? 0) >= maxOpen(policy)) {
    throw new DeliveryError('ORDERS_OPEN', 'too many orders of this customer wait already');
  }
  const name = toHex(digest);
  const open = { order: name, package: edition.package, customer, resendings: 0, soldFor: null };
  const taken = { order: digest, merchant: policy.name, urls: edition.urls, atMs: env.nowMs };
  return {
    records: [{ type: 'ordered', order: open, bytes, atMs: env.nowMs }],
    keys: [orderKey(name)],
    answer: signMessage(orderTakenType, taken, policy.signer),
    timers: [{ id: lapseTimer(name), atMs: order.deadlineMs + GRACE_MS }],
  };
}

export const orderOfTimer = (id: string) => id.slice(id.indexOf(':') + 1);

/** Nothing is kept in memory of it: the acceptance brings it along, as the trustee signed it for the customer. */
export function decideKey({ passed, order }: KeyInput, env: Env): SenderDecision {
  return {
    records: [{ type: 'key', order, passed: passed.bytes, atMs: env.nowMs }],
    keys: [orderKey(order)],
    answer: ACKNOWLEDGED,
  };
}

/** @throws DeliveryError `ORDER_UNKNOWN` for orders that are over, somebody else's, or never were */
export function decideNotAccept(
  { orders, editions }: SenderState,
  { notAccept }: NotAcceptInput,
  env: Env,
  policy: SenderPolicy,
): SenderDecision {
  const { order: digest, attempt, package: of } = notAccept.value;
  const name = toHex(digest);
  const order = orders.get(name);
  const isTheirs = order?.customer === nameOfKey(notAccept.signer) && order.soldFor === null;
  if (!isTheirs || !equalBytes(of, fromHex(order.package))) {
    throw new DeliveryError('ORDER_UNKNOWN', 'no such order of yours is open here');
  }
  const answer = { order: digest, attempt, atMs: env.nowMs };
  if (attempt > MAX_RESENDINGS) {
    return {
      records: [{ type: 'lapsed', order: name, reason: 'resendings', atMs: env.nowMs }],
      keys: [orderKey(name)],
      answer: signMessage(resendingType, { ...answer, outcome: 'over', urls: [] }, policy.signer),
      clearTimers: [lapseTimer(name)],
      send: tell(policy, `lapsed:${name}`, { order: digest, what: 'lapsed', reason: 'resendings' }),
    };
  }
  const urls = policy.resend?.(notAccept.value) ?? editions.get(order.package)?.urls ?? [];
  const resendings = Math.max(order.resendings, attempt);
  return {
    records: [{ type: 'resent', order: name, attempt: resendings, notAccept: notAccept.bytes, atMs: env.nowMs }],
    keys: [orderKey(name)],
    answer: signMessage(resendingType, { ...answer, outcome: 'again', urls }, policy.signer),
  };
}

/** The deadline is long over: what was not accepted is off, what was accepted in time shows itself by its acceptance. */
export function decideLapse({ orders }: SenderState, order: string, env: Env, policy: SenderPolicy): SenderDecision {
  const open = orders.get(order);
  if (open === undefined) return { records: [] };
  if (open.soldFor !== null) return { records: [{ type: 'settled', order, atMs: env.nowMs }] };
  return {
    records: [{ type: 'lapsed', order, reason: 'deadline', atMs: env.nowMs }],
    keys: [orderKey(order)],
    send: tell(policy, `lapsed:${order}`, { order: fromHex(order), what: 'lapsed', reason: 'deadline' }),
  };
}

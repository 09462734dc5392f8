/**
 * Paying back what a ruling, or the merchant itself, wants paid back: once for an order, from the merchant's account, by the way it was
 * paid. A merchant that leaves it to its operator keeps no customer waiting, but it counts against it.
 */
import { fromHex, toHex } from '../../codec/hex.ts';
import { decodeShape, encodeShape, signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Reply } from '../../journal/machine.ts';
import type { CheckedAcceptance } from '../message/acceptance.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { routeOf } from '../message/endpoint.ts';
import { type RefundReceipt, refundReceiptType } from '../message/refund.ts';
import { paidBackType, payBackType, type Refund } from './refund.ts';
import type { RefundClaimInput, RefundOrderInput, TrusteeInput } from './trustee-input.ts';
import { maxUnfollowed, refundGraceMs, type TrusteePolicy } from './trustee-policy.ts';
import { orderKey, REFUNDS_KEY, type TrusteeRecord, type TrusteeState } from './trustee-state.ts';

type TrusteeDecision = Decision<TrusteeRecord>;

const REFUND = 'refund:';
const TELL_MS = 90 * 86_400_000;
/** Whoever asks for one refund: the merchant, and the customer for each of its cases. */
const MAX_WAITING = 8;
const STANDING_MS = 180 * 86_400_000;

const refundTimer = (order: string) => `${REFUND}${order}`;
export const isRefundOf = (id: string) => id.startsWith(REFUND);
export const refundDue = (id: string): TrusteeInput => ({ type: 'refund-due', order: id.slice(REFUND.length) });

/** Whether its operator did not have to pay back for it too often of late. */
export function isTrusted(
  { unfollowed }: TrusteeState,
  merchant: string,
  nowMs: number,
  policy: TrusteePolicy,
): boolean {
  const counted = (unfollowed.get(merchant) ?? []).filter((atMs) => atMs > nowMs - STANDING_MS);
  return counted.length < maxUnfollowed(policy);
}

/** @throws DeliveryError `MERCHANT_UNTRUSTED` */
export function requireStanding(state: TrusteeState, merchant: string, env: Env, policy: TrusteePolicy): void {
  if (isTrusted(state, merchant, env.nowMs, policy)) return;
  throw new DeliveryError(
    'MERCHANT_UNTRUSTED',
    'this merchant does not follow rulings: nothing new is sold through us',
  );
}

/** The merchant's own will, with or without a ruling. */
export function decideRefundOrder(
  { refunds }: TrusteeState,
  { order, merchant, acceptance, messageId }: RefundOrderInput,
  env: Env,
  policy: TrusteePolicy,
): TrusteeDecision {
  const before = refunds.get(order) ?? newRefund(order, merchant);
  if (before.receipt !== null) return { records: [], answer: before.receipt };
  const paid = before.paid ?? (acceptance === undefined ? null : paidFor(acceptance));
  const next = { ...before, granted: true, paid, waiting: withWaiting(before, messageId) };
  if (before.phase === 'paying') return keep(next, env);
  return next.paid === null ? keep(next, env) : payBack({ ...next, by: 'merchant' }, env, policy);
}

/** A ruling, judged again from its evidence: the merchant has a while to follow it by itself. */
export function decideRefundClaim(
  { refunds }: TrusteeState,
  { acceptance, messageId, ruledMs }: RefundClaimInput,
  env: Env,
  policy: TrusteePolicy,
): TrusteeDecision {
  const order = toHex(acceptance.order.digest);
  const before = refunds.get(order) ?? newRefund(order, acceptance.order.value.merchant);
  if (before.receipt !== null) return { records: [], answer: before.receipt };
  const next = { ...before, paid: before.paid ?? paidFor(acceptance), waiting: withWaiting(before, messageId) };
  if (next.phase === 'paying') return keep(next, env);
  if (next.granted) return payBack({ ...next, by: 'merchant' }, env, policy);
  const dueMs = ruledMs + refundGraceMs(policy);
  if (env.nowMs >= dueMs) return payBack({ ...next, by: 'trustee' }, env, policy);
  return { ...keep({ ...next, phase: 'claimed' }, env), timers: [{ id: refundTimer(order), atMs: dueMs }] };
}

/** The merchant had its time. */
export function decideRefundDue(
  { refunds }: TrusteeState,
  order: string,
  env: Env,
  policy: TrusteePolicy,
): TrusteeDecision {
  const refund = refunds.get(order);
  return refund?.phase === 'claimed' ? payBack({ ...refund, by: 'trustee' }, env, policy) : { records: [] };
}

/** @throws HandselError when the answer is of no use: asked again */
export function paidBackOf({ id, outcome }: Pick<Reply, 'id' | 'outcome'>): TrusteeInput {
  const order = id.slice(REFUND.length);
  if (outcome.type === 'answered') return { type: 'paid-back', order, ...decodeShape(paidBackType, outcome.body) };
  const reason = outcome.type === 'refused' ? outcome.code : 'EXPIRED';
  return { type: 'paid-back', order, outcome: 'impossible', reason };
}

export function decidePaidBack(
  { refunds }: TrusteeState,
  { order, outcome, reason }: Extract<TrusteeInput, { type: 'paid-back' }>,
  env: Env,
  policy: TrusteePolicy,
): TrusteeDecision {
  const refund = refunds.get(order);
  if (refund?.phase !== 'paying') return { records: [] };
  const { merchant, waiting } = refund;
  const { currency, minor } = refund.paid!;
  const by = refund.by!;
  const said: RefundReceipt = {
    ...{ order: fromHex(order), merchant, amount: { currency, minor }, outcome, by, trustee: policy.name },
    ...(reason !== '' && { reason }),
    atMs: env.nowMs,
  };
  const receipt = signMessage(refundReceiptType, said, policy.signer);
  const done = keep({ ...refund, phase: 'done', paid: null, waiting: [], receipt }, env);
  const url = policy.merchants.get(merchant)?.url;
  const unasked = by === 'trustee';
  return {
    ...done,
    records: [...done.records, ...(unasked ? [{ type: 'unfollowed', merchant, order, atMs: env.nowMs } as const] : [])],
    answers: waiting.map((messageId) => ({ messageId, body: receipt })),
    // For its books: it did not ask for it.
    send:
      unasked && url !== undefined
        ? [
            {
              ...{ id: `refund-told:${order}`, to: routeOf(url, refundReceiptType), kind: refundReceiptType.name },
              ...{ body: receipt, expiresAtMs: env.nowMs + TELL_MS },
            },
          ]
        : [],
  };
}

function newRefund(order: string, merchant: string): Refund {
  const nothing = { granted: false, paid: null, by: null, waiting: [], receipt: null };
  return { order, merchant, phase: 'granted', ...nothing };
}

function paidFor({ order, evidence }: CheckedAcceptance): NonNullable<Refund['paid']> {
  const { payee, price } = order.value;
  return { evidence, payee, currency: price.currency, minor: price.minor };
}

const withWaiting = ({ waiting }: Refund, messageId: string) =>
  [...new Set([...waiting, messageId])].slice(-MAX_WAITING);

function keep(refund: Refund, env: Env): TrusteeDecision {
  return { records: [{ type: 'refund', refund, atMs: env.nowMs }], keys: [orderKey(refund.order), REFUNDS_KEY] };
}

function payBack(refund: Refund, env: Env, { refunds }: TrusteePolicy): TrusteeDecision {
  const { evidence, payee, currency, minor } = refund.paid!;
  const body = encodeShape(payBackType, { order: fromHex(refund.order), evidence, payee, amount: { currency, minor } });
  return {
    ...keep({ ...refund, phase: 'paying' }, env),
    send: [{ id: `${REFUND}${refund.order}`, to: refunds!.route, kind: payBackType.name, body }],
    clearTimers: [refundTimer(refund.order)],
  };
}

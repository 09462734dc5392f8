/**
 * Payments that wait for the person (EP 1 006 469, the scenario in which the person is prompted): approved in time they are made,
 * else they end. The merchant has not heard of them from the wallet yet, so what ends unapproved is free again at once.
 */
import type { Decision, Env, Outgoing, Timer } from '../../journal/machine.ts';
import type { PaymentRefusal } from '../message/payment.ts';
import type { Terms } from './allowance.ts';
import { GuardError, refusal } from './guard-error.ts';
import { type EndStatus, type GuardedPayment, type GuardRecord, type GuardState, historyKey } from './guard-record.ts';

export interface ApprovalOptions {
  /** How long the person may think before a payment that waits for approval is let go; never beyond the mandate's end. */
  readonly approvalMs: number;
  /** The order to pay, for the wallet to take in; `local:` so that the party's courier hands it over. */
  payOrder(payment: GuardedPayment, terms: Terms): Outgoing;
  /** Tells the agent's platform that the person does not pay; without it agent and merchant wait until the order lapses. */
  refuse?(payment: GuardedPayment, terms: Terms, why: PaymentRefusal['why'], atMs: number): Outgoing;
}

const timerOf = (paymentId: string) => `approval ${paymentId}`;

export function approvalTimer(paymentId: string, terms: Terms, env: Env, { approvalMs }: ApprovalOptions): Timer {
  return { id: timerOf(paymentId), atMs: Math.min(env.nowMs + approvalMs, terms.expiresAtMs), note: paymentId };
}

export function decideApproval(
  state: GuardState,
  paymentId: string,
  env: Env,
  options: ApprovalOptions,
): Decision<GuardRecord> {
  const payment = waitingIn(state, paymentId);
  const { terms, recalled } = state.mandates.get(payment.mandateId)!;
  if (recalled) throw refusal('MANDATE_RECALLED');
  if (env.nowMs >= terms.expiresAtMs) throw refusal('MANDATE_EXPIRED');
  return {
    records: [{ type: 'approved', paymentId, atMs: env.nowMs }],
    keys: [historyKey(payment.mandateId)],
    clearTimers: [timerOf(paymentId)],
    send: [options.payOrder(payment, terms)],
  };
}

export function decideRejection(
  state: GuardState,
  { paymentId, reason }: { readonly paymentId: string; readonly reason: string },
  env: Env,
  options: ApprovalOptions,
): Decision<GuardRecord> {
  const payment = waitingIn(state, paymentId);
  const ended = letGo(state, [payment], { status: 'failed', reason, why: 'rejected' }, env, options);
  return { ...ended, keys: [historyKey(payment.mandateId)] };
}

/** The time to approve it is over. */
export function decideUnapproved(
  state: GuardState,
  paymentId: string,
  env: Env,
  options: ApprovalOptions,
): Decision<GuardRecord> {
  const payment = state.payments.get(paymentId);
  if (payment?.status !== 'awaiting-approval') return { records: [] };
  const over = env.nowMs >= state.mandates.get(payment.mandateId)!.terms.expiresAtMs;
  const reason = over ? 'the mandate expired before it was approved' : 'nobody approved it in time';
  const ended = letGo(state, [payment], { status: 'expired', reason, why: 'expired' }, env, options);
  return { ...ended, keys: [historyKey(payment.mandateId)] };
}

/** The mandate pays nothing new; what was approved before goes on to its end. */
export function withdraw(
  state: GuardState,
  { mandateId, reason }: { readonly mandateId: string; readonly reason: string },
  env: Env,
  options: ApprovalOptions,
) {
  const waiting = [...state.payments.values()].filter(
    (payment) => payment.mandateId === mandateId && payment.status === 'awaiting-approval',
  );
  const ended = letGo(state, waiting, { status: 'recalled', reason, why: 'recalled' }, env, options);
  return {
    ...ended,
    records: [{ type: 'recalled' as const, mandateId, reason, atMs: env.nowMs }, ...ended.records],
    keys: [historyKey(mandateId)],
  };
}

interface Ending {
  readonly status: EndStatus;
  readonly reason: string;
  readonly why: PaymentRefusal['why'];
}

function letGo(
  state: GuardState,
  payments: readonly GuardedPayment[],
  { status, reason, why }: Ending,
  { nowMs: atMs }: Env,
  options: ApprovalOptions,
) {
  return {
    records: payments.map(({ paymentId }) => ({
      ...{ type: 'ended' as const, paymentId, status, reason, xid: '', held: false, atMs },
    })),
    clearTimers: payments.map(({ paymentId }) => timerOf(paymentId)),
    send: payments.flatMap((payment) => {
      const { terms } = state.mandates.get(payment.mandateId)!;
      return options.refuse?.(payment, terms, why, atMs) ?? [];
    }),
  };
}

const PRESENT: Readonly<Record<GuardedPayment['status'], string>> = {
  'awaiting-approval': 'waits',
  paying: 'is being paid',
  paid: 'is paid',
  declined: 'was declined',
  failed: 'has failed',
  expired: 'has expired',
  recalled: 'was recalled with its agent',
};

function waitingIn(state: GuardState, paymentId: string): GuardedPayment {
  const payment = state.payments.get(paymentId);
  if (payment === undefined) throw new GuardError('PAYMENT_UNKNOWN', `there is no payment ${paymentId}`);
  if (payment.status === 'awaiting-approval') return payment;
  throw new GuardError('PAYMENT_NOT_WAITING', `the payment does not wait for you: it ${PRESENT[payment.status]}`);
}

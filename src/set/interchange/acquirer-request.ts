/** What the acquirer does with messages of payment gateways: checks, writes down, asks the issuer; the answer follows the issuer's. */

import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { findAccount } from '../../ledger/ledger.ts';
import type { CardRequest, PaymentAdvice, PaymentRequest } from '../message/card-message.ts';
import { encodeCardRequest, encodeCardResponse, responseTo } from '../message/card-message-codec.ts';
import { nextStan, paymentKeyOf, transmissionTime } from '../message/card-message-identity.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import type { AcquiredPayment, AcquirerRecord, AcquirerState } from './acquirer-state.ts';
import { bookOfPayment, inMotion } from './acquirer-state.ts';

export interface CardRoute {
  /** Leading digits of the issuer's cards. */
  readonly prefix: string;
  /** The issuer's institution number. */
  readonly issuerId: string;
}

export interface AcquirerPolicy {
  /** Own institution number, up to 11 digits. */
  readonly acquirerId: string;
  /** Whose cards they are; the longest prefix decides. */
  readonly issuers: readonly CardRoute[];
  /** Outbox route to the interchange network; default `iso8583:access`. */
  readonly network?: string;
  /** How long an issuer may take before the gateway gets 91 and the payment is reversed; default 10 s. */
  readonly issuerMs?: number;
  /** How long an authorisation may wait for its capture; default 7 days. */
  readonly authorisationMs?: number;
  /**
   * How long after a charge a gateway that heard nothing of it may still reverse it: a closed book is not settled before, for
   * what is settled cannot be reversed any more. Longer than the gateways' waiting and repeating; default 0.
   */
  readonly reversalMs?: number;
}

export type AcquirerDecision = Decision<AcquirerRecord>;

const NETWORK = 'iso8583:access';
const ISSUER_MS = 10_000;
const BAR_MS = 2 * 86_400_000;

/** Outbox identities: what about, which payment or book, and the trace number, so that a second try is another message. */
export const outboxId = (about: 'ask' | 'capture' | 'reverse' | 'credit' | 'reconcile', key: string, stan: number) =>
  `${about}/${key}/${stan}`;
export const lapseTimer = (key: string) => `lapse/${key}`;
/** Asks again about the books that were too young to be settled. */
export const reconcileTimer = 'reconcile';
export const barTimer = (key: string) => `bar/${key}`;

export function merchantAccount(merchantId: string, currency: string): string {
  return `merchant:${merchantId}:${currency}`;
}

export interface Arrived<R> {
  readonly messageId: string;
  readonly request: R;
}

export function decideGatewayRequest(
  state: AcquirerState,
  { messageId, request }: Arrived<CardRequest>,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  if (request.type === 'test') return answered(request, RESPONSE_CODES.approved);
  if (request.type === 'reconcile' || request.type === 'credit' || request.acquirerId !== policy.acquirerId) {
    return answered(request, RESPONSE_CODES.invalidTransaction);
  }
  return 'original' in request
    ? decideAdvice(state, { messageId, request }, env, policy)
    : decidePayment(state, { messageId, request }, env, policy);
}

/** An advice that had to wait: it is no longer the message being handled, so its answer is one to an earlier message. */
export function decideQueued(
  state: AcquirerState,
  { messageId, request }: Arrived<CardRequest>,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const { answer, ...decision } = decideGatewayRequest(state, { messageId, request }, env, policy);
  return answer === undefined ? decision : { ...decision, answers: [{ messageId, body: answer }] };
}

function decidePayment(
  state: AcquirerState,
  { messageId, request }: Arrived<PaymentRequest>,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const { merchantId, amount, type } = request;
  const key = paymentKeyOf(request);
  const account = findAccount(state.ledger, merchantAccount(merchantId, amount.currency));
  if (state.merchants.get(merchantId) !== true || account === undefined) {
    return answered(request, RESPONSE_CODES.invalidMerchant);
  }
  const issuerId = issuerOf(policy, request.pan);
  if (issuerId === undefined) return answered(request, RESPONSE_CODES.noSuchIssuer);
  if (state.payments.has(key)) return answered(request, RESPONSE_CODES.duplicateTransmission);
  if (state.barred.has(key)) return answered(request, RESPONSE_CODES.invalidTransaction);

  const { stan, transmittedAt } = request;
  const batch = type === 'purchase' ? state.batch : 0;
  const asked: PaymentRequest = { ...request, batch: state.batch };
  const payment: AcquiredPayment = {
    ...{ type, issuerId, merchantId, amount, batch, status: 'asking', request: asked },
    asked: { stan, transmittedAt },
    waiting: { messageId, answer: responseTo(request, RESPONSE_CODES.approved) },
  };
  return {
    records: [{ type: 'payment', key, payment }],
    keys: [merchantKey(merchantId)],
    send: [
      {
        ...toNetwork(policy, outboxId('ask', key, stan), asked),
        expiresAtMs: env.nowMs + (policy.issuerMs ?? ISSUER_MS),
      },
    ],
  };
}

function decideAdvice(
  state: AcquirerState,
  { messageId, request }: Arrived<PaymentAdvice>,
  env: Env,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const key = paymentKeyOf(request);
  const payment = state.payments.get(key);
  if (payment === undefined) return decideUnknown(request, key, env);
  if (request.merchantId !== payment.merchantId || request.amount.currency !== payment.amount.currency) {
    return answered(request, RESPONSE_CODES.invalidTransaction);
  }
  if (inMotion(payment)) {
    if (payment.queued !== undefined) return answered(request, RESPONSE_CODES.duplicateTransmission);
    return { records: [{ type: 'payment', key, payment: { ...payment, queued: { messageId, request } } }] };
  }
  const arrived = { messageId, request };
  return request.type === 'capture'
    ? decideCapture(state, payment, arrived, policy)
    : decideReversal(state, payment, arrived, policy);
}

/** A reversal that overtook its request keeps that request from ever being asked. */
function decideUnknown(request: PaymentAdvice, key: string, env: Env): AcquirerDecision {
  const unknown = answered(request, RESPONSE_CODES.recordNotFound);
  if (request.type === 'capture') return unknown;
  return {
    ...unknown,
    records: [{ type: 'barred', key }],
    timers: [{ id: barTimer(key), atMs: env.nowMs + BAR_MS }],
  };
}

function decideCapture(
  state: AcquirerState,
  payment: AcquiredPayment,
  { messageId, request }: Arrived<PaymentAdvice>,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const key = paymentKeyOf(request);
  if (payment.status !== 'authorised') return answered(request, RESPONSE_CODES.invalidTransaction);
  if (request.amount.minor > payment.amount.minor) return answered(request, RESPONSE_CODES.invalidAmount);

  const { stan, transmittedAt } = request;
  const capturing: AcquiredPayment = {
    ...payment,
    status: 'capturing',
    batch: state.batch,
    captureMinor: request.amount.minor,
    asked: { stan, transmittedAt },
    waiting: { messageId, answer: responseTo(request, RESPONSE_CODES.approved, payment.approvalCode) },
  };
  return {
    records: [{ type: 'payment', key, payment: capturing }],
    keys: [merchantKey(payment.merchantId)],
    send: [toNetwork(policy, outboxId('capture', key, stan), { ...request, batch: state.batch })],
    clearTimers: [lapseTimer(key)],
  };
}

function decideReversal(
  state: AcquirerState,
  payment: AcquiredPayment,
  { messageId, request }: Arrived<PaymentAdvice>,
  policy: AcquirerPolicy,
): AcquirerDecision {
  const key = paymentKeyOf(request);
  const { status, creditedMinor } = payment;
  const settled = status === 'authorised' || status === 'captured';
  if (!settled || creditedMinor !== undefined) return answered(request, RESPONSE_CODES.invalidTransaction);
  // Once the issuer has been told the totals, undoing is a refund: another kind of transaction.
  if (status === 'captured' && state.books.get(bookOfPayment(payment))?.phase !== 'open') {
    return answered(request, RESPONSE_CODES.recordNotFound);
  }

  const { stan, transmittedAt } = request;
  const reversing: AcquiredPayment = {
    ...payment,
    status: 'reversing',
    undoing: status,
    asked: { stan, transmittedAt },
    waiting: { messageId, answer: responseTo(request, RESPONSE_CODES.approved) },
  };
  return {
    records: [{ type: 'payment', key, payment: reversing }],
    keys: [merchantKey(payment.merchantId)],
    send: [
      toNetwork(policy, outboxId('reverse', key, stan), {
        ...request,
        amount: payment.amount,
        batch: payment.batch || state.batch,
      }),
    ],
    clearTimers: [lapseTimer(key)],
  };
}

/** The reversal that follows an issuer's silence, made by us with a trace number of our own. */
export function automaticReversal(
  state: AcquirerState,
  request: PaymentRequest,
  env: Env,
  policy: AcquirerPolicy,
): { readonly asked: AcquiredPayment['asked']; readonly message: Outgoing; readonly numbered: AcquirerRecord } {
  const asked = { stan: nextStan(state.stan), transmittedAt: transmissionTime(env.nowMs) };
  const { type, stan, transmittedAt } = request;
  const original = { type, stan, transmittedAt };
  const message = toNetwork(policy, outboxId('reverse', paymentKeyOf(request), asked.stan), {
    ...request,
    ...asked,
    type: 'reverse',
    original,
  });
  return { asked, message, numbered: { type: 'numbered', stan: asked.stan } };
}

export function toNetwork(policy: AcquirerPolicy, id: string, request: CardRequest): Outgoing {
  return { id, to: policy.network ?? NETWORK, kind: request.type, body: encodeCardRequest(request) };
}

export function answered(request: CardRequest, code: string): AcquirerDecision {
  return { records: [], answer: encodeCardResponse(responseTo(request, code)) };
}

/** Index key of a merchant's history in the journal. */
export function merchantKey(merchantId: string): string {
  return `merchant:${merchantId}`;
}

export function issuerOf(policy: AcquirerPolicy, pan: string): string | undefined {
  const fitting = policy.issuers.filter(({ prefix }) => pan.startsWith(prefix));
  return fitting.sort((a, b) => b.prefix.length - a.prefix.length)[0]?.issuerId;
}

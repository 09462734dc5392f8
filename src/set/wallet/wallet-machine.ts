/** The cardholder's wallet as a machine: pays what its guard asks it to, over SET, and tells how it ended (`../README.md`). */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Env, Machine } from '../../journal/machine.ts';
import { type Binding, requireBinding } from '../message/binding.ts';
import { requireErrorAnswers } from '../message/error-exchange.ts';
import type { MessageName } from '../message/message-wrapper.ts';
import type { DateWindow } from '../message/receive.ts';
import { asCryptographic, SetError } from '../message/set-error.ts';
import { sameTransaction } from '../message/transaction.ts';
import type { Trust } from '../message/trust.ts';
import type { OpenCard } from './opened-card.ts';
import {
  applyWalletRecord,
  type OpenPayment,
  type SentRequest,
  transIdsOf,
  type WalletRecord,
  type WalletState,
} from './payment.ts';
import type { ReceivedResponse } from './receive-purchase-response.ts';
import type { ReceivedInitiation } from './request-initiation.ts';
import {
  both,
  finish,
  initiate,
  inquire,
  NOTHING,
  openPayment,
  order,
  pause,
  paymentKey,
  tellPending,
  type WalletDecision,
} from './wallet-decision.ts';
import { type ReceivedErrorFromMerchant, type RequestKey, readReply, type WalletInput } from './wallet-input.ts';

export interface WalletOptions {
  readonly trust: Trust;
  readonly openCard: OpenCard;
  /** For the stateless checks of answers, Unix milliseconds. */
  readonly nowMs: () => number;
  readonly window: DateWindow;
}

const MAX_PAYMENT_ID = 64;

export function createWalletMachine(options: WalletOptions): Machine<WalletState, WalletInput, WalletRecord> {
  const { trust, openCard, nowMs, window } = options;
  return {
    name: 'set-wallet',
    initial: () => ({ payments: new Map() }),
    decide: (state, input, env) => decide(state, input, { env, openCard }),
    apply: applyWalletRecord,
    snapshot: ({ payments }) => encodeCborExact([...payments.values()] as unknown as CborValue),
    restore: (bytes) => {
      // Written by `snapshot` into this party's own journal, which vouches for it.
      const payments = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as readonly OpenPayment[];
      return { payments: new Map(payments.map((payment) => [payment.paymentId, payment])) };
    },
    received: (reply) => readReply(reply, { trust, nowMs: nowMs(), window }),
    fired: ({ id }) => ({ type: 'woken', paymentId: id }),
  };
}

interface Context {
  readonly env: Env;
  readonly openCard: OpenCard;
}

function decide(state: WalletState, input: WalletInput, context: Context): WalletDecision {
  if (input.type === 'pay') return begin(state, input.payment, context.env);
  if (input.type === 'told') return NOTHING;
  if (input.type === 'woken') {
    const payment = state.payments.get(input.paymentId);
    return payment === undefined ? NOTHING : wake(payment, context);
  }
  const payment = awaited(state, input.key);
  if (payment === undefined) return NOTHING;
  switch (input.type) {
    case 'initiated':
      return initiated(payment, input.initiation, context);
    case 'responded':
      return responded(payment, input.response, context.env);
    case 'errored':
      return errored(payment, input.error, input.key, context.env);
    case 'undelivered':
      return undelivered(payment, input, context);
  }
}

/** The payment, if it still waits for the answer to this very request. */
function awaited({ payments }: WalletState, { paymentId, name, attempt }: RequestKey): OpenPayment | undefined {
  const payment = payments.get(paymentId);
  if (payment?.attempt !== attempt) return undefined;
  const phase = { PInitReq: 'initiating', PReq: 'ordering', InqReq: 'inquiring' }[name];
  return payment.phase === phase ? payment : undefined;
}

function begin({ payments }: WalletState, asked: Extract<WalletInput, { type: 'pay' }>['payment'], env: Env) {
  const { paymentId, deadlineMs } = asked;
  if (paymentId.length === 0 || paymentId.length > MAX_PAYMENT_ID || payments.has(paymentId)) {
    throw new HandselError('PAYMENT_ID_INVALID', 'a payment needs an id of 1 to 64 characters that no other one has');
  }
  if (env.nowMs >= deadlineMs) throw new HandselError('PAYMENT_DEADLINE', 'the deadline of the payment is over');
  const payment = openPayment(asked, env);
  const opened = { records: [{ type: 'opened', payment } as const], keys: [paymentKey(paymentId)] };
  return { ...both(opened, initiate(payment, env)), answer: new Uint8Array() };
}

function wake(payment: OpenPayment, context: Context): WalletDecision {
  if (payment.phase === 'pausing') {
    if (context.env.nowMs >= payment.deadlineMs) return finish(payment, 'failed', 'DEADLINE');
    return initiate(payment, context.env);
  }
  if (payment.phase !== 'waiting' || payment.order === undefined) return NOTHING;
  return inquire(payment, payment.order, context);
}

function initiated(payment: OpenPayment, initiation: ReceivedInitiation, context: Context): WalletDecision {
  const { data, merchant, gateway, signed } = initiation;
  const request = payment.request!;
  requireAnswerTo(request, 'PInitRes', { binding: signed.binding, recipients: [] });
  if (toHex(data.challC) !== request.challenge) throw new SetError('challengeMismatch', 'another Chall-C than sent');
  const { lidC, lidM } = data.transIds;
  if (toHex(lidC) !== payment.lidC || lidM === undefined || toHex(lidM) !== payment.orderId) {
    throw new SetError('unknownLID', 'the merchant names another order than was asked for');
  }
  if (data.thumbs !== undefined) throw new SetError('thumbsMismatch', 'thumbs come back that were not sent');
  requireMerchant(payment, merchant.merchantId);
  if (merchant.brandId !== payment.brandId || gateway.brandId !== payment.brandId) {
    throw new SetError('signatureFailure', 'merchant or gateway are certified for another brand');
  }
  return order(payment, initiation, context);
}

function responded(payment: OpenPayment, { name, data, merchant, signed }: ReceivedResponse, env: Env): WalletDecision {
  const placed = payment.order!;
  const request = payment.request!;
  requireAnswerTo(request, name, { binding: signed.binding, recipients: [fromHex(placed.cardThumb)] });
  if (toHex(data.challC) !== request.challenge) throw new SetError('challengeMismatch', 'another challenge than sent');
  requireMerchant(payment, merchant.merchantId);
  if (!sameTransaction(data.transIds, transIdsOf(payment, placed))) {
    throw new SetError('unknownXID', 'the answer is about another transaction');
  }

  const { completionCode, results } = data.pResPayloadSeq[0]!;
  const authCode = results?.authStatus?.authCode;
  switch (completionCode) {
    case 'capturePerformed':
    case 'authorizationPerformed':
    case 'meaninglessRatio':
      return authCode === 'approved' ? finish(payment, 'paid') : finish(payment, 'declined', authCode ?? '');
    case 'orderRejected':
      return finish(payment, 'failed', 'ORDER_REJECTED');
    case 'orderNotReceived':
      // The merchant takes no order for this transaction after saying so: nothing can be charged any more.
      return finish(payment, 'failed', 'ORDER_NOT_RECEIVED');
    case 'creditPerformed':
      return finish(payment, 'failed', 'CREDITED');
    case 'orderReceived':
      return pause(payment, 'waiting', env);
  }
}

function errored(
  payment: OpenPayment,
  error: ReceivedErrorFromMerchant,
  { name }: RequestKey,
  env: Env,
): WalletDecision {
  const { errorCode, by } = error;
  if (name === 'PInitReq') {
    // The order may be under way from the merchant's agent to its server: asking again does no harm.
    return errorCode === 'unknownLID' ? pause(payment, 'pausing', env) : finish(payment, 'failed', `SET_${errorCode}`);
  }
  if (by === undefined) throw new SetError('signatureFailure', 'an unsigned error decides nothing about an order');
  requireErrorAnswers(by.signed, 'merchantToCardholder', fromHex(payment.request!.hash));
  requireMerchant(payment, by.merchant.merchantId);
  return name === 'PReq' ? finish(payment, 'failed', `SET_${errorCode}`) : pause(payment, 'waiting', env);
}

function undelivered(payment: OpenPayment, { key, reason }: { key: RequestKey; reason: string }, context: Context) {
  if (key.name === 'PInitReq') return finish(payment, 'failed', reason);
  // PReq may have arrived although no answer came back: only the merchant's word ends this.
  return both(tellPending(payment, context.env), inquire(payment, payment.order!, context));
}

function requireMerchant({ merchantId }: OpenPayment, found: string): void {
  if (found !== merchantId) throw new SetError('signatureFailure', `signed by another merchant, ${found}`);
}

/** @throws CryptographicError unless it was signed by a merchant as the answer to this request of ours. */
function requireAnswerTo(
  request: SentRequest,
  message: MessageName,
  { binding, recipients }: { readonly binding: Uint8Array | undefined; readonly recipients: Binding['recipients'] },
): void {
  const expected: Binding = { direction: 'merchantToCardholder', message, recipients, request: fromHex(request.hash) };
  asCryptographic(() => requireBinding(binding, expected));
}

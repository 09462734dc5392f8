/** The merchant decides about an order once its authorization was asked for: the gateway's answer, inquiries, and giving it back. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Env } from '../../journal/machine.ts';
import { requireBinding } from '../message/binding.ts';
import { sameAmount } from '../message/currency-amount.ts';
import { requireErrorAnswers } from '../message/error-exchange.ts';
import { newId } from '../message/identifiers.ts';
import { asCryptographic, SetError } from '../message/set-error.ts';
import type { SignedContent } from '../message/signed-content.ts';
import { sameTransaction } from '../message/transaction.ts';
import { encodePRes } from './answer-purchase.ts';
import { answerWaiting, endOrder, tellShop } from './end-order.ts';
import { type GatewayKey, gatewayRequestId, type MerchantInput, waitTimer } from './merchant-input.ts';
import { brandOf, type MerchantBrands } from './merchant-keys.ts';
import {
  type FinishedOrder,
  type Initiation,
  type MerchantState,
  type OpenOrder,
  type PurchaseResult,
  transIdsOf,
} from './order.ts';
import type { ReceivedInquiry } from './receive-inquiry.ts';
import {
  encodeReversal,
  fromGateway,
  type ReceivedAuthorization,
  type ReceivedReversal,
} from './request-authorization.ts';
import { type MerchantDecision, NOTHING } from './take-purchase.ts';

export interface Context {
  readonly brands: MerchantBrands;
  readonly env: Env;
}

/** The gateway said yes or no. @throws HandselError when it answers something else than was asked. */
export function settle({ orders }: MerchantState, key: GatewayKey, answer: ReceivedAuthorization, context: Context) {
  const order = orders.get(key.orderId);
  if (order?.phase !== 'authorizing') return NOTHING;
  const { data, baggage, signed } = answer;
  const { authHeader, capResPayload, authDate } = data.authResPayload;
  const sent = order.purchase!.auth;
  requireGatewayAnswer(order, { key, signed, hash: sent.hash, context });
  requireTags(order, data.authTags, sent.rrpid, context);
  if (toHex(data.hAuthReq) !== sent.hash) throw new SetError('signatureFailure', 'an answer to another AuthReq');

  const { authCode, authAmt } = authHeader;
  const dateMs = authDate.getTime();
  if (authCode !== 'approved') {
    const result: PurchaseResult = { completion: 'authorizationPerformed', authCode, dateMs };
    return close(order, { status: 'declined', reason: authCode, result }, context);
  }
  if (!sameAmount(authAmt, order.amount)) throw new SetError('signatureFailure', 'another amount was authorized');
  if (capResPayload?.capCode === 'success') {
    return close(
      order,
      { status: 'paid', reason: '', result: { completion: 'capturePerformed', authCode, dateMs } },
      context,
    );
  }
  // A copy, or the whole answer would stay in memory with it.
  return hold(order, { dateMs, capToken: baggage.capToken?.slice() }, context);
}

function close(order: OpenOrder, end: Parameters<typeof endOrder>[1], context: Context): MerchantDecision {
  return { ...endOrder(order, end), ...answerWaiting(order, end.result, context) };
}

/** Authorized only: the order stays open until the authorization is given back (or, later, captured). */
function hold(
  order: OpenOrder,
  { dateMs, capToken }: { readonly dateMs: number; readonly capToken: Uint8Array | undefined },
  context: Context,
): MerchantDecision {
  const { orderId } = order;
  const result: PurchaseResult = { completion: 'authorizationPerformed', authCode: 'approved', dateMs };
  return {
    records: [
      { type: 'authorized', orderId, authorization: { dateMs, capToken, reversal: undefined } },
      ...answered(order),
    ],
    clearTimers: [waitTimer(orderId)],
    send: [tellShop(order, 'authorized', '')],
    ...answerWaiting(order, result, context),
  };
}

function answered({ orderId, purchase }: OpenOrder) {
  return purchase?.waiting === undefined ? [] : [{ type: 'answered', orderId } as const];
}

/** The gateway refused the request itself: nothing was charged. */
export function refused(
  { orders }: MerchantState,
  input: Extract<MerchantInput, { type: 'errored' }>,
  context: Context,
) {
  const { key, signed, errorCode } = input;
  const order = orders.get(key.orderId);
  const reason = `SET_${errorCode}`;
  if (order?.phase === 'authorizing' && key.name === 'AuthReq') {
    requireErrorAnswers(signed, 'gatewayToMerchant', fromHex(order.purchase!.auth.hash));
    return close(order, { status: 'failed', reason, result: { completion: 'orderRejected' } }, context);
  }
  if (order?.phase === 'reversing' && key.name === 'AuthRevReq') {
    requireErrorAnswers(signed, 'gatewayToMerchant', fromHex(order.authorization!.reversal!.hash));
    return unreversed(order, reason);
  }
  return NOTHING;
}

/** PReq has waited long enough: the cardholder learns that the order is in, and inquires later. */
export function stopWaiting({ orders }: MerchantState, orderId: string, context: Context): MerchantDecision {
  const order = orders.get(orderId);
  if (order?.phase !== 'authorizing') return NOTHING;
  return { records: answered(order), ...answerWaiting(order, { completion: 'orderReceived' }, context) };
}

/** @throws SetError `unknownXID` for anybody but the cardholder who ordered. */
export function inquire(
  state: MerchantState,
  { inquiry, finished }: { readonly inquiry: ReceivedInquiry; readonly finished: FinishedOrder | undefined },
  context: Context,
): MerchantDecision {
  const xid = toHex(inquiry.data.transIds.xid);
  const order = state.orders.get(state.xids.get(xid) ?? '');
  const ended = state.recent.get(xid) ?? finished;
  const answer = (result: PurchaseResult, amount = (order ?? ended)?.amount) =>
    answerInquiry(inquiry, result, amount, context);

  if (order?.initiation !== undefined) {
    requireAsker(inquiry, { ...order, initiation: order.initiation, cardThumb: order.purchase?.cardThumb });
    if (order.purchase !== undefined) return { records: [], answer: answer(resultOf(order)) };
    // Having said that nothing was ordered, the merchant takes no order for this transaction any more: the wallet relies on it.
    const result: PurchaseResult = { completion: 'orderNotReceived' };
    return { ...endOrder(order, { status: 'failed', reason: 'NOT_ORDERED', result }), answer: answer(result) };
  }
  if (ended?.initiation !== undefined) {
    requireAsker(inquiry, { ...ended, initiation: ended.initiation });
    return { records: [], answer: answer(ended.result) };
  }
  return { records: [], answer: answer({ completion: 'orderNotReceived' }) };
}

function resultOf({ phase, authorization }: OpenOrder): PurchaseResult {
  if (phase === 'authorizing' || authorization === undefined) return { completion: 'orderReceived' };
  return { completion: 'authorizationPerformed', authCode: 'approved', dateMs: authorization.dateMs };
}

interface Asked {
  readonly orderId: string;
  readonly initiation: Initiation;
  readonly cardThumb: string | undefined;
}

function requireAsker({ data, cardThumb }: ReceivedInquiry, asked: Asked): void {
  const same = sameTransaction(data.transIds, transIdsOf(asked.orderId, asked.initiation));
  if (!same || (asked.cardThumb !== undefined && asked.cardThumb !== toHex(cardThumb))) {
    throw new SetError('unknownXID', 'asked by another cardholder, or under other names, than it was ordered');
  }
}

function answerInquiry(
  { data, cardThumb, brandId, hash }: ReceivedInquiry,
  result: PurchaseResult,
  amount: OpenOrder['amount'] | undefined,
  { brands, env }: Context,
): Uint8Array {
  const { transIds, rrpid, challC2 } = data;
  return encodePRes({
    ...{ name: 'InqRes', transIds, rrpid, result, cardThumb },
    challC: challC2,
    request: hash,
    amount,
    brand: brandOf(brands, brandId),
    nowMs: env.nowMs,
  });
}

/** @throws HandselError `ORDER_NOT_REVERSIBLE` unless the order is authorized and not captured. */
export function reverse({ orders }: MerchantState, id: Uint8Array, { brands, env }: Context): MerchantDecision {
  const orderId = toHex(id);
  const order = orders.get(orderId);
  const capToken = order?.authorization?.capToken;
  if (order?.phase !== 'authorized' || order.initiation === undefined || capToken === undefined) {
    throw new HandselError('ORDER_NOT_REVERSIBLE', 'only an authorization that is not captured can be given back');
  }
  const { initiation, amount } = order;
  const brand = brandOf(brands, initiation.brandId);
  const rrpid = newId(env.random);
  const transIds = transIdsOf(orderId, initiation);
  const { random, nowMs } = env;
  const { bytes, hash } = encodeReversal({ brand, rrpid, transIds, amount, capToken, random, nowMs });
  return {
    records: [{ type: 'reversing', orderId, reversal: { rrpid: toHex(rrpid), hash: toHex(hash) } }],
    answer: new Uint8Array(),
    send: [
      {
        id: gatewayRequestId({ orderId, name: 'AuthRevReq', brandId: initiation.brandId }, toHex(rrpid)),
        to: `${brand.gateway.url}/set`,
        kind: 'AuthRevReq',
        body: bytes,
      },
    ],
  };
}

export function reversed({ orders }: MerchantState, key: GatewayKey, answer: ReceivedReversal, context: Context) {
  const order = orders.get(key.orderId);
  const sent = order?.authorization?.reversal;
  if (order?.phase !== 'reversing' || sent === undefined) return NOTHING;
  const { data, signed } = answer;
  requireGatewayAnswer(order, { key, signed, hash: sent.hash, context });
  requireTags(order, data.authRevTags, sent.rrpid, context);
  if (toHex(data.hAuthRevReq) !== sent.hash) throw new SetError('signatureFailure', 'an answer to another AuthRevReq');
  if (data.authRevCode !== 'success') return unreversed(order, data.authRevCode);
  return endOrder(order, { status: 'reversed', reason: '', result: { completion: 'orderRejected' } });
}

function unreversed(order: OpenOrder, reason: string): MerchantDecision {
  const { orderId } = order;
  return { records: [{ type: 'reversal-refused', orderId }], send: [tellShop(order, 'unreversed', reason)] };
}

interface GatewayAnswer {
  readonly key: GatewayKey;
  readonly signed: SignedContent;
  /** Of the request sent. */
  readonly hash: string;
  readonly context: Context;
}

function requireGatewayAnswer({ initiation }: OpenOrder, { key, signed, hash, context }: GatewayAnswer): void {
  const brand = brandOf(context.brands, initiation!.brandId);
  const name = key.name === 'AuthReq' ? 'AuthRes' : 'AuthRevRes';
  asCryptographic(() => requireBinding(signed.binding, { ...fromGateway(name, brand), request: fromHex(hash) }));
}

type Tags = ReceivedAuthorization['data']['authTags'];

function requireTags(
  { orderId, initiation }: OpenOrder,
  { authRRTags, transIds }: Tags,
  rrpid: string,
  { brands }: Context,
) {
  if (toHex(authRRTags.rrpid) !== rrpid) throw new SetError('unknownRRPID', 'an answer under another RRPID');
  if (authRRTags.merTermIds.merchantId !== brandOf(brands, initiation!.brandId).merchantId) {
    throw new SetError('signatureFailure', 'an answer to another merchant');
  }
  if (!sameTransaction(transIds, transIdsOf(orderId, initiation!))) {
    throw new SetError('unknownXID', 'an answer about another transaction');
  }
}

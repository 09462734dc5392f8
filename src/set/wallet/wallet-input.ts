/** What the wallet machine is told: payments to make, answers of merchants, and time. Answers come checked as far as no state is needed. */
import { HandselError } from '../../handsel-error.ts';
import type { Reply } from '../../journal/machine.ts';
import { readError } from '../message/error-exchange.ts';
import type { MessageName } from '../message/message-wrapper.ts';
import { type DateWindow, dateRefusal, openWrapper, requireKnownExtensions } from '../message/receive.ts';
import type { ErrorCode } from '../message/set-error.ts';
import type { SignedContent } from '../message/signed-content.ts';
import type { Merchant, Trust } from '../message/trust.ts';
import type { PaymentToMake } from './payment.ts';
import { type ReceivedResponse, receivePRes } from './receive-purchase-response.ts';
import { type ReceivedInitiation, receivePInitRes } from './request-initiation.ts';

export type RequestName = 'PInitReq' | 'PReq' | 'InqReq';

/** Which request of which payment an answer is to. */
export interface RequestKey {
  readonly paymentId: string;
  readonly name: RequestName;
  readonly attempt: number;
}

export type WalletInput =
  | { readonly type: 'pay'; readonly payment: PaymentToMake }
  | { readonly type: 'initiated'; readonly key: RequestKey; readonly initiation: ReceivedInitiation }
  | { readonly type: 'responded'; readonly key: RequestKey; readonly response: ReceivedResponse }
  | { readonly type: 'errored'; readonly key: RequestKey; readonly error: ReceivedErrorFromMerchant }
  | { readonly type: 'undelivered'; readonly key: RequestKey; readonly reason: string }
  | { readonly type: 'told' }
  | { readonly type: 'woken'; readonly paymentId: string };

export interface ReceivedErrorFromMerchant {
  readonly errorCode: ErrorCode;
  /** Who signed it, checked as a merchant; absent when unsigned. */
  readonly by?: { readonly merchant: Merchant; readonly signed: SignedContent };
}

const ANSWER_TO = { PInitReq: 'PInitRes', PReq: 'PRes', InqReq: 'InqRes' } as const satisfies Record<
  RequestName,
  MessageName
>;

export function requestId({ paymentId, name, attempt }: RequestKey): string {
  return `${paymentId}/${name}/${attempt}`;
}

/** The id of what tells the asker how a payment stands: no request to a merchant. */
export function outcomeId(paymentId: string, status: string): string {
  return `${paymentId}/outcome/${status}`;
}

function readRequestId(id: string): RequestKey | undefined {
  const [attempt, name, ...rest] = id.split('/').reverse();
  if (name !== 'PInitReq' && name !== 'PReq' && name !== 'InqReq') return undefined;
  return { paymentId: rest.reverse().join('/'), name, attempt: Number(attempt) };
}

export interface ReplyContext {
  readonly trust: Trust;
  readonly nowMs: number;
  readonly window: DateWindow;
}

/** @throws HandselError when the answer is of no use, so that the same request is sent again. */
export function readReply({ id, outcome }: Reply, context: ReplyContext): WalletInput {
  const key = readRequestId(id);
  if (key === undefined) return { type: 'told' };
  if (outcome.type === 'expired') return { type: 'undelivered', key, reason: 'DEADLINE' };
  if (outcome.type === 'refused') {
    // Nothing is at stake yet at the initiation. Later a refusal by some intermediary says nothing about an earlier delivery.
    if (key.name === 'PInitReq') return { type: 'undelivered', key, reason: outcome.code };
    throw new HandselError('SET_REFUSED_IN_TRANSIT', `refused with ${outcome.code} on the way`);
  }
  return readAnswer(outcome.body, key, context);
}

function readAnswer(bytes: Uint8Array, key: RequestKey, { trust, nowMs, window }: ReplyContext): WalletInput {
  const message = openWrapper(bytes, [ANSWER_TO[key.name], 'Error']);
  const stale = dateRefusal(message.header, nowMs, window);
  if (stale !== undefined) throw stale;
  requireKnownExtensions(message);
  if (message.message.type === 'Error') {
    const { errorCode, signed } = readError(message.message.value, trust);
    if (signed === undefined) return { type: 'errored', key, error: { errorCode } };
    const merchant = trust.merchant({ leaf: signed.signer, pool: signed.pool, use: 'signature', atMs: nowMs });
    return { type: 'errored', key, error: { errorCode, by: { merchant, signed } } };
  }
  if (key.name === 'PInitReq') {
    const initiation = receivePInitRes(message, trust, nowMs);
    // The merchant dates the purchase: dated ahead, the instruction could be used long after its owner has forgotten it.
    const untimely = dateRefusal({ date: initiation.data.transIds.preqDate }, nowMs, window);
    if (untimely !== undefined) throw untimely;
    return { type: 'initiated', key, initiation };
  }
  return { type: 'responded', key, response: receivePRes(message, trust, nowMs) };
}

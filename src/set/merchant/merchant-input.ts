/** What the merchant machine is told: orders of the shop, requests of cardholders, answers of gateways, and time. */
import { HandselError } from '../../handsel-error.ts';
import type { Reply, Timer } from '../../journal/machine.ts';
import type { Refusal } from '../message/endpoint.ts';
import { readError } from '../message/error-exchange.ts';
import { type DateWindow, dateRefusal, openWrapper, requireKnownExtensions } from '../message/receive.ts';
import { type ErrorCode, SetError } from '../message/set-error.ts';
import type { SignedContent } from '../message/signed-content.ts';
import type { Trust } from '../message/trust.ts';
import type { ReceivedPInitReq } from './answer-initiation.ts';
import { brandOf, type MerchantBrands } from './merchant-keys.ts';
import type { FinishedOrder, OrderToTake } from './order.ts';
import type { ReceivedInquiry } from './receive-inquiry.ts';
import type { ReceivedPurchase } from './receive-purchase.ts';
import {
  type ReceivedAuthorization,
  type ReceivedReversal,
  receiveAuthRes,
  receiveAuthRevRes,
} from './request-authorization.ts';

export type MerchantInput =
  | { readonly type: 'order'; readonly order: OrderToTake }
  | { readonly type: 'reverse'; readonly orderId: Uint8Array }
  | { readonly type: 'initiate'; readonly request: ReceivedPInitReq }
  | { readonly type: 'purchase'; readonly messageId: string; readonly purchase: ReceivedPurchase }
  | { readonly type: 'inquire'; readonly inquiry: ReceivedInquiry; readonly finished: FinishedOrder | undefined }
  | { readonly type: 'refuse'; readonly refusal: Refusal }
  | { readonly type: 'authorized'; readonly key: GatewayKey; readonly authorization: ReceivedAuthorization }
  | { readonly type: 'reversed'; readonly key: GatewayKey; readonly reversal: ReceivedReversal }
  | {
      readonly type: 'errored';
      readonly key: GatewayKey;
      readonly errorCode: ErrorCode;
      readonly signed: SignedContent;
    }
  | { readonly type: 'told' }
  | { readonly type: 'waited'; readonly orderId: string }
  | { readonly type: 'expired'; readonly orderId: string };

/** Which request to a gateway an answer is to. */
export interface GatewayKey {
  readonly orderId: string;
  readonly name: 'AuthReq' | 'AuthRevReq';
  readonly brandId: string;
}

const ANSWER_TO = { AuthReq: 'AuthRes', AuthRevReq: 'AuthRevRes' } as const;

export function gatewayRequestId({ orderId, name, brandId }: GatewayKey, rrpid: string): string {
  return `${name}/${orderId}/${rrpid}/${brandId}`;
}

function readGatewayRequestId(id: string): GatewayKey | undefined {
  const [name, orderId, , ...brand] = id.split('/');
  if ((name !== 'AuthReq' && name !== 'AuthRevReq') || orderId === undefined) return undefined;
  return { orderId, name, brandId: brand.join('/') };
}

export const waitTimer = (orderId: string): string => `wait/${orderId}`;
export const expiryTimer = (orderId: string): string => `expiry/${orderId}`;

export function readTimer({ id }: Timer): MerchantInput {
  const [name, orderId = ''] = id.split('/');
  return { type: name === 'wait' ? 'waited' : 'expired', orderId };
}

export interface GatewayReplyContext {
  readonly brands: MerchantBrands;
  readonly trust: Trust;
  readonly nowMs: number;
  readonly window: DateWindow;
}

/** @throws HandselError when the answer is of no use, so that the same request is sent again. */
export function readGatewayReply({ id, outcome }: Reply, context: GatewayReplyContext): MerchantInput {
  const key = readGatewayRequestId(id);
  if (key === undefined) return { type: 'told' };
  // Only the gateway's own word ends an authorization: one delivery refused on the way says nothing about another.
  if (outcome.type !== 'answered') throw new HandselError('SET_REFUSED_IN_TRANSIT', 'not delivered to the gateway');
  const { brands, trust, nowMs, window } = context;
  const message = openWrapper(outcome.body, [ANSWER_TO[key.name], 'Error']);
  const stale = dateRefusal(message.header, nowMs, window);
  if (stale !== undefined) throw stale;
  requireKnownExtensions(message);

  const brand = brandOf(brands, key.brandId);
  if (message.message.type === 'Error') {
    const { errorCode, signed } = readError(message.message.value, trust);
    if (signed === undefined) throw new SetError('signatureFailure', `an unsigned error, ${errorCode}`);
    const gateway = trust.gateway({ leaf: signed.signer, pool: signed.pool, use: 'signature', atMs: nowMs });
    if (gateway.gatewayId !== brand.gateway.gatewayId) {
      throw new SetError('signatureFailure', `an error signed by another gateway, ${gateway.gatewayId}`);
    }
    return { type: 'errored', key, errorCode, signed };
  }
  const answer = { brand, trust, atMs: nowMs };
  return key.name === 'AuthReq'
    ? { type: 'authorized', key, authorization: receiveAuthRes(message, answer) }
    : { type: 'reversed', key, reversal: receiveAuthRevRes(message, answer) };
}

/** The merchant's PRes and InqRes: its signed word on how far a purchase has come (notes on SET, "Purchase"). */

import type { Amount } from '../../money/amount.ts';
import { contentTypes } from '../message/content-types.ts';
import { encodeMessage } from '../message/message-wrapper.ts';
import { encodePResData, type PResPayload, type PurchaseResults } from '../message/purchase-response.ts';
import { signContent } from '../message/signed-content.ts';
import { messageIdsOf, type TransIds } from '../message/transaction.ts';
import type { MerchantBrand } from './merchant-keys.ts';
import type { PurchaseResult } from './order.ts';

export interface PurchaseToAnswer {
  readonly name: 'PRes' | 'InqRes';
  readonly transIds: TransIds;
  readonly rrpid: Uint8Array;
  readonly challC: Uint8Array;
  /** Hash of the PReq or InqReq. */
  readonly request: Uint8Array;
  readonly cardThumb: Uint8Array;
  readonly result: PurchaseResult;
  /** Needed where the result says how much of it was authorized. */
  readonly amount: Amount | undefined;
  readonly brand: MerchantBrand;
  readonly nowMs: number;
}

export function encodePRes(answer: PurchaseToAnswer): Uint8Array {
  const { name, transIds, rrpid, challC, request, cardThumb, result, amount, brand, nowMs } = answer;
  const body = signContent({
    type: contentTypes.pResData,
    content: encodePResData({ transIds, rrpid, challC, pResPayloadSeq: [payloadOf(result, amount)] }),
    binding: { direction: 'merchantToCardholder', message: name, recipients: [cardThumb], request },
    signer: brand.signing,
  });
  return encodeMessage({ name, body, nowMs, messageIds: messageIdsOf(transIds), rrpid });
}

/** An order is authorized and captured whole or not at all, so the ratios are one or zero. */
function payloadOf({ completion, authCode, dateMs = 0 }: PurchaseResult, amount: Amount | undefined): PResPayload {
  if (authCode === undefined || amount === undefined) return { completionCode: completion };
  const date = new Date(dateMs);
  const ratio = { part: authCode === 'approved' ? amount.minor : 0n, whole: amount.minor };
  const results: PurchaseResults = {
    authStatus: { authDate: date, authCode, authRatio: ratio },
    ...(completion === 'capturePerformed' && { capStatus: { capDate: date, capCode: 'success', capRatio: ratio } }),
  };
  return { completionCode: completion, results };
}

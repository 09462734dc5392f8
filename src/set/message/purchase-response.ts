/** PRes, and InqRes which has its shape (notes on SET, "Purchase"): the merchant's signed word on how far a purchase has come. */
import {
  any,
  decodeDer,
  encodeDer,
  explicit,
  generalizedTime,
  type Infer,
  implicit,
  integer,
  optional,
  sequence,
  sequenceOf,
} from '../../codec/der.ts';
import { authCodeType, capCodeType, completionCodeType } from './authorization-code.ts';
import { nonceType, rrpidType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { transIdsType } from './transaction.ts';

/** Part of the purchase amount, as an exact fraction of minor units where SET 1.0 has a floating-point number. */
const ratioType = sequence({ part: integer({ min: 0n }), whole: integer({ min: 0n }) });

const resultsType = sequence({
  authStatus: optional(
    implicit(1, sequence({ authDate: generalizedTime(), authCode: authCodeType, authRatio: ratioType })),
  ),
  capStatus: optional(implicit(2, sequence({ capDate: generalizedTime(), capCode: capCodeType, capRatio: ratioType }))),
});
export type PurchaseResults = Infer<typeof resultsType>;

const payloadType = sequence({
  completionCode: completionCodeType,
  results: optional(implicit(0, resultsType)),
  pRsExtensions: extensionsField(1),
});
export type PResPayload = Infer<typeof payloadType>;

const pResDataType = sequence({
  transIds: transIdsType,
  rrpid: rrpidType,
  challC: nonceType,
  brandCrlIdentifier: optional(explicit(0, any())),
  /** One per shipment where an order is split; this merchant never splits. */
  pResPayloadSeq: sequenceOf(payloadType, { min: 1, max: 16 }),
});
export type PResData = Infer<typeof pResDataType>;

export function encodePResData(data: PResData): Uint8Array {
  return encodeDer(pResDataType, data);
}

/** @throws DerError */
export function decodePResData(der: Uint8Array): PResData {
  return decodeDer(pResDataType, der, { maxBytes: 16_384 });
}

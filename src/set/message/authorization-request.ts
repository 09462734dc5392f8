/** AuthReq = EncB(M, P, AuthReqData, PI) (notes on SET, "Authorization"): the merchant asks the gateway for the cardholder's money. */
import {
  boolean,
  type DerType,
  decodeDer,
  encodeDer,
  explicit,
  type Infer,
  implicit,
  numericString,
  optional,
  type Part,
  part,
  partOf,
  sequence,
  unopened,
} from '../../codec/der.ts';
import { digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { currencyAmountType } from './currency-amount.ts';
import { extensionsField } from './message-extension.ts';
import { MAX_MESSAGE_BYTES } from './message-wrapper.ts';
import { installRecurDataType } from './recurring.ts';
import { rrTagsType, transIdsType } from './transaction.ts';

export const authTagsType = sequence({ authRRTags: rrTagsType, transIds: transIdsType });
export type AuthTags = Infer<typeof authTagsType>;

const authReqPayloadType = sequence({
  subsequentAuthInd: boolean(),
  /** What the cardholder agreed to in all; SET 1.0 leaves it to HOD, which the gateway cannot recompute (fix 4). */
  purchAmt: currencyAmountType,
  authReqAmt: currencyAmountType,
  requestCardTypeInd: boolean(),
  installRecurData: optional(implicit(0, installRecurDataType)),
  /** Four digits, the kind of shop (ISO 18245). */
  merchCatCode: optional(implicit(1, numericString({ min: 4, max: 4 }))),
  aRqExtensions: extensionsField(2),
});

const authReqDataType = sequence({
  authReqItem: sequence({
    authTags: authTagsType,
    /** Computed by the merchant from what it was sent and what it sold: the gateway compares them with the instruction's. */
    checkDigests: sequence({ hOIData: digestedType(contentTypes.oiData), hod2: digestedType(contentTypes.hodInput) }),
    authReqPayload: authReqPayloadType,
  }),
  mThumbs: optional(explicit(0, unopened())),
  captureNow: boolean(),
});
export type AuthReqData = Infer<typeof authReqDataType>;

/** L(AuthReqData, PI). */
const authReqTbsType = sequence({ authReqData: authReqDataType, hPI: digestedType(contentTypes.pi) });
export type AuthReqTbs = Infer<typeof authReqTbsType>;

const authReqOf = <T>(element: DerType<T>) =>
  sequence({
    /** E(P, S(M, L(AuthReqData, PI))). */
    sealed: element,
    /** The baggage: outside, because the cardholder sealed it already. */
    pi: element,
  });
const authReqType = authReqOf(unopened());
const outgoingType = authReqOf(part());
export type AuthReq = Infer<typeof authReqType>;

export function encodeAuthReqTbs(tbs: AuthReqTbs): Uint8Array {
  return encodeDer(authReqTbsType, tbs);
}

/** @throws DerError */
export function decodeAuthReqTbs(der: Uint8Array): AuthReqTbs {
  return decodeDer(authReqTbsType, der, { maxBytes: 16_384 });
}

export function encodeAuthReq(authReq: Infer<typeof outgoingType>): Part {
  return partOf(outgoingType, authReq);
}

/** @throws DerError */
export function decodeAuthReq(body: Uint8Array): AuthReq {
  return decodeDer(authReqType, body, { maxBytes: MAX_MESSAGE_BYTES });
}

/** AuthRes = EncB(P, M, AuthResData, AuthResBaggage) (notes on SET, "Authorization"): approved or declined, by the gateway to one merchant for one request. */
import {
  type DerType,
  decodeDer,
  encodeDer,
  explicit,
  generalizedTime,
  type Infer,
  implicit,
  optional,
  type Part,
  part,
  partOf,
  sequence,
  unopened,
  visibleString,
} from '../../codec/der.ts';
import { authCodeType, capCodeType } from './authorization-code.ts';
import { authTagsType } from './authorization-request.ts';
import { digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { currencyAmountType } from './currency-amount.ts';
import { hashType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { MAX_MESSAGE_BYTES } from './message-wrapper.ts';

const authResPayloadType = sequence({
  authHeader: sequence({
    authAmt: currencyAmountType,
    authCode: authCodeType,
    responseData: sequence({
      approvalCode: optional(implicit(0, visibleString({ min: 1, max: 12 }))),
      /** The acquirer's name for the transaction, e.g. its retrieval reference number. */
      logRefId: optional(implicit(1, visibleString({ min: 1, max: 32 }))),
    }),
  }),
  /** Present when the request said CaptureNow. */
  capResPayload: optional(implicit(0, sequence({ capCode: capCodeType, capAmt: currencyAmountType }))),
  authDate: generalizedTime(),
  aRsExtensions: extensionsField(1),
});
export type AuthResPayload = Infer<typeof authResPayloadType>;

const authResDataType = sequence({
  /** Names the merchant, by its identifier in the request's tags (fix 2). */
  authTags: authTagsType,
  /** The hash of the request: this answers that and nothing else (fix 2). */
  hAuthReq: hashType,
  brandCrlIdentifier: optional(explicit(0, unopened())),
  /** A newer encryption certificate of the gateway, when the merchant's is about to end. */
  peThumb: optional(explicit(1, hashType)),
  authResPayload: authResPayloadType,
});
export type AuthResData = Infer<typeof authResDataType>;

/** L(AuthResData, AuthResBaggage). */
const authResTbsType = sequence({ authResData: authResDataType, hBaggage: digestedType(contentTypes.authResBaggage) });
export type AuthResTbs = Infer<typeof authResTbsType>;

/**
 * SET's AcqCardMsg is not here: a message from the acquirer to the cardholder under a key of its own would need SET 1.0's
 * weak encryption (fix 16). AuthToken comes with recurring payments.
 */
const authResBaggageType = sequence({ capToken: optional(explicit(0, unopened())) });
export type AuthResBaggage = Infer<typeof authResBaggageType>;

const authResOf = <T>(element: DerType<T>) => sequence({ sealed: element, baggage: element });
const authResType = authResOf(unopened());
const outgoingType = authResOf(part());
export type AuthRes = Infer<typeof authResType>;

export function encodeAuthResTbs(tbs: AuthResTbs): Uint8Array {
  return encodeDer(authResTbsType, tbs);
}

/** @throws DerError */
export function decodeAuthResTbs(der: Uint8Array): AuthResTbs {
  return decodeDer(authResTbsType, der, { maxBytes: 16_384 });
}

export function encodeAuthResBaggage(baggage: AuthResBaggage): Uint8Array {
  return encodeDer(authResBaggageType, baggage);
}

/** @throws DerError */
export function decodeAuthResBaggage(der: Uint8Array): AuthResBaggage {
  return decodeDer(authResBaggageType, der, { maxBytes: 16_384 });
}

export function encodeAuthRes(authRes: Infer<typeof outgoingType>): Part {
  return partOf(outgoingType, authRes);
}

/** @throws DerError */
export function decodeAuthRes(body: Uint8Array): AuthRes {
  return decodeDer(authResType, body, { maxBytes: MAX_MESSAGE_BYTES });
}

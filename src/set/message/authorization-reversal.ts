/** AuthRevReq and AuthRevRes (notes on SET, "Authorization"): the merchant gives back an authorization it will not capture. */
import { decodeDer, encodeDer, type Infer, sequence, unopened } from '../../codec/der.ts';
import { authRevCodeType } from './authorization-code.ts';
import { authTagsType } from './authorization-request.ts';
import { digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { currencyAmountType } from './currency-amount.ts';
import { hashType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { MAX_MESSAGE_BYTES } from './message-wrapper.ts';

const authRevReqTbsType = sequence({
  authRevReqData: sequence({
    /** Tags of this request; the authorization is named by the transaction and by the CapToken. */
    authRevTags: authTagsType,
    /** What shall remain authorized: zero, for only whole authorizations are given back here. */
    authNewAmt: currencyAmountType,
    aRvRqExtensions: extensionsField(0),
  }),
  hBaggage: digestedType(contentTypes.authRevReqBaggage),
});
export type AuthRevReqTbs = Infer<typeof authRevReqTbsType>;

const authRevReqType = sequence({ sealed: unopened(), capToken: unopened() });
export type AuthRevReq = Infer<typeof authRevReqType>;

const authRevResDataType = sequence({
  authRevCode: authRevCodeType,
  authRevTags: authTagsType,
  hAuthRevReq: hashType,
  authNewAmt: currencyAmountType,
  aRvRsExtensions: extensionsField(0),
});
export type AuthRevResData = Infer<typeof authRevResDataType>;

export function encodeAuthRevReqTbs(tbs: AuthRevReqTbs): Uint8Array {
  return encodeDer(authRevReqTbsType, tbs);
}

/** @throws DerError */
export function decodeAuthRevReqTbs(der: Uint8Array): AuthRevReqTbs {
  return decodeDer(authRevReqTbsType, der, { maxBytes: 16_384 });
}

export function encodeAuthRevReq(request: AuthRevReq): Uint8Array {
  return encodeDer(authRevReqType, request);
}

/** @throws DerError */
export function decodeAuthRevReq(body: Uint8Array): AuthRevReq {
  return decodeDer(authRevReqType, body, { maxBytes: MAX_MESSAGE_BYTES });
}

export function encodeAuthRevResData(data: AuthRevResData): Uint8Array {
  return encodeDer(authRevResDataType, data);
}

/** @throws DerError */
export function decodeAuthRevResData(der: Uint8Array): AuthRevResData {
  return decodeDer(authRevResDataType, der, { maxBytes: 16_384 });
}

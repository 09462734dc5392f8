/** PInitReq and PInitRes (notes on SET, "Purchase"): the cardholder's wallet asks, in clear; the merchant names the transaction and signs. */
import { any, explicit, type Infer, implicit, numericString, optional, sequence } from '../../codec/der.ts';
import { brandIdType, hashType, languageType, localIdType, nonceType, rrpidType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { transIdsType } from './transaction.ts';

/** Not confidential: nothing a third party must not see may go into it or its extensions. */
export const pInitReqType = sequence({
  rrpid: rrpidType,
  language: languageType,
  lidC: localIdType,
  lidM: optional(implicit(0, localIdType)),
  challC: nonceType,
  brandId: brandIdType,
  /** The first six digits of the card number: brand and issuer, no account. */
  bin: numericString({ min: 6, max: 6 }),
  thumbs: optional(explicit(1, any())),
  piRqExtensions: extensionsField(2),
});
export type PInitReq = Infer<typeof pInitReqType>;

export const pInitResDataType = sequence({
  transIds: transIdsType,
  rrpid: rrpidType,
  challC: nonceType,
  challM: nonceType,
  brandCrlIdentifier: optional(explicit(0, any())),
  /** Names the gateway's encryption certificate among those beside the signature. */
  peThumb: explicit(1, hashType),
  thumbs: optional(explicit(2, any())),
  piRsExtensions: extensionsField(3),
});
export type PInitResData = Infer<typeof pInitResDataType>;

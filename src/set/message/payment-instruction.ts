/** PIHead, PANData and PI (notes on SET, "Purchase"): what only the payment gateway sees of a purchase, sealed to it by the cardholder. */
import {
  choice,
  type DerType,
  decodeDer,
  encodeDer,
  explicit,
  type Infer,
  implicit,
  lendDer,
  numericString,
  optional,
  sequence,
  unopened,
} from '../../codec/der.ts';
import { hmacSha256 } from '../../crypto/digest.ts';
import { digestContent, digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { currencyAmountType } from './currency-amount.ts';
import { gatewayIdentityType } from './gateway-identity.ts';
import { hashType, merchantIdType, nonceType, softwareType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { installRecurDataType } from './recurring.ts';
import { transIdsType } from './transaction.ts';

export const piHeadType = sequence({
  transIds: transIdsType,
  inputs: sequence({ hod: digestedType(contentTypes.hodInput), purchAmt: currencyAmountType }),
  merchantId: merchantIdType,
  gateway: gatewayIdentityType,
  installRecurData: optional(implicit(0, installRecurDataType)),
  /** HMAC of the XID under CardSecret: lets the issuer, who keeps that secret, prove later where the purchase came from. */
  transStain: hashType,
  swIdent: softwareType,
  piExtensions: extensionsField(1),
});
export type PIHead = Infer<typeof piHeadType>;

export const panDataType = sequence({
  pan: numericString({ min: 12, max: 19 }),
  /** YYYYMM */
  cardExpiry: numericString({ min: 6, max: 6 }),
  panSecret: nonceType,
  exNonce: nonceType,
});
export type PanData = Infer<typeof panDataType>;

const piDataType = sequence({ piHead: unopened(), panData: unopened() });

/** H over PIData, both parts given as they are encoded; the nonce in PANData keeps it from being guessed (fix 14). */
export function digestPIData(parts: { readonly piHead: Uint8Array; readonly panData: Uint8Array }): Uint8Array {
  return lendDer(piDataType, parts, (der) => digestContent(contentTypes.piData, der));
}

export function stainOf(xid: Uint8Array, cardSecret: Uint8Array): Uint8Array {
  return hmacSha256(cardSecret, xid);
}

/**
 * PIDualSignedTBE = {L(PIHead, OIData), PANData}. SET 1.0 carries PANData in the RSA block beside the DES key because DES was the
 * weaker of the two; here one AES-256-GCM key protects and authenticates both alike, so that slot (EX) is a field.
 */
const sealedType = sequence({
  piOILink: sequence({ piHead: unopened(), hOIData: digestedType(contentTypes.oiData) }),
  panData: unopened(),
});
export type SealedInstruction = Infer<typeof sealedType>;

/** For as long as `use` seals it. */
export function lendSealedInstruction<R>(value: SealedInstruction, use: (der: Uint8Array) => R): R {
  return lendDer(sealedType, value, use);
}

/** @throws DerError */
export function decodeSealedInstruction(der: Uint8Array): SealedInstruction {
  return decodeDer(sealedType, der, { maxBytes: 16_384 });
}

export const piDualSignedOf = <T>(element: DerType<T>) =>
  sequence({
    /** SO(C, PI-TBS): a detached SignedData in its ContentInfo. */
    piSignature: element,
    /** EX(P, PI-OILink, PANData): an AuthEnvelopedData in its ContentInfo. */
    exPIData: element,
  });
const piDualSignedType = piDualSignedOf(unopened());
export type PIDualSigned = Infer<typeof piDualSignedType>;

/** The forms a later authorization may bring (unsigned, token) keep their tags and are refused here. */
const piType = choice({
  piUnsigned: explicit(0, unopened()),
  piDualSigned: explicit(1, piDualSignedType),
  authToken: explicit(2, unopened()),
});
export type PI = Infer<typeof piType>;

export function encodePI(pi: PI): Uint8Array {
  return encodeDer(piType, pi);
}

/** @throws DerError */
export function decodePI(der: Uint8Array): PI {
  return decodeDer(piType, der, { maxBytes: 32_768 });
}

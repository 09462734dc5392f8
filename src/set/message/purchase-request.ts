/** PReq (notes on SET, "Purchase"): the cardholder's order for the merchant and instruction for the gateway, under one dual signature. */
import { choice, decodeDer, encodeDer, explicit, type Infer, sequence, unopened } from '../../codec/der.ts';
import { digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { MAX_MESSAGE_BYTES } from './message-wrapper.ts';
import { piDualSignedType } from './payment-instruction.ts';
import { SetError } from './set-error.ts';

const pReqDualSignedType = sequence({
  piDualSigned: piDualSignedType,
  /** L(OIData, PIData): the order, and the hash of the instruction it belongs to. */
  oiDualSigned: sequence({ oiData: unopened(), hPIData: digestedType(contentTypes.piData) }),
});
export type PReqDualSigned = Infer<typeof pReqDualSignedType>;

const pReqType = choice({ pReqDualSigned: explicit(0, pReqDualSignedType), pReqUnsigned: explicit(1, unopened()) });

export function encodePReq(value: PReqDualSigned): Uint8Array {
  return encodeDer(pReqType, { type: 'pReqDualSigned', value });
}

/**
 * An unsigned PReq authenticates no cardholder and is refused whatever the certificates would allow (fix 5).
 * @throws DerError, or SetError `signatureRequired`
 */
export function decodePReq(body: Uint8Array): PReqDualSigned {
  const pReq = decodeDer(pReqType, body, { maxBytes: MAX_MESSAGE_BYTES });
  if (pReq.type === 'pReqUnsigned') throw new SetError('signatureRequired', 'purchases must be signed');
  return pReq.value;
}

const piTbsType = sequence({
  hPIData: digestedType(contentTypes.piData),
  hOIData: digestedType(contentTypes.oiData),
});

/** PI-TBS: what the dual signature is over. The merchant knows one hash as a value, the gateway the other. */
export function encodePiTbs(hashes: { readonly hPIData: Uint8Array; readonly hOIData: Uint8Array }): Uint8Array {
  return encodeDer(piTbsType, hashes);
}

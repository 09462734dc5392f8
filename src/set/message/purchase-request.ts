/** PReq (notes on SET, "Purchase"): the cardholder's order for the merchant and instruction for the gateway, under one dual signature. */
import {
  choice,
  type DerType,
  decodeDer,
  explicit,
  type Infer,
  lendDer,
  type Part,
  part,
  partOf,
  sequence,
  unopened,
} from '../../codec/der.ts';
import { digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { MAX_MESSAGE_BYTES } from './message-wrapper.ts';
import { piDualSignedOf } from './payment-instruction.ts';
import { SetError } from './set-error.ts';

const pReqDualSignedOf = <T>(element: DerType<T>) =>
  sequence({
    piDualSigned: piDualSignedOf(element),
    /** L(OIData, PIData): the order, and the hash of the instruction it belongs to. */
    oiDualSigned: sequence({ oiData: element, hPIData: digestedType(contentTypes.piData) }),
  });
const pReqDualSignedType = pReqDualSignedOf(unopened());
export type PReqDualSigned = Infer<typeof pReqDualSignedType>;

const pReqType = choice({ pReqDualSigned: explicit(0, pReqDualSignedType), pReqUnsigned: explicit(1, unopened()) });
const outgoingType = explicit(0, pReqDualSignedOf(part()));

export function encodePReq(value: Infer<typeof outgoingType>): Part {
  return partOf(outgoingType, value);
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

/** PI-TBS, lent to `use`: what the dual signature is over. The merchant knows one hash as a value, the gateway the other. */
export function lendPiTbs<R>(hashes: Infer<typeof piTbsType>, use: (der: Uint8Array) => R): R {
  return lendDer(piTbsType, hashes, use);
}

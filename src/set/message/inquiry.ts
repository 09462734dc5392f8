/** InqReqData (notes on SET, "Purchase"): the signer of a PReq asks how the purchase stands; it may be asked any number of times. */
import { decodeDer, encodeDer, type Infer, sequence } from '../../codec/der.ts';
import { nonceType, rrpidType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { transIdsType } from './transaction.ts';

const inqReqDataType = sequence({
  transIds: transIdsType,
  rrpid: rrpidType,
  challC2: nonceType,
  inqRqExtensions: extensionsField(0),
});
export type InqReqData = Infer<typeof inqReqDataType>;

export function encodeInqReqData(data: InqReqData): Uint8Array {
  return encodeDer(inqReqDataType, data);
}

/** @throws DerError */
export function decodeInqReqData(der: Uint8Array): InqReqData {
  return decodeDer(inqReqDataType, der, { maxBytes: 4096 });
}

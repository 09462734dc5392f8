/** The wallet asks how an order stands (InqReq), signed by the card that ordered (notes on SET, "Purchase"). */
import type { CertifiedKey } from '../message/certified-key.ts';
import { contentTypes } from '../message/content-types.ts';
import { encodeInqReqData, type InqReqData } from '../message/inquiry.ts';
import { encodeMessage } from '../message/message-wrapper.ts';
import { signContent } from '../message/signed-content.ts';
import { messageIdsOf } from '../message/transaction.ts';

export interface InquiryToMake {
  readonly data: InqReqData;
  readonly signer: CertifiedKey;
  /** Of the certificate under which the merchant confirmed the initiation. */
  readonly merchantThumb: Uint8Array;
  readonly nowMs: number;
}

export function encodeInquiry({ data, signer, merchantThumb, nowMs }: InquiryToMake): Uint8Array {
  const { transIds, rrpid } = data;
  const body = signContent({
    type: contentTypes.inqReqData,
    content: encodeInqReqData(data),
    binding: { direction: 'cardholderToMerchant', message: 'InqReq', recipients: [merchantThumb] },
    signer,
  });
  return encodeMessage({ name: 'InqReq', body, nowMs, messageIds: messageIdsOf(transIds), rrpid });
}

/** The merchant checks InqReq: signed by a cardholder, for this merchant; whether it is the one who ordered, the order tells. */
import { digestRequest, requireBinding } from '../message/binding.ts';
import { contentTypes } from '../message/content-types.ts';
import { decodeInqReqData, type InqReqData } from '../message/inquiry.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import type { Message } from '../message/message-wrapper.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { asCryptographic } from '../message/set-error.ts';
import { verifyContent } from '../message/signed-content.ts';
import { messageIdsOf } from '../message/transaction.ts';
import { brandOf } from './merchant-keys.ts';
import type { PurchaseContext } from './receive-purchase.ts';

export interface ReceivedInquiry {
  readonly data: InqReqData;
  readonly cardThumb: Uint8Array;
  readonly brandId: string;
  /** Hash of the whole request, for the answer. */
  readonly hash: Uint8Array;
}

/** @throws DerError, SetError or CryptographicError. */
export function receiveInqReq({ header, message, der }: Message, context: PurchaseContext): ReceivedInquiry {
  const { brands, trust, atMs } = context;
  const signed = verifyContent(message.value, { type: contentTypes.inqReqData, certificates: trust.certificates });
  const data = decodeInqReqData(signed.content);
  requireHeaderMatches(header, { rrpid: data.rrpid, messageIds: messageIdsOf(data.transIds) });
  requireUnderstood(data.inqRqExtensions);

  const { certificate, brandId } = asCryptographic(() => {
    const cardholder = trust.cardholder({ leaf: signed.signer, pool: signed.pool, use: 'signature', atMs });
    const { signing } = brandOf(brands, cardholder.brandId);
    const recipients = [signing.certificate.thumb];
    requireBinding(signed.binding, { direction: 'cardholderToMerchant', message: 'InqReq', recipients });
    return cardholder;
  });
  return { data, cardThumb: certificate.thumb, brandId, hash: digestRequest(der) };
}

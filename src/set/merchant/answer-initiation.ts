/** The merchant's side of PInitReq and PInitRes: names the transaction and the gateway, under its signature (notes on SET, "Purchase"). */
import { decodeDer, encodeDer } from '../../codec/der.ts';
import { fromHex } from '../../codec/hex.ts';
import { digestRequest } from '../message/binding.ts';
import { contentTypes } from '../message/content-types.ts';
import { type PInitReq, pInitReqType, pInitResDataType } from '../message/initiation.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import { encodeMessage, type Message } from '../message/message-wrapper.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { signContent } from '../message/signed-content.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { MerchantBrand } from './merchant-keys.ts';
import { type Initiation, transIdsOf } from './order.ts';

export interface ReceivedPInitReq extends PInitReq {
  /** Hash of the whole request, for the answer. */
  readonly hash: Uint8Array;
}

/** In clear and unsigned: it says nothing that is relied on. @throws DerError or SetError */
export function receivePInitReq({ header, message, der }: Message): ReceivedPInitReq {
  const request = decodeDer(pInitReqType, message.value, { maxBytes: 16_384 });
  const { rrpid, lidC, lidM } = request;
  requireHeaderMatches(header, { rrpid, messageIds: { lidC, ...(lidM && { lidM }) } });
  requireUnderstood(request.piRqExtensions);
  return { ...request, hash: digestRequest(der) };
}

export interface InitiationToAnswer {
  readonly request: ReceivedPInitReq;
  readonly orderId: string;
  readonly initiation: Initiation;
  readonly brand: MerchantBrand;
  readonly nowMs: number;
}

export function encodePInitRes({ request, orderId, initiation, brand, nowMs }: InitiationToAnswer): Uint8Array {
  const { rrpid, challC, thumbs, hash } = request;
  const transIds = transIdsOf(orderId, initiation);
  const { encryption } = brand.gateway;
  const content = encodeDer(pInitResDataType, {
    ...{ transIds, rrpid, challC },
    challM: fromHex(initiation.challM),
    peThumb: encryption.certificate.thumb,
    ...(thumbs && { thumbs }),
  });
  const body = signContent({
    type: contentTypes.pInitResData,
    content,
    binding: { direction: 'merchantToCardholder', message: 'PInitRes', recipients: [], request: hash },
    signer: brand.signing,
    enclosed: [encryption],
  });
  return encodeMessage({ name: 'PInitRes', body, nowMs, messageIds: messageIdsOf(transIds), rrpid });
}

/** The merchant checks PReq as far as it can without knowing the order: form, brand, gateway, dual signature, cardholder (notes on SET, "Purchase"). */
import { equalBytes } from '../../codec/hex.ts';
import { digestRequest } from '../message/binding.ts';
import { digestContent } from '../message/content-digest.ts';
import { contentTypes } from '../message/content-types.ts';
import { verifyDual } from '../message/dual-signature.ts';
import { requireUnderstood } from '../message/message-extension.ts';
import type { Message } from '../message/message-wrapper.ts';
import { decodeOIData, type OIData } from '../message/order-information.ts';
import { encodePI } from '../message/payment-instruction.ts';
import { decodePReq } from '../message/purchase-request.ts';
import { requireHeaderMatches } from '../message/receive.ts';
import { SetError } from '../message/set-error.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { Trust } from '../message/trust.ts';
import { brandOf, type MerchantBrands } from './merchant-keys.ts';

export interface ReceivedPurchase {
  readonly oiData: OIData;
  readonly hOIData: Uint8Array;
  readonly cardThumb: Uint8Array;
  /** The payment instruction, encoded, to be passed on unread. */
  readonly pi: Uint8Array;
  /** Hash of the whole request, for the answer. */
  readonly hash: Uint8Array;
}

export interface PurchaseContext {
  readonly brands: MerchantBrands;
  readonly trust: Trust;
  readonly atMs: number;
}

/** @throws DerError, SetError or CryptographicError. */
export function receivePReq({ header, message, der }: Message, context: PurchaseContext): ReceivedPurchase {
  const { brands, trust, atMs } = context;
  const { piDualSigned, oiDualSigned } = decodePReq(message.value);
  const oiData = decodeOIData(oiDualSigned.oiData);
  requireHeaderMatches(header, { rrpid: oiData.rrpid, messageIds: messageIdsOf(oiData.transIds) });
  requireUnderstood(oiData.oiExtensions);

  const { signing, gateway } = brandOf(brands, oiData.brandId);
  const { peThumb, gatewayId } = oiData.gateway;
  if (!equalBytes(peThumb, gateway.encryption.certificate.thumb) || gatewayId !== gateway.gatewayId) {
    throw new SetError('signatureFailure', 'the order is meant for another gateway than this merchant’s');
  }

  const hOIData = digestContent(contentTypes.oiData, oiDualSigned.oiData);
  const hashes = { hPIData: oiDualSigned.hPIData, hOIData };
  const recipients = { merchantThumb: signing.certificate.thumb, peThumb };
  const cardholder = verifyDual(piDualSigned.piSignature, hashes, { recipients, trust, atMs });
  if (cardholder.brandId !== oiData.brandId) {
    throw new SetError('signatureFailure', 'the cardholder is certified for another brand than the order names');
  }

  const pi = encodePI({ type: 'piDualSigned', value: piDualSigned });
  return { oiData, hOIData, cardThumb: cardholder.certificate.thumb, pi, hash: digestRequest(der) };
}

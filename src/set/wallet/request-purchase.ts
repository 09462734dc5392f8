/** The wallet makes PReq: the order for the merchant, the card for the gateway alone, one signature over both (notes on SET, "Purchase"). */
import { encodeDer } from '../../codec/der.ts';
import { fromHex } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { digestContent } from '../message/content-digest.ts';
import { contentTypes } from '../message/content-types.ts';
import { signDual } from '../message/dual-signature.ts';
import type { GatewayIdentity } from '../message/gateway-identity.ts';
import { newNonce, SOFTWARE } from '../message/identifiers.ts';
import { sealInstruction } from '../message/instruction-seal.ts';
import { encodeMessage } from '../message/message-wrapper.ts';
import { digestOrder, encodeOIData } from '../message/order-information.ts';
import { digestPIData, panDataType, piHeadType, stainOf } from '../message/payment-instruction.ts';
import { encodePReq } from '../message/purchase-request.ts';
import { messageIdsOf } from '../message/transaction.ts';
import type { OpenedCard } from './opened-card.ts';
import type { OpenPayment } from './payment.ts';
import type { ReceivedInitiation } from './request-initiation.ts';

export interface PurchaseToRequest {
  readonly payment: OpenPayment;
  readonly initiation: ReceivedInitiation;
  readonly card: OpenedCard;
  readonly rrpid: Uint8Array;
  readonly challC: Uint8Array;
  readonly random: Random;
  readonly nowMs: number;
}

export function encodePurchase(request: PurchaseToRequest): Uint8Array {
  const { payment, initiation, card, rrpid, challC, random, nowMs } = request;
  const { data, merchant, gateway } = initiation;
  const { transIds, challM } = data;
  const named: GatewayIdentity = { gatewayId: gateway.gatewayId, peThumb: gateway.certificate.thumb };

  const odSalt = payment.odSalt === undefined ? newNonce(random) : fromHex(payment.odSalt);
  const hod = digestOrder({ od: fromHex(payment.od), purchAmt: payment.amount, odSalt });
  const { brandId, bin } = payment;
  const oiData = encodeOIData({ transIds, rrpid, challC, hod, odSalt, challM, brandId, bin, gateway: named });
  const hOIData = digestContent(contentTypes.oiData, oiData);

  const piHead = encodeDer(piHeadType, {
    transIds,
    inputs: { hod, purchAmt: payment.amount },
    merchantId: merchant.merchantId,
    gateway: named,
    transStain: stainOf(transIds.xid, card.cardSecret),
    swIdent: SOFTWARE,
  });
  const { pan, expiry: cardExpiry, panSecret } = card;
  const panData = encodeDer(panDataType, { pan, cardExpiry, panSecret, exNonce: newNonce(random) });
  const hPIData = digestPIData({ piHead, panData });

  const recipients = { merchantThumb: merchant.certificate.thumb, peThumb: named.peThumb };
  const body = encodePReq({
    piDualSigned: {
      piSignature: signDual({ hPIData, hOIData }, recipients, card.key),
      exPIData: sealInstruction({ piOILink: { piHead, hOIData }, panData }, gateway.certificate, random),
    },
    oiDualSigned: { oiData, hPIData },
  });
  return encodeMessage({ name: 'PReq', body, nowMs, messageIds: messageIdsOf(transIds), rrpid });
}

/** Liars with valid certificates: what a merchant can send to a gateway when it does not keep to its own machine. */

import { toHex } from '../../src/codec/hex.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { encodePInitRes, receivePInitReq } from '../../src/set/merchant/answer-initiation.ts';
import type { MerchantBrand } from '../../src/set/merchant/merchant-keys.ts';
import type { Initiation } from '../../src/set/merchant/order.ts';
import { type ReceivedPurchase, receivePReq } from '../../src/set/merchant/receive-purchase.ts';
import { receiveAuthRes } from '../../src/set/merchant/request-authorization.ts';
import type { AuthCode } from '../../src/set/message/authorization-code.ts';
import { type AuthReqTbs, encodeAuthReq, encodeAuthReqTbs } from '../../src/set/message/authorization-request.ts';
import { digestContent } from '../../src/set/message/content-digest.ts';
import { contentTypes } from '../../src/set/message/content-types.ts';
import { newId, newNonce } from '../../src/set/message/identifiers.ts';
import { decodeMessage, encodeMessage } from '../../src/set/message/message-wrapper.ts';
import { signAndSeal } from '../../src/set/message/sealed-signature.ts';
import { messageIdsOf } from '../../src/set/message/transaction.ts';
import type { PaymentToMake } from '../../src/set/wallet/payment.ts';
import { encodePInitReq, receivePInitRes } from '../../src/set/wallet/request-initiation.ts';
import { encodePurchase } from '../../src/set/wallet/request-purchase.ts';
import { openPayment } from '../../src/set/wallet/wallet-decision.ts';
import { AMOUNT, BRAND, DESCRIPTION, ORDER_ID, PAN, START, type World } from './purchase-fixture.ts';

export type AuthReqData = AuthReqTbs['authReqData'];

/** PInitRes, in which the merchant names the transaction as it likes. */
export function answerInitiation({ parties, clock }: World, asked: Uint8Array, lie: Partial<Initiation>): Uint8Array {
  const nowMs = clock.nowMs();
  const request = receivePInitReq(decodeMessage(asked));
  const initiation: Initiation = {
    ...{ lidC: toHex(request.lidC), language: 'en', brandId: BRAND, preqDateMs: nowMs },
    ...{ xid: toHex(newId(systemRandom)), challM: toHex(newNonce(systemRandom)) },
    ...lie,
  };
  return encodePInitRes({ request, orderId: toHex(ORDER_ID), initiation, brand: parties.shop, nowMs });
}

/** What a wallet that trusts this merchant blindly signs for it. */
export function purchaseOf(world: World, lie: Partial<Initiation> = {}): ReceivedPurchase {
  const { parties, clock } = world;
  const nowMs = clock.nowMs();
  const lidC = newId(systemRandom);
  const asked = encodePInitReq(
    {
      ...{ rrpid: newId(systemRandom), challC: newNonce(systemRandom), language: 'en', brandId: BRAND },
      ...{ bin: PAN.slice(0, 6), lidC, lidM: ORDER_ID },
    },
    nowMs,
  );
  const named = answerInitiation(world, asked, lie);
  const trust = parties.newTrust();
  const payment = openPayment(PAYMENT, { nowMs, random: systemRandom });
  const ordered = encodePurchase({
    ...{ payment, card: parties.card, random: systemRandom, nowMs },
    initiation: receivePInitRes(decodeMessage(named), trust, nowMs),
    rrpid: newId(systemRandom),
    challC: newNonce(systemRandom),
  });
  return receivePReq(decodeMessage(ordered), { brands: new Map([[BRAND, parties.shop]]), trust, atMs: nowMs });
}

const PAYMENT: PaymentToMake = {
  ...{ paymentId: 'pay-1', orderId: ORDER_ID, description: DESCRIPTION, amount: AMOUNT, brandId: BRAND },
  ...{ cardId: 'card-1', bin: PAN.slice(0, 6), notify: 'local:guard', deadlineMs: START + 60_000 },
  merchant: { url: 'http://shop', merchantId: 'SHOP-1' },
};

export interface Lie {
  readonly brand?: MerchantBrand;
  readonly change?: (data: AuthReqData) => AuthReqData;
  /** Another payment instruction beside what was signed. */
  readonly pi?: Uint8Array;
  readonly rrpid?: Uint8Array;
}

/** An AuthReq properly signed and sealed by a merchant, whatever it says. */
export function forgeAuthReq({ parties, clock }: World, purchase: ReceivedPurchase, lie: Lie = {}): Uint8Array {
  const { brand = parties.shop, change = (data) => data, pi = purchase.pi, rrpid = newId(systemRandom) } = lie;
  const { transIds, hod } = purchase.oiData;
  const date = new Date(clock.nowMs());
  const data = change({
    authReqItem: {
      authTags: { authRRTags: { rrpid, merTermIds: { merchantId: brand.merchantId }, date }, transIds },
      checkDigests: { hOIData: purchase.hOIData, hod2: hod },
      authReqPayload: { subsequentAuthInd: false, purchAmt: AMOUNT, authReqAmt: AMOUNT, requestCardTypeInd: false },
    },
    captureNow: true,
  });
  const sealed = signAndSeal({
    types: { signed: contentTypes.authReqTbs, sealed: contentTypes.authReqTbe },
    content: encodeAuthReqTbs({ authReqData: data, hPI: digestContent(contentTypes.pi, pi) }),
    binding: {
      direction: 'merchantToGateway',
      message: 'AuthReq',
      recipients: [brand.gateway.encryption.certificate.thumb],
    },
    signer: brand.signing,
    enclosed: [brand.encryption],
    recipient: brand.gateway.encryption.certificate,
    random: systemRandom,
  });
  const { authTags } = data.authReqItem;
  return encodeMessage({
    name: 'AuthReq',
    body: encodeAuthReq({ sealed, pi }),
    nowMs: clock.nowMs(),
    messageIds: messageIdsOf(authTags.transIds),
    rrpid,
  });
}

/** What the gateway says to it: an AuthCode, or the name of the Error. */
export async function authorizeAt(
  world: World,
  request: Uint8Array,
  brand = world.parties.shop,
): Promise<AuthCode | 'Error'> {
  const [answer] = await Promise.all([world.gateEndpoint(request), world.run(1_000)]);
  const message = decodeMessage(answer);
  if (message.message.type === 'Error') return 'Error';
  const trust = world.parties.newTrust();
  return receiveAuthRes(message, { brand, trust, atMs: world.clock.nowMs() }).data.authResPayload.authHeader.authCode;
}

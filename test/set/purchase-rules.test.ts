/** What merchant and gateway refuse or decline, each rule by a message that breaks just that rule, made by a peer with real keys. */
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeDer, part } from '../../src/codec/der.ts';
import { fromHex } from '../../src/codec/hex.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import type { MerchantBrand } from '../../src/set/merchant/merchant-keys.ts';
import { type ReceivedPurchase, receivePReq } from '../../src/set/merchant/receive-purchase.ts';
import { encodeAuthorization, receiveAuthRes } from '../../src/set/merchant/request-authorization.ts';
import { signDual, verifyDual } from '../../src/set/message/dual-signature.ts';
import { encodeError, readError } from '../../src/set/message/error-exchange.ts';
import { newId, newNonce } from '../../src/set/message/identifiers.ts';
import { pInitReqType } from '../../src/set/message/initiation.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/set/message/message-wrapper.ts';
import { digestOrderDescription } from '../../src/set/message/order-information.ts';
import { encodePI } from '../../src/set/message/payment-instruction.ts';
import { decodePReq, encodePReq } from '../../src/set/message/purchase-request.ts';
import { encodeInquiry } from '../../src/set/wallet/inquire.ts';
import type { OpenedCard } from '../../src/set/wallet/opened-card.ts';
import type { OpenPayment } from '../../src/set/wallet/payment.ts';
import { receivePInitRes } from '../../src/set/wallet/request-initiation.ts';
import { encodePurchase } from '../../src/set/wallet/request-purchase.ts';
import {
  AMOUNT,
  BRAND,
  certifyGateway,
  certifyShop,
  createParties,
  DESCRIPTION,
  ORDER_ID,
  openWorld,
  START,
  type World,
} from './purchase-fixture.ts';

const parties = createParties();
const trust = parties.newTrust();
const random = systemRandom;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function errorIn(answer: Uint8Array): string {
  const { message } = decodeMessage(answer);
  return message.type === 'Error' ? readError(message.value, trust).errorCode : message.type;
}

/** A wallet by hand: it initiates, and then makes any PReq it likes. */
async function initiated(world: World) {
  const request = {
    ...{ rrpid: newId(random), language: 'en', lidC: newId(random), lidM: ORDER_ID, challC: newNonce(random) },
    ...{ brandId: BRAND, bin: '444433' },
  };
  const { lidC, lidM, rrpid } = request;
  const body = encodeDer(pInitReqType, request);
  const bytes = encodeMessage({ name: 'PInitReq', body, nowMs: START, messageIds: { lidC, lidM }, rrpid });
  const initiation = receivePInitRes(decodeMessage(await world.shopEndpoint(bytes)), trust, START);
  const payment = { od: hex(digestOrderDescription(DESCRIPTION)), amount: AMOUNT, brandId: BRAND, bin: '444433' };
  return (changes: { card?: OpenedCard; payment?: object; initiation?: object } = {}) =>
    encodePurchase({
      payment: { ...payment, ...changes.payment } as OpenPayment,
      initiation: { ...initiation, ...changes.initiation },
      card: changes.card ?? parties.card,
      ...{ rrpid: newId(random), challC: newNonce(random), random, nowMs: START },
    });
}

/** The same message with a part of it replaced, its header as it was. */
function changed(
  bytes: Uint8Array,
  change: (message: Message) => Partial<Parameters<typeof encodeMessage>[0]>,
): Uint8Array {
  const message = decodeMessage(bytes);
  const { header } = message;
  return encodeMessage({
    ...{ name: message.message.type, body: message.message.value, nowMs: header.date.getTime() },
    ...{ messageIds: header.messageIds!, rrpid: header.rrpid! },
    ...change(message),
  });
}

let world: World;
let makePReq: Awaited<ReturnType<typeof initiated>>;
beforeAll(async () => {
  world = await openWorld({ parties });
  await world.order();
  makePReq = await initiated(world);
});

describe('the merchant', () => {
  const answer = async (bytes: Uint8Array) => errorIn(await world.shopEndpoint(bytes));

  it('refuses an unsigned purchase with signatureRequired', async () => {
    const unsigned = changed(makePReq(), () => ({ body: fromHex('a1023000') }));
    expect(await answer(unsigned)).toBe('signatureRequired');
  });

  it('refuses an order with the instruction of another order', async () => {
    const [one, two] = [makePReq(), makePReq()].map((bytes) => decodePReq(decodeMessage(bytes).message.value));
    const first = makePReq();
    const mixed = changed(first, ({ message }) => ({
      body: encodePReq({ ...decodePReq(message.value), piDualSigned: one!.piDualSigned }),
    }));
    expect(await answer(mixed)).toBe('signatureFailure');
    const halves = changed(makePReq(), ({ message }) => ({
      body: encodePReq({
        ...decodePReq(message.value),
        piDualSigned: { piSignature: one!.piDualSigned.piSignature, exPIData: two!.piDualSigned.exPIData },
      }),
    }));
    expect(await answer(halves)).toBe('signatureFailure');
  });

  it.each([
    ['another amount', { payment: { amount: { currency: 'EUR', minor: 1n } } }],
    ['another currency', { payment: { amount: { currency: 'USD', minor: AMOUNT.minor } } }],
    ['another description', { payment: { od: '11'.repeat(32) } }],
    ['a card of another brand than the order names', { payment: { brandId: 'Other' } }],
  ])('refuses an order for %s', async (_, changes) => {
    expect(['signatureFailure', 'messageNotSupported']).toContain(await answer(makePReq(changes)));
  });

  it('refuses another challenge than it gave, and other names for the transaction', async () => {
    const data = (await lastInitiation(world)).data;
    expect(await answer(makePReq({ initiation: { data: { ...data, challM: newNonce(random) } } }))).toBe(
      'challengeMismatch',
    );
    const transIds = { ...data.transIds, xid: newId(random) };
    expect(await answer(makePReq({ initiation: { data: { ...data, transIds } } }))).toBe('unknownXID');
    const later = { ...data.transIds, preqDate: new Date(START + 5000) };
    expect(await answer(makePReq({ initiation: { data: { ...data, transIds: later } } }))).toBe('unknownXID');
  });

  it('refuses an order that names another gateway than the merchant’s own', async () => {
    const { merchant } = await lastInitiation(world);
    const other = certifyGateway(parties.agency, 'GATE-2').encryption.certificate;
    const gateway = { certificate: other, brandId: BRAND, gatewayId: 'GATE-2' };
    expect(await answer(makePReq({ initiation: { merchant, gateway } }))).toBe('signatureFailure');
  });

  it('answers an inquiry only of the cardholder who ordered', async () => {
    const paid = await openWorld({ parties });
    await paid.order();
    void paid.pay();
    await paid.run(3000);
    const { messageIds } = decodeMessage(paid.carried.at(-1)!.answer).header;
    const finished = [...paid.merchant.state.recent.values()][0]!;
    const transIds = {
      ...{ lidC: messageIds!.lidC!, lidM: messageIds!.lidM!, xid: messageIds!.xid!, language: 'en' },
      preqDate: new Date(finished.initiation!.preqDateMs),
    };
    const merchantThumb = parties.shop.signing.certificate.thumb;
    const ask = (card: OpenedCard) =>
      encodeInquiry({
        data: { transIds, rrpid: newId(random), challC2: newNonce(random) },
        ...{ signer: card.key, merchantThumb, nowMs: START + 3000 },
      });
    expect(errorIn(await paid.shopEndpoint(ask(parties.card)))).toBe('InqRes');
    expect(errorIn(await paid.shopEndpoint(ask(parties.newCard('4444333322221129'))))).toBe('unknownXID');
  });
});

async function lastInitiation(of: World) {
  const request = {
    ...{ rrpid: newId(random), language: 'en', lidC: newId(random), lidM: ORDER_ID, challC: newNonce(random) },
    ...{ brandId: BRAND, bin: '444433' },
  };
  const { lidC, lidM, rrpid } = request;
  const body = encodeDer(pInitReqType, request);
  const bytes = encodeMessage({ name: 'PInitReq', body, nowMs: START, messageIds: { lidC, lidM }, rrpid });
  return receivePInitRes(decodeMessage(await of.shopEndpoint(bytes)), trust, START);
}

describe('every receiver', () => {
  it.each([
    ['01', 'versionTooOld'],
    ['03', 'versionTooNew'],
  ])('refuses version %s', async (version, code) => {
    const bytes = makePReq();
    const at = Buffer.from(bytes).indexOf(Buffer.from('020102', 'hex'));
    const other = bytes.slice();
    other[at + 2] = Number(version);
    expect(errorIn(await world.shopEndpoint(other))).toBe(code);
  });

  it('refuses messages of too long ago and from the future', async () => {
    const at = (nowMs: number) => changed(makePReq(), () => ({ nowMs }));
    expect(errorIn(await world.shopEndpoint(at(START - 7 * 3_600_000)))).toBe('messageTooOld');
    expect(errorIn(await world.shopEndpoint(at(START + 600_000)))).toBe('messageTooNew');
  });

  it('refuses a header that names another transaction or request than the message', async () => {
    const others = [{ rrpid: newId(random) }, { messageIds: { xid: newId(random) } }, { messageIds: {} }];
    for (const other of others) {
      expect(errorIn(await world.shopEndpoint(changed(makePReq(), () => other)))).toBe('wrapperMsgMismatch');
    }
  });

  it('refuses a message for somebody else, or one that is too big', async () => {
    expect(errorIn(await world.gateEndpoint(makePReq()))).toBe('messageNotSupported');
    expect(errorIn(await world.shopEndpoint(new Uint8Array(70_000)))).toBe('messageTooBig');
  });

  it('never answers an Error', async () => {
    const refused = makePReq();
    const error = encodeError({
      ...{ errorCode: 'unknownXID', refused, message: decodeMessage(refused), direction: 'merchantToCardholder' },
      ...{ signer: parties.shop.signing, random, nowMs: START },
    });
    expect(await world.shopEndpoint(error)).toHaveLength(0);
    expect(await world.gateEndpoint(error)).toHaveLength(0);
  });

  it('signs its Errors, bound to the very request refused', async () => {
    const refused = changed(makePReq(), () => ({ messageIds: {} }));
    const { message, header: own } = decodeMessage(await world.shopEndpoint(refused));
    const { signed } = readError(message.value, trust);
    expect(signed!.signer.der).toEqual(parties.shop.signing.certificate.der);
    expect(own.rrpid).toEqual(decodeMessage(refused).header.rrpid);
  });
});

describe('the gateway', () => {
  const context = { brands: new Map([[BRAND, parties.shop]]), trust, atMs: START };
  const purchaseOf = (bytes: Uint8Array) => receivePReq(decodeMessage(bytes), context);
  let gate: World;
  beforeAll(async () => {
    gate = await openWorld({ parties });
  });

  interface Ask {
    readonly brand?: MerchantBrand;
    readonly purchase?: Partial<ReceivedPurchase>;
    readonly minor?: bigint;
  }
  /** What the gateway answers to an AuthReq of a merchant that says what it likes: an ErrorCode, or an AuthCode. */
  const ask = async (preq: Uint8Array, { brand = parties.shop, purchase = {}, minor = AMOUNT.minor }: Ask = {}) => {
    const amount = { currency: 'EUR', minor };
    const { bytes } = encodeAuthorization({
      ...{ brand, amount, captureNow: true, rrpid: newId(random), random, nowMs: START },
      purchase: { ...purchaseOf(preq), ...purchase },
    });
    const answering = gate.gateEndpoint(bytes);
    await gate.run(100);
    const answer = decodeMessage(await answering);
    if (answer.message.type === 'Error') return readError(answer.message.value, trust).errorCode;
    const { data } = receiveAuthRes(answer, { brand, trust, atMs: START });
    return data.authResPayload.authHeader.authCode;
  };

  it('approves what cardholder and merchant agree on, and the same instruction only once', async () => {
    const preq = makePReq();
    expect(await ask(preq)).toBe('approved');
    expect(await ask(preq)).toBe('piPreviouslyUsed');
    // Not even in another PReq for the same transaction, sealed and signed anew.
    expect(await ask(makePReq())).toBe('piPreviouslyUsed');
    expect(gate.cardRequests).toHaveLength(1);
  });

  it.each<[string, Ask, string]>([
    ['more than the cardholder agreed to', { minor: AMOUNT.minor + 1n }, 'amountError'],
    ['less, as if the cardholder had agreed to that', { minor: 1n }, 'amountError'],
    ['another order, by its hash', { purchase: { hOIData: new Uint8Array(32).fill(7) } }, 'piAuthMismatch'],
  ])('declines %s', async (_, changes, code) => {
    gate = await openWorld({ parties });
    expect(await ask(makePReq(), changes)).toBe(code);
    expect(gate.cardRequests).toEqual([]);
  });

  it('declines another description or another transaction than the cardholder signed', async () => {
    gate = await openWorld({ parties });
    const preq = makePReq();
    const { oiData } = purchaseOf(preq);
    expect(await ask(preq, { purchase: { oiData: { ...oiData, hod: new Uint8Array(32).fill(7) } } })).toBe(
      'piAuthMismatch',
    );
    const transIds = { ...oiData.transIds, xid: newId(random) };
    const other = makePReq();
    expect(await ask(other, { purchase: { oiData: { ...purchaseOf(other).oiData, transIds } } })).toBe(
      'piAuthMismatch',
    );
    expect(gate.cardRequests).toEqual([]);
  });

  it('refuses an instruction in the hands of another merchant', async () => {
    gate = await openWorld({ parties });
    const thief = certifyShop(parties.agency, parties.gate, 'THIEF-1');
    expect(await ask(makePReq(), { brand: thief })).toBe('signatureFailure');
  });

  it('refuses an instruction that was sealed to another gateway', async () => {
    gate = await openWorld({ parties });
    const other = certifyGateway(parties.agency, 'GATE-3');
    const { merchant } = await lastInitiation(world);
    const sealing = other.encryption.certificate;
    const preq = makePReq({
      initiation: { merchant, gateway: { certificate: sealing, brandId: BRAND, gatewayId: 'GATE-3' } },
    });
    const brand = {
      ...parties.shop,
      gateway: { ...parties.shop.gateway, gatewayId: 'GATE-3', encryption: other.encryption },
    };
    const purchase = receivePReq(decodeMessage(preq), { ...context, brands: new Map([[BRAND, brand]]) });
    expect(await ask(makePReq(), { purchase })).toBe('signatureFailure');
  });

  it('refuses a card that is not the one the cardholder is certified for', async () => {
    gate = await openWorld({ parties });
    for (const lie of [{ pan: '4444333322221137' }, { expiry: '203012' }, { panSecret: newNonce(random) }]) {
      expect(await ask(makePReq({ card: { ...parties.card, ...lie } }))).toBe('signatureFailure');
    }
    expect(gate.cardRequests).toEqual([]);
  });

  it('refuses an instruction without a signature', async () => {
    gate = await openWorld({ parties });
    const pi = encodePI({ type: 'piUnsigned', value: fromHex('3000') });
    expect(await ask(makePReq(), { purchase: { pi } })).toBe('signatureFailure');
  });
});

describe('the dual signature', () => {
  const hashes = { hPIData: new Uint8Array(32).fill(1), hOIData: new Uint8Array(32).fill(2) };
  const recipients = {
    merchantThumb: parties.shop.signing.certificate.thumb,
    peThumb: parties.gate.encryption.certificate.thumb,
  };
  const verify =
    (signature: Uint8Array, changes: object = {}, meant = recipients) =>
    () =>
      verifyDual(signature, { ...hashes, ...changes }, { recipients: meant, trust, atMs: START });
  const signature = encodeDer(part(), signDual(hashes, recipients, parties.card.key));
  const failure = expect.objectContaining({ code: 'CRYPTOGRAPHIC_FAILURE' });

  it('is the cardholder’s over both hashes', () => {
    expect(verify(signature)().certificate.der).toEqual(parties.card.key.certificate.der);
  });

  it('is nothing for one hash changed, or both exchanged', () => {
    expect(verify(signature, { hPIData: new Uint8Array(32).fill(3) })).toThrow(failure);
    expect(verify(signature, { hOIData: new Uint8Array(32).fill(3) })).toThrow(failure);
    expect(verify(signature, { hPIData: hashes.hOIData, hOIData: hashes.hPIData })).toThrow(failure);
  });

  it('is nothing for another merchant or gateway than it was made for', () => {
    const other = new Uint8Array(32).fill(9);
    expect(verify(signature, {}, { ...recipients, merchantThumb: other })).toThrow(failure);
    expect(verify(signature, {}, { ...recipients, peThumb: other })).toThrow(failure);
  });

  it('is nothing when a merchant or gateway made it', () => {
    expect(verify(encodeDer(part(), signDual(hashes, recipients, parties.shop.signing)))).toThrow(failure);
    expect(verify(encodeDer(part(), signDual(hashes, recipients, parties.gate.signing)))).toThrow(failure);
  });
});

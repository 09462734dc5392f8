/**
 * EP 1 006 469 (the KPN lines of docs/conformance.json) on real parties: own keys, own stores, TLS over sockets. What is said about
 * messages is read from what crossed the wire. Claims 5 to 7 are in `payment-start.test.ts`.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAgreement } from '../../src/agent/message/agreement.ts';
import { deployType, reservedType } from '../../src/agent/message/hosting.ts';
import { merchantParametersType } from '../../src/agent/message/merchant-parameters.ts';
import { verifyOfferChain } from '../../src/agent/message/offer-chain.ts';
import { completionNoticeType, completionType, paymentRequestType } from '../../src/agent/message/payment.ts';
import { openToken } from '../../src/agent/message/token.ts';
import { fromHex } from '../../src/codec/hex.ts';
import { parseCose1 } from '../../src/crypto/cose-sign1.ts';
import { decodeShape, readMessage } from '../../src/crypto/signed-message.ts';
import { readJsonFile } from '../../src/party/configuration/configuration.ts';
import { issuedCards } from '../../src/party/configuration/issued-cards.ts';
import { createCommunicationTrust } from '../../src/party/running/communication-trust.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readCertificateRequest } from '../../src/pki/certificate-request.ts';
import type { Purpose } from '../../src/pki/purpose.ts';
import { minorOf, restingBooks } from './books.ts';
import { type PartyWorld, startPartyWorld } from './party-world.ts';
import { buy, openedLaunch, openedStart } from './purchase.ts';
import { awaitingApproval, delivered, sha256Of } from './sale.ts';
import { guardedMandate, postStart, strandAgent } from './stranded-agent.ts';
import { until } from './until.ts';
import { contains, filesWith, type Wire, wireOf } from './wire.ts';

const MAX_BYTES = 1_000_000;
const ATLAS = { merchants: ['atlas'] };
/** What agents say to each other. */
const NEGOTIATION = ['call', 'offer', 'acceptance', 'ending', 'pay-by-card'];
const SET = ['PInitReq', 'PInitRes', 'PReq', 'AuthReq', 'AuthRes', 'PRes'];

let world: PartyWorld;

beforeAll(async () => {
  world = await startPartyWorld();
});
afterAll(() => world?.close());

const kindOf = (spoken: string) => spoken.split(' ').at(-1)!;
const saying = (wire: Wire, kinds: readonly string[]) => wire.spoken.filter((one) => kinds.includes(kindOf(one)));

describe('the remote customer agent', () => {
  test('[KPN-1] steered by its parameters it selects among what merchants show, and pays under SET', async () => {
    const { receipt, wire, view } = await buy(world);
    expect(view.proposals).toBe(2);
    expect(receipt.beaten).toHaveLength(1);
    expect(minorOf(receipt.paid.amount)).toBeLessThan(minorOf(receipt.beaten[0]!.price));
    expect(receipt.merchant.id).toBe('lexicon');
    for (const kind of ['PInitReq', 'PReq']) wire.at(`customer → lexicon ${kind}`);
    expect(sha256Of(receipt.bought.items[0]!.file)).toBe(receipt.bought.items[0]!.sha256);

    const barred = await buy(world, { barred: ['lexicon'] });
    expect(barred.receipt.merchant.id).toBe('atlas');
  });

  test('[KPN-1] where nothing meets its parameters it buys nothing', async () => {
    const before = await restingBooks(world);
    const mandate = await world.send({ max: '0.02EUR' });
    const view = await world.follow(mandate, ({ agent }) => agent === 'failed');
    expect(view.payments).toEqual([]);
    expect(await restingBooks(world)).toEqual(before);
  });

  test('[KPN-1] whoever signs in a sale is certified by the trusted third party, and by no other', async () => {
    const { wire } = await buy(world, ATLAS);
    const signers: readonly (readonly [string, Purpose])[] = [
      ['customer → market launch', 'signature'],
      ['market → customer payment-start', 'agent'],
      ['market → atlas payment-request', 'agent'],
      ['atlas → market completion', 'signature'],
    ];
    const stranger = await startPartyWorld();
    try {
      for (const [spoken, purpose] of signers) {
        const chain = parseCose1(wire.first(spoken).bytes, { maxBytes: MAX_BYTES }).certificateChain.map(
          readCertificate,
        );
        const judgeIn =
          ({ identityOf }: PartyWorld) =>
          () =>
            createCommunicationTrust(identityOf('customer').anchors).validate(chain, purpose, Date.now());
        expect(judgeIn(world), spoken).not.toThrow();
        expect(judgeIn(stranger), spoken).toThrow(expect.objectContaining({ code: 'PKI_PATH_UNTRUSTED' }));
      }
    } finally {
      await stranger.close();
    }
  });

  test('[KPN-2] the station gives it parameters, certificate and codes, and gets its code back with the purchase', async () => {
    const sale = await buy(world, { ...ATLAS, max: '5.50EUR' });
    const { wire } = sale;
    const { launch, mandate } = openedLaunch(sale);
    expect(mandate).toMatchObject({ priceLimitMinor: 550n, merchantsAllowed: ['atlas'], scenario: 'unattended' });

    const reserved = decodeShape(reservedType, wire.first('market → customer reserveAnswer').bytes);
    const { publicKey } = readCertificateRequest(reserved.certificateRequest);
    const certificate = readCertificate(launch.agentChain[0]!);
    expect(certificate.publicKey.equals(publicKey)).toBe(true);
    expect(mandate.agentThumb).toEqual(certificate.thumb);

    const { start, agent } = openedStart(world, sale);
    expect(agent.der).toEqual(certificate.der);
    expect(launch.tokens).toContainEqual(start.token);
    expect(start.mandate).toBe(mandate.id);
  });
});

describe('the remote merchant agent', () => {
  test("[KPN-3] it sells on the market within its merchant's parameters, and is paid", async () => {
    const before = await restingBooks(world);
    const { wire, mandate, payment } = await buy(world, ATLAS);
    const after = await restingBooks(world);
    expect(after.merchant - before.merchant).toBe(minorOf(payment.price));

    const deployed = wireOf(world.messages)
      .all('atlas → market deploy')
      .map(({ bytes }) => readMessage(merchantParametersType, readMessage(deployType, bytes).value.parameters).value);
    const { terms, price } = readAgreement(openedStart(world, { mandate, wire }).start.agreement);
    const good = deployed
      .find(({ currency }) => currency === 'EUR')!
      .goods.find(({ product }) => product.sku === terms.items[0]!.sku)!;
    expect(price.minor).toBeGreaterThanOrEqual(good.floorMinor);
    expect(good.floorMinor).toBeLessThan(good.listMinor);
    // What it may go down to is known to nobody but the market and the merchant.
    const toCustomer = world.messages.filter(({ to }) => to === 'customer');
    expect(toCustomer.some(({ bytes }) => contains(bytes, 'floorMinor'))).toBe(false);
  });

  test('[KPN-3] it presents products straight to a customer station, and is paid', async () => {
    const { wire, receipt } = await buy(world, { ...ATLAS, local: true });
    for (const kind of ['call', 'offer', 'acceptance', 'pay-by-card']) wire.at(`customer → market ${kind}`);
    expect(receipt.merchant.id).toBe('atlas');
    expect(wire.at('customer → market offer')).toBeLessThan(wire.at('customer → atlas PInitReq'));
    wire.at('atlas → customer PRes');
  });
});

describe('the agent negotiation server', () => {
  test('[KPN-4] it hosts both agents: they negotiate and agree to pay inside it', async () => {
    const { wire, mandate } = await buy(world, ATLAS);
    expect(saying(wire, NEGOTIATION)).toEqual([]);
    const { start } = openedStart(world, { mandate, wire });
    const agreement = readAgreement(start.agreement);
    const offers = verifyOfferChain(start.chain, agreement);
    expect(offers.length).toBeGreaterThan(1);
    // Both agents' keys were made there: their owners only certified them.
    const made = wireOf(world.messages)
      .spoken.flatMap((spoken, place) =>
        spoken.endsWith(' reserveAnswer') && spoken.startsWith('market ') ? [place] : [],
      )
      .map((place) => decodeShape(reservedType, world.messages[place]!.bytes).certificateRequest)
      .map((request) => readCertificateRequest(request).publicKey);
    for (const { publicKey } of [agreement.customerAgent, agreement.merchantAgent]) {
      expect(made.some((key) => key.equals(publicKey))).toBe(true);
    }
    wire.at('market → customer payment-start');
    wire.at('market → atlas payment-request');
  });
});

describe('the three steps', () => {
  test('[KPN-8] I in parallel, II standard SET, III told from merchant to merchant agent to customer agent to station', async () => {
    const { wire } = await buy(world, ATLAS);
    const { at } = wire;
    expect(at('market → customer payment-start')).toBeLessThan(at('atlas → market payment-requestAnswer'));
    expect(at('market → atlas payment-request')).toBeLessThan(at('customer → market payment-startAnswer'));

    expect(at('market → customer payment-start')).toBeLessThan(at('customer → atlas PInitReq'));
    expect(saying(wire, SET)).toEqual([
      'customer → atlas PInitReq',
      'atlas → customer PInitRes',
      'customer → atlas PReq',
      'atlas → north AuthReq',
      'north → atlas AuthRes',
      'atlas → customer PRes',
    ]);

    expect(at('north → atlas AuthRes')).toBeLessThan(at('atlas → market completion'));
    expect(at('atlas → market completion')).toBeLessThan(at('market → customer completion-notice'));
  });

  test('[KPN-8] what each step hands on is what it was handed', async () => {
    const { wire, mandate, payment } = await buy(world, ATLAS);
    const request = readMessage(paymentRequestType, wire.first('market → atlas payment-request').bytes).value;
    const { start } = openedStart(world, { mandate, wire });
    expect(request.agreement).toEqual(start.agreement);
    expect(readAgreement(request.agreement).orderId).toEqual(fromHex(payment.payment));

    const completion = wire.first('atlas → market completion').bytes;
    const notice = readMessage(completionNoticeType, wire.first('market → customer completion-notice').bytes).value;
    expect(notice.completion).toEqual(completion);
    const { outcome, orderId } = readMessage(completionType, completion).value;
    expect({ outcome, orderId }).toEqual({ outcome: 'paid', orderId: fromHex(payment.payment) });
  });

  test('[KPN-8] the merchant never sees the card, the gateway never sees the order', async () => {
    const since = world.messages.length;
    const { receipt } = await buy(world, ATLAS);
    const { pan } = readJsonFile(join(world.home, 'south/issuer/cards.json'), issuedCards)[0]!;
    const product = receipt.bought.name;
    const traffic = (name: string) => world.messages.slice(since).filter(({ to }) => to === name);

    expect(traffic('atlas').filter(({ bytes }) => contains(bytes, pan))).toEqual([]);
    expect(filesWith(join(world.home, 'atlas'), pan)).toEqual([]);
    expect(traffic('north').length).toBeGreaterThan(0);
    expect(traffic('north').filter(({ bytes }) => contains(bytes, product))).toEqual([]);
    expect(filesWith(join(world.home, 'north'), product)).toEqual([]);
    // Whoever looks for them in the right place finds them.
    expect(traffic('atlas').some(({ bytes }) => contains(bytes, product))).toBe(true);
    expect(filesWith(join(world.home, 'south/issuer'), pan)).toHaveLength(1);
  });
});

describe('both scenarios', () => {
  test('[KPN-A] an agent with a token opens the wallet by itself', async () => {
    const { view, wire } = await buy(world, ATLAS);
    expect(view.payments.map(({ status }) => status)).toEqual(['delivered']);
    wire.at('customer → atlas PReq');
  });

  test('[KPN-A] otherwise the person is prompted after the agent has initialised the wallet', async () => {
    const since = world.messages.length;
    const before = await restingBooks(world);
    const mandate = await world.send({ ...ATLAS, scenario: 'ask-person' });
    const { payments } = await world.follow(mandate, awaitingApproval);
    const { payment, price } = payments[0]!;
    const station = world.station();

    await expect(station.approve(payment, 'not the password')).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
    const early = wireOf(world.messages.slice(since));
    early.at('market → customer payment-start');
    expect(saying(early, SET)).toEqual([]);

    await station.approve(payment, world.password);
    await world.follow(mandate, delivered);
    expect(before.card - (await restingBooks(world)).card).toBe(minorOf(price));
  });

  test('[KPN-A] a person who says no does not pay', async () => {
    const since = world.messages.length;
    const before = await restingBooks(world);
    const mandate = await world.send({ ...ATLAS, scenario: 'ask-person' });
    const { payments } = await world.follow(mandate, awaitingApproval);
    await world.station().reject(payments[0]!.payment, 'not now');
    const view = await world.follow(mandate, (now) => now.payments[0]?.status === 'failed');
    expect(view.committed).toBe('0.00 EUR');
    expect(saying(wireOf(world.messages.slice(since)), SET)).toEqual([]);
    expect(await restingBooks(world)).toEqual(before);
  });
});

describe('standard SET', () => {
  test('[KPN-B] the same merchant and gateway serve a wallet without any agent, in the same words', async () => {
    const agents = await buy(world, ATLAS);
    const { sku } = agents.receipt.bought.items[0]!;
    const before = await restingBooks(world);
    const since = world.messages.length;
    const station = world.station();
    const { payment } = await station.buy({
      ...{ merchant: world.urlOf('atlas'), sku, currency: 'EUR', quantity: 1, max: '9EUR', password: world.password },
    });
    const bought = await until(
      () => station.purchase(payment),
      ({ status }) => status === 'delivered',
    );
    const wire = wireOf(world.messages.slice(since));
    expect(saying(wire, SET)).toEqual(saying(agents.wire, SET));
    const parties = new Set(world.messages.slice(since).flatMap(({ from, to }) => [from, to]));
    expect(parties.has('market')).toBe(false);
    expect(sha256Of(bought.file!)).toBe(agents.receipt.bought.items[0]!.sha256);
    expect(before.card - (await restingBooks(world)).card).toBe(minorOf(bought.price));
  });
});

describe("the bankers' interchange network", () => {
  test('[KPN-C] behind the gateway a card is authorised and captured at the issuer of another operator', async () => {
    const before = await restingBooks(world);
    const { wire, payment } = await buy(world, ATLAS);
    const steps = [
      'atlas → north AuthReq',
      'north.gateway → acquirer ISO0200',
      'north.acquirer → access ISO0200',
      'access → north.acquirer ISO0210',
      'acquirer → north.gateway ISO0210',
      'north → atlas AuthRes',
    ];
    expect(wire.spoken.filter((one) => steps.includes(one))).toEqual(steps);
    const after = await restingBooks(world);
    const price = minorOf(payment.price);
    expect(after.card - before.card).toBe(-price);
    expect(after.merchant - before.merchant).toBe(price);
    expect(after.issuerOwes - before.issuerOwes).toBe(price);
    expect(after).toMatchObject({ holds: 0, violations: [], acquirerIsOwed: after.issuerOwes });
  });

  test('[KPN-C] at the close of business the operators settle what their cards and merchants have moved', async () => {
    await buy(world, ATLAS);
    const before = await restingBooks(world);
    expect(before.issuerOwes).toBeGreaterThan(0n);
    const message = { kind: 'close', contentType: 'application/json', extension: 'json', body: new Uint8Array() };
    const url = `${world.urlOf('north')}/operator/close-of-business`;
    expect((await world.clientAs('atlas').post(url, message)).status).toBe(400);
    expect((await world.clientAs('north').post(url, message)).status).toBe(200);
    const after = await until(
      () => restingBooks(world),
      ({ issuerOwes }) => issuerOwes === 0n,
    );
    expect(after).toMatchObject({ acquirerIsOwed: 0n, violations: [] });
    expect(after.issuerSettled - before.issuerSettled).toBe(before.issuerOwes);
    expect(after.acquirerSettled - before.acquirerSettled).toBe(before.issuerOwes);
    expect(after.merchant).toBe(before.merchant);
  });
});

describe('while the person is away, and at home', () => {
  test('[KPN-D] an agent negotiates and agrees while its station is off; the sale is paid when it comes back', async () => {
    const since = world.messages.length;
    const { mandate, start } = await strandAgent(world, ATLAS);
    // Agreed and signed before the station was started again.
    verifyOfferChain(start.chain, readAgreement(start.agreement));
    expect(saying(wireOf(world.messages.slice(since)), ['payment-startAnswer', ...SET])).toEqual([]);
    await world.start('market');
    const { payments } = await world.follow(mandate, delivered);
    expect(payments).toHaveLength(1);
  });

  test('[KPN-D] a local agent carries its token with lighter protection, which no other machine ever sees', async () => {
    const since = world.messages.length;
    const { start } = openedStart(world, await buy(world, { ...ATLAS, local: true }), 'customer');
    expect(start.token.protection).toBe('plain');
    const outside = world.messages.slice(since).filter(({ to }) => to !== 'customer');
    expect(outside.length).toBeGreaterThan(0);
    expect(outside.filter(({ bytes }) => contains(bytes, start.token.body))).toEqual([]);
    expect(filesWith(join(world.home, 'market'), start.token.body)).toEqual([]);
  });

  test('[KPN-D] the lighter protection is not taken from a platform elsewhere', async () => {
    const { forge, start, mandate } = await strandAgent(world, ATLAS);
    const { token } = start;
    // Even the right code: whoever has it in clear has it from the station.
    const itemKey = (await guardedMandate(world, mandate)).itemKeys.get(token.itemId)!;
    const body = openToken(token, { itemKey, mandateId: mandate });
    const plain = forge({ token: { ...token, protection: 'plain', body } });
    expect(await postStart(world, plain)).toMatchObject({ code: 'TOKEN_REFUSED' });
    await world.start('market');
    await world.follow(mandate, delivered);
  });
});

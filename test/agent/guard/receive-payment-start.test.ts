import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GuardKeys, receivePaymentStart } from '../../../src/agent/guard/receive-payment-start.ts';
import type { MerchantParameters } from '../../../src/agent/message/merchant-parameters.ts';
import { createPaymentStart, type PaymentStart, readPaymentStart } from '../../../src/agent/message/payment-start.ts';
import { receivePaymentRequest } from '../../../src/agent/shop/receive-payment-request.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import { type Certificate, readCertificate } from '../../../src/pki/certificate.ts';
import { validatePath } from '../../../src/pki/path.ts';
import { type AgentWorld, createAgentWorld, good, type Owner } from '../market-world.ts';

const window = { oldMs: 60_000, newMs: 1_000 };
const refused = (code: string) => expect.objectContaining({ code });

let world: AgentWorld;
let station: Owner;
let merchant: Owner;
let startBytes: Uint8Array;
let requestBytes: Uint8Array;
let content: PaymentStart;
let keys: GuardKeys;

const validate = (chain: readonly Certificate[], purpose: 'agent' | 'signature', atMs: number) =>
  void validatePath({ chain, anchors: world.anchors, atMs, purpose });

beforeAll(async () => {
  world = createAgentWorld();
  const market = await world.platform('https://market.test');
  merchant = world.owner('ada');
  station = world.owner('station');
  await world.deploy(market, merchant);
  for (const { url } of [merchant, station]) world.routes.set(url, async () => new Uint8Array([0xf6]));
  await world.launch(market, station);
  await world.run(5_000);
  startBytes = world.sentOf('payment-start')[0]!.body;
  requestBytes = world.sentOf('payment-request')[0]!.body;
  keys = {
    station: station.keys.privateKey,
    agentAuthority: station.authority.certificate,
    validate: validate as GuardKeys['validate'],
  };
  const received = readPaymentStart(startBytes);
  content = received.open(readCertificate(received.certificateChain[0]!).publicKey, station.keys.privateKey);
});

const receive = (bytes = startBytes, with_ = keys, nowMs = content.atMs) =>
  receivePaymentStart(bytes, with_, { nowMs, window });

describe('a payment start at the station', () => {
  test('becomes a claim that says what the agents agreed', () => {
    const { claim, agreement } = receive();
    expect(claim).toMatchObject({
      mandateId: 'mandate',
      merchant: 'ada',
      merchantUrl: 'https://ada.test',
      quantity: 1,
    });
    expect(claim.price).toEqual(agreement.price);
    expect(claim.product.sku).toBe('words');
  });

  test('is refused when too old or from the future, and taken at the edges', () => {
    expect(() => receive(startBytes, keys, content.atMs + 60_001)).toThrow(refused('START_TOO_OLD'));
    expect(() => receive(startBytes, keys, content.atMs - 1_001)).toThrow(refused('START_TOO_NEW'));
    expect(receive(startBytes, keys, content.atMs + 60_000).claim.mandateId).toBe('mandate');
  });

  test('is refused from an agent another station certified', () => {
    const agentAuthority = world.owner('other').authority.certificate;
    expect(() => receive(startBytes, { ...keys, agentAuthority })).toThrow(CryptographicError);
  });

  test('is refused when sealed to another station', () => {
    expect(() => receive(startBytes, { ...keys, station: generateP256().privateKey })).toThrow(CryptographicError);
  });

  test('is refused when the certificate path does not hold', () => {
    const doubtful = {
      ...keys,
      validate: () => {
        throw new Error('revoked');
      },
    };
    expect(() => receive(startBytes, doubtful)).toThrow(CryptographicError);
  });

  test('is refused when signed by anybody but the agent', () => {
    const chain = readPaymentStart(startBytes).certificateChain;
    const forged = createPaymentStart({
      value: content,
      signer: { privateKey: generateP256().privateKey, certificateChain: chain },
      station: station.keys.publicKey,
      random: systemRandom,
    });
    expect(() => receive(forged)).toThrow(CryptographicError);
  });

  test('refuses every altered byte, and arbitrary bytes, with one outward error', () => {
    for (let at = 0; at < startBytes.length; at += 97) {
      const altered = startBytes.slice();
      altered[at]! ^= 0x01;
      expect(() => receive(altered), `byte ${at}`).toThrow(CryptographicError);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => receive(bytes)).toThrow(CryptographicError);
      }),
    );
  });
});

describe('a payment request at the merchant server', () => {
  const parameters = (changes: Partial<MerchantParameters> = {}) =>
    ({
      ...{ currency: 'EUR', goods: [good('words')], bundles: [], holdMs: 60_000 },
      merchant: { id: 'ada', name: 'ada Ltd', url: 'https://ada.test' },
      ...changes,
    }) as MerchantParameters;
  const ask = (
    over: { bytes?: Uint8Array; merchant?: string; given?: MerchantParameters; authority?: Certificate } = {},
  ) =>
    receivePaymentRequest(
      over.bytes ?? requestBytes,
      { agentAuthority: over.authority ?? merchant.authority.certificate, validate: keys.validate },
      {
        merchant: over.merchant ?? 'ada',
        market: 'https://market.test',
        answer: new Uint8Array([0xf6]),
        parameters: () => over.given ?? parameters(),
      },
      content.atMs,
    );

  test('opens an order for exactly the agreement', () => {
    const { order, description } = ask();
    expect(description).toEqual(content.agreement);
    expect(order.items).toMatchObject([{ sku: 'words', quantity: 1 }]);
    expect(order.buyer).toBe('station');
  });

  test('is refused below the floor, and taken exactly at it', () => {
    const price = ask().order.amount.minor;
    expect(ask({ given: parameters({ goods: [good('words', { floorMinor: price })] }) }).order.amount.minor).toBe(
      price,
    );
    const dearer = parameters({ goods: [good('words', { floorMinor: price + 1n })] });
    expect(() => ask({ given: dearer })).toThrow(refused('PRICE_BELOW_FLOOR'));
  });

  test.each<[string, Parameters<typeof ask>[0]]>([
    ['GOODS_UNKNOWN', { given: parameters({ goods: [good('maps')] }) }],
    ['GOODS_UNKNOWN', { given: parameters({ goods: [good('words', { sha256: new Uint8Array(32) })] }) }],
    ['GOODS_UNKNOWN', { given: parameters({ goods: [good('words', { sizeBytes: 999 })] }) }],
    [
      'GOODS_UNKNOWN',
      { given: parameters({ goods: [good('words', { product: { ...good('words').product, name: 'Other' } })] }) },
    ],
    [
      'GOODS_UNKNOWN',
      {
        given: parameters({ goods: [good('words', { choices: { licence: [{ value: 'any', surchargeMinor: 1n }] } })] }),
      },
    ],
    ['ORDER_NOT_OURS', { merchant: 'bob' }],
    ['ORDER_NOT_OURS', { given: parameters({ merchant: { id: 'ada', name: 'ada Ltd', url: 'https://moved.test' } }) }],
  ])('is refused with %s', (code, over) => {
    expect(() => ask(over)).toThrow(refused(code));
  });

  test('keeps an order open no longer than the merchant itself holds its stock', () => {
    expect(ask({ given: parameters({ holdMs: 1000 }) }).order.expiresAtMs).toBe(content.atMs + 1000);
  });

  test('is refused when another merchant’s agent agreed, or a byte was altered', () => {
    expect(() => ask({ authority: station.authority.certificate })).toThrow(CryptographicError);
    for (let at = 0; at < requestBytes.length; at += 97) {
      const altered = requestBytes.slice();
      altered[at]! ^= 0x01;
      expect(() => ask({ bytes: altered }), `byte ${at}`).toThrow(CryptographicError);
    }
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAgreement } from '../../../src/agent/message/agreement.ts';
import { callType, proposalsType, proposalType } from '../../../src/agent/message/call-for-proposals.ts';
import {
  agentStatusType,
  deployType,
  launchType,
  merchantListType,
  merchantsType,
  recallType,
  reserveType,
} from '../../../src/agent/message/hosting.ts';
import { mandateType } from '../../../src/agent/message/mandate.ts';
import { merchantParametersType } from '../../../src/agent/message/merchant-parameters.ts';
import { acceptanceType, endingType, offerType } from '../../../src/agent/message/offer.ts';
import { verifyOfferChain } from '../../../src/agent/message/offer-chain.ts';
import {
  completionNoticeType,
  completionType,
  passedCompletionType,
  payByCardType,
  paymentRefusalType,
  paymentRequestType,
} from '../../../src/agent/message/payment.ts';
import { createPaymentStart, type PaymentStart, readPaymentStart } from '../../../src/agent/message/payment-start.ts';
import { openToken, plainToken, sealToken } from '../../../src/agent/message/token.ts';
import { isWanted } from '../../../src/agent/message/wanted.ts';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { decodeShape, type MessageType, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { createAgentWorld, good } from '../market-world.ts';

const types: readonly MessageType<unknown>[] = [
  ...[callType, proposalType, mandateType, merchantParametersType, offerType, acceptanceType, endingType],
  ...[
    reserveType,
    launchType,
    deployType,
    recallType,
    completionType,
    passedCompletionType,
    completionNoticeType,
    paymentRefusalType,
    merchantsType,
  ],
  ...[payByCardType, paymentRequestType],
] as readonly MessageType<unknown>[];

const keys = generateP256();
const signer = { privateKey: keys.privateKey };
const code = (expected: string) => expect.objectContaining({ code: expected });
const digest = new Uint8Array(32);
const offer = { negotiation: 'n', round: 3, values: { price: 250, licence: 'team' }, previous: digest };

/** A payment start as a real market makes it, with everything in it. */
async function paymentStart() {
  const world = createAgentWorld();
  const market = await world.platform('https://market.test');
  await world.deploy(market, world.owner('ada'), { goods: [good('words')] });
  const station = world.owner('station');
  await world.launch(market, station);
  await world.run(100);
  const received = readPaymentStart(world.sentOf('payment-start')[0]!.body);
  const agentKey = readCertificate(received.certificateChain[0]!).publicKey;
  return { received, agentKey, station, content: received.open(agentKey, station.keys.privateKey) };
}

describe('messages', () => {
  test('are read as they were signed, and by the signer’s key only', () => {
    const message = readMessage(offerType, signMessage(offerType, offer, signer));
    expect({ ...message.value, values: { ...message.value.values } }).toEqual(offer);
    message.requireSignature(keys.publicKey);
    expect(() => message.requireSignature(generateP256().publicKey)).toThrow(code('CRYPTOGRAPHIC_FAILURE'));
  });

  test('of one kind never pass for another', () => {
    const ending = signMessage(endingType, { negotiation: 'n', reason: '', previous: digest }, signer);
    expect(() => readMessage(acceptanceType, ending)).toThrow(code('MESSAGE_OF_ANOTHER_KIND'));
  });

  test.each([
    [{ ...offer, extra: 1 }],
    [{ ...offer, round: -1 }],
    [{ ...offer, round: 1.5 }],
    [{ ...offer, round: 101 }],
    [{ ...offer, negotiation: '' }],
    [{ ...offer, previous: new Uint8Array(31) }],
    [{ ...offer, values: { price: null } }],
    [{ ...offer, values: Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`v${at}`, 1])) }],
    [[]],
    [null],
  ])('out of their bounds are refused: %j', (value) => {
    expect(() => decodeShape(offerType, encodeCbor(value))).toThrow(code('MESSAGE_INVALID'));
  });

  test('arbitrary bytes, signed or not, only ever fail with our own error', () => {
    const ours = (read: () => unknown) => {
      try {
        read();
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
      }
    };
    const anything = fc.anything({ withBigInt: false, maxDepth: 3 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...types), (bytes, type) => {
        ours(() => readMessage(type, bytes));
        ours(() => decodeShape(type, bytes));
        ours(() => decodeShape(agentStatusType, bytes));
        ours(() => decodeShape(merchantListType, bytes));
        ours(() => decodeShape(proposalsType, bytes));
        ours(() => readAgreement(bytes));
        ours(() => readPaymentStart(bytes));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(anything, fc.constantFrom(...types), (value, type) => {
        let bytes: Uint8Array;
        try {
          bytes = encodeCbor(value as never);
        } catch {
          return;
        }
        ours(() => decodeShape(type, bytes));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a payment start', () => {
  test('is readable by the station only, signed by the agent, and any damage shows', async () => {
    const { received, agentKey, station, content } = await paymentStart();
    expect(content.nonce).toHaveLength(16);
    const refused = (open: () => unknown) => expect(open).toThrow(code('CRYPTOGRAPHIC_FAILURE'));
    refused(() => received.open(agentKey, generateP256().privateKey));
    refused(() => received.open(generateP256().publicKey, station.keys.privateKey));
    const value: PaymentStart = { ...content, nonce: systemRandom(16) };
    const agent = generateP256();
    const bytes = createPaymentStart({
      value,
      signer: { privateKey: agent.privateKey },
      station: station.keys.publicKey,
      random: systemRandom,
    });
    expect(readPaymentStart(bytes).open(agent.publicKey, station.keys.privateKey).nonce).toEqual(value.nonce);
    for (const at of [20, bytes.length >> 1, bytes.length - 1]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 1;
      refused(() => readPaymentStart(damaged).open(agent.publicKey, station.keys.privateKey));
    }
  });

  test('carries an agreement and its whole history, and a history changed anywhere is refused', async () => {
    const { content } = await paymentStart();
    const agreement = readAgreement(content.agreement);
    const { chain } = content;
    expect(verifyOfferChain(chain, agreement)).toHaveLength(chain.offers.length);
    const refused = (changed: typeof chain) =>
      expect(() => verifyOfferChain(changed, agreement)).toThrow(code('CRYPTOGRAPHIC_FAILURE'));
    refused({ ...chain, offers: chain.offers.slice(0, -1) });
    refused({ ...chain, offers: chain.offers.slice(1) });
    refused({ ...chain, offers: [...chain.offers, chain.offers[0]!] });
    refused({ ...chain, offers: chain.offers.toReversed() });
    refused({ ...chain, call: signMessage(callType, readMessage(callType, chain.call).value, signer) });
    refused({ ...chain, proposal: signMessage(proposalType, readMessage(proposalType, chain.proposal).value, signer) });
  });

  test('with an agreement whose terms were changed after signing is refused', async () => {
    const { content } = await paymentStart();
    const { priceMinor } = readAgreement(content.agreement).terms;
    const digits = encodeCbor(priceMinor);
    const at = Buffer.from(content.agreement).indexOf(Buffer.concat([Buffer.from('priceMinor'), digits]));
    expect(at).toBeGreaterThan(0);
    const cheaper = Uint8Array.from(content.agreement);
    cheaper[at + 'priceMinor'.length + digits.length - 1]! ^= 1;
    expect(() => readAgreement(cheaper)).toThrow(code('CRYPTOGRAPHIC_FAILURE'));
  });
});

describe('a token', () => {
  const itemKey = systemRandom(32);
  const authorisation = systemRandom(32);
  const binding = { itemKey, mandateId: 'm', itemId: 'item 1' };
  const token = sealToken({ ...binding, code: authorisation, random: systemRandom });

  test('opens with the key of its own item and mandate only', () => {
    expect(openToken(token, binding)).toEqual(authorisation);
    const refused = (open: () => unknown) => expect(open).toThrow(code('CRYPTOGRAPHIC_FAILURE'));
    refused(() => openToken(token, { ...binding, itemKey: systemRandom(32) }));
    refused(() => openToken(token, { ...binding, mandateId: 'another' }));
    refused(() => openToken({ ...token, itemId: 'item 2' }, binding));
  });

  test('shows the code on the station’s own platform only when asked to', () => {
    expect(Buffer.from(token.body).includes(Buffer.from(authorisation))).toBe(false);
    expect(openToken(plainToken({ itemId: 'item 1', code: authorisation }), binding)).toEqual(authorisation);
  });
});

test('what is wanted is found by words, category and attributes, and open issues count with all their values', () => {
  const { product } = good('words');
  const wanted = { terms: ['WORDS'], category: '', mustHaves: {} };
  expect(isWanted(wanted, product)).toBe(true);
  expect(isWanted({ ...wanted, terms: ['words', 'pictures'] }, product)).toBe(false);
  expect(isWanted({ ...wanted, category: 'Music' }, product)).toBe(false);
  expect(isWanted({ ...wanted, mustHaves: { language: ['en', 'nl'] } }, product)).toBe(true);
  expect(isWanted({ ...wanted, mustHaves: { licence: ['team'] } }, product)).toBe(false);
  expect(isWanted({ ...wanted, mustHaves: { licence: ['team'] } }, product, { licence: ['personal', 'team'] })).toBe(
    true,
  );
});

/** The wire of the "Payment" scheme: what is said comes back the same, and whatever else arrives is refused as ours. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/crypto/digest.ts';
import {
  formatChallenge,
  type PaymentChallenge,
  parseChallenges,
} from '../../../src/deposit/message/payment-challenge.ts';
import {
  formatCredential,
  MAX_CREDENTIAL_LENGTH,
  parseCredential,
  preemptiveChallenge,
  readPayload,
} from '../../../src/deposit/message/payment-credential.ts';
import { encodePaymentJson } from '../../../src/deposit/message/payment-json.ts';
import {
  contentDigest,
  decodeOffer,
  encodeOffer,
  type Offer,
  requestDigest,
  unitsOf,
} from '../../../src/deposit/message/payment-offer.ts';
import { formatReceipt, parseReceipt } from '../../../src/deposit/message/payment-receipt.ts';
import { HandselError } from '../../../src/handsel-error.ts';

const offer: Offer = {
  ...{ merchant: 'bakery', operator: 'south', currency: 'EUR', unitNano: 100_000, units: 4, preemptive: true },
  resource: sha256(Buffer.from('request')),
};
const challenge: PaymentChallenge = {
  ...{ id: 'abc', realm: 'bakery.example', method: 'deposit', intent: 'session', request: encodeOffer(offer) },
  ...{ expires: '2026-11-21T12:05:00Z', description: 'a "roll" \\ or two, please' },
};
const payload = { transaction: 'north.7.1', token: new Uint8Array(74).fill(7), checkpoint: new Uint8Array([1, 2]) };

describe('challenges', () => {
  test('come back as they were said, quotes and all', () => {
    expect(parseChallenges(formatChallenge(challenge))).toEqual([challenge]);
  });

  test('are found between those of other schemes, in their order', () => {
    const other = { ...challenge, method: 'tempo', id: 'def' };
    const field = `Basic realm="a, Payment id=\\"x\\"", Negotiate dG9rZW4=, ${formatChallenge(other)},, Newer, ${formatChallenge(challenge)}`;
    expect(parseChallenges(field)).toEqual([other, challenge]);
  });

  test('the example of the draft is read, spread over lines as it is', () => {
    const field = `Payment id="x7Tg2pLqR9mKvNwY3hBcZa",
    realm="api.example.com", method="example", intent="charge", expires="2025-01-15T12:05:00Z",
    request="eyJhbW91bnQiOiIxMDAwIiwiY3VycmVuY3kiOiJVU0QiLCJyZWNpcGllbnQiOiJhY2N0XzEyMyJ9", unknown=token`;
    expect(parseChallenges(field.replaceAll('\n', ''))).toMatchObject([
      { id: 'x7Tg2pLqR9mKvNwY3hBcZa', method: 'example' },
    ]);
  });

  test.each([
    ['without an id', 'Payment realm="a", method="deposit", intent="session", request="e30"'],
    ['with an empty id', 'Payment id="", realm="a", method="deposit", intent="session", request="e30"'],
    ['of a method in capitals', 'Payment id="a", realm="a", method="Deposit", intent="session", request="e30"'],
    [
      'choosing the Cookie header',
      'Payment id="a", realm="a", method="deposit", intent="session", request="e30", header="Cookie"',
    ],
  ])('one %s is left out', (_, field) => {
    expect(parseChallenges(field)).toEqual([]);
  });

  test.each([
    'Payment id="a", id="b"',
    'Payment id="never ends',
    'Payment id="a" realm="b"',
    `Payment id="${'x'.repeat(40_000)}"`,
  ])('a field that is no list of challenges is refused: %.30s', (field) => {
    expect(() => parseChallenges(field)).toThrow(expect.objectContaining({ code: 'CHALLENGE_MALFORMED' }));
  });

  test('nothing is written that would break out of its header field', () => {
    expect(() => formatChallenge({ ...challenge, description: 'a\r\nset-cookie: b' })).toThrow('visible ASCII');
  });

  test('of arbitrary text are read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^Payment [ -~]*$/)), (field) => {
        expect(attempt(() => parseChallenges(field))).toBe(true);
      }),
    );
  });
});

describe('offers', () => {
  test('come back as they were made', () => {
    const suggested = { ...offer, suggestedDepositNano: 10n ** 9n };
    expect(decodeOffer({ request: encodeOffer(suggested) })).toEqual(suggested);
    expect(decodeOffer({ request: encodeOffer({ ...offer, preemptive: false }) }).preemptive).toBe(false);
  });

  test('stand on the wire as the draft says: canonical JSON, base units, lower-case currency', () => {
    const json = Buffer.from(encodeOffer(offer), 'base64url').toString();
    expect(json).toBe(
      '{"amount":"400000","currency":"eur","methodDetails":{"decimals":9,"operator":"south","preemptive":true,' +
        `"resource":"${Buffer.from(offer.resource).toString('base64url')}","unitNano":100000},"recipient":"bakery","unitType":"request"}`,
    );
  });

  test.each([
    ['that is no whole number of units', { amount: '450000' }],
    ['of nothing', { amount: '0' }],
    ['with a sign', { amount: '-400000' }],
    ['above what one purchase can carry', { amount: '400000000000000000' }],
    ['in another decimal place', { methodDetails: { decimals: 2 } }],
    ['of a later version', { methodDetails: { version: 2 } }],
  ])('one %s is refused', (_, changed) => {
    const json = JSON.parse(Buffer.from(encodeOffer(offer), 'base64url').toString());
    const details = { ...json.methodDetails, ...('methodDetails' in changed ? changed.methodDetails : {}) };
    const request = encodePaymentJson({ ...json, ...changed, methodDetails: details });
    expect(() => decodeOffer({ request })).toThrow(HandselError);
  });

  test('a price is a whole number of units or none', () => {
    expect(unitsOf({ currency: 'EUR', nano: 400_000n }, 100_000)).toBe(4);
    expect(() => unitsOf({ currency: 'EUR', nano: 450_000n }, 100_000)).toThrow(
      '0.00045 EUR is no multiple of 0.0001 EUR',
    );
  });

  test('another server, method, place or body is another request', () => {
    const request = { realm: 'a', method: 'GET', target: '/x?y', body: new Uint8Array() };
    const others = [{ realm: 'b' }, { method: 'HEAD' }, { target: '/x' }, { body: new Uint8Array([0]) }];
    const digests = [{}, ...others].map((other) =>
      Buffer.from(requestDigest({ ...request, ...other })).toString('hex'),
    );
    expect(new Set(digests).size).toBe(5);
  });

  test('a body has the digest that RFC 9530 gives it, and no body has none', () => {
    expect(contentDigest(Buffer.from('{"hello": "world"}\n'))).toBe(
      'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
    );
    expect(contentDigest(new Uint8Array())).toBeUndefined();
  });
});

describe('credentials', () => {
  test('come back with what they pay and what they answer', () => {
    const read = parseCredential(formatCredential(challenge, payload))!;
    expect(read.challenge).toEqual(challenge);
    expect(readPayload(read.payload)).toEqual(payload);
  });

  test('one that answers no challenge is short', () => {
    const { checkpoint: _, ...ahead } = payload;
    expect(formatCredential(preemptiveChallenge, ahead).length).toBeLessThan(310);
  });

  test('what comes in the usual form is read as it would be in any other', () => {
    const read = (text: string) => {
      const credential = parseCredential(`Payment ${Buffer.from(text).toString('base64url')}`)!;
      const { challenge, payload } = credential;
      return { challenge, payload: credential.read ?? readPayload(payload) };
    };
    const tokens = fc.oneof(
      fc.uint8Array({ maxLength: 180, size: 'max' }).map((bytes) => Buffer.from(bytes).toString('base64url')),
      fc.string({ unit: fc.constantFrom(...'AQgw_-7=+ "\\é') }),
    );
    const transactions = fc.oneof(fc.constant('north.7.1'), fc.string({ unit: fc.constantFrom(...'n.1"\\é ') }));
    const more = fc.oneof(fc.constant({}), fc.constant({ x: 'y' }), fc.constant({ ahead: 3 }));
    fc.assert(
      fc.property(tokens, transactions, more, (token, transaction, others) => {
        const payload = { token, transaction, ...others };
        const said = { challenge: { id: 'preemptive', intent: 'session', method: 'deposit' }, payload };
        expect(read(JSON.stringify(said))).toEqual(read(JSON.stringify(said, null, 1)));
      }),
      { numRuns: 1000 },
    );
    const { read: seen } = parseCredential(
      formatCredential(preemptiveChallenge, { ...payload, checkpoint: undefined! }),
    )!;
    expect(seen).toEqual({ transaction: payload.transaction, token: payload.token });
  });

  test('nothing, and what is of another scheme, is none', () => {
    expect([undefined, '', 'Bearer x', 'PaymentX e30'].map(parseCredential)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test.each([
    ['without a value', 'Payment'],
    ['two at once', `${formatCredential(challenge, payload)}, ${formatCredential(challenge, payload)}`],
    ['with padding', 'Payment e30='],
    ['no JSON', 'Payment e30x'],
    ['empty JSON', 'Payment e30'],
    ['too long', `Payment ${'a'.repeat(MAX_CREDENTIAL_LENGTH)}`],
  ])('%s is malformed', (_, field) => {
    expect(() => parseCredential(field)).toThrow(expect.objectContaining({ code: 'CREDENTIAL_MALFORMED' }));
  });

  test('of arbitrary bytes are refused as ours', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
        const field = `Payment ${Buffer.from(json).toString('base64url')}`;
        expect(attempt(() => readPayload(parseCredential(field)?.payload))).toBe(true);
      }),
    );
  });
});

test('receipts come back, and those of other methods are refused', () => {
  const receipt = { transaction: 'north/1.7.1', number: 12, atMs: 1_795_262_400_000 };
  expect(parseReceipt(formatReceipt(receipt, offer))).toEqual(receipt);
  const other = { status: 'success', method: 'tempo', timestamp: '2026-11-21T12:00:00Z', reference: '0xabc' };
  expect(() => parseReceipt(encodePaymentJson(other))).toThrow(expect.objectContaining({ code: 'RECEIPT_MALFORMED' }));
});

/** True when it worked, or was refused by one of our own errors. */
function attempt(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    return error instanceof HandselError;
  }
}

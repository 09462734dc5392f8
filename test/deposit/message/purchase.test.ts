/** Tokens, chains, lists and tabs: what a purchase inside a deposit is made of. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { lengthsFor } from '../../../src/deposit/customer/spending-chains.ts';
import { leadsTo, makeChain, WORD_LENGTH } from '../../../src/deposit/message/hash-chain.ts';
import { listKeyOf } from '../../../src/deposit/message/list-key.ts';
import {
  decodePurchase,
  encodePurchase,
  MAX_PRICE_UNITS,
  MAX_PURCHASE_BYTES,
  MAX_STEPS_OF_CHECKPOINT,
  type Purchase,
  stepsFor,
  WORTHS,
  worthOf,
} from '../../../src/deposit/message/purchase.ts';
import {
  createListCipher,
  decryptEntries,
  EMPTY_HEAD,
  ENTRY_LENGTH,
  headWith,
} from '../../../src/deposit/message/purchase-list.ts';
import { provenUnits, type Tab, tabAt, withPurchase } from '../../../src/deposit/message/tab.ts';

const refusal = (code: string) => expect.objectContaining({ code });
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = sha256(Buffer.from('list key'));
const request = sha256(Buffer.from('GET /one'));

describe('a token', () => {
  const steps = fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
    .filter((all) => all.some((count) => count > 0));

  test('is read as it was written', () => {
    const tokens = fc.tuple(fc.integer({ min: 1, max: 2 ** 48 - 1 }), steps, bytesOf(32), bytesOf(32));
    fc.assert(
      fc.property(tokens, ([number, moved, head, word]) => {
        const purchase: Purchase = {
          number,
          steps: moved,
          head,
          words: moved.map((count) => (count ? word : undefined)),
        };
        expect(decodePurchase(encodePurchase(purchase))).toEqual(purchase);
      }),
    );
  });

  test('of any other bytes is refused with our own error, or is the one token these bytes are', () => {
    const token = encodePurchase({
      number: 1,
      steps: [1, 0, 0, 2],
      head: key,
      words: [key, undefined, undefined, key],
    });
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: MAX_PURCHASE_BYTES + 8 }),
      fc.tuple(fc.nat(token.length - 1), fc.nat(255)).map(([at, byte]) => token.with(at, byte)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          expect(encodePurchase(decodePurchase(bytes))).toEqual(bytes);
        } catch (cause) {
          expect(cause).toEqual(refusal('PURCHASE_UNPROVED'));
        }
      }),
    );
  });

  test('carries every price exactly, and none beyond its chains', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_PRICE_UNITS }), (units) => {
        expect(worthOf(stepsFor(units))).toBe(units);
      }),
    );
    expect(stepsFor(37)).toEqual([5, 2, 0, 0]);
    for (const units of [0, -1, 0.5, MAX_PRICE_UNITS + 1]) {
      expect(() => stepsFor(units)).toThrow(refusal('DEPOSIT_EXCEEDED'));
    }
  });
});

describe('a chain', () => {
  test('is the repeated SHA-256 of its last word, and is walked back by that alone', () => {
    const chain = makeChain(key, 3);
    const word = (at: number) => chain.slice(at * WORD_LENGTH, (at + 1) * WORD_LENGTH);
    expect(word(3)).toEqual(key);
    expect(word(1)).toEqual(sha256(sha256(key)));
    expect(leadsTo(word(3), word(0), 3)).toBe(true);
    expect(leadsTo(word(2), word(2), 0)).toBe(true);
    expect(leadsTo(word(3), word(0), 2)).toBe(false);
    expect(leadsTo(word(0), word(3), 3)).toBe(false);
    expect(leadsTo(key.subarray(1), word(2), 1)).toBe(false);
  });
});

describe('the list', () => {
  test('is the same at both ends and for nobody else', () => {
    const [customer, merchant, other] = [generateP256(), generateP256(), generateP256()];
    const points = { customer: exportPoint(customer.publicKey), merchant: exportPoint(merchant.publicKey) };
    const ours = listKeyOf({ transaction: 'A.1.1', own: 'customer', privateKey: customer.privateKey, ...points });
    const keyFor = (privateKey = merchant.privateKey, transaction = 'A.1.1', changed = {}) =>
      listKeyOf({ transaction, own: 'merchant', privateKey, ...points, ...changed });
    expect(keyFor()).toEqual(ours);
    expect(keyFor(other.privateKey)).not.toEqual(ours);
    expect(keyFor(merchant.privateKey, 'A.1.2')).not.toEqual(ours);
    expect(keyFor(merchant.privateKey, 'A.1.1', { merchant: exportPoint(other.publicKey) })).not.toEqual(ours);
  });

  test('has the same bytes in whatever order and by whichever cipher its entries are encrypted', () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(numbers, (places) => {
        const cipher = createListCipher(key);
        for (const number of places) {
          const entry = { number, units: number * 7, request };
          const encrypted = cipher.encrypt(entry);
          expect(createListCipher(key).encrypt(entry)).toEqual(encrypted);
          expect(decryptEntries(key, encrypted, number)).toEqual([entry]);
        }
      }),
    );
  });

  test('is read back whole, with numbers beyond 32 bits', () => {
    const first = 2 ** 33 - 1;
    const cipher = createListCipher(key);
    const entries = [0, 1, 2].map((at) => ({ number: first + at, units: 2 ** 40 + at, request }));
    const encrypted = Buffer.concat(entries.map((entry) => cipher.encrypt(entry)));
    expect(encrypted).toHaveLength(3 * ENTRY_LENGTH);
    expect(decryptEntries(key, encrypted, first)).toEqual(entries);
  });

  test('gives nothing away: equal purchases look different, and so do equal heads one entry on', () => {
    const cipher = createListCipher(key);
    const [one, two] = [1, 2].map((number) => cipher.encrypt({ number, units: 1, request })) as [
      Uint8Array,
      Uint8Array,
    ];
    expect(one).not.toEqual(two);
    expect(headWith(EMPTY_HEAD, one)).toEqual(sha256(EMPTY_HEAD, one));
    expect(headWith(EMPTY_HEAD, one)).not.toEqual(headWith(EMPTY_HEAD, two));
    expect(() => cipher.encrypt({ number: 3, units: 1, request: key.subarray(1) })).toThrow(
      refusal('PURCHASE_UNPROVED'),
    );
  });
});

describe('a tab', () => {
  const chains = WORTHS.map((_, at) => makeChain(sha256(new Uint8Array([at])), 40));
  const wordAt = (chain: number, at: number) => chains[chain]!.slice(at * WORD_LENGTH, (at + 1) * WORD_LENGTH);
  const checkpoint = {
    ...{ transaction: 'A.1.1', count: 0, units: 0, head: EMPTY_HEAD, unitNano: 1000, currency: 'EUR' },
    anchors: chains.map((_, at) => wordAt(at, 0)),
  };
  const payment = (tab: Tab, steps: readonly number[]): Purchase => ({
    ...{ number: tab.count + 1, steps, head: key },
    words: steps.map((moved, chain) => (moved === 0 ? undefined : wordAt(chain, tab.steps[chain]! + moved))),
  });
  const start = tabAt(checkpoint);
  const expected = { units: 2, head: key };

  test('comes to what a third party finds proven, whatever is bought', () => {
    const moves = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 12 }), (purchases) => {
        let tab = start;
        for (const steps of purchases) {
          if (worthOf(steps) > 0) tab = withPurchase(tab, payment(tab, steps), { units: worthOf(steps), head: key });
        }
        expect(provenUnits(checkpoint, tab)).toBe(tab.units);
        const more = tab.steps.with(0, tab.steps[0]! + 1);
        expect(() => provenUnits(checkpoint, { ...tab, steps: more })).toThrow(refusal('RECORD_UNFIT'));
      }),
    );
  });

  test('moves on by the next purchase only, and stays as it was when that is refused', () => {
    const good = payment(start, [2, 0, 0, 0]);
    expect(withPurchase(start, good, expected)).toMatchObject({ count: 1, units: 2, steps: [2, 0, 0, 0] });
    expect(() => withPurchase(start, { ...good, number: 2 }, expected)).toThrow(refusal('PURCHASE_OUT_OF_ORDER'));
    const wrong: [Purchase, typeof expected][] = [
      [good, { ...expected, units: 3 }],
      [good, { ...expected, head: request }],
      [{ ...good, words: [wordAt(0, 1), undefined, undefined, undefined] }, expected],
      [{ ...good, words: [wordAt(0, 3), undefined, undefined, undefined] }, expected],
      // Worth without words, and one chain's words for another's.
      [{ ...good, words: [undefined, undefined, undefined, undefined] }, expected],
      [
        { ...good, steps: [0, 2, 0, 0], words: [undefined, wordAt(0, 2), undefined, undefined] },
        { ...expected, units: 32 },
      ],
      // The first chain is right and the last is not.
      [
        { ...good, steps: [2, 0, 0, 1], words: [wordAt(0, 2), undefined, undefined, key] },
        { ...expected, units: 4098 },
      ],
    ];
    for (const [purchase, terms] of wrong) {
      expect(() => withPurchase(start, purchase, terms)).toThrow(refusal('PURCHASE_UNPROVED'));
    }
    expect(start).toEqual(tabAt(checkpoint));
  });

  test('asks for a new checkpoint before a chain grows longer than a record can carry', () => {
    expect(MAX_STEPS_OF_CHECKPOINT * WORTHS.length).toBeLessThanOrEqual(65_536);
    expect(Math.max(...lengthsFor(MAX_PRICE_UNITS))).toBeLessThan(MAX_STEPS_OF_CHECKPOINT);
    const full = { ...start, steps: [MAX_STEPS_OF_CHECKPOINT - 1, 0, 0, 0] };
    const one = payment(start, [1, 0, 0, 0]);
    expect(withPurchase(full, one, { units: 1, head: key }).steps[0]).toBe(MAX_STEPS_OF_CHECKPOINT);
    const two = payment(start, [2, 0, 0, 0]);
    expect(() => withPurchase(full, two, expected)).toThrow(refusal('PURCHASE_UNPROVED'));
  });
});

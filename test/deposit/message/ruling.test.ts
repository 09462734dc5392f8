import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import { type Released, transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import type { Side } from '../../../src/deposit/message/evidence.ts';
import { EMPTY_HEAD } from '../../../src/deposit/message/purchase-list.ts';
import { type FurtherEvidence, type RulingCase, ruleDeposit } from '../../../src/deposit/message/ruling.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { createSpending, customerKeys, merchantKeys, type RecordChanges, type Spending } from './spending-fixture.ts';

/** One unit is a tenth of a cent, so that sums have to be rounded. */
const deposit = { currency: 'EUR', minor: 500n };

function spend(...prices: readonly number[]): Spending {
  const spending = createSpending();
  for (const units of prices) spending.buy(units);
  return spending;
}

const bought = spend(3, 70, 18, 5, 400, 7, 1, 290, 12, 33, 2);
const last = bought.moments.length - 1;
const whole = bought.moments[last]!.tab;
const other = spend(9, 9, 9);
const signedAt = 8;

function rule(evidence: Partial<RulingCase>) {
  const keys = { customerKey: customerKeys.publicKey, merchantKey: merchantKeys.publicKey };
  return ruleDeposit({ transaction: bought.transaction, deposit, ...keys, ...evidence });
}

const bySide = (by: Side, record: Uint8Array | undefined) =>
  record && { [by === 'customer' ? 'customerRecord' : 'merchantRecord']: record };

describe('the value', () => {
  test('is what both say, rounded once and half-even', () => {
    const ruling = rule({ customerRecord: bought.record('customer'), merchantRecord: bought.record('merchant') });
    expect(ruling).toMatchObject({ paidUnits: 841, unitNano: 1_000_000, paid: { currency: 'EUR', minor: 84n } });
    expect(ruling).toMatchObject({ count: 11, head: whole.head });
    expect(ruling.reasons.at(-1)).toBe('Both have the same list of 11 purchases.');
    const paidFor = (units: number) => {
      const record = bought.record('customer', last, { units, released: undefined });
      return rule({ customerRecord: record }).paid.minor;
    };
    expect([14, 15, 16, 25, 35].map(paidFor)).toEqual([1n, 2n, 2n, 2n, 4n]);
  });

  test('is what the words prove, when the merchant claims more', () => {
    const merchantRecord = bought.record('merchant', last, { units: 4000, count: 50 });
    const ruling = rule({ customerRecord: bought.record('customer'), merchantRecord });
    expect(ruling.paidUnits).toBe(841);
    expect(ruling.reasons).toContain('The merchant says 4.00 EUR (4000 units): what it does not prove does not count.');
    expect(rule({ merchantRecord }).paidUnits).toBe(841);
  });

  test('is what the words prove, when the customer claims less, in units or in what a unit is worth', () => {
    const merchantRecord = bought.record('merchant');
    const lies: RecordChanges[] = [{ units: 1 }, { unitNano: 1 }, { units: 841, released: undefined, unitNano: 1000 }];
    for (const lie of lies) {
      const ruling = rule({ customerRecord: bought.record('customer', 1, lie), merchantRecord });
      expect(ruling).toMatchObject({ paidUnits: 841, unitNano: 1_000_000 });
      expect(ruling.reasons.join()).toContain('the proof is higher');
    }
  });

  test('is the customer’s own admission, when the last words never arrived', () => {
    const merchantRecord = bought.record('merchant', last - 1);
    expect(rule({ customerRecord: bought.record('customer'), merchantRecord }).paidUnits).toBe(841);
    expect(rule({ merchantRecord }).paidUnits).toBe(839);
  });

  test('is proved by whoever brings the words', () => {
    const released = bought.moments[last]!.released;
    const merchantRecord = bought.record('merchant', 2);
    for (const by of ['customer', 'merchant'] as const) {
      expect(rule({ merchantRecord, further: [{ by, released }] }).paidUnits).toBe(841);
      expect(rule({ merchantRecord, further: [{ by, record: bought.record('customer') }] }).paidUnits).toBe(841);
      expect(rule({ merchantRecord, further: [{ by, record: bought.record('merchant') }] }).paidUnits).toBe(841);
    }
    expect(rule({ merchantRecord }).paidUnits).toBe(73);
  });

  test('is never above the deposit', () => {
    const rich = rule({ customerRecord: bought.record('customer', last, { units: Number.MAX_SAFE_INTEGER }) });
    expect(rich).toMatchObject({ paid: deposit, paidUnits: 5000 });
    expect(rich.reasons).toContain('More than the deposit is not guaranteed: all of it is paid.');
    const exact = rule({ customerRecord: bought.record('customer', last, { units: 5000 }) });
    expect(exact.reasons.join()).not.toContain('guaranteed');
    expect(exact.paid).toEqual(deposit);
  });

  test('is the checkpoint’s alone when a word is not of its chains', () => {
    const { checkpoint, steps, words } = bought.moments[last]!.released;
    const released = { checkpoint, steps: steps.map((count, chain) => count + (chain === 3 ? 1 : 0)), words };
    expect(rule({ merchantRecord: bought.record('merchant', last, { released }) }).paidUnits).toBe(794);
    expect(bought.moments[signedAt]!.tab.units).toBe(794);
  });

  test('is zero when both are silent', () => {
    const ruling = rule({});
    expect(ruling).toMatchObject({ paidUnits: 0, unitNano: 0, count: 0, head: EMPTY_HEAD });
    expect(ruling.paid).toEqual({ currency: 'EUR', minor: 0n });
  });

  test('is zero for a merchant alone who has no words, and for words under another key or of another deposit', () => {
    const unproved = rule({ merchantRecord: bought.record('merchant', last, { released: undefined }) });
    expect(unproved.paidUnits).toBe(0);
    const thief = generateP256();
    const forged = createSpending({ customer: thief });
    forged.buy(700);
    const elsewhere = createSpending({ transaction: 'north.1.2' });
    elsewhere.buy(700);
    const dollars = createSpending({ currency: 'USD' });
    dollars.buy(700);
    for (const spending of [forged, elsewhere, dollars]) {
      const released = spending.moments[1]!.released;
      expect(rule({ merchantRecord: bought.record('merchant', last, { released }) }).paidUnits).toBe(0);
    }
  });
});

describe('the list', () => {
  const checkpointed = bought.moments[signedAt]!.tab;
  const lie = { head: other.moments[3]!.tab.head };

  test('stands undisputed when one side is silent', () => {
    expect(rule({ customerRecord: bought.record('customer') })).toMatchObject({ count: 11, head: whole.head });
    expect(rule({ merchantRecord: bought.record('merchant', 9) })).toMatchObject({ count: 9 });
  });

  test('stands as far as the customer signed it, whichever of the two lies about the rest', () => {
    for (const liar of ['customer', 'merchant'] as const) {
      const records = (['customer', 'merchant'] as const).map((by) => {
        return bySide(by, bought.record(by, last, by === liar ? lie : {}));
      });
      const ruling = rule(Object.assign({}, ...records));
      expect(ruling).toMatchObject({ count: signedAt, head: checkpointed.head, paidUnits: 841 });
      expect(ruling.reasons.at(-1)).toBe(`The lists differ: the customer signed the first ${signedAt} entries.`);
    }
  });

  test('goes to the customer where he holds the merchant’s signature over more', () => {
    const records = {
      customerRecord: bought.record('customer', last),
      merchantRecord: bought.record('merchant', last, lie),
    };
    const kept = { by: 'customer' as const, record: bought.record('merchant', 10) };
    const ruling = rule({ ...records, further: [kept] });
    expect(ruling).toMatchObject({ count: 10, head: bought.moments[10]!.tab.head });
    expect(ruling.reasons.at(-1)).toBe('The lists differ: the merchant signed the first 10 entries.');
    expect(rule({ ...records, further: [{ ...kept, by: 'merchant' }] })).toMatchObject({ count: signedAt });
  });

  test('is not made longer by one’s own signature', () => {
    const checkpoint = bought.signCheckpoint({ count: 1000, units: 0, head: lie.head });
    const released = { ...bought.moments[last]!.released, checkpoint };
    const customerRecord = bought.record('customer', last, { ...lie, count: 1000, released });
    const ruling = rule({ customerRecord, merchantRecord: bought.record('merchant') });
    expect(ruling).toMatchObject({ count: signedAt, head: checkpointed.head });
  });

  test('goes back to where nothing contradicts when both signed two lists of one length', () => {
    const further: FurtherEvidence[] = [
      { by: 'customer', record: bought.record('merchant', 10, lie) },
      { by: 'merchant', record: bought.record('customer', 10) },
    ];
    const records = { customerRecord: bought.record('customer'), merchantRecord: bought.record('merchant', last, lie) };
    expect(rule({ ...records, further })).toMatchObject({ count: signedAt, head: checkpointed.head });
  });

  test('is empty when nobody signed anything', () => {
    const few = spend(1, 1);
    const ruling = ruleDeposit({
      transaction: few.transaction,
      deposit,
      customerKey: customerKeys.publicKey,
      merchantKey: merchantKeys.publicKey,
      customerRecord: few.record('customer'),
      merchantRecord: few.record('merchant', 2, lie),
    });
    expect(ruling).toMatchObject({ count: 0, head: EMPTY_HEAD, paidUnits: 2 });
  });
});

describe('whatever anybody says', () => {
  const amountOf = (units: number) => {
    return rule({ customerRecord: bought.record('customer', last, { units, released: undefined }) }).paid.minor;
  };
  const place = fc.nat({ max: last });

  /** What a liar can make of what he has seen: anything under his own key, with words that were or were not released. */
  const words = fc.record({
    of: fc.constantFrom(bought, other),
    at: place,
    steps: fc.option(fc.array(fc.nat({ max: 300 }), { minLength: 4, maxLength: 4 }), { nil: undefined }),
    words: fc.option(fc.uint8Array({ minLength: 128, maxLength: 128 }), { nil: undefined }),
  });
  const lies = fc.record({
    at: place,
    count: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
    units: fc.option(fc.nat(), { nil: undefined }),
    unitNano: fc.option(fc.constantFrom(1, 1_000_000, 1_000_000_000_000), { nil: undefined }),
    head: fc.option(fc.constantFrom(EMPTY_HEAD, ...[...bought.moments, ...other.moments].map(({ tab }) => tab.head)), {
      nil: undefined,
    }),
    released: fc.option(words, { nil: undefined }),
    silent: fc.boolean(),
  });
  type Lie = typeof lies extends fc.Arbitrary<infer T> ? T : never;

  function releasedOf(lie: NonNullable<Lie['released']>, upTo: number): Released {
    const moments = lie.of.moments;
    const { released } = moments[Math.min(lie.at, upTo, moments.length - 1)]!;
    return { ...released, ...(lie.steps && { steps: lie.steps }), ...(lie.words && { words: lie.words }) };
  }
  function recordOf(by: Side, lie: Lie, upTo: number): Uint8Array | undefined {
    if (lie.silent) return undefined;
    const { count, units, unitNano, head, released } = lie;
    const claimed = { count, units, unitNano, head, released: released && releasedOf(released, upTo) };
    const changes = Object.fromEntries(Object.entries(claimed).filter(([, value]) => value !== undefined));
    return bought.record(by, Math.min(lie.at, upTo), changes as RecordChanges);
  }
  const isTrue = ({ count, head }: { count: number; head: Uint8Array }) => {
    expect(toHex(head)).toBe(toHex(bought.moments[count]!.tab.head));
  };

  test('a merchant gets no more than was released to him, and moves no list of an honest customer', () => {
    // `other` is the same customer's spending, so its checkpoints of this transaction are real signatures: not the merchant's to have.
    fc.assert(
      fc.property(lies, fc.array(lies, { maxLength: 3 }), place, fc.boolean(), (lie, more, at, speaks) => {
        const honest = { ...lie, released: lie.released && { ...lie.released, of: bought } };
        const further = more.map((extra): FurtherEvidence => {
          const released = extra.released && releasedOf({ ...extra.released, of: bought }, at);
          const record = recordOf('merchant', { ...extra, released: undefined }, at);
          return { by: 'merchant', ...(record && { record }), ...(released && { released }) };
        });
        const ruling = rule({
          ...(speaks && { customerRecord: bought.record('customer', at) }),
          ...bySide('merchant', recordOf('merchant', honest, at)),
          further,
        });
        const due = amountOf(bought.moments[at]!.tab.units);
        if (speaks) {
          expect(ruling.paid.minor).toBe(due);
          isTrue(ruling);
        } else {
          expect(ruling.paid.minor).toBeLessThanOrEqual(due);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a customer pays no less than the merchant proves, and moves no list of an honest merchant', () => {
    fc.assert(
      fc.property(lies, fc.array(lies, { maxLength: 3 }), place, (lie, more, at) => {
        const further = more.map((extra): FurtherEvidence => {
          const record = recordOf('customer', extra, last);
          return { by: 'customer', ...(record && { record }) };
        });
        const ruling = rule({
          ...bySide('customer', recordOf('customer', lie, last)),
          merchantRecord: bought.record('merchant', at),
          further,
        });
        expect(ruling.paid.minor).toBeGreaterThanOrEqual(amountOf(bought.moments[at]!.tab.units));
        isTrue(ruling);
      }),
      { numRuns: 300 },
    );
  });

  test('the order in which evidence arrives does not matter', () => {
    fc.assert(
      fc.property(lies, lies, fc.array(fc.tuple(lies, fc.boolean(), fc.boolean()), { maxLength: 5 }), (a, b, more) => {
        const further = more.map(([lie, signedByCustomer, broughtByCustomer]): FurtherEvidence => {
          const record = recordOf(signedByCustomer ? 'customer' : 'merchant', lie, last);
          const released = lie.released && releasedOf(lie.released, last);
          return {
            by: broughtByCustomer ? 'customer' : 'merchant',
            ...(record && { record }),
            ...(released && { released }),
          };
        });
        const records = {
          ...bySide('customer', recordOf('customer', a, last)),
          ...bySide('merchant', recordOf('merchant', b, last)),
        };
        const ruling = rule({ ...records, further });
        expect(rule({ ...records, further: further.toReversed() })).toEqual(ruling);
        expect(ruling.reasons.length).toBeLessThanOrEqual(16);
        expect(ruling.reasons.every(({ length }) => length > 0 && length <= 200)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('among equal values the finer unit is named, whichever came first', () => {
    const [fine, coarse] = [{ units: 3000 }, { units: 3, unitNano: 1_000_000_000 }].map((value): FurtherEvidence => {
      return { by: 'merchant', record: bought.record('customer', 0, value) };
    });
    for (const further of [
      [fine!, coarse!],
      [coarse!, fine!],
    ]) {
      expect(rule({ further })).toMatchObject({ paidUnits: 3000, unitNano: 1_000_000, paid: { minor: 300n } });
    }
  });

  test('garbage is left out, and nothing but our own errors ever comes of it', () => {
    const real = bought.record('customer');
    const broken = fc.tuple(fc.nat({ max: real.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
      const bytes = real.slice();
      bytes[at] = byte;
      return bytes;
    });
    const bytes = fc.oneof(broken, fc.uint8Array({ maxLength: 200 }), fc.constant(new Uint8Array(5000)));
    const released = fc.record({
      checkpoint: bytes,
      steps: fc.array(fc.integer(), { maxLength: 5 }),
      words: fc.uint8Array({ maxLength: 140 }),
    });
    fc.assert(
      fc.property(bytes, bytes, fc.array(fc.tuple(bytes, released), { maxLength: 9 }), (a, b, more) => {
        const further = more.map(([record, shown]) => ({ by: 'merchant' as const, record, released: shown }));
        try {
          expect(rule({ customerRecord: a, merchantRecord: b, further }).paidUnits).toBeLessThanOrEqual(5000);
        } catch (error) {
          expect(error).toBeInstanceOf(HandselError);
          expect(further).toHaveLength(9);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a record that is not the side’s own counts as silence', () => {
    const stranger = generateP256();
    const value = { transaction: bought.transaction, by: 'customer' as const, count: 1, units: 9, head: EMPTY_HEAD };
    const forged = signMessage(
      transactionRecordType,
      { ...value, unitNano: 1_000_000, currency: 'EUR', atMs: 1 },
      { privateKey: stranger.privateKey },
    );
    for (const customerRecord of [
      forged,
      bought.record('merchant'),
      bought.record('customer', 1, { currency: 'USD' }),
    ]) {
      const ruling = rule({ customerRecord });
      expect(ruling.paidUnits).toBe(0);
      expect(ruling.reasons[0]).toContain('it counts as silence');
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponentOf } from '../../src/money/currency.ts';
import { chainRates, convertAmount, invertRate, parseRate, type Rate, rateOf } from '../../src/money/rate.ts';
import { divideRounded, type Rounding } from '../../src/money/rounding.ts';

const MODES: readonly Rounding[] = [
  'floor',
  'ceiling',
  'toward-zero',
  'away-from-zero',
  'half-even',
  'half-away-from-zero',
  'half-toward-zero',
];
const anyMode = fc.constantFrom(...MODES);
const refused = (code: string) => expect.objectContaining({ code });
const anyRate = fc
  .record({
    from: fc.constantFrom('EUR', 'USD', 'JPY', 'KWD', 'CLF'),
    to: fc.constantFrom('GBP', 'CHF', 'KRW', 'BHD', 'UYW'),
    numerator: fc.bigInt({ min: 1n, max: 10n ** 4n }),
    denominator: fc.bigInt({ min: 1n, max: 10n ** 4n }),
  })
  .map(rateOf);

describe('rounding', () => {
  it('rounds the classic cases as the name says', () => {
    const halves = [-25n, -15n, -5n, 5n, 15n, 25n];
    const rounded = (mode: Rounding) => halves.map((half) => Number(divideRounded(half, 10n, mode)));
    expect(rounded('floor')).toEqual([-3, -2, -1, 0, 1, 2]);
    expect(rounded('ceiling')).toEqual([-2, -1, 0, 1, 2, 3]);
    expect(rounded('toward-zero')).toEqual([-2, -1, 0, 0, 1, 2]);
    expect(rounded('away-from-zero')).toEqual([-3, -2, -1, 1, 2, 3]);
    expect(rounded('half-even')).toEqual([-2, -2, 0, 0, 2, 2]);
    expect(rounded('half-away-from-zero')).toEqual([-3, -2, -1, 1, 2, 3]);
    expect(rounded('half-toward-zero')).toEqual([-2, -1, 0, 0, 1, 2]);
    expect(MODES.map((mode) => Number(divideRounded(26n, 10n, mode)))).toEqual([2, 3, 2, 3, 3, 3, 3]);
  });

  it('is never off by a whole unit, exact where the division is, and off by at most a half in the half modes', () => {
    const divisor = fc.bigInt({ min: -1000n, max: 1000n }).filter((value) => value !== 0n);
    fc.assert(
      fc.property(fc.bigInt(), divisor, anyMode, (numerator, denominator, mode) => {
        const error = divideRounded(numerator, denominator, mode) * denominator - numerator;
        const size = error < 0n ? -error : error;
        const whole = denominator < 0n ? -denominator : denominator;
        expect(size < whole).toBe(true);
        if (mode.startsWith('half')) expect(size * 2n <= whole).toBe(true);
        expect(divideRounded(numerator * denominator, denominator, mode)).toBe(numerator);
      }),
    );
  });
});

describe('a rate', () => {
  const euroToDollar = parseRate({ from: 'EUR', to: 'USD', text: '1.0825' });

  it('converts between currencies of different exponents', () => {
    expect(convertAmount({ currency: 'EUR', minor: 1000n }, euroToDollar)).toEqual({ currency: 'USD', minor: 1082n });
    expect(convertAmount({ currency: 'EUR', minor: 1000n }, euroToDollar, 'ceiling').minor).toBe(1083n);
    expect(convertAmount({ currency: 'EUR', minor: 1000n }, euroToDollar, 'half-even').minor).toBe(1082n);
    const euroToYen = parseRate({ from: 'EUR', to: 'JPY', text: '170.5' });
    expect(convertAmount({ currency: 'EUR', minor: 100n }, euroToYen).minor).toBe(170n);
    expect(convertAmount({ currency: 'JPY', minor: 341n }, invertRate(euroToYen)).minor).toBe(200n);
  });

  it('never creates money under the stated rounding: what arrives is worth at most what left', () => {
    fc.assert(
      fc.property(anyRate, fc.bigInt({ min: 0n, max: 10n ** 9n }), (rate: Rate, minor) => {
        const arrived = convertAmount({ currency: rate.from, minor }, rate).minor;
        const left = minor * rate.numerator * 10n ** BigInt(exponentOf(rate.to));
        const worth = arrived * rate.denominator * 10n ** BigInt(exponentOf(rate.from));
        expect(worth <= left).toBe(true);
        const returned = convertAmount({ currency: rate.to, minor: arrived }, invertRate(rate));
        expect(returned.minor <= minor).toBe(true);
      }),
    );
  });

  it('never creates money by splitting an amount before converting it', () => {
    const parts = fc.array(fc.bigInt({ min: 0n, max: 10n ** 8n }), { maxLength: 20 });
    fc.assert(
      fc.property(anyRate, parts, (rate, minors) => {
        const convert = (minor: bigint) => convertAmount({ currency: rate.from, minor }, rate).minor;
        const whole = convert(minors.reduce((sum, minor) => sum + minor, 0n));
        expect(minors.reduce((sum, minor) => sum + convert(minor), 0n) <= whole).toBe(true);
      }),
    );
  });

  it('inverts and chains exactly: there and back is the rate one', () => {
    fc.assert(
      fc.property(anyRate, (rate) => {
        const round = chainRates(rate, invertRate(rate));
        expect([round.numerator, round.denominator]).toEqual([1n, 1n]);
        expect(invertRate(invertRate(rate))).toEqual(rate);
      }),
    );
  });

  it('refuses amounts of another currency, chains that do not meet, and anything but a positive decimal', () => {
    expect(() => convertAmount({ currency: 'USD', minor: 1n }, euroToDollar)).toThrowError(refused('RATE_MISMATCH'));
    expect(() => chainRates(euroToDollar, euroToDollar)).toThrowError(refused('RATE_MISMATCH'));
    for (const text of ['0', '0.0', '-1', '1e3', '', '1.', '.5', `1.${'0'.repeat(19)}`, 'NaN']) {
      expect(() => parseRate({ from: 'EUR', to: 'USD', text }), text).toThrowError(refused('RATE_MALFORMED'));
    }
  });
});

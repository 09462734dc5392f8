import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addAmounts,
  amountOf,
  amountParts,
  compareAmounts,
  formatAmount,
  MAX_MINOR,
  parseAmount,
  subtractAmounts,
  sumAmounts,
} from '../../src/money/amount.ts';
import { isMoneyCurrency, listCurrencies } from '../../src/money/currency.ts';
import { MoneyError } from '../../src/money/money-error.ts';

const anyCurrency = fc.constantFrom(
  ...listCurrencies()
    .map((currency) => currency.code)
    .filter(isMoneyCurrency),
);
const anyMinor = fc.bigInt({ min: -MAX_MINOR, max: MAX_MINOR });
const refused = (code: string) => expect.objectContaining({ code });

describe('an amount', () => {
  it('reads back as itself, whatever the currency', () => {
    fc.assert(
      fc.property(anyCurrency, anyMinor, (currency, minor) => {
        const text = formatAmount({ currency, minor });
        expect(parseAmount(text)).toEqual({ currency, minor });
        expect(parseAmount(text.replace(' ', ''))).toEqual({ currency, minor });
      }),
    );
  });

  it('is written with all its decimals', () => {
    expect(formatAmount({ currency: 'EUR', minor: 1250n })).toBe('12.50 EUR');
    expect(formatAmount({ currency: 'EUR', minor: -5n })).toBe('-0.05 EUR');
    expect(formatAmount({ currency: 'JPY', minor: 3n })).toBe('3 JPY');
    expect(formatAmount({ currency: 'KWD', minor: 1n })).toBe('0.001 KWD');
  });

  it('is read with fewer decimals than the currency has, never with more', () => {
    expect(parseAmount('12.5EUR')).toEqual({ currency: 'EUR', minor: 1250n });
    expect(parseAmount('12 EUR')).toEqual({ currency: 'EUR', minor: 1200n });
    expect(() => parseAmount('12.500EUR')).toThrowError(refused('AMOUNT_MALFORMED'));
    expect(() => parseAmount('1.0JPY')).toThrowError(refused('AMOUNT_MALFORMED'));
  });

  it('refuses every other text with an error of money', () => {
    for (const text of [
      '',
      'EUR',
      '1,50EUR',
      '1.EUR',
      '.5EUR',
      '01EUR',
      '+1EUR',
      '1e3EUR',
      '1  EUR',
      ' 1EUR',
      '1EUR\n',
    ]) {
      expect(() => parseAmount(text), text).toThrowError(refused('AMOUNT_MALFORMED'));
    }
    expect(() => parseAmount('1 QQQ')).toThrowError(refused('CURRENCY_UNKNOWN'));
    expect(() => parseAmount('10000000000000000.00 EUR')).toThrowError(refused('AMOUNT_TOO_LARGE'));
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseAmount(text);
        } catch (error) {
          expect(error).toBeInstanceOf(MoneyError);
        }
      }),
    );
  });

  it('sums exactly, in any order and any grouping', () => {
    const parts = fc.array(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), { maxLength: 50 });
    fc.assert(
      fc.property(anyCurrency, parts, (currency, minors) => {
        const amounts = minors.map((minor) => ({ currency, minor }));
        const total = sumAmounts(currency, amounts);
        expect(total.minor).toBe(minors.reduce((sum, minor) => sum + minor, 0n));
        expect(sumAmounts(currency, amounts.toReversed())).toEqual(total);
        expect(amounts.reduce(addAmounts, { currency, minor: 0n })).toEqual(total);
        for (const amount of amounts) expect(subtractAmounts(addAmounts(total, amount), amount)).toEqual(total);
      }),
    );
  });

  it('never mixes currencies', () => {
    const euro = { currency: 'EUR', minor: 1n };
    const dollar = { currency: 'USD', minor: 1n };
    for (const act of [addAmounts, subtractAmounts, compareAmounts]) {
      expect(() => act(euro, dollar)).toThrowError(refused('CURRENCY_MISMATCH'));
    }
    expect(() => sumAmounts('EUR', [euro, dollar])).toThrowError(refused('CURRENCY_MISMATCH'));
  });

  it('orders as its minor units do', () => {
    fc.assert(
      fc.property(anyMinor, anyMinor, (a, b) => {
        const order = compareAmounts({ currency: 'EUR', minor: a }, { currency: 'EUR', minor: b });
        expect(order).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it('is bounded: the largest is kept, one more is refused', () => {
    expect(amountOf('EUR', MAX_MINOR).minor).toBe(MAX_MINOR);
    expect(() => amountOf('EUR', MAX_MINOR + 1n)).toThrowError(refused('AMOUNT_TOO_LARGE'));
    expect(() => addAmounts(amountOf('EUR', MAX_MINOR), amountOf('EUR', 1n))).toThrowError(refused('AMOUNT_TOO_LARGE'));
  });

  it('comes apart into the fields that card messages carry', () => {
    expect(amountParts(parseAmount('12.50 EUR'))).toEqual({ numeric: 978, minor: 1250n, exponent: 2 });
  });
});

import { describe, expect, it } from 'vitest';
import {
  currencyOf,
  currencyOfNumeric,
  exponentOf,
  isMoneyCurrency,
  listCurrencies,
} from '../../src/money/currency.ts';

describe('the ISO 4217 table', () => {
  it('lists every code and every number once, well formed', () => {
    const all = listCurrencies();
    expect(all.length).toBeGreaterThan(170);
    expect(new Set(all.map((currency) => currency.code)).size).toBe(all.length);
    expect(new Set(all.map((currency) => currency.numeric)).size).toBe(all.length);
    for (const currency of all) {
      expect(currency.code).toMatch(/^[A-Z]{3}$/);
      expect(currency.numeric).toBeGreaterThan(0);
      expect(currency.numeric).toBeLessThan(1000);
      if (currency.exponent !== null) expect([0, 2, 3, 4]).toContain(currency.exponent);
    }
  });

  it('knows currencies of every exponent by code and by number', () => {
    expect(currencyOf('EUR')).toEqual({ code: 'EUR', numeric: 978, exponent: 2 });
    expect(currencyOf('ALL')).toEqual({ code: 'ALL', numeric: 8, exponent: 2 });
    expect(currencyOfNumeric(392)).toEqual({ code: 'JPY', numeric: 392, exponent: 0 });
    expect(currencyOfNumeric(414)).toEqual({ code: 'KWD', numeric: 414, exponent: 3 });
    expect(exponentOf('CLF')).toBe(4);
  });

  it('has the newest codes and no withdrawn one', () => {
    const known = new Set(listCurrencies().map((currency) => currency.code));
    for (const code of ['USD', 'GBP', 'CHF', 'XCG', 'ZWG', 'SLE', 'VED', 'XAD']) expect(known.has(code)).toBe(true);
    for (const code of ['DEM', 'HRK', 'SLL', 'ANG', 'BGN', 'CUC', 'ZWL']) expect(known.has(code)).toBe(false);
  });

  it('refuses amounts in gold, in units of account and in the testing code', () => {
    for (const code of ['XAU', 'XDR', 'XTS', 'XXX']) {
      expect(isMoneyCurrency(code)).toBe(false);
      expect(() => exponentOf(code)).toThrowError(expect.objectContaining({ code: 'CURRENCY_WITHOUT_MINOR_UNIT' }));
    }
  });

  it('refuses unknown codes and numbers, and small letters', () => {
    for (const code of ['EU', 'eur', 'QQQ', '__proto__', '']) {
      expect(() => currencyOf(code)).toThrowError(expect.objectContaining({ code: 'CURRENCY_UNKNOWN' }));
    }
    expect(() => currencyOfNumeric(1)).toThrowError(expect.objectContaining({ code: 'CURRENCY_UNKNOWN' }));
  });
});

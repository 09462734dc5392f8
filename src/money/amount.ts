/** An exact amount of money: whole minor units of one ISO 4217 currency (ARCHITECTURE.md, "Cryptography and encodings"). */
import { currencyOf, exponentOf } from './currency.ts';
import { MoneyError } from './money-error.ts';

export interface Amount {
  /** ISO 4217 alphabetic code. */
  readonly currency: string;
  /** Minor units: cents for EUR, yen for JPY. May be negative. */
  readonly minor: bigint;
}

/** No single amount reaches 10^18 minor units: it fits 64 bits with room for sums, and ISO 8583's and SET's fields are smaller. */
export const MAX_MINOR = 10n ** 18n - 1n;

const MAX_TEXT_LENGTH = 32;
const AMOUNT_TEXT = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))? ?([A-Z]{3})$/;

/**
 * An amount whose currency and size have been checked.
 * @throws MoneyError `CURRENCY_UNKNOWN`, `CURRENCY_WITHOUT_MINOR_UNIT` or `AMOUNT_TOO_LARGE`.
 */
export function amountOf(currency: string, minor: bigint): Amount {
  exponentOf(currency);
  if (minor > MAX_MINOR || minor < -MAX_MINOR) {
    throw new MoneyError('AMOUNT_TOO_LARGE', `an amount may have at most ${MAX_MINOR} minor units`);
  }
  return { currency, minor };
}

/**
 * Reads `12.50 EUR`, `12.50EUR`, `12.5EUR` or `-3 JPY`. Decimals beyond the currency's are refused, never rounded.
 * @throws MoneyError `AMOUNT_MALFORMED`, `AMOUNT_TOO_LARGE`, `CURRENCY_UNKNOWN` or `CURRENCY_WITHOUT_MINOR_UNIT`.
 */
export function parseAmount(text: string): Amount {
  const match = text.length <= MAX_TEXT_LENGTH ? AMOUNT_TEXT.exec(text) : null;
  if (match === null) {
    const shown = JSON.stringify(text.slice(0, MAX_TEXT_LENGTH));
    throw new MoneyError('AMOUNT_MALFORMED', `expected an amount such as "12.50 EUR", saw ${shown}`);
  }
  const [, sign, whole, decimals = '', currency] = match as unknown as [string, string, string, string?, string?];
  const exponent = exponentOf(currency!);
  if (decimals.length > exponent) {
    throw new MoneyError('AMOUNT_MALFORMED', `${currency} has ${exponent} decimals, saw ${decimals.length}`);
  }

  const minor = BigInt(whole + decimals.padEnd(exponent, '0'));
  return amountOf(currency!, sign === '-' ? -minor : minor);
}

/** `12.50 EUR`: the inverse of `parseAmount`, always with all the currency's decimals. */
export function formatAmount(amount: Amount): string {
  return `${formatMinor(amount)} ${amount.currency}`;
}

/** The number alone, `12.50`, as schema.org's `price` writes it. */
export function formatMinor({ currency, minor }: Amount): string {
  const exponent = exponentOf(currency);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const number = exponent === 0 ? whole : `${whole}.${digits.slice(digits.length - exponent)}`;
  return minor < 0n ? `-${number}` : number;
}

/** @throws MoneyError `CURRENCY_MISMATCH` or `AMOUNT_TOO_LARGE`. */
export function addAmounts(a: Amount, b: Amount): Amount {
  requireSameCurrency(a, b);
  return amountOf(a.currency, a.minor + b.minor);
}

/** @throws MoneyError `CURRENCY_MISMATCH` or `AMOUNT_TOO_LARGE`. */
export function subtractAmounts(a: Amount, b: Amount): Amount {
  requireSameCurrency(a, b);
  return amountOf(a.currency, a.minor - b.minor);
}

/** The exact sum; zero of the currency for an empty list. @throws MoneyError `CURRENCY_MISMATCH` or `AMOUNT_TOO_LARGE`. */
export function sumAmounts(currency: string, amounts: Iterable<Amount>): Amount {
  let minor = 0n;
  for (const amount of amounts) {
    requireSameCurrency(amount, { currency, minor });
    minor += amount.minor;
  }
  return amountOf(currency, minor);
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. @throws MoneyError `CURRENCY_MISMATCH`. */
export function compareAmounts(a: Amount, b: Amount): -1 | 0 | 1 {
  requireSameCurrency(a, b);
  return a.minor < b.minor ? -1 : a.minor === b.minor ? 0 : 1;
}

/** `{ numeric: 978, minor, exponent: 2 }`: the parts SET's and ISO 8583's amount fields carry. */
export function amountParts(amount: Amount): { numeric: number; minor: bigint; exponent: number } {
  return { numeric: currencyOf(amount.currency).numeric, minor: amount.minor, exponent: exponentOf(amount.currency) };
}

function requireSameCurrency(a: Amount, b: Amount): void {
  if (a.currency !== b.currency) {
    throw new MoneyError('CURRENCY_MISMATCH', `expected ${a.currency}, saw ${b.currency}`);
  }
}

/**
 * Prices finer than a minor unit: whole numbers of nano, 10⁻⁹ of a currency's major unit. They are summed exactly and rounded once,
 * when money moves between accounts (`roundNano`).
 */
import { type Amount, amountOf } from './amount.ts';
import { exponentOf } from './currency.ts';
import { MoneyError } from './money-error.ts';
import { divideRounded } from './rounding.ts';

export interface NanoAmount {
  readonly currency: string;
  /** 10⁻⁹ major units. */
  readonly nano: bigint;
}

const DECIMALS = 9;
const MAX_NANO = 10n ** 18n;
const TEXT = /^(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,9}))? ?([A-Z]{3})$/;

/** Reads `0.0004 EUR` or `12.50EUR`, at most nine decimals. @throws MoneyError `AMOUNT_MALFORMED`, `CURRENCY_UNKNOWN`, … */
export function parseNano(text: string): NanoAmount {
  const match = TEXT.exec(text);
  if (match === null) {
    const shown = JSON.stringify(text.slice(0, 32));
    throw new MoneyError('AMOUNT_MALFORMED', `expected a price such as "0.0004 EUR", saw ${shown}`);
  }
  const [, whole, decimals = '', currency] = match as unknown as [string, string, string | undefined, string];
  exponentOf(currency);
  return { currency, nano: BigInt(whole + decimals.padEnd(DECIMALS, '0')) };
}

/** `0.0004 EUR`: as few decimals as the price needs, but never fewer than the currency has. */
export function formatNano({ currency, nano }: NanoAmount): string {
  const digits = nano.toString().padStart(DECIMALS + 1, '0');
  const decimals = digits.slice(-DECIMALS);
  let shown = DECIMALS;
  while (shown > exponentOf(currency) && decimals[shown - 1] === '0') shown--;
  const whole = digits.slice(0, -DECIMALS);
  return `${shown === 0 ? whole : `${whole}.${decimals.slice(0, shown)}`} ${currency}`;
}

export function nanoOf({ currency, minor }: Amount): NanoAmount {
  return { currency, nano: minor * nanoPerMinor(currency) };
}

/** The one rounding of a sum of prices: half-even, which has no drift over many sums. @throws MoneyError `AMOUNT_TOO_LARGE` */
export function roundNano({ currency, nano }: NanoAmount): Amount {
  if (nano > MAX_NANO * MAX_NANO) throw new MoneyError('AMOUNT_TOO_LARGE', 'a sum of prices is out of all bounds');
  return amountOf(currency, divideRounded(nano, nanoPerMinor(currency), 'half-even'));
}

function nanoPerMinor(currency: string): bigint {
  return 10n ** BigInt(DECIMALS - exponentOf(currency));
}

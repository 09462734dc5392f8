/**
 * What a developer sets charging up with, checked before anything is served: a misspelt price would give the route away, and JavaScript
 * says nothing of it.
 */
import { exponentOf } from '../../money/currency.ts';
import { PaymentError } from '../message/payment-error.ts';
import { MAX_UNIT_NANO, streamUnits } from '../message/payment-offer.ts';
import { MAX_PRICE_UNITS } from '../message/purchase.ts';
import type { ChargeSetup } from './charge-terms.ts';

const EVERY_ROUTE = ['price', 'description', 'suggestedDeposit', 'header'] as const;
const OF_REQUESTS: readonly string[] = [...EVERY_ROUTE, 'priceOf', 'readsOnly'];
const OF_STREAMS: readonly string[] = [...EVERY_ROUTE, 'per', 'credit'];
const PARTY_NAME = /^[^.\s]{1,64}$/;

/** @throws PaymentError `OPTIONS_UNFIT` for options without a price, or that nobody knows */
export function requireChargeOptions(options: unknown): void {
  const { price, priceOf, readsOnly } = known(options, OF_REQUESTS);
  if (price === undefined && priceOf === undefined) {
    throw unfit("expected `price`, such as { price: '0.0004 EUR' }, or `priceOf` where it depends on the request");
  }
  if (price !== undefined && priceOf !== undefined) throw unfit('expected either `price` or `priceOf`, not both');
  if (priceOf !== undefined && typeof priceOf !== 'function') {
    throw unfit("expected a function as `priceOf`, such as (request) => '0.0004 EUR'");
  }
  if (readsOnly !== undefined && typeof readsOnly !== 'boolean')
    throw unfit('expected `readsOnly` to be true or false');
}

/** @throws PaymentError `OPTIONS_UNFIT` */
export function requireStreamOptions(options: unknown): void {
  const { price, per, credit } = known(options, OF_STREAMS);
  if (price === undefined) throw unfit("expected `price`, such as { price: '0.0004 EUR', per: 'message' }");
  if (!streamUnits.some((unit) => unit === per)) throw unfit(`expected \`per\` to be one of ${streamUnits.join(', ')}`);
  if (credit === undefined) return;
  if (!Number.isInteger(credit) || (credit as number) < 0 || (credit as number) > MAX_PRICE_UNITS) {
    throw unfit(`expected a whole number as \`credit\`: ${per}s that are served before they are paid`);
  }
}

/** @throws PaymentError `OPTIONS_UNFIT`; MoneyError `CURRENCY_UNKNOWN` */
export function requireChargeSetup({ merchant, operator, currency, unitNano }: ChargeSetup): void {
  for (const [what, name] of Object.entries({ merchant, operator })) {
    if (typeof name !== 'string' || !PARTY_NAME.test(name)) {
      throw unfit(`expected the ${what}'s name, as its certificate has it: 1 to 64 characters, no dots and no spaces`);
    }
  }
  exponentOf(currency);
  if (!Number.isInteger(unitNano) || unitNano < 1 || unitNano > MAX_UNIT_NANO) {
    throw unfit(`expected a whole number from 1 as unitNano (100000 for units of 0.0001 ${currency}), saw ${unitNano}`);
  }
}

function known(options: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof options !== 'object' || options === null) throw unfit("expected options such as { price: '0.0004 EUR' }");
  const stranger = Object.keys(options).find((name) => !names.includes(name));
  if (stranger !== undefined) throw unfit(`there is no option \`${stranger}\`: known are ${names.join(', ')}`);
  return options as Readonly<Record<string, unknown>>;
}

function unfit(message: string): PaymentError {
  return new PaymentError('OPTIONS_UNFIT', message);
}

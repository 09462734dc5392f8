/**
 * What a stream has served and been paid, in units, and what may be served next. Two bounds hold: the merchant serves no more before it is paid
 * than its credit, the customer pays no more before it is served than it said.
 */
import { PaymentError } from '../message/payment-error.ts';
import type { StreamTerms } from '../message/payment-offer.ts';
import { MAX_PRICE_UNITS } from '../message/purchase.ts';

export interface StreamAccount {
  readonly usedUnits: number;
  readonly paidUnits: number;
  /** Served and not paid. */
  readonly owedUnits: number;
  /** Of the next message. @throws PaymentError `MESSAGE_TOO_LARGE` when no payments within the bounds could pay for it */
  costOf(bytes: number): number;
  /** Whether so much more may be served now. */
  fits(units: number): boolean;
  serve(units: number, bytes: number): void;
  /** Up to where payment is to be asked for now, that so much may be served soon; undefined while there is enough. */
  dueFor(units: number): number | undefined;
  /** The least and most that the next payment may be, with what was asked for last. */
  payable(): { readonly least: number; readonly most: number };
  pay(units: number): void;
  /** What is owed and nothing more, undefined when it is nothing. */
  dueAtEnd(): number | undefined;
  /** On a new connection what was asked for has to be asked again. */
  askAgain(): void;
}

const KILOBYTE = 1024;

export function createStreamAccount(options: {
  readonly terms: StreamTerms;
  readonly priceUnits: number;
  /** Of the customer. */
  readonly aheadUnits: number;
}): StreamAccount {
  const { terms, priceUnits, aheadUnits } = options;
  const { per, creditUnits } = terms;
  // Paid for before it was opened: the first message, second or kilobyte.
  let paid = priceUnits;
  let used = 0;
  let bytesServed = 0;
  let asked = paid;
  let askedHere = paid;
  const mostAtOnce = Math.min(creditUnits + aheadUnits, Number.MAX_SAFE_INTEGER);
  const ask = (through: number): number | undefined => {
    asked = Math.max(asked, through);
    if (asked <= paid || asked === askedHere) return undefined;
    askedHere = asked;
    return asked;
  };
  const kilobytes = (bytes: number) => Math.ceil(bytes / KILOBYTE);

  return {
    get usedUnits() {
      return used;
    },
    get paidUnits() {
      return paid;
    },
    get owedUnits() {
      return Math.max(0, used - paid);
    },
    costOf(bytes) {
      if (per === 'second') return 0;
      const units =
        per === 'message' ? priceUnits : priceUnits * (kilobytes(bytesServed + bytes) - kilobytes(bytesServed));
      // What is paid for already, as the first one is, may be more than the bounds.
      if (units <= mostAtOnce || used + units <= paid + creditUnits) return units;
      throw new PaymentError('MESSAGE_TOO_LARGE', `a message of ${units} units is above credit and payment ahead`);
    },
    fits: (units) => used + units <= paid + creditUnits,
    serve(units, bytes) {
      used += units;
      bytesServed += bytes;
    },
    dueFor(units) {
      const left = paid + creditUnits - used;
      return left < units || 2 * left <= mostAtOnce ? ask(used + aheadUnits) : undefined;
    },
    payable() {
      const most = Math.min(asked - paid, MAX_PRICE_UNITS);
      return { least: Math.min(priceUnits, most), most };
    },
    pay(units) {
      paid += units;
    },
    dueAtEnd: () => (used > paid ? ask(used) : undefined),
    askAgain() {
      askedHere = paid;
    },
  };
}

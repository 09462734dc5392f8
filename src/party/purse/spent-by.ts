/**
 * Who was paid, and how much, by one command: counted where our own purse releases purchases, so that no server's word is needed for it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { depositOf, type PurseState } from '../../deposit/customer/purse-state.ts';
import type { Spender } from '../../deposit/customer-http/spender.ts';
import { nanoOfOffer, type Offer } from '../../deposit/message/payment-offer.ts';
import { formatNano, type NanoAmount } from '../../money/nano.ts';
import type { Rate } from '../../money/rate.ts';
import { divideRounded } from '../../money/rounding.ts';

export interface PaidPart {
  readonly transaction: string;
  readonly merchant: string;
  /** In the merchant's currency. */
  readonly price: string;
  /** The same in the customer's, at the rate of the deposit, rounded up to the nano. */
  readonly cost: string;
}

export interface SpentBy {
  readonly spender: Spender;
  /** Runs one request, and tells what was paid for it in the end. */
  request<T>(ask: () => Promise<T>): Promise<{ readonly result: T; readonly paid?: PaidPart & { number: number } }>;
  /** What was paid in each deposit. */
  sums(): readonly (PaidPart & { readonly purchases: number })[];
}

interface Taken {
  readonly transaction: string;
  readonly number: number;
  readonly offer: Offer;
  /** Undefined for a deposit that has left the purse meanwhile. */
  readonly rate: Rate | undefined;
}

/** Of one request: what it was offered, and its payment that counts. */
interface Slot {
  offer?: Offer;
  taken?: Taken;
}

interface Sum {
  readonly merchant: string;
  readonly rate: Rate | undefined;
  readonly price: NanoAmount;
  readonly purchases: number;
}

/** Each payment belongs to the request in whose course it is made. */
export function spentBy(spender: Spender, state: Readonly<PurseState>): SpentBy {
  const slots = new AsyncLocalStorage<Slot>();
  const sums = new Map<string, Sum>();

  const count = ({ transaction, offer, rate }: Taken) => {
    const before = sums.get(transaction);
    const { currency, nano } = nanoOfOffer(offer);
    sums.set(transaction, {
      ...{ merchant: offer.merchant, rate },
      price: { currency, nano: (before?.price.nano ?? 0n) + nano },
      purchases: (before?.purchases ?? 0) + 1,
    });
  };

  return {
    spender: {
      async ensure(offer) {
        const slot = slots.getStore();
        if (slot !== undefined) slot.offer = offer;
        return spender.ensure(offer);
      },
      async pay(transaction, item) {
        const spent = await spender.pay(transaction, item);
        const slot = slots.getStore();
        const deposit = depositOf(state, transaction);
        const rate = deposit?.phase === 'open' ? deposit.terms.rate : undefined;
        if (slot?.offer !== undefined) slot.taken = { transaction, number: spent.number, offer: slot.offer, rate };
        return spent;
      },
      paid(transaction, number) {
        const taken = slots.getStore()?.taken;
        if (taken !== undefined) count(taken);
        return spender.paid(transaction, number);
      },
      failed(transaction, number, failure) {
        const slot = slots.getStore();
        if (slot !== undefined) delete slot.taken;
        return spender.failed(transaction, number, failure);
      },
    },
    request: (ask) =>
      slots.run({}, async () => {
        const result = await ask();
        const taken = slots.getStore()?.taken;
        if (taken === undefined) return { result };
        const { transaction, number, offer, rate } = taken;
        const part = partOf(transaction, { merchant: offer.merchant, rate, price: nanoOfOffer(offer) });
        return { result, paid: { ...part, number } };
      }),
    sums: () => [...sums].map(([id, sum]) => ({ ...partOf(id, sum), purchases: sum.purchases })),
  };
}

function partOf(transaction: string, { merchant, rate, price }: Omit<Sum, 'purchases'>): PaidPart {
  return { transaction, merchant, price: formatNano(price), cost: formatNano(costOf(price, rate)) };
}

function costOf(price: NanoAmount, rate: Rate | undefined): NanoAmount {
  if (rate === undefined) return price;
  return { currency: rate.from, nano: divideRounded(price.nano * rate.denominator, rate.numerator, 'ceiling') };
}

/** A booked record as JSON, which is what webhooks carry: amounts as decimal texts with their currency, times in UTC (RFC 3339). */
import { type Amount, formatMinor } from '../../money/amount.ts';
import type { Booked } from '../book/billing-adapter.ts';

export interface EventAmount {
  /** Such as `12.50`: always with all decimals of the currency. */
  readonly amount: string;
  readonly currency: string;
}

export interface BillingEvent {
  /** The idempotency key: the same id is the same event, byte for byte. */
  readonly id: string;
  readonly number: number;
  readonly type: 'withdrawal' | 'deposit' | 'clearing' | 'settlement' | 'funding';
  readonly day: string;
  readonly bookedAt: string;
  readonly happenedAt: string;
  /** As in `BillingRecord`, by the type; the evidence of a deposit stays with the operator. */
  readonly record: Readonly<Record<string, string | EventAmount | EventRate>>;
  readonly entry?: (EventAmount & { readonly account: string; readonly balance: string }) | undefined;
}

/** One `from` buys `numerator / denominator` `to`, exactly. */
export interface EventRate {
  readonly from: string;
  readonly to: string;
  readonly numerator: string;
  readonly denominator: string;
}

export function eventOf({ number, day, bookedAtMs, record, entry }: Booked): BillingEvent {
  const { id, type, atMs, ...facts } = record;
  return {
    ...{ id, number, type, day, bookedAt: timeOf(bookedAtMs), happenedAt: timeOf(atMs) },
    record: Object.fromEntries(Object.entries(facts).flatMap(([name, fact]) => shown(name, fact))),
    ...(entry && {
      entry: {
        ...{ account: entry.account, ...amountOf(entry) },
        balance: formatMinor({ currency: entry.currency, minor: entry.afterMinor }),
      },
    }),
  };
}

type Fact = string | Amount | { from: string; to: string; numerator: bigint; denominator: bigint } | Uint8Array;

function shown(name: string, fact: Fact): [string, string | EventAmount | EventRate][] {
  if (fact instanceof Uint8Array) return [];
  if (typeof fact === 'string') return [[name, fact]];
  if ('minor' in fact) return [[name, amountOf(fact)]];
  const { from, to, numerator, denominator } = fact;
  return [[name, { from, to, numerator: String(numerator), denominator: String(denominator) }]];
}

const timeOf = (atMs: number) => new Date(atMs).toISOString();
const amountOf = (amount: Amount): EventAmount => ({ amount: formatMinor(amount), currency: amount.currency });

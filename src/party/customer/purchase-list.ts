/** Everything that was bought, by agents and without, with what it came to in each currency and what is left in each purse. */
import type { GuardRecord, GuardState } from '../../agent/guard/guard-record.ts';
import { type Amount, amountOf, formatAmount, parseAmount, sumAmounts } from '../../money/amount.ts';
import type { DirectPurchases } from './direct-purchases.ts';
import type { Receipt } from './receipt.ts';

export interface Bought {
  readonly payment: string;
  /** Absent where the person bought without an agent. */
  readonly mandate?: string;
  /** When it was paid, ISO 8601; empty where an older version did not write it down. */
  readonly date: string;
  readonly product: string;
  readonly merchant: string;
  readonly price: string;
  /** Where the goods are; none while they are still being fetched. */
  readonly files: readonly string[];
}

export interface PurchaseList {
  /** Oldest first. */
  readonly purchases: readonly Bought[];
  /** One for each currency, in alphabetical order. */
  readonly totals: readonly string[];
  readonly purses: readonly Purse[];
}

export interface Purse {
  readonly name: string;
  /** As the newest mandate that shares it says. */
  readonly limit: string;
  /** Spent and set aside. */
  readonly committed: string;
  readonly left: string;
}

export async function listPurchases(options: {
  readonly guard: Readonly<GuardState>;
  /** The records about a mandate. */
  readonly records: (mandateId: string) => Promise<readonly GuardRecord[]>;
  readonly receipt: (paymentId: string) => Receipt | undefined;
  readonly direct: DirectPurchases;
}): Promise<PurchaseList> {
  const { guard, records, receipt, direct } = options;
  const purchases: Bought[] = [...direct.list()];
  for (const { paymentId, mandateId, status, product, merchant, price } of guard.payments.values()) {
    if (status !== 'paid') continue;
    const written = receipt(paymentId);
    purchases.push({
      payment: paymentId,
      mandate: mandateId,
      date: written?.paidAt ?? paidAt(await records(mandateId), paymentId),
      ...{ product, merchant, price: formatAmount(price) },
      files: written?.bought.items.map(({ file }) => file) ?? [],
    });
  }
  purchases.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
  return { purchases, totals: totalsOf(purchases.map(({ price }) => parseAmount(price))), purses: pursesOf(guard) };
}

function paidAt(records: readonly GuardRecord[], paymentId: string): string {
  const ended = records.find((record) => record.type === 'ended' && record.paymentId === paymentId);
  return ended?.type === 'ended' ? new Date(ended.atMs).toISOString() : '';
}

function totalsOf(prices: readonly Amount[]): readonly string[] {
  const currencies = [...new Set(prices.map(({ currency }) => currency))].sort();
  return currencies.map((currency) =>
    formatAmount(
      sumAmounts(
        currency,
        prices.filter((price) => price.currency === currency),
      ),
    ),
  );
}

function pursesOf({ mandates, purses }: Readonly<GuardState>): readonly Purse[] {
  const newest = new Map<string, Purse>();
  for (const { terms } of mandates.values()) {
    const { purse, currency } = terms;
    if (purse === undefined) continue;
    const committed = purses.get(purse.name) ?? 0n;
    const left = purse.limitMinor > committed ? purse.limitMinor - committed : 0n;
    const written = (minor: bigint) => formatAmount(amountOf(currency, minor));
    newest.set(purse.name, {
      name: purse.name,
      ...{ limit: written(purse.limitMinor), committed: written(committed), left: written(left) },
    });
  }
  return [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

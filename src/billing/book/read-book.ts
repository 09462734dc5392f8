/** Reading the billing book back from its journal, by business day and by account, in pieces of bounded size. */
import type { Host } from '../../journal/host.ts';
import type { AccountDay, Booked, ClosedDay } from './billing-adapter.ts';
import { accountDayKey, type BookInput, type BookRecord, type BookState, dayKey } from './billing-book.ts';
import { decodeBooked } from './book-message.ts';
import { type Calendar, dayAfter } from './business-day.ts';

export type BillingHost = Host<BookState, BookInput, BookRecord>;
type Reads = Pick<BillingHost, 'readByKey'>;

/** Of a day that is over, or as much as there is of one that is not. */
export function readDay(host: Reads, calendar: Calendar, day: string): ClosedDay {
  const records = () => pages(host, day, (page) => dayKey(day, page));
  return {
    day,
    fromMs: calendar.startOf(day),
    toMs: calendar.startOf(dayAfter(day)),
    records,
    accounts: () => accountsIn(records()),
    entriesOf: (account) => pages(host, day, (page) => accountDayKey(account, day, page)),
  };
}

async function* pages(host: Reads, day: string, keyOf: (page: number) => string): AsyncGenerator<Booked> {
  for (let page = 0; ; page++) {
    const found = await host.readByKey(keyOf(page));
    if (found.length === 0) return;
    for (const one of found) if (one.type === 'booked' && one.day === day) yield decodeBooked(one.booked);
  }
}

async function accountsIn(records: AsyncIterable<Booked>): Promise<readonly AccountDay[]> {
  const accounts = new Map<string, AccountDay>();
  for await (const { entry } of records) {
    if (entry === undefined) continue;
    const { account, currency, minor, afterMinor } = entry;
    const known = accounts.get(account);
    const openingMinor = known?.openingMinor ?? afterMinor - minor;
    accounts.set(account, {
      account,
      currency,
      openingMinor,
      closingMinor: afterMinor,
      count: (known?.count ?? 0) + 1,
    });
  }
  return [...accounts.values()].sort((a, b) => (a.account < b.account ? -1 : 1));
}

/** The statements of a business day, account by account, in pages of bounded size. */
import type { AccountDay, ClosedDay } from '../book/billing-adapter.ts';
import type { StatementPage } from './camt053.ts';
import type { WithEntry } from './camt054.ts';

const ENTRIES_A_PAGE = 10_000;

export async function* statementPages(
  day: ClosedDay,
  options: { readonly closed: boolean; readonly entriesAPage?: number },
): AsyncGenerator<StatementPage> {
  for (const account of await day.accounts()) yield* pagesOf(day, account, options);
}

async function* pagesOf(
  { day, fromMs, toMs, entriesOf }: ClosedDay,
  account: AccountDay,
  { closed, entriesAPage = ENTRIES_A_PAGE }: { readonly closed: boolean; readonly entriesAPage?: number },
): AsyncGenerator<StatementPage> {
  const pageOf = (entries: readonly WithEntry[], page: number, last: boolean): StatementPage => {
    return { day, fromMs, toMs, account, entries, page, last, closed };
  };
  let page = 1;
  let entries: WithEntry[] = [];
  let seen = 0;
  for await (const booked of entriesOf(account.account)) {
    // What is booked while a day that is not over is read belongs to a later reading.
    if (seen === account.count) break;
    if (entries.length === entriesAPage) {
      yield pageOf(entries, page, false);
      page += 1;
      entries = [];
    }
    entries.push(booked as WithEntry);
    seen += 1;
  }
  yield pageOf(entries, page, true);
}

/** An operator's billing: the book of its billing records, the adapters that carry them on, and exports of what is in it. */
import { adapterCourier } from '../../billing/book/adapter-courier.ts';
import type { BillingAdapter } from '../../billing/book/billing-adapter.ts';
import { createBillingBook } from '../../billing/book/billing-book.ts';
import { createCalendar } from '../../billing/book/business-day.ts';
import { type BillingHost, readDay } from '../../billing/book/read-book.ts';
import { type Exported, exportFormat, exportRecords } from '../../billing/files/export-records.ts';
import type { Bank } from '../../billing/iso20022/bank.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Routes } from '../../transport/route.ts';
import type { BillingConfiguration } from '../configuration/billing-configuration.ts';
import type { StoreConfiguration } from '../configuration/configuration.ts';
import { ownCommand } from '../owner/own-commands.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { closeInOrder, type Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { makeAdapter } from './billing-adapters.ts';
import { billingCourier } from './billing-courier.ts';

export interface OperatorBilling {
  /** For the billing routes of the accounts. */
  readonly courier: Courier;
  readonly routes: Routes;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

/** A billing system may be away for a night: then it is asked every quarter of an hour, a few records at a time. */
const PACE = { firstPauseMs: 500, longestPauseMs: 15 * 60_000, attemptMs: 65_000, perDestination: 8 };

/** @throws ConfigurationError for an adapter that cannot be made */
export async function openOperatorBilling(options: {
  readonly name: string;
  readonly store: StoreConfiguration;
  readonly billing: BillingConfiguration;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly surroundings: Surroundings;
}): Promise<OperatorBilling> {
  const { name, store, billing, path, identity, surroundings } = options;
  const { log } = surroundings;
  const { nowMs } = systemClock();
  const calendar = createCalendar(billing.timeZone);
  const bank: Bank = {
    ...{ name, bics: new Map(Object.entries(billing.bics)), ibans: new Map(Object.entries(billing.ibans)) },
    ...(billing.clearingSystem === undefined ? {} : { clearingSystem: billing.clearingSystem }),
  };
  const around = { bank, timeZone: billing.timeZone, dayOf: calendar.dayOf, identity, path, nowMs, log };
  const adapters = new Map<string, BillingAdapter>();
  for (const adapter of billing.adapters) adapters.set(adapter.name, await makeAdapter(adapter, around));

  const day = (asked: string) => readDay(book, calendar, asked);
  const book: BillingHost = await openMachine({
    machine: createBillingBook({
      ...{ name, calendar },
      adapters: [...adapters].map(([known, { closeDay }]) => ({ name: known, closesDays: closeDay !== undefined })),
    }),
    journal: await openJournal(store, path, 'billing'),
    courier: adapterCourier({ adapters, readDay: day, log }),
    surroundings,
    pace: PACE,
  });
  await book.submit({ type: 'look-at-day' });
  const exported = (query: URLSearchParams): Promise<Exported> =>
    exportRecords(
      { format: exportFormat(query.get('format') ?? ''), from: query.get('from') ?? '', to: query.get('to') ?? '' },
      { readDay: day, bank, calendar, nowMs: nowMs() },
    );
  return {
    courier: billingCourier(book),
    routes: { 'GET /operator/billing': ownCommand(name, ({ query }) => exported(query)) },
    failed: book.failed,
    close: () => closeInOrder([() => book.close(), ...[...adapters.values()].map((one) => () => one.close?.())]),
  };
}

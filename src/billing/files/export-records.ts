/** What the billing book has of some business days as one document, for whoever asks the running operator. */
import type { Booked, ClosedDay } from '../book/billing-adapter.ts';
import { BillingError } from '../book/billing-error.ts';
import { type Calendar, daysOf } from '../book/business-day.ts';
import type { Bank } from '../iso20022/bank.ts';
import { camt053, type StatementPage } from '../iso20022/camt053.ts';
import { camt054, isNotified } from '../iso20022/camt054.ts';
import { isTransferred, pacs008 } from '../iso20022/pacs008.ts';
import { isPaid, pacs009 } from '../iso20022/pacs009.ts';
import { statementPages } from '../iso20022/statement-pages.ts';
import { csvHeader, csvLine } from './csv.ts';
import { ISO_MESSAGES } from './iso20022-files.ts';

export const EXPORT_FORMATS = [...ISO_MESSAGES, 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportRequest {
  readonly format: ExportFormat;
  /** Business days, both included. */
  readonly from: string;
  readonly to: string;
}

export interface Exported {
  readonly contentType: 'application/xml' | 'text/csv; charset=utf-8';
  readonly text: string;
}

const MAX_DAYS = 366;
/** An answer stays within what a client of ours takes, and so does the memory it needs. */
const MAX_RECORDS = 2000;

/** @throws BillingError `FORMAT_UNKNOWN` */
export function exportFormat(text: string): ExportFormat {
  const format = EXPORT_FORMATS.find((known) => known === text);
  if (format !== undefined) return format;
  const shown = JSON.stringify(text.slice(0, 20));
  throw new BillingError('FORMAT_UNKNOWN', `expected one of ${EXPORT_FORMATS.join(', ')}, saw ${shown}`);
}

/** @throws BillingError `PERIOD_INVALID`, `EXPORT_EMPTY`, `EXPORT_TOO_LARGE`, `RECORD_REFUSED` */
export async function exportRecords(
  { format, from, to }: ExportRequest,
  book: {
    readonly readDay: (day: string) => ClosedDay;
    readonly bank: Bank;
    readonly calendar: Calendar;
    readonly nowMs: number;
    readonly mostRecords?: number;
  },
): Promise<Exported> {
  const { readDay, bank, calendar, nowMs: atMs, mostRecords = MAX_RECORDS } = book;
  const days = daysOf({ from, to }, MAX_DAYS).map(readDay);
  const message = { id: `${format} ${from} ${to} ${atMs}`, atMs, bank, dayOf: calendar.dayOf };
  if (format === 'camt.053') return xml(camt053(await statementsOf(days, { atMs, mostRecords }), message));

  const wanted: Booked[] = [];
  const isWanted = (booked: Booked) => format === 'csv' || belongsTo(format, booked, bank);
  for (const day of days) {
    for await (const booked of day.records())
      if (isWanted(booked)) wanted.push(requireRoom(booked, wanted.length, mostRecords));
  }
  if (format === 'csv') {
    return { contentType: 'text/csv; charset=utf-8', text: csvHeader + wanted.map(csvLine).join('') };
  }
  if (wanted.length === 0) throw nothing(format);
  if (format === 'camt.054') return xml(camt054(wanted.filter(isNotified), message));
  if (format === 'pacs.009') return xml(pacs009(wanted.filter(isPaid), message));
  return xml(
    pacs008(
      wanted.filter((booked) => isTransferred(booked, bank)),
      message,
    ),
  );
}

function belongsTo(format: Exclude<ExportFormat, 'csv' | 'camt.053'>, booked: Booked, bank: Bank): boolean {
  if (format === 'camt.054') return isNotified(booked);
  return format === 'pacs.008' ? isTransferred(booked, bank) : isPaid(booked);
}

async function statementsOf(
  days: readonly ClosedDay[],
  { atMs, mostRecords }: { readonly atMs: number; readonly mostRecords: number },
): Promise<readonly StatementPage[]> {
  const statements: StatementPage[] = [];
  let count = 0;
  for (const day of days) {
    for await (const page of statementPages(day, { closed: day.toMs <= atMs, entriesAPage: mostRecords })) {
      count += page.entries.length;
      statements.push(requireRoom(page, count - 1, mostRecords));
    }
  }
  if (statements.length === 0) throw nothing('camt.053');
  return statements;
}

function requireRoom<T>(one: T, count: number, most: number): T {
  if (count < most) return one;
  throw new BillingError('EXPORT_TOO_LARGE', `more than ${most} records: choose fewer days, or an adapter for them`);
}

function nothing(format: ExportFormat): BillingError {
  return new BillingError('EXPORT_EMPTY', `nothing was booked in that time that a ${format} would say`);
}

const xml = (text: string): Exported => ({ contentType: 'application/xml', text });

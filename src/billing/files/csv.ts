/** Billing records as CSV (RFC 4180): one table for all kinds of records, safe to open in a spreadsheet. */
import { type Amount, formatMinor } from '../../money/amount.ts';
import type { Booked } from '../book/billing-adapter.ts';
import { BillingError } from '../book/billing-error.ts';

/** In this order for ever: new columns come at the end. docs/billing.md says what each holds. */
const COLUMNS = [
  'id',
  'number',
  'type',
  'day',
  'booked at',
  'happened at',
  'reference',
  'customer',
  'merchant',
  'operator',
  'direction',
  'amount',
  'currency',
  'deposit',
  'returned',
  'paid',
  'paid currency',
  'account',
  'balance',
] as const;
type Column = (typeof COLUMNS)[number];
type Row = Partial<Record<Column, string>>;

const LINE_END = '\r\n';

export const csvHeader = lineOf(COLUMNS);

/** One line, with its end. @throws BillingError `RECORD_REFUSED` for a text with control characters, which no line can hold */
export function csvLine(booked: Booked): string {
  const { number, day, bookedAtMs, record, entry } = booked;
  const row: Row = {
    ...{ id: record.id, number: String(number), type: record.type, day },
    ...{ 'booked at': timeOf(bookedAtMs), 'happened at': timeOf(record.atMs) },
    ...factsOf(booked),
    ...(entry && {
      account: entry.account,
      balance: formatMinor({ currency: entry.currency, minor: entry.afterMinor }),
    }),
  };
  return lineOf(COLUMNS.map((column) => (NUMBERS.has(column) ? (row[column] ?? '') : harmless(row[column] ?? ''))));
}

/** Written by us alone, as digits: a sign before them is a sign. */
const NUMBERS: ReadonlySet<Column> = new Set(['number', 'amount', 'deposit', 'returned', 'paid', 'balance']);

function factsOf({ record }: Booked): Row {
  switch (record.type) {
    case 'withdrawal': {
      const { transaction: reference, customer, merchant, merchantOperator: operator, withdrawn } = record;
      const own = { deposit: formatMinor(record.deposit), returned: formatMinor(record.returned) };
      return { reference, customer, merchant, operator, ...amountOf(withdrawn), ...own, ...paidOf(record.paid) };
    }
    case 'deposit': {
      const { transaction: reference, merchant, accountManager: operator, paid } = record;
      return { reference, merchant, operator, ...amountOf(paid), ...paidOf(paid) };
    }
    case 'clearing': {
      const { transaction: reference, operator, direction, amount } = record;
      return { reference, operator, direction, ...amountOf(amount) };
    }
    case 'settlement': {
      const { settlement: reference, operator, direction, amount } = record;
      return { reference, operator, direction, ...amountOf(amount) };
    }
    case 'funding': {
      const { reference, customer, amount } = record;
      return { reference, customer, ...amountOf(amount) };
    }
  }
}

const timeOf = (atMs: number) => new Date(atMs).toISOString();
const amountOf = (amount: Amount): Row => ({ amount: formatMinor(amount), currency: amount.currency });
const paidOf = (paid: Amount): Row => ({ paid: formatMinor(paid), 'paid currency': paid.currency });

/** A text that a spreadsheet would take for a formula gets an apostrophe before it, which says "text" there. */
function harmless(field: string): string {
  if (/\p{Cc}/u.test(field)) throw new BillingError('RECORD_REFUSED', 'a field has control characters');
  return /^[=+\-@]/.test(field) ? `'${field}` : field;
}

function lineOf(fields: readonly string[]): string {
  return fields.map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',') + LINE_END;
}

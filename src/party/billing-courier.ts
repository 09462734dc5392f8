/**
 * The billing system as far as there is one: withdrawal and deposit records as lines of CSV, each once. A line counts when it is whole;
 * what a crash left of one is cut off, and the record comes again.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeCbor } from '../codec/cbor.ts';
import { decodeShape } from '../crypto/signed-message.ts';
import {
  type DepositRecord,
  depositRecordType,
  type WithdrawalRecord,
  withdrawalRecordType,
} from '../deposit/message/billing-record.ts';
import type { Courier } from '../journal/courier.ts';
import { type Amount, formatMinor } from '../money/amount.ts';
import { makeFolder } from './make-folder.ts';

const DONE = encodeCbor(null);
const OWNER_ONLY = 0o600;

const WITHDRAWALS =
  'transaction,time,customer,merchant,merchant operator,deposit,withdrawn,returned,currency,paid,paid currency';
const DEPOSITS = 'transaction,time,merchant,account manager,paid,currency';

export function billingCourier(directory: string): Courier {
  makeFolder(directory);
  const withdrawals = openList(join(directory, 'withdrawals.csv'), WITHDRAWALS);
  const deposits = openList(join(directory, 'deposits.csv'), DEPOSITS);
  return {
    deliver({ to, body }) {
      if (to === 'billing:withdrawal') withdrawals.add(withdrawalLine(decodeShape(withdrawalRecordType, body)));
      else if (to === 'billing:deposit') deposits.add(depositLine(decodeShape(depositRecordType, body)));
      else return Promise.resolve({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: to });
      return Promise.resolve({ type: 'answered', body: DONE });
    },
  };
}

function withdrawalLine(record: WithdrawalRecord): readonly string[] {
  const { transaction, atMs, customer, merchant, merchantOperator, deposit, withdrawn, returned, paid } = record;
  const own = [deposit, withdrawn, returned].map(minorOf);
  return [transaction, timeOf(atMs), customer, merchant, merchantOperator, ...own, deposit.currency, ...inFull(paid)];
}

function depositLine({ transaction, atMs, merchant, accountManager, paid }: DepositRecord): readonly string[] {
  return [transaction, timeOf(atMs), merchant, accountManager, ...inFull(paid)];
}

const timeOf = (atMs: number) => new Date(atMs).toISOString();
const minorOf = (amount: Amount) => formatMinor(amount);
const inFull = (amount: Amount) => [formatMinor(amount), amount.currency];

/** The first field names a line for ever. */
function openList(file: string, head: string): { add(fields: readonly string[]): void } {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
  if (whole === '') append(file, head);
  const known = new Set(whole.split('\n').map((line) => line.slice(0, line.indexOf(','))));
  return {
    add(fields) {
      const line = fields.map(quoted).join(',');
      const name = line.slice(0, line.indexOf(','));
      if (known.has(name)) return;
      append(file, line);
      known.add(name);
    },
  };
}

function append(file: string, line: string): void {
  const descriptor = openSync(file, 'a', OWNER_ONLY);
  try {
    writeSync(descriptor, `${line}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** RFC 4180; a leading sign that spreadsheets would take for a formula cannot come: names and amounts have none. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

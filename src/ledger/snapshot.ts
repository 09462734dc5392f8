/**
 * A ledger as bytes and back, for the host's snapshots: the account columns as they lie in memory (little-endian, as on
 * every machine Node runs on), ids as one text, holds as rows, in one deterministic CBOR array.
 */
import { decodeCborExact, encodeCborExact } from '../codec/cbor.ts';
import type { CborValue } from '../codec/cbor-value.ts';
import { type AccountTable, createAccountTable } from './account-table.ts';
import { pushExpiry } from './expiry-queue.ts';
import { assertLedger } from './invariant.ts';
import { createLedger, type LedgerState } from './ledger.ts';
import { LedgerError } from './ledger-error.ts';

const VERSION = 1;
const COLUMNS = ['balance', 'held', 'creditLine', 'ceiling'] as const;

type HoldRow = readonly [id: string, slot: number, original: bigint, remaining: bigint, atMs: number, steps: string[]];

export function snapshotLedger(ledger: LedgerState): Uint8Array {
  const { accounts, holds } = ledger;
  const count = accounts.ids.length;
  const rows: CborValue[] = [];
  for (const [id, hold] of holds) {
    rows.push([id, hold.slot, hold.originalMinor, hold.remainingMinor, hold.expiresAtMs, hold.steps]);
  }
  return encodeCborExact([
    VERSION,
    count,
    accounts.ids.join('\n'),
    [...accounts.free],
    COLUMNS.map((column) => bytesOf(accounts[column].subarray(0, count))),
    bytesOf(accounts.currency.subarray(0, count)),
    bytesOf(accounts.kind.subarray(0, count)),
    rows,
  ]);
}

/** @throws LedgerError `LEDGER_SNAPSHOT_UNFIT` when the bytes are not a snapshot of a sound ledger. */
export function restoreLedger(bytes: Uint8Array): LedgerState {
  try {
    const ledger = readSnapshot(bytes);
    assertLedger(ledger);
    return ledger;
  } catch (cause) {
    throw new LedgerError('LEDGER_SNAPSHOT_UNFIT', 'the snapshot of the ledger is damaged', { cause });
  }
}

// Our own store: the shape is trusted only as far as the checks around it (a wrong type fails, the invariants follow).
function readSnapshot(bytes: Uint8Array): LedgerState {
  const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as readonly unknown[];
  const [version, count, ids, free, columns, currency, kind, rows] = parts as [
    number,
    number,
    string,
    number[],
    Uint8Array[],
    Uint8Array,
    Uint8Array,
    HoldRow[],
  ];
  if (version !== VERSION) throw new LedgerError('LEDGER_SNAPSHOT_UNFIT', `unknown version ${version}`);

  const accounts = readAccounts({ count, ids, free });
  COLUMNS.forEach((column, index) => {
    accounts[column].set(new BigInt64Array(copyOf(columns[index]!, count * 8)));
  });
  accounts.currency.set(new Uint16Array(copyOf(currency, count * 2)));
  accounts.kind.set(new Uint8Array(copyOf(kind, count)));

  const ledger = { ...createLedger(), accounts };
  for (const [id, slot, originalMinor, remainingMinor, expiresAtMs, steps] of rows) {
    ledger.holds.set(id, { slot, originalMinor, remainingMinor, expiresAtMs, steps });
    pushExpiry(ledger.expiries, { atMs: expiresAtMs, hold: id });
  }
  return ledger;
}

function readAccounts(lists: { count: number; ids: string; free: readonly number[] }): AccountTable {
  let capacity = 64;
  while (capacity < lists.count) capacity *= 2;
  const table = createAccountTable(capacity);
  if (lists.count === 0) return table;
  const ids = lists.ids.split('\n');
  if (ids.length !== lists.count) throw new LedgerError('LEDGER_SNAPSHOT_UNFIT', 'ids and accounts differ in number');
  ids.forEach((id, slot) => {
    table.ids.push(id);
    if (id !== '') table.slots.set(id, slot);
  });
  table.free.push(...lists.free);
  return table;
}

function bytesOf(column: BigInt64Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function copyOf(bytes: Uint8Array, length: number): ArrayBuffer {
  if (bytes.length !== length) throw new LedgerError('LEDGER_SNAPSHOT_UNFIT', 'a column has the wrong length');
  return new Uint8Array(bytes).buffer;
}

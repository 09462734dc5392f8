/**
 * The accounts of a ledger, kept in columns of numbers rather than an object each: about 120 bytes an account, so that
 * an operator's shard of a million fits easily in memory. Slots of closed accounts are used again.
 */
import { currencyOf, currencyOfNumeric } from '../money/currency.ts';
import { LedgerError } from './ledger-error.ts';

/** What an account is for. The ledger treats all alike; statements and limits of operators tell them apart. */
export const ACCOUNT_KINDS = [
  'customer',
  'merchant',
  'clearing',
  'settlement',
  'issuance',
  'fees',
  'suspense',
] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];

/**
 * The largest balance, credit line or ceiling, in minor units, and the one that means "without limit".
 * Balance − holds + credit line then always fits a signed 64-bit column.
 */
export const UNLIMITED = 4n * 10n ** 18n;

export interface AccountTable {
  readonly slots: Map<string, number>;
  /** By slot; an empty string marks a free one. */
  readonly ids: string[];
  readonly free: number[];
  balance: BigInt64Array<ArrayBuffer>;
  held: BigInt64Array<ArrayBuffer>;
  creditLine: BigInt64Array<ArrayBuffer>;
  ceiling: BigInt64Array<ArrayBuffer>;
  /** ISO 4217 numbers. */
  currency: Uint16Array<ArrayBuffer>;
  /** Index into ACCOUNT_KINDS. */
  kind: Uint8Array<ArrayBuffer>;
}

/** One account as callers see it; amounts in minor units of its currency. */
export interface Account {
  readonly id: string;
  readonly currency: string;
  readonly kind: AccountKind;
  readonly balance: bigint;
  /** The sum of its open holds. */
  readonly held: bigint;
  readonly creditLine: bigint;
  /** The highest balance that credits may lead to. */
  readonly ceiling: bigint;
  /** balance − held + creditLine: what can still be held or paid. Never negative. */
  readonly available: bigint;
}

const FIRST_CAPACITY = 64;

export function createAccountTable(capacity = FIRST_CAPACITY): AccountTable {
  return {
    slots: new Map(),
    ids: [],
    free: [],
    balance: new BigInt64Array(capacity),
    held: new BigInt64Array(capacity),
    creditLine: new BigInt64Array(capacity),
    ceiling: new BigInt64Array(capacity),
    currency: new Uint16Array(capacity),
    kind: new Uint8Array(capacity),
  };
}

export interface NewAccount {
  readonly id: string;
  readonly currency: string;
  readonly kind: AccountKind;
  readonly creditLine: bigint;
  readonly ceiling: bigint;
}

/** @throws LedgerError when the id is taken. */
export function insertAccount(table: AccountTable, account: NewAccount): number {
  if (table.slots.has(account.id)) throw new LedgerError('LEDGER_RECORD_UNFIT', `account ${account.id} exists already`);
  const slot = table.free.pop() ?? table.ids.length;
  if (slot >= table.balance.length) grow(table);
  table.slots.set(account.id, slot);
  table.ids[slot] = account.id;
  table.balance[slot] = 0n;
  table.held[slot] = 0n;
  table.creditLine[slot] = account.creditLine;
  table.ceiling[slot] = account.ceiling;
  table.currency[slot] = currencyOf(account.currency).numeric;
  table.kind[slot] = ACCOUNT_KINDS.indexOf(account.kind);
  return slot;
}

export function removeAccount(table: AccountTable, slot: number): void {
  table.slots.delete(table.ids[slot]!);
  table.ids[slot] = '';
  table.free.push(slot);
}

/** @throws LedgerError when there is no such account. */
export function slotOf(table: AccountTable, id: string): number {
  const slot = table.slots.get(id);
  if (slot === undefined) throw new LedgerError('LEDGER_RECORD_UNFIT', `there is no account ${id}`);
  return slot;
}

/** What can still be held or paid from the account, in minor units. */
export function availableAt(table: AccountTable, slot: number): bigint {
  return table.balance[slot]! - table.held[slot]! + table.creditLine[slot]!;
}

export function accountAt(table: AccountTable, slot: number): Account {
  return {
    id: table.ids[slot]!,
    currency: currencyOfNumeric(table.currency[slot]!).code,
    kind: ACCOUNT_KINDS[table.kind[slot]!]!,
    balance: table.balance[slot]!,
    held: table.held[slot]!,
    creditLine: table.creditLine[slot]!,
    ceiling: table.ceiling[slot]!,
    available: availableAt(table, slot),
  };
}

function grow(table: AccountTable): void {
  const capacity = table.balance.length * 2;
  for (const column of ['balance', 'held', 'creditLine', 'ceiling'] as const) {
    const larger = new BigInt64Array(capacity);
    larger.set(table[column]);
    table[column] = larger;
  }
  const currency = new Uint16Array(capacity);
  currency.set(table.currency);
  table.currency = currency;
  const kind = new Uint8Array(capacity);
  kind.set(table.kind);
  table.kind = kind;
}

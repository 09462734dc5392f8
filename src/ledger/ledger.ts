/**
 * The state of a ledger: accounts and open holds, nothing that is finished (histories are read back from the journal).
 * It belongs inside a machine's state: the machine's `decide` calls `decideLedger`, its `apply` calls `applyLedger`.
 *
 * Doing things once: the host answers a repeated message from its journal, so the ledger keeps no list of past command
 * ids that would grow for ever. What it guards itself, because several commands speak about the same thing over time, is
 * the open hold: repeating its creation, or a step already taken on it, is recognised and changes nothing.
 */
import { type Account, type AccountTable, accountAt, createAccountTable } from './account-table.ts';
import type { Expiry, ExpiryQueue } from './expiry-queue.ts';

export interface LedgerState {
  readonly accounts: AccountTable;
  readonly holds: Map<string, HoldState>;
  readonly expiries: ExpiryQueue;
}

export interface HoldState {
  /** The account's slot. An account with holds cannot be closed, so the slot stays its own. */
  readonly slot: number;
  readonly originalMinor: bigint;
  remainingMinor: bigint;
  readonly expiresAtMs: number;
  /** Ids of the partial posts and releases done so far; at most MAX_STEPS. */
  steps: readonly string[];
}

/** How many times a hold may be posted or released in part. */
export const MAX_STEPS = 32;

/** One hold as callers see it. */
export interface OpenHold {
  readonly id: string;
  readonly account: string;
  readonly originalMinor: bigint;
  readonly remainingMinor: bigint;
  readonly expiresAtMs: number;
}

export function createLedger(): LedgerState {
  return { accounts: createAccountTable(), holds: new Map(), expiries: { heap: [] } };
}

export function findAccount(ledger: LedgerState, id: string): Account | undefined {
  const slot = ledger.accounts.slots.get(id);
  return slot === undefined ? undefined : accountAt(ledger.accounts, slot);
}

export function findHold(ledger: LedgerState, id: string): OpenHold | undefined {
  const hold = ledger.holds.get(id);
  if (hold === undefined) return undefined;
  const { slot, originalMinor, remainingMinor, expiresAtMs } = hold;
  return { id, account: ledger.accounts.ids[slot]!, originalMinor, remainingMinor, expiresAtMs };
}

/** When the machine should next give the ledger an `expire` command; undefined while nothing is held. */
export function nextExpiryMs(ledger: LedgerState): number | undefined {
  return ledger.expiries.heap[0]?.atMs;
}

/** Whether an entry of the expiry queue still stands for an open hold. */
export function isLiveExpiry(ledger: LedgerState, entry: Expiry): boolean {
  return ledger.holds.get(entry.hold)?.expiresAtMs === entry.atMs;
}

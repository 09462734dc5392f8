/**
 * The life of a hold, all its transitions:
 *   (none) → open by `hold`;  open → open by a partial post or release;  open → (none) by the last post, release or expiry.
 * From its expiry on a hold can no longer be posted, whether or not it has been cleared away yet.
 */
import { availableAt } from './account-table.ts';
import type { Expire, Hold, Post, Release } from './command.ts';
import { dueExpiries } from './expiry-queue.ts';
import { type HoldState, isLiveExpiry, type LedgerState, MAX_STEPS } from './ledger.ts';
import { addTo, type Decided, refuse, refuseAboveCeiling, refuseId, refuseLegCount, slotFor } from './refusal.ts';

const EXPIRE_LIMIT = 1000;
const NO_DEBITS: ReadonlyMap<number, bigint> = new Map();

export function decideHold(ledger: LedgerState, command: Hold, nowMs: number): Decided {
  const { id, account, amount, expiresAtMs } = command;
  const invalid = refuseId(id);
  if (invalid !== undefined) return invalid;
  const slot = slotFor(ledger, account, amount);
  if (typeof slot !== 'number') return slot;

  const open = ledger.holds.get(id);
  if (open !== undefined) {
    const same = open.slot === slot && open.originalMinor === amount.minor && open.expiresAtMs === expiresAtMs;
    return same ? [] : refuse('HOLD_EXISTS', `hold ${id} is open with other terms`);
  }
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs <= nowMs) {
    return refuse('HOLD_EXPIRED', `hold ${id} would have expired already`);
  }
  if (amount.minor > availableAt(ledger.accounts, slot)) {
    return refuse('INSUFFICIENT_FUNDS', `account ${account} has less available than this takes`);
  }
  return [{ type: 'held', hold: id, account, minor: amount.minor, expiresAtMs }];
}

export function decidePost(ledger: LedgerState, command: Post, nowMs: number): Decided {
  const { id, hold: holdId, to, rest } = command;
  const invalid = refuseId(id) ?? refuseLegCount(to.length);
  if (invalid !== undefined) return invalid;
  const hold = ledger.holds.get(holdId);
  if (hold === undefined) return refuse('HOLD_UNKNOWN', `there is no open hold ${holdId.slice(0, 96)}`);
  if (hold.steps.includes(id)) return [];
  if (hold.expiresAtMs <= nowMs) return refuse('HOLD_EXPIRED', `hold ${holdId} has expired`);

  const credits = new Map<number, bigint>();
  let posted = 0n;
  for (const { account, amount } of to) {
    const payee = slotFor(ledger, account, amount);
    if (typeof payee !== 'number') return payee;
    if (payee === hold.slot) return refuse('SAME_ACCOUNT', `account ${account} cannot pay itself`);
    if (ledger.accounts.currency[payee] !== ledger.accounts.currency[hold.slot]) {
      return refuse('CURRENCY_MISMATCH', `hold ${holdId} is not in ${amount.currency}`);
    }
    addTo(credits, payee, amount.minor);
    posted += amount.minor;
  }
  if (posted > hold.remainingMinor) return refuse('HOLD_EXCEEDED', `hold ${holdId} has less left than this takes`);
  const above = refuseAboveCeiling(ledger, credits, NO_DEBITS);
  if (above !== undefined) return above;

  const closes = rest === 'release' || posted === hold.remainingMinor;
  if (!closes && stepsExhausted(hold)) return refuseSteps(holdId);
  const legs = to.map(({ account, amount }) => ({ account, minor: amount.minor }));
  return [{ type: 'posted', id, hold: holdId, to: legs, closes }];
}

export function decideRelease(ledger: LedgerState, command: Release): Decided {
  const { id, hold: holdId, amount } = command;
  const invalid = refuseId(id);
  if (invalid !== undefined) return invalid;
  const hold = ledger.holds.get(holdId);
  if (hold === undefined) return refuse('HOLD_UNKNOWN', `there is no open hold ${holdId.slice(0, 96)}`);
  if (hold.steps.includes(id)) return [];
  if (amount === undefined) return [{ type: 'released', id, hold: holdId, minor: hold.remainingMinor }];

  const slot = slotFor(ledger, ledger.accounts.ids[hold.slot]!, amount);
  if (typeof slot !== 'number') return slot;
  if (amount.minor > hold.remainingMinor)
    return refuse('HOLD_EXCEEDED', `hold ${holdId} has less left than this gives back`);
  if (amount.minor < hold.remainingMinor && stepsExhausted(hold)) return refuseSteps(holdId);
  return [{ type: 'released', id, hold: holdId, minor: amount.minor }];
}

export function decideExpire(ledger: LedgerState, command: Expire, nowMs: number): Decided {
  const limit = command.limit ?? EXPIRE_LIMIT;
  const due = dueExpiries(ledger.expiries, nowMs, limit, (entry) => isLiveExpiry(ledger, entry));
  return due.map((entry) => ({ type: 'expired', hold: entry.hold }));
}

function stepsExhausted(hold: HoldState): boolean {
  return hold.steps.length >= MAX_STEPS;
}

function refuseSteps(holdId: string): Decided {
  return refuse(
    'HOLD_STEPS_EXHAUSTED',
    `hold ${holdId} has been used in part ${MAX_STEPS} times: only all of it is left`,
  );
}

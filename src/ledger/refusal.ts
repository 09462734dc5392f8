/** The checks that several commands share; each answers with a refusal or undefined. */
import { type Amount, MAX_MINOR } from '../money/amount.ts';
import { currencyOf } from '../money/currency.ts';
import type { LedgerRefusal, LedgerRefusalCode } from './command.ts';
import type { LedgerState } from './ledger.ts';
import type { LedgerRecord } from './record.ts';

export type Decided = readonly LedgerRecord[] | LedgerRefusal;

const ID = /^[\x21-\x7e]{1,96}$/;

/** One transfer or post moves money along at most this many legs. */
export const MAX_LEGS = 64;

export function refuse(refused: LedgerRefusalCode, detail: string): LedgerRefusal {
  return { refused, detail };
}

export function refuseId(id: string): LedgerRefusal | undefined {
  return ID.test(id) ? undefined : refuse('ID_INVALID', 'an id has 1 to 96 printable ASCII characters and no space');
}

export function refuseLegCount(count: number): LedgerRefusal | undefined {
  return count >= 1 && count <= MAX_LEGS
    ? undefined
    : refuse('TOO_MANY_LEGS', `expected 1 to ${MAX_LEGS}, saw ${count}`);
}

/** The slot of an account that keeps this amount's currency, for a positive amount. */
export function slotFor(ledger: LedgerState, account: string, amount: Amount): number | LedgerRefusal {
  const { accounts } = ledger;
  const slot = accounts.slots.get(account);
  if (slot === undefined) return refuse('ACCOUNT_UNKNOWN', `there is no account ${account.slice(0, 96)}`);
  if (amount.minor <= 0n || amount.minor > MAX_MINOR) {
    return refuse('AMOUNT_NOT_POSITIVE', `expected 1 to ${MAX_MINOR} minor units, saw ${amount.minor}`);
  }
  if (currencyOf(amount.currency).numeric !== accounts.currency[slot]) {
    return refuse('CURRENCY_MISMATCH', `account ${account} does not keep ${amount.currency}`);
  }
  return slot;
}

/** Sums by slot, for commands that touch an account more than once. */
export function addTo(sums: Map<number, bigint>, slot: number, minor: bigint): void {
  sums.set(slot, (sums.get(slot) ?? 0n) + minor);
}

/** Refuses credits that lift a balance above its ceiling; `debits` of the same command count. */
export function refuseAboveCeiling(
  ledger: LedgerState,
  credits: ReadonlyMap<number, bigint>,
  debits: ReadonlyMap<number, bigint>,
): LedgerRefusal | undefined {
  const { accounts } = ledger;
  for (const [slot, credit] of credits) {
    const balance = accounts.balance[slot]! + credit - (debits.get(slot) ?? 0n);
    if (balance > accounts.ceiling[slot]!) {
      return refuse('CEILING_EXCEEDED', `account ${accounts.ids[slot]} would exceed its ceiling`);
    }
  }
  return undefined;
}

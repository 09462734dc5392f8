/** Moving money at once: all legs or none, every payer covered by what it had before. */
import { availableAt } from './account-table.ts';
import type { Transfer } from './command.ts';
import type { LedgerState } from './ledger.ts';
import type { MovedLeg } from './record.ts';
import { addTo, type Decided, refuse, refuseAboveCeiling, refuseId, refuseLegCount, slotFor } from './refusal.ts';

export function decideTransfer(ledger: LedgerState, command: Transfer): Decided {
  const invalid = refuseId(command.id) ?? refuseLegCount(command.legs.length);
  if (invalid !== undefined) return invalid;

  const debits = new Map<number, bigint>();
  const credits = new Map<number, bigint>();
  const legs: MovedLeg[] = [];
  for (const { from, to, amount } of command.legs) {
    if (from === to) return refuse('SAME_ACCOUNT', `account ${from.slice(0, 96)} cannot pay itself`);
    const payer = slotFor(ledger, from, amount);
    if (typeof payer !== 'number') return payer;
    const payee = slotFor(ledger, to, amount);
    if (typeof payee !== 'number') return payee;
    addTo(debits, payer, amount.minor);
    addTo(credits, payee, amount.minor);
    legs.push({ from, to, minor: amount.minor });
  }

  const { accounts } = ledger;
  for (const [slot, debit] of debits) {
    if (debit > availableAt(accounts, slot)) {
      return refuse('INSUFFICIENT_FUNDS', `account ${accounts.ids[slot]} has less available than this takes`);
    }
  }
  const above = refuseAboveCeiling(ledger, credits, debits);
  if (above !== undefined) return above;
  return [{ type: 'moved', id: command.id, legs }];
}

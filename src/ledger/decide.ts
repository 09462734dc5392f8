/**
 * What follows from a command: records to be written and applied, or a refusal. Reads the state, never changes it.
 * One rule guards all money: no account's balance − holds + credit line goes below zero, whatever is open at once.
 */
import { decideClose, decideOpen, decideSetLimits } from './account-decision.ts';
import type { LedgerCommand } from './command.ts';
import { decideExpire, decideHold, decidePost, decideRelease } from './hold-decision.ts';
import type { LedgerState } from './ledger.ts';
import type { Decided } from './refusal.ts';
import { decideTransfer } from './transfer-decision.ts';

/**
 * `'refused' in decision` tells a refusal from records; no records means: done before, or nothing to do.
 * Apply the records of one command before deciding the next, else both may spend the same money.
 */
export function decideLedger(ledger: LedgerState, command: LedgerCommand, env: { readonly nowMs: number }): Decided {
  switch (command.type) {
    case 'open':
      return decideOpen(ledger, command);
    case 'set-limits':
      return decideSetLimits(ledger, command);
    case 'close':
      return decideClose(ledger, command);
    case 'transfer':
      return decideTransfer(ledger, command);
    case 'hold':
      return decideHold(ledger, command, env.nowMs);
    case 'post':
      return decidePost(ledger, command, env.nowMs);
    case 'release':
      return decideRelease(ledger, command);
    case 'expire':
      return decideExpire(ledger, command, env.nowMs);
  }
}

/**
 * Purchases of one flush, as the till has checked them. Whatever happened meanwhile at the host (another checkpoint, a conclusion) is
 * seen here: they continue the state just where it is, or not at all.
 */
import { equalBytes } from '../../codec/hex.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { DepositError } from '../message/deposit-error.ts';
import { ENTRY_LENGTH } from '../message/purchase-list.ts';
import type { MerchantInput, Run } from './merchant-input.ts';
import { depositKey, headAfter, headsOf, type MerchantRecord, type MerchantState } from './merchant-session.ts';

export function decideSpent({ sessions }: MerchantState, runs: readonly Run[], env: Env): Decision<MerchantRecord> {
  const usedUp: MerchantInput[] = [];
  const records = runs.map(({ from, ...spending }): MerchantRecord => {
    const { transaction, count, units, entries } = spending;
    const session = sessions.get(transaction);
    if (session?.status !== 'open' || session.endsAtMs <= env.nowMs)
      throw new DepositError('DEPOSIT_CLOSED', 'the deposit is concluded');
    const continues =
      session.epoch === from.epoch &&
      session.count === from.count &&
      equalBytes(headAfter(headsOf(session), session.count), from.head) &&
      count === from.count + entries.length / ENTRY_LENGTH;
    if (!continues || units <= session.units) {
      throw new DepositError('PURCHASE_UNPROVED', 'another checkpoint was taken before these purchases');
    }
    if (units > session.depositUnits) throw new DepositError('DEPOSIT_EXCEEDED', 'more than the deposit');
    // Less than a unit is left: nothing can be bought any more.
    if (units === session.depositUnits) usedUp.push({ type: 'conclude', transaction, ending: 'used-up' });
    return { type: 'spent', ...spending, atMs: env.nowMs };
  });
  return { records, keys: runs.map(({ transaction }) => depositKey(transaction)), inputs: usedUp };
}

/** A merchant's statement: what deposits brought (US 09/718,411, claim 11). Its customers are transactions to it, and nothing else. */
import { readMessage } from '../../crypto/signed-message.ts';
import type { MerchantInput } from '../../deposit/merchant/merchant-input.ts';
import {
  FINISHED_KEY,
  type MerchantRecord,
  type MerchantSession,
  type MerchantState,
} from '../../deposit/merchant/merchant-session.ts';
import { clearingInformationType, statementType } from '../../deposit/message/conclusion.ts';
import type { Host } from '../../journal/host.ts';
import { formatAmount, sumAmounts } from '../../money/amount.ts';
import { formatNano } from '../../money/nano.ts';

export interface EarnedDeposit {
  readonly transaction: string;
  /** That the merchant took: a ruling counts only those that both have in their lists. */
  readonly purchases: number;
  /** What the merchant holds proof of: exact for an open one, rounded as at clearing for one that is settled. */
  readonly earned: string;
  /** Of one that is settled. */
  readonly paid?: string;
  readonly ruling?: readonly string[];
  readonly at?: string;
  /** `lapsed`: no statement came in all the time there was. */
  readonly state: MerchantSession['status'] | 'settled' | 'lapsed';
}

export interface MerchantStatement {
  readonly party: 'merchant';
  readonly name: string;
  readonly operator: string;
  /** The newest first. */
  readonly deposits: readonly EarnedDeposit[];
  /** Not settled yet. */
  readonly open: readonly EarnedDeposit[];
  /** Of the deposits shown. */
  readonly paid: string;
  readonly purchases: number;
}

const MOST = 1000;

export async function merchantStatement(
  host: Host<MerchantState, MerchantInput, MerchantRecord>,
  merchant: { readonly name: string; readonly operator: string; readonly currency: string },
): Promise<MerchantStatement> {
  const { name, operator, currency } = merchant;
  const sessions = [...host.state.sessions.values()].slice(-MOST).map(openDeposit);
  // What has ended before this is durable from here on.
  await host.settled();
  const records = await host.readByKey(FINISHED_KEY, { limit: MOST });
  const deposits = records.flatMap((record) => finishedDeposit(record, currency) ?? []).reverse();
  const paid = records.flatMap((one) => (one.type === 'settled' ? [{ currency, minor: one.paidMinor }] : []));
  const ended = new Set(deposits.map(({ transaction }) => transaction));
  return {
    ...{ party: 'merchant', name, operator, deposits },
    open: sessions.filter(({ transaction }) => !ended.has(transaction)),
    paid: formatAmount(sumAmounts(currency, paid)),
    purchases: deposits.reduce((sum, { purchases }) => sum + purchases, 0),
  };
}

function finishedDeposit(record: MerchantRecord, currency: string): EarnedDeposit | undefined {
  if (record.type === 'lapsed') {
    const { transaction, atMs } = record;
    const nothing = formatAmount({ currency, minor: 0n });
    return { transaction, purchases: 0, earned: nothing, at: timeOf(atMs), state: 'lapsed' };
  }
  if (record.type !== 'settled') return undefined;
  const { transaction, statement, paidMinor, expectedMinor, count, atMs } = record;
  // Checked when it came.
  const { clearing } = readMessage(statementType, statement).value;
  const { reasons } = readMessage(clearingInformationType, clearing).value;
  return {
    ...{ transaction, purchases: count, earned: formatAmount({ currency, minor: expectedMinor }) },
    ...{ paid: formatAmount({ currency, minor: paidMinor }), ruling: reasons, at: timeOf(atMs), state: 'settled' },
  };
}

function openDeposit({ transaction, count, units, unitNano, currency, status }: MerchantSession): EarnedDeposit {
  const earned = formatNano({ currency, nano: BigInt(units) * BigInt(unitNano) });
  return { transaction, purchases: count, earned, state: status };
}

const timeOf = (atMs: number) => new Date(atMs).toISOString();

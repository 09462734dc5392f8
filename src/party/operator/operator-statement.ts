/**
 * An operator's statement of deposits: what its customers paid and its merchants earned, and how it stands with other operators. What was
 * bought is not in it: no operator knows (ERI-D).
 */
import type { AccountInput } from '../../deposit/account-manager/account-input.ts';
import { type AccountRecord, accountKey, SETTLEMENTS_KEY } from '../../deposit/account-manager/account-record.ts';
import type { AccountState } from '../../deposit/account-manager/account-state.ts';
import { customerAccount, merchantAccount } from '../../deposit/account-manager/ledger-step.ts';
import { type AcquirerState, exposureTo } from '../../deposit/acquirer/acquirer-state.ts';
import type { DepositRecord, WithdrawalRecord } from '../../deposit/message/billing-record.ts';
import type { Host } from '../../journal/host.ts';
import { type ClearingPosition, listPositions } from '../../ledger/clearing.ts';
import { ledgerViolations } from '../../ledger/invariant.ts';
import { findAccount, type LedgerState } from '../../ledger/ledger.ts';
import { formatAmount } from '../../money/amount.ts';
import type { OperatorDeposits } from '../configuration/configuration.ts';
import { rateText } from '../message/rate-text.ts';

export interface Withdrawal {
  readonly transaction: string;
  readonly merchant: string;
  readonly merchantOperator: string;
  readonly deposit: string;
  readonly withdrawn: string;
  readonly returned: string;
  /** In the merchant's currency. */
  readonly paid: string;
  readonly rate: string;
  readonly at: string;
}

export interface Earning {
  readonly transaction: string;
  /** Of the customer, who stays unknown here. */
  readonly accountManager: string;
  readonly paid: string;
  readonly at: string;
}

export interface PositionView {
  readonly operator: string;
  readonly currency: string;
  readonly theyOwe: string;
  readonly weOwe: string;
  /** What it may owe us at most, and what it may come to owe by deposits that are open or not settled. */
  readonly theyMayOwe: string;
  readonly atRisk: string;
}

export interface SettlementView {
  readonly settlement: string;
  readonly operator: string;
  readonly amount: string;
  /** `refused`: owed as before. */
  readonly state: 'paying' | 'paid' | 'refused' | 'received';
  readonly at: string;
}

interface Holder<T> {
  readonly name: string;
  readonly balance: string;
  readonly held: string;
  /** The newest first. */
  readonly deposits: readonly T[];
}

export interface OperatorStatement {
  readonly party: 'operator';
  readonly name: string;
  readonly customers: readonly Holder<Withdrawal>[];
  readonly merchants: readonly Holder<Earning>[];
  /** Those that are not zero, or may become so. */
  readonly positions: readonly PositionView[];
  /** The newest first. */
  readonly settlements: readonly SettlementView[];
  /** Deposits of our customers that are set aside, and of our merchants that are open. */
  readonly open: { readonly asAccountManager: number; readonly asAcquirer: number };
  /** A sentence for each invariant of the accounts that does not hold; empty for sound books. */
  readonly violations: readonly string[];
}

const MOST = 1000;
const timeOf = (atMs: number) => new Date(atMs).toISOString();

type Accounts = Pick<Host<AccountState, AccountInput, AccountRecord>, 'settled' | 'state' | 'readByKey'>;

/** What the accounts have to say in it; each shard for itself, where they are cut. */
export interface AccountsStatement
  extends Pick<OperatorStatement, 'customers' | 'merchants' | 'settlements' | 'violations'> {
  readonly positions: readonly Omit<PositionView, 'atRisk'>[];
  /** Deposits that are set aside. */
  readonly open: number;
}

/** What is durable; walks all accounts. */
export async function accountsStatement(
  accounts: Accounts,
  { customers, merchants }: Pick<OperatorDeposits, 'customers' | 'merchants'>,
): Promise<AccountsStatement> {
  const { ledger, deposits } = accounts.state;
  const now = {
    positions: listPositions(ledger).map(positionView),
    open: deposits.size,
    violations: ledgerViolations(ledger),
  };
  const customersNow = customers.map(({ name }) => holder(ledger, name, customerAccount(name)));
  const merchantsNow = merchants.map(({ name, currency }) => holder(ledger, name, merchantAccount(name, currency)));
  // What the balances rest on is durable from here on: what is read now has all of it, and may have more.
  await accounts.settled();
  const recordsOf = (key: string) => accounts.readByKey(key, { limit: MOST });
  const withRecords = <H extends { readonly name: string }, D>(
    holders: readonly H[],
    depositsIn: (name: string, records: readonly AccountRecord[]) => readonly D[],
  ) => {
    return Promise.all(
      holders.map(async (one) => ({ ...one, deposits: depositsIn(one.name, await recordsOf(accountKey(one.name))) })),
    );
  };
  return {
    ...now,
    customers: await withRecords(customersNow, withdrawalsOf),
    merchants: await withRecords(merchantsNow, earningsOf),
    settlements: settlementsIn(await recordsOf(SETTLEMENTS_KEY)),
  };
}

export async function operatorStatement(
  name: string,
  accounts: AccountsStatement,
  acquirer: Pick<Host<AcquirerState, unknown>, 'settled' | 'state'>,
): Promise<OperatorStatement> {
  const { positions, open, ...others } = accounts;
  const statement: OperatorStatement = {
    ...{ party: 'operator', name, ...others },
    positions: positions.map((position) => ({ ...position, atRisk: atRisk(position, acquirer.state) })),
    open: { asAccountManager: open, asAcquirer: acquirer.state.deposits.size },
  };
  await acquirer.settled();
  return statement;
}

function holder(ledger: LedgerState, name: string, id: string) {
  const account = findAccount(ledger, id);
  const amount = (minor = 0n) => (account === undefined ? '' : formatAmount({ currency: account.currency, minor }));
  return { name, balance: amount(account?.balance), held: amount(account?.held) };
}

function withdrawalsOf(customer: string, records: readonly AccountRecord[]): readonly Withdrawal[] {
  const own = records.flatMap((record) => (record.type === 'withdrawn' ? [record.withdrawal] : []));
  return own
    .filter((withdrawal) => withdrawal.customer === customer)
    .map(withdrawalView)
    .reverse();
}

function withdrawalView(record: WithdrawalRecord): Withdrawal {
  const { transaction, merchant, merchantOperator, deposit, withdrawn, returned, paid, rate, atMs } = record;
  return {
    ...{ transaction, merchant, merchantOperator, rate: rateText(rate), at: timeOf(atMs) },
    ...{ deposit: formatAmount(deposit), withdrawn: formatAmount(withdrawn), returned: formatAmount(returned) },
    paid: formatAmount(paid),
  };
}

function earningsOf(merchant: string, records: readonly AccountRecord[]): readonly Earning[] {
  const own = records.flatMap((record) => (record.type === 'deposited' ? [record.deposit] : []));
  return own
    .filter((deposit) => deposit.merchant === merchant)
    .map(earningView)
    .reverse();
}

function earningView({ transaction, accountManager, paid, atMs }: DepositRecord): Earning {
  return { transaction, accountManager, paid: formatAmount(paid), at: timeOf(atMs) };
}

function positionView(position: ClearingPosition): Omit<PositionView, 'atRisk'> {
  const { counterparty: operator, currency, theyOweMinor, weOweMinor, theyMayOweMinor } = position;
  const amount = (minor: bigint) => formatAmount({ currency, minor });
  return {
    ...{ operator, currency, theyOwe: amount(theyOweMinor), weOwe: amount(weOweMinor) },
    theyMayOwe: amount(theyMayOweMinor),
  };
}

function atRisk({ operator, currency }: Pick<PositionView, 'operator' | 'currency'>, acquirer: AcquirerState): string {
  const { openMinor, clearedMinor } = exposureTo(acquirer, operator, currency);
  return formatAmount({ currency, minor: openMinor + clearedMinor });
}

function settlementsIn(records: readonly AccountRecord[]): readonly SettlementView[] {
  const views = new Map<string, SettlementView>();
  for (const record of records) {
    if (record.type === 'settling' || record.type === 'received') {
      const { settlement, terms, atMs } = record;
      const state = record.type === 'received' ? 'received' : 'paying';
      const { operator, amount } = terms;
      views.set(settlement, { settlement, operator, amount: formatAmount(amount), state, at: timeOf(atMs) });
    } else if (record.type === 'settled' || record.type === 'unsettled') {
      const begun = views.get(record.settlement);
      const state = record.type === 'settled' ? 'paid' : 'refused';
      if (begun !== undefined) views.set(record.settlement, { ...begun, state, at: timeOf(record.atMs) });
    }
  }
  return [...views.values()].reverse();
}

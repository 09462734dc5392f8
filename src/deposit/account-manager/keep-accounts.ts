/** The accounts themselves: the operator's own, its customers' and merchants', and money that customers bring. */
import { encodeCbor } from '../../codec/cbor.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { type Account, UNLIMITED } from '../../ledger/account-table.ts';
import { openPosition } from '../../ledger/clearing.ts';
import type { LedgerCommand, OpenAccount } from '../../ledger/command.ts';
import { findAccount, type LedgerState } from '../../ledger/ledger.ts';
import { billingRecord } from '../message/billing-record.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { AccountInput } from './account-input.ts';
import type { AccountPolicy } from './account-policy.ts';
import type { AccountRecord } from './account-record.ts';
import type { AccountState } from './account-state.ts';
import { bill } from './bill.ts';
import { customerAccount, fundingAccount, merchantAccount, ownAccounts, requireLedger } from './ledger-step.ts';
import { type OwnShard, shardName } from './shard-map.ts';

/** The answer where there is nothing to say. */
export const ACKNOWLEDGED = encodeCbor(null);

/** As in identities, without what would make one name look like two parts of something. */
const NAME = /^[\x21-\x7e]{1,64}$/;

export function decideSetUp(
  { ledger, cut }: AccountState,
  { currencies }: Extract<AccountInput, { type: 'set-up' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  const own = currencies.flatMap((currency) =>
    ownAccounts(currency).map(({ id, kind, creditLine }) => {
      return { type: 'open' as const, account: id, currency, kind, creditLine };
    }),
  );
  const positions = [...positionsWithOthers(policy), ...positionsBetweenShards(policy, currencies)];
  const commands = [...own, ...positions].flatMap((wanted) => openOrAdjust(ledger, wanted));
  const opened = requireLedger(ledger, env, ...commands);
  return { records: [...recordOfCut({ ledger, cut }, policy), ...opened], answer: ACKNOWLEDGED };
}

function positionsWithOthers({ name: own, operators, shard }: AccountPolicy): readonly OpenAccount[] {
  const others = [...operators].filter(([name]) => name !== own && isHere(shard, shard?.map.ofOperator(name)));
  return others.flatMap(([counterparty, { limits }]) =>
    limits.map((limit) => openPosition({ counterparty, ...limit })),
  );
}

/** Without limits: it is all one operator. */
function positionsBetweenShards({ name, shard }: AccountPolicy, currencies: readonly string[]): readonly OpenAccount[] {
  if (shard === undefined) return [];
  const others = Array.from({ length: shard.map.count }, (_, at) => at).filter((at) => at !== shard.number);
  return others.flatMap((at) =>
    currencies.map((currency) => {
      return openPosition({ counterparty: shardName(name, at), currency, theyMayOweMinor: UNLIMITED });
    }),
  );
}

/**
 * How the accounts are cut stands in the journal, because nothing could be found any more if it were forgotten.
 * @throws DepositError `SHARDS_CHANGED` for a journal that was made for another shard, for another number of them, or for none
 */
function recordOfCut(
  { ledger, cut }: Pick<AccountState, 'ledger' | 'cut'>,
  { shard }: AccountPolicy,
): readonly AccountRecord[] {
  const wanted = shard === undefined ? 'all accounts' : `shard ${shard.number} of ${shard.map.count}`;
  const found = cut === null ? 'all accounts' : `shard ${cut.shard} of ${cut.of}`;
  if (found === wanted) return [];
  const isNew = cut === null && ledger.accounts.slots.size === 0;
  if (!isNew || shard === undefined) {
    throw new DepositError('SHARDS_CHANGED', `this journal keeps ${found}, not ${wanted}`);
  }
  return [{ type: 'cut', shard: shard.number, of: shard.map.count }];
}

/** Whether it is kept in this shard; always, where there are none. */
function isHere(shard: OwnShard | undefined, number: number | undefined): boolean {
  return shard === undefined || shard.number === number;
}

export function decideOpenAccount(
  { ledger }: AccountState,
  { of, name, currency, creditLineMinor = 0n }: Extract<AccountInput, { type: 'open-account' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  if (!NAME.test(name) || /[.:]/.test(name)) {
    throw new DepositError('IDENTITY_MALFORMED', 'a name has 1 to 64 printable ASCII characters without dot or colon');
  }
  if (of === 'merchant' && creditLineMinor !== 0n)
    throw new DepositError('DEPOSIT_REFUSED', 'merchants have no credit');
  const { map } = policy.shard ?? {};
  if (!isHere(policy.shard, of === 'customer' ? map?.ofCustomer(name) : map?.ofMerchant(name))) {
    throw new DepositError('DEPOSIT_REFUSED', `the accounts of ${name} are kept in another shard`);
  }
  const account = of === 'customer' ? customerAccount(name) : merchantAccount(name, currency);
  // Limits are where the balances are.
  const creditLine = of === 'customer' && policy.accountsElsewhere === true ? UNLIMITED : creditLineMinor;
  const wanted: OpenAccount = { type: 'open', account, currency, kind: of, creditLine };
  return { records: requireLedger(ledger, env, ...openOrAdjust(ledger, wanted)), answer: ACKNOWLEDGED };
}

export function decideFund(
  { ledger }: AccountState,
  { id, customer, amount }: Extract<AccountInput, { type: 'fund' }>,
  env: Env,
  policy: AccountPolicy,
): Decision<AccountRecord> {
  if (policy.accountsElsewhere === true) throw new DepositError('DEPOSIT_REFUSED', 'balances are kept elsewhere');
  const { currency } = requireCustomer(ledger, customer);
  if (currency !== amount.currency) {
    throw new DepositError(
      'DEPOSIT_REFUSED',
      `the account of ${customer} is kept in ${currency}, not in ${amount.currency}`,
    );
  }
  const legs = [{ from: fundingAccount(amount.currency), to: customerAccount(customer), amount }];
  return {
    records: requireLedger(ledger, env, { type: 'transfer', id, legs }),
    answer: ACKNOWLEDGED,
    send: [bill(billingRecord('funding', { reference: id, customer, amount, atMs: env.nowMs }))],
  };
}

/** @throws DepositError `CUSTOMER_UNKNOWN` */
export function requireCustomer(ledger: LedgerState, customer: string): Account {
  const account = findAccount(ledger, customerAccount(customer));
  if (account === undefined)
    throw new DepositError('CUSTOMER_UNKNOWN', `no account of a customer ${customer} is kept here`);
  return account;
}

function openOrAdjust(ledger: LedgerState, wanted: OpenAccount): LedgerCommand[] {
  const { account: id, currency, creditLine = 0n, ceiling = UNLIMITED } = wanted;
  const account = findAccount(ledger, id);
  if (account === undefined) return [wanted];
  if (account.currency !== currency) {
    throw new DepositError('DEPOSIT_REFUSED', `account ${id} is kept in ${account.currency}`);
  }
  if (account.creditLine === creditLine && account.ceiling === ceiling) return [];
  return [{ type: 'set-limits', account: id, creditLine, ceiling }];
}

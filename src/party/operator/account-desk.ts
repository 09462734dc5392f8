/** An operator's accounts for deposits behind one door: all of them, or one shard's. What is in front asks no matter which. */
import type { AccountInput } from '../../deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../deposit/account-manager/account-machine.ts';
import type { AccountPolicy } from '../../deposit/account-manager/account-policy.ts';
import type { AccountRecord } from '../../deposit/account-manager/account-record.ts';
import type { AccountState } from '../../deposit/account-manager/account-state.ts';
import type { OwnShard } from '../../deposit/account-manager/shard-map.ts';
import { receiveCarried } from '../../deposit/account-manager/take-carried.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Host } from '../../journal/host.ts';
import type { Journal } from '../../journal/journal.ts';
import { type ClearingPosition, listPositions } from '../../ledger/clearing.ts';
import { parseRate } from '../../money/rate.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Routes } from '../../transport/route.ts';
import type { OperatorConfiguration, OperatorDeposits } from '../configuration/configuration.ts';
import { knownOperators } from '../configuration/known-operators.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import type { ValidateChain } from '../running/deposit-trust.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type Surroundings } from '../running/running-party.ts';
import { openMachine } from '../running/stores.ts';
import { fundRoutes } from './fund-customer.ts';
import { booksOf, type LedgerView } from './operator-accounts.ts';
import { openAccountsElsewhere } from './operator-accounts-elsewhere.ts';
import { accountRoutes } from './operator-deposit-routes.ts';
import { type AccountsStatement, accountsStatement } from './operator-statement.ts';

export type PositionOwed = Pick<ClearingPosition, 'counterparty' | 'currency' | 'theyOweMinor' | 'weOweMinor'>;

export interface AccountDesk {
  /** Messages of customers and operators for the accounts, and what the operator's own people do with them. */
  readonly routes: Routes;
  /** Pays now what is owed to other operators. */
  pay(): Promise<void>;
  positions(): Promise<readonly PositionOwed[]>;
  books(): Promise<LedgerView>;
  statement(): Promise<AccountsStatement>;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export interface DeskOptions {
  readonly configuration: OperatorConfiguration;
  readonly deposits: OperatorDeposits;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  readonly validate: ValidateChain;
  readonly surroundings: Surroundings;
}

export interface OwnDesk extends AccountDesk {
  readonly state: Readonly<AccountState>;
  /** What another shard has booked. */
  takeCarried(body: Uint8Array): Promise<Uint8Array>;
}

/** The accounts in this process. */
export async function openAccountDesk(
  options: DeskOptions & {
    readonly journal: Journal;
    readonly billing: Courier;
    /** Where they are cut: which part this is, and how the others are reached. */
    readonly shard?: OwnShard & { readonly courier: Courier };
  },
): Promise<OwnDesk> {
  const { configuration, deposits, path, client, validate, surroundings, journal, billing, shard } = options;
  const { name } = configuration;
  const { log } = surroundings;
  const { nowMs } = systemClock();
  const elsewhere = await openAccountsElsewhere(deposits.accounts, {
    ...{ operator: name, timeZone: deposits.billing.timeZone, path, log },
    currencyOf: (customer) => deposits.customers.find((known) => known.name === customer)?.currency,
  });
  const policy: AccountPolicy = { ...policyOf(options), accountsElsewhere: elsewhere !== undefined };
  const accounts: Host<AccountState, AccountInput, AccountRecord> = await openMachine({
    machine: createAccountManager(policy),
    journal,
    courier: byScheme({
      ...{ 'https:': createHttpCourier({ client }), 'billing:': billing },
      ...(elsewhere && { 'accounts:': elsewhere.courier }),
      ...(shard && { 'shard:': shard.courier }),
    }),
    surroundings,
  });
  const own = ownHolders(deposits, shard);
  const close = () => closeInOrder([() => accounts.close(), () => elsewhere?.close()]);
  await setUpAccounts(accounts, configuration.currencies, own).catch(async (cause: unknown) => {
    await close();
    throw cause;
  });
  return {
    state: accounts.state,
    takeCarried: async (body) => accounts.handle(receiveCarried(body)),
    routes: {
      ...accountRoutes({ accounts, policy, validate, nowMs, lookUp: elsewhere?.lookUp }),
      ...fundRoutes(name, accounts),
    },
    pay: () => accounts.submit({ type: 'settle' }),
    async positions() {
      await accounts.settled();
      return listPositions(accounts.state.ledger);
    },
    books: () => booksOf(accounts),
    statement: () => accountsStatement(accounts, own),
    failed: accounts.failed,
    close,
  };
}

function policyOf({
  configuration,
  deposits,
  identity,
  validate,
  shard,
}: DeskOptions & { readonly shard?: OwnShard }): AccountPolicy {
  const { name } = configuration;
  const rates = deposits.rates.map(({ from, to, rate }) => parseRate({ from, to, text: rate }));
  return {
    ...{ name, operators: knownOperators(name, deposits), validateOperator: validate },
    signer: { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) },
    rateTable: (currency, nowMs) => ({
      rates: rates.filter(({ from }) => from === currency),
      issuedAtMs: nowMs,
      validUntilMs: nowMs + deposits.ratesLifespanSeconds * 1000,
    }),
    // Where our own table has no rate there is nothing to judge another's by.
    isSaneRate: () => false,
    merchantUrl: (merchant) => deposits.merchants.find((known) => known.name === merchant)?.url,
    ...(shard && { shard: { number: shard.number, map: shard.map } }),
  };
}

type Holders = Pick<OperatorDeposits, 'customers' | 'merchants'>;

function ownHolders({ customers, merchants }: Holders, shard: OwnShard | undefined): Holders {
  if (shard === undefined) return { customers, merchants };
  const { number, map } = shard;
  return {
    customers: customers.filter(({ name }) => map.ofCustomer(name) === number),
    merchants: merchants.filter(({ name }) => map.ofMerchant(name) === number),
  };
}

/** In line with the configuration, at every start: what is there already is fine. */
async function setUpAccounts(
  host: Pick<Host<AccountState, AccountInput>, 'submit'>,
  currencies: readonly string[],
  { customers, merchants }: Holders,
): Promise<void> {
  // Alone, because it says whether this journal is for these accounts at all.
  await host.submit({ type: 'set-up', currencies });
  await Promise.all([
    ...customers.map(({ name, currency, creditMinor }) => {
      const creditLineMinor = BigInt(creditMinor);
      return host.submit({ type: 'open-account', of: 'customer', name, currency, creditLineMinor });
    }),
    ...merchants.map(({ name, currency }) => host.submit({ type: 'open-account', of: 'merchant', name, currency })),
  ]);
}

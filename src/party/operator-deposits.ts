/** An operator's part in deposits (src/deposit): the account manager of its customers and merchants, and the acquirer of its merchants. */
import type { AccountInput } from '../deposit/account-manager/account-input.ts';
import { createAccountManager } from '../deposit/account-manager/account-machine.ts';
import type { AccountPolicy, Operator } from '../deposit/account-manager/account-policy.ts';
import type { AccountState } from '../deposit/account-manager/account-state.ts';
import { createAcquirer } from '../deposit/acquirer/acquirer.ts';
import type { AcquirerInput } from '../deposit/acquirer/acquirer-input.ts';
import type { AcquirerPolicy } from '../deposit/acquirer/acquirer-policy.ts';
import type { AcquirerRecord, AcquirerState } from '../deposit/acquirer/acquirer-state.ts';
import { systemClock } from '../journal/clock.ts';
import type { Host } from '../journal/host.ts';
import { parseRate, type Rate } from '../money/rate.ts';
import type { Client } from '../transport/client.ts';
import { createHttpCourier } from '../transport/http-courier.ts';
import type { Routes } from '../transport/route.ts';
import type { CommunicationIdentity } from './communication.ts';
import { createCommunicationTrust } from './communication-trust.ts';
import type { OperatorConfiguration, OperatorDeposits } from './configuration.ts';
import { chainValidation } from './deposit-trust.ts';
import { fundRoutes } from './fund-customer.ts';
import { booksOf, type LedgerView } from './operator-accounts.ts';
import { openAccountsElsewhere } from './operator-accounts-elsewhere.ts';
import { openOperatorBilling } from './operator-billing.ts';
import { operatorDepositRoutes } from './operator-deposit-routes.ts';
import { accountsStatement, type OperatorStatement, operatorStatement } from './operator-statement.ts';
import { ownCommand } from './own-commands.ts';
import { byScheme } from './routes.ts';
import { closeInOrder, type Surroundings } from './running-party.ts';
import { settleDeposits } from './settle-deposits.ts';
import { openJournal, openMachine } from './stores.ts';

export interface OperatorDepositsRunning {
  readonly routes: Routes;
  readonly failed: Promise<unknown>;
  settle(): Promise<void>;
  statement(): Promise<OperatorStatement>;
  books(): Promise<LedgerView>;
  close(): Promise<void>;
}

export async function openOperatorDeposits(options: {
  readonly configuration: OperatorConfiguration;
  readonly deposits: OperatorDeposits;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  readonly surroundings: Surroundings;
}): Promise<OperatorDepositsRunning> {
  const { configuration, deposits, path, identity, client, surroundings } = options;
  const { name, store } = configuration;
  const { log } = surroundings;
  const clock = systemClock();
  const validate = chainValidation(createCommunicationTrust(identity.anchors), clock.nowMs);
  const signer = { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) };
  const rates = deposits.rates.map(({ from, to, rate }) => parseRate({ from, to, text: rate }));
  const http = createHttpCourier({ client });

  const elsewhere = await openAccountsElsewhere(deposits.accounts, {
    ...{ operator: name, timeZone: deposits.billing.timeZone, path, log },
    currencyOf: (customer) => deposits.customers.find((known) => known.name === customer)?.currency,
  });
  const accountPolicy: AccountPolicy = {
    accountsElsewhere: elsewhere !== undefined,
    ...{ name, signer, operators: operatorsOf(name, deposits), validateOperator: validate },
    rateTable: (currency, nowMs) => ({
      rates: rates.filter(({ from }) => from === currency),
      issuedAtMs: nowMs,
      validUntilMs: nowMs + deposits.ratesLifespanSeconds * 1000,
    }),
    // Where our own table has no rate there is nothing to judge another's by.
    isSaneRate: () => false,
    merchantUrl: (merchant) => deposits.merchants.find((known) => known.name === merchant)?.url,
  };
  const acquirerPolicy: AcquirerPolicy = {
    ...{ name, signer, validateMerchant: validate, accountManagerUrl: deposits.url },
    operators: operatorsOf(name, deposits),
    merchants: new Map(deposits.merchants.map(({ name: merchant, url, currency }) => [merchant, { url, currency }])),
    rate: (pair) => rateOf(rates, pair),
    recordWaitMs: deposits.recordWaitSeconds * 1000,
  };

  const billing = await openOperatorBilling({
    ...{ name, store, path, identity, surroundings },
    billing: deposits.billing,
  });
  const accounts = await openMachine({
    machine: createAccountManager(accountPolicy),
    journal: await openJournal(store, path, 'accounts'),
    courier: byScheme({
      'https:': http,
      'billing:': billing.courier,
      ...(elsewhere && { 'accounts:': elsewhere.courier }),
    }),
    surroundings,
  });
  await setUpAccounts(accounts, configuration, deposits);
  const acquirer: Host<AcquirerState, AcquirerInput, AcquirerRecord> = await openMachine({
    machine: createAcquirer(acquirerPolicy),
    journal: await openJournal(store, path, 'value-acquirer'),
    courier: byScheme({ 'https:': http }),
    surroundings,
  });
  const everyMs = deposits.settleEverySeconds * 1000;
  const settlement = settleDeposits({ accounts, acquirer, clock, everyMs, log });
  const { customers, merchants } = deposits;
  const statement = async () =>
    operatorStatement(name, await accountsStatement(accounts, { customers, merchants }), acquirer);
  return {
    statement,
    books: () => booksOf(accounts),
    routes: {
      ...operatorDepositRoutes({
        accounts,
        acquirer,
        policy: accountPolicy,
        validate,
        nowMs: clock.nowMs,
        lookUp: elsewhere?.lookUp,
      }),
      'GET /operator/deposits': ownCommand(name, statement),
      ...fundRoutes(name, accounts),
      ...billing.routes,
    },
    failed: Promise.race([accounts.failed, acquirer.failed, billing.failed]),
    settle: settlement.settle,
    close: () =>
      closeInOrder([
        settlement.stop,
        () => acquirer.close(),
        () => accounts.close(),
        () => billing.close(),
        () => elsewhere?.close(),
      ]),
  };
}

/** Ourselves too, where customers and merchants of ours meet. */
function operatorsOf(name: string, { url, operators }: OperatorDeposits): ReadonlyMap<string, Operator> {
  const others = operators.map(({ name: other, url: at, limits }): readonly [string, Operator] => [
    other,
    {
      url: at,
      limits: limits.map(({ currency, theyMayOweMinor, weMayOweMinor }) => ({
        currency,
        theyMayOweMinor: BigInt(theyMayOweMinor),
        ...(weMayOweMinor === undefined ? {} : { weMayOweMinor: BigInt(weMayOweMinor) }),
      })),
    },
  ]);
  return new Map([[name, { url, limits: [] }], ...others]);
}

function rateOf(rates: readonly Rate[], { from, to }: { readonly from: string; readonly to: string }) {
  return rates.find((rate) => rate.from === from && rate.to === to);
}

/** In line with the configuration, at every start: what is there already is fine. */
async function setUpAccounts(
  host: Pick<Host<AccountState, AccountInput>, 'submit'>,
  { currencies }: OperatorConfiguration,
  { customers, merchants }: OperatorDeposits,
): Promise<void> {
  await Promise.all([
    host.submit({ type: 'set-up', currencies }),
    ...customers.map(({ name, currency, creditMinor }) => {
      const creditLineMinor = BigInt(creditMinor);
      return host.submit({ type: 'open-account', of: 'customer', name, currency, creditLineMinor });
    }),
    ...merchants.map(({ name, currency }) => host.submit({ type: 'open-account', of: 'merchant', name, currency })),
  ]);
}

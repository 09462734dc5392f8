/** An operator's part in deposits (src/deposit): the account manager of its customers and merchants, and the acquirer of its merchants. */
import { createAcquirer } from '../../deposit/acquirer/acquirer.ts';
import type { AcquirerInput } from '../../deposit/acquirer/acquirer-input.ts';
import type { AcquirerPolicy } from '../../deposit/acquirer/acquirer-policy.ts';
import type { AcquirerRecord, AcquirerState } from '../../deposit/acquirer/acquirer-state.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Host } from '../../journal/host.ts';
import { parseRate, type Rate } from '../../money/rate.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Routes } from '../../transport/route.ts';
import type { OperatorConfiguration, OperatorDeposits } from '../configuration/configuration.ts';
import { knownOperators } from '../configuration/known-operators.ts';
import { ownCommand } from '../owner/own-commands.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { chainValidation } from '../running/deposit-trust.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type Opened, type RunShard, type Surroundings, startInSteps } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { type AccountDesk, type DeskOptions, openAccountDesk } from './account-desk.ts';
import type { LedgerView } from './operator-accounts.ts';
import { openOperatorBilling } from './operator-billing.ts';
import { withAcquirer } from './operator-deposit-routes.ts';
import { type OperatorStatement, operatorStatement } from './operator-statement.ts';
import { settlePositions } from './settle-deposits.ts';
import { planShards } from './shard-plan.ts';
import { openShardedAccounts } from './sharded-accounts.ts';

export interface OperatorDepositsRunning {
  readonly routes: Routes;
  readonly failed: Promise<unknown>;
  settle(): Promise<void>;
  statement(): Promise<OperatorStatement>;
  books(): Promise<LedgerView>;
  close(): Promise<void>;
}

interface OperatorDepositsOptions {
  readonly configuration: OperatorConfiguration;
  readonly deposits: OperatorDeposits;
  readonly path: (relative: string) => string;
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  readonly surroundings: Surroundings;
  /** Starts a shard of the accounts, where the configuration or the command line has them cut. */
  readonly runShard: RunShard;
}

export function openOperatorDeposits(options: OperatorDepositsOptions): Promise<OperatorDepositsRunning> {
  return startInSteps((opened) => openParts(options, opened));
}

async function openParts(options: OperatorDepositsOptions, opened: Opened): Promise<OperatorDepositsRunning> {
  const { configuration, deposits, path, identity, client, surroundings } = options;
  const { name, store } = configuration;
  const { log } = surroundings;
  const clock = systemClock();
  const validate = chainValidation(createCommunicationTrust(identity.anchors), clock.nowMs);
  const operators = knownOperators(name, deposits);

  const billing = opened(
    await openOperatorBilling({ ...{ name, store, path, identity, surroundings }, billing: deposits.billing }),
  );
  const desk = opened(await openDesk({ ...options, validate, billing: billing.courier }));
  const acquirer: Host<AcquirerState, AcquirerInput, AcquirerRecord> = await openMachine({
    machine: createAcquirer({
      ...acquirerPolicyOf(configuration, deposits, identity),
      operators,
      validateMerchant: validate,
    }),
    journal: await openJournal(store, path, 'value-acquirer'),
    courier: byScheme({ 'https:': createHttpCourier({ client }) }),
    surroundings,
  });
  const everyMs = deposits.settleEverySeconds * 1000;
  const { pay, positions } = desk;
  const settlement = settlePositions({ pay, positions, acquirer, clock, everyMs, log });
  const statement = async () => operatorStatement(name, await desk.statement(), acquirer);
  return {
    statement,
    books: desk.books,
    routes: {
      ...withAcquirer(desk.routes, { acquirer, operators, validate, nowMs: clock.nowMs }),
      'GET /operator/deposits': ownCommand(name, statement),
      ...billing.routes,
    },
    failed: Promise.race([desk.failed, acquirer.failed, billing.failed]),
    settle: settlement.settle,
    close: () => closeInOrder([settlement.stop, () => acquirer.close(), () => desk.close(), () => billing.close()]),
  };
}

async function openDesk(
  options: DeskOptions & { readonly billing: Courier; readonly runShard: RunShard },
): Promise<AccountDesk> {
  const { configuration, path, surroundings, runShard } = options;
  const plan = planShards(configuration, path, surroundings.shards?.count);
  if (plan === undefined) {
    return openAccountDesk({ ...options, journal: await openJournal(configuration.store, path, 'accounts') });
  }
  return openShardedAccounts({ ...options, plan, run: runShard });
}

function acquirerPolicyOf(
  { name }: OperatorConfiguration,
  deposits: OperatorDeposits,
  identity: CommunicationIdentity,
): Omit<AcquirerPolicy, 'operators' | 'validateMerchant'> {
  const rates = deposits.rates.map(({ from, to, rate }) => parseRate({ from, to, text: rate }));
  return {
    ...{ name, accountManagerUrl: deposits.url },
    signer: { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) },
    merchants: new Map(deposits.merchants.map(({ name: merchant, url, currency }) => [merchant, { url, currency }])),
    rate: (pair) => rateOf(rates, pair),
    recordWaitMs: deposits.recordWaitSeconds * 1000,
  };
}

function rateOf(rates: readonly Rate[], { from, to }: { readonly from: string; readonly to: string }) {
  return rates.find((rate) => rate.from === from && rate.to === to);
}

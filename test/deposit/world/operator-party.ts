/** An operator in the world of deposits: its account manager and its acquirer, two machines behind the doors that a real party has. */
import { encodeCbor } from '../../../src/codec/cbor.ts';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import type { AccountPolicy } from '../../../src/deposit/account-manager/account-policy.ts';
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import type { AccountState } from '../../../src/deposit/account-manager/account-state.ts';
import { createAcquirer } from '../../../src/deposit/acquirer/acquirer.ts';
import type { AcquirerInput } from '../../../src/deposit/acquirer/acquirer-input.ts';
import type { AcquirerPolicy } from '../../../src/deposit/acquirer/acquirer-policy.ts';
import type { AcquirerRecord, AcquirerState } from '../../../src/deposit/acquirer/acquirer-state.ts';
import type { Courier } from '../../../src/journal/courier.ts';
import type { Host } from '../../../src/journal/host.ts';
import { HostError } from '../../../src/journal/host-error.ts';
import { operatorDepositRoutes } from '../../../src/party/operator/operator-deposit-routes.ts';
import { settleDeposits } from '../../../src/party/operator/settle-deposits.ts';
import { silentLog } from '../../../src/transport/log.ts';
import type { Request, RouteName } from '../../../src/transport/route.ts';
import type { World, WorldMachine } from '../../world/simulation.ts';
import {
  currencies,
  customers,
  merchants,
  type OperatorRole,
  operators,
  peerOf,
  signerOf,
  urlOf,
  validate,
} from './cast.ts';
import { type Plan, paceAt } from './plan.ts';
import type { Begun } from './prepare.ts';
import { remembering } from './remembering.ts';

export interface OperatorParty {
  readonly name: string;
  readonly accounts: WorldMachine<AccountState, AccountInput, AccountRecord>;
  readonly acquirer: WorldMachine<AcquirerState, AcquirerInput, AcquirerRecord>;
  readonly accountRecords: readonly AccountRecord[];
  readonly acquirerRecords: readonly AcquirerRecord[];
  /** Pays what it owes, and tells its acquirer what was set off. */
  settle(): Promise<void>;
}

export interface Watch {
  account(operator: string, state: AccountState, record: AccountRecord): void;
  acquirer(operator: OperatorParty, record: AcquirerRecord): void;
}

const SNAPSHOT_EVERY = 16;

export function addOperator(
  world: World,
  role: OperatorRole,
  given: {
    readonly plan: Plan;
    readonly watch: Watch;
    /** Its account manager, with accounts open and funded. */
    readonly begun: Begun<AccountRecord>;
  },
): OperatorParty {
  const { plan, watch, begun } = given;
  const { name } = role;
  const accountRecords: AccountRecord[] = [];
  const acquirerRecords: AcquirerRecord[] = [];
  const policy = accountPolicyOf(role, plan);

  const accounts = world.addMachine<AccountState, AccountInput, AccountRecord>(
    `${name} accounts`,
    () => ({
      machine: remembering(createAccountManager(policy), accountRecords, {
        before: begun.records,
        seen: (state, record) => watch.account(name, state, record),
      }),
      arrived: nothingArrives,
      wrapCourier: pastBilling,
      snapshotEvery: SNAPSHOT_EVERY,
      pace: paceAt(world.clock.nowMs(), plan),
    }),
    { disk: begun.disk },
  );
  const acquirer = world.addMachine<AcquirerState, AcquirerInput, AcquirerRecord>(`${name} acquirer`, () => ({
    machine: remembering(createAcquirer(acquirerPolicyOf(role, plan)), acquirerRecords, {
      seen: (_, record) => watch.acquirer(party, record),
    }),
    arrived: nothingArrives,
    snapshotEvery: SNAPSHOT_EVERY,
    pace: paceAt(world.clock.nowMs(), plan),
  }));

  const living = { accounts: whatLives(accounts), acquirer: whatLives(acquirer) };
  const routes = operatorDepositRoutes({ ...living, policy, validate, nowMs: world.clock.nowMs });
  world.addDoor(`${name} door`, [`${urlOf(name)}/`], async ({ to, body }, from) => {
    const route: RouteName = `POST /${to.slice(urlOf(name).length + 1)}`;
    const answer = await routes[route]!({ ...emptyRequest, body, peer: peerOf(from.split(' ', 1)[0]!) });
    return answer.body as Uint8Array;
  });
  const { settle, stop } = settleDeposits({ ...living, clock: world.clock, everyMs: 1e12, log: silentLog() });
  stop(); // When is for the plan to say.
  const party: OperatorParty = { name, accounts, acquirer, accountRecords, acquirerRecords, settle };
  return party;
}

const nothingArrives = () => {
  throw new Error('what comes from outside comes through a door');
};

/** Whatever keeps the bills stands beside the accounts. */
const pastBilling = ({ deliver }: Courier): Courier => ({
  deliver: (message, attempt) =>
    message.to.startsWith('billing:') ? Promise.resolve({ type: 'answered', body: BILLED }) : deliver(message, attempt),
});
const BILLED = encodeCbor(null);

const emptyRequest: Omit<Request, 'body' | 'peer'> = {
  ...{ target: '', params: {}, query: new URLSearchParams() },
  header: () => undefined,
  signal: new AbortController().signal,
};

export function accountPolicyOf({ name }: OperatorRole, plan: Pick<Plan, 'feed' | 'theyMayOweMinor'>): AccountPolicy {
  const limits = limitsOf(plan);
  return {
    name,
    signer: signerOf(name),
    operators: new Map(
      operators.map((other) => [other.name, { url: urlOf(other.name), limits: other.name === name ? [] : limits }]),
    ),
    rateTable: (currency, nowMs) => plan.feed.table(name, currency, nowMs),
    isSaneRate: plan.feed.isSane,
    merchantUrl: (merchant) => urlOf(merchant),
    validateOperator: validate,
  };
}

function acquirerPolicyOf({ name }: OperatorRole, plan: Plan): AcquirerPolicy {
  const limits = limitsOf(plan);
  const own = merchants.filter(({ operator }) => operator.name === name);
  return {
    name,
    signer: signerOf(name),
    accountManagerUrl: urlOf(name),
    operators: new Map(operators.map((other) => [other.name, { url: urlOf(other.name), limits }])),
    merchants: new Map(
      own.map((merchant) => [merchant.name, { url: urlOf(merchant.name), currency: merchant.currency }]),
    ),
    validateMerchant: validate,
    rate: (pair, nowMs) => plan.feed.rate(name, pair, nowMs),
    recordWaitMs: plan.recordWaitMs,
  };
}

function limitsOf({ theyMayOweMinor }: Pick<Plan, 'theyMayOweMinor'>) {
  return [...theyMayOweMinor].map(([currency, minor]) => ({ currency, theyMayOweMinor: minor }));
}

/** Of the operator itself, its customers and its merchants. */
export function openingInputs(role: OperatorRole): readonly AccountInput[] {
  const own = customers.filter(({ operator }) => operator.name === role.name);
  const sold = merchants.filter(({ operator }) => operator.name === role.name);
  return [
    { type: 'set-up', currencies },
    ...own.flatMap(({ name, balance, credit }): AccountInput[] => [
      { type: 'open-account', of: 'customer', name, currency: role.currency, creditLineMinor: credit },
      { type: 'fund', id: `fund-${name}`, customer: name, amount: { currency: role.currency, minor: balance } },
    ]),
    ...sold.map(({ name, currency }): AccountInput => ({ type: 'open-account', of: 'merchant', name, currency })),
  ];
}

/** A host that is whoever runs now: what was asked of one that dies is never answered. */
function whatLives<S, I, R>(machine: WorldMachine<S, I, R>): Host<S, I, R> {
  return {
    get state() {
      if (machine.host === undefined) throw new HostError('HOST_STOPPED', `${machine.name} is down`);
      return machine.host.state;
    },
    handle: (message) => machine.whileAlive((host) => host.handle(message)),
    submit: (input) => machine.whileAlive((host) => host.submit(input)),
    settled: () => machine.whileAlive((host) => host.settled()),
    readByKey: (key, options) => machine.whileAlive((host) => host.readByKey(key, options)),
    close: () => Promise.reject(new Error('it is not for us to close it')),
    failed: new Promise(() => undefined),
  };
}

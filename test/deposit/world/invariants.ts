/** What must be true of the world of deposits at rest: of every deposit, of all accounts, between the operators, and of what is left to do. */
import { equalBytes } from '../../../src/codec/hex.ts';
import { listPositions } from '../../../src/ledger/clearing.ts';
import { ledgerViolations } from '../../../src/ledger/invariant.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import type { WorldMachine } from '../../world/simulation.ts';
import { currencies, customers, merchants } from './cast.ts';
import { type Chronicle, chronicleOf, isFirstDevice } from './chronicle.ts';
import { judgeDeposit } from './judge-deposit.ts';
import type { OperatorParty } from './operator-party.ts';
import type { Scene } from './run-seed.ts';

export interface Tally {
  /** How often deposits ended which way. */
  readonly ends: ReadonlyMap<string, number>;
  readonly crashes: number;
  readonly purchases: number;
}

export async function findFaults(
  scene: Scene,
  thorough: boolean,
): Promise<{ readonly faults: readonly string[]; readonly tally: Tally }> {
  const chronicles = chronicleOf(scene);
  const faults: string[] = [];
  const ends = new Map<string, number>();
  let purchases = 0;
  for (const [transaction, chronicle] of chronicles) {
    const verdict = judgeDeposit(chronicle, scene);
    if (verdict === undefined) continue;
    ends.set(verdict.end, (ends.get(verdict.end) ?? 0) + 1);
    purchases += scene.truth.transactions.get(transaction)?.served.size ?? 0;
    faults.push(...verdict.faults.map((fault) => `${transaction} (${verdict.end}): ${fault}`));
  }
  faults.push(...sessionFaults(chronicles), ...guaranteeFaults(scene, chronicles));
  for (const operator of scene.operators) faults.push(...operatorFaults(operator, chronicles));
  faults.push(...settlementFaults(scene, chronicles), ...restFaults(scene));
  if (thorough) faults.push(...(await recoveryFaults(scene)));
  return { faults, tally: { ends, crashes: scene.world.crashes, purchases } };
}

/** Nothing joins two sessions at the merchant's side. */
function* sessionFaults(chronicles: ReadonlyMap<string, Chronicle>): Generator<string> {
  const sessions = new Map<string, string>();
  for (const { transaction, vouched } of chronicles.values()) {
    if (vouched === undefined) continue;
    const session = transaction.slice(0, transaction.lastIndexOf('.'));
    const known = sessions.get(vouched.identifier) ?? session;
    if (known !== session) yield `${known} and ${session} show the same customer`;
    sessions.set(vouched.identifier, known);
  }
}

/** No merchant believes to be guaranteed what is guaranteed to another. */
function* guaranteeFaults(
  { merchants: sellers }: Scene,
  chronicles: ReadonlyMap<string, Chronicle>,
): Generator<string> {
  for (const { role, records } of sellers) {
    for (const record of records) {
      const to = chronicles.get(record.transaction)?.asked?.deposit.merchant;
      if (record.type === 'opened' && to !== role.name) {
        yield `${role.name} took ${record.transaction}, which is guaranteed to ${to}`;
      }
    }
  }
}

const sum = (minors: Iterable<bigint>) => [...minors].reduce((total, minor) => total + minor, 0n);

function* operatorFaults(operator: OperatorParty, chronicles: ReadonlyMap<string, Chronicle>): Generator<string> {
  const { name, accounts, acquirer } = operator;
  const state = accounts.host?.state;
  if (state === undefined || acquirer.host === undefined) {
    yield `${name} does not run`;
    return;
  }
  const { ledger } = state;
  for (const violation of ledgerViolations(ledger)) yield `${name}: ${violation}`;
  if (state.deposits.size > 0) yield `${name} has ${state.deposits.size} deposits open`;
  if (state.settlements.size > 0) yield `${name} waits for ${state.settlements.size} settlements`;
  if (state.sessions.size > 0) yield `${name} remembers ${state.sessions.size} sessions`;
  if (acquirer.host.state.deposits.size > 0)
    yield `${name} guarantees ${acquirer.host.state.deposits.size} deposits still`;
  for (const [key] of acquirer.host.state.exposures) yield `${name} is exposed still: ${key}`;

  const all = [...chronicles.values()];
  for (const { name: customer, operator: own, balance } of customers) {
    if (own.name !== name) continue;
    const spent = sum(
      all
        .flatMap(({ withdrawn }) => withdrawn.filter(({ withdrawal }) => withdrawal.customer === customer))
        .map(({ withdrawal }) => withdrawal.withdrawn.minor),
    );
    const account = findAccount(ledger, `customer:${customer}`)!;
    if (account.balance !== balance - spent)
      yield `${customer} has ${account.balance} after spending ${spent} of ${balance}`;
    if (account.held !== 0n) yield `${customer} has ${account.held} held for nothing`;
  }
  for (const { name: merchant, operator: own, currency } of merchants) {
    if (own.name !== name) continue;
    const earned = sum(
      all
        .flatMap(({ cleared, asked }) => (asked?.deposit.merchant === merchant ? cleared : []))
        .map(({ paidMinor }) => paidMinor),
    );
    const { balance } = findAccount(ledger, `merchant:${currency}:${merchant}`)!;
    if (balance !== earned) yield `${merchant} has ${balance} of ${earned} earned`;
  }
}

/** Everything between operators is settled, each has paid or got just what its customers spent abroad, and all of it sums to zero. */
function* settlementFaults({ operators }: Scene, chronicles: ReadonlyMap<string, Chronicle>): Generator<string> {
  const all = [...chronicles.values()].flatMap(({ asked, cleared }) => {
    return asked === undefined ? [] : cleared.map(({ paidMinor }) => ({ ...asked.deposit, paidMinor }));
  });
  for (const currency of currencies) {
    let total = 0n;
    for (const { name, accounts } of operators) {
      const ledger = accounts.host?.state.ledger;
      if (ledger === undefined) continue;
      const { balance } = findAccount(ledger, `settlement:${currency}`)!;
      total += balance;
      const abroad = all.filter((one) => one.deposit.currency === currency && one.exposed);
      const out = sum(abroad.filter(({ accountManager }) => accountManager === name).map(({ paidMinor }) => paidMinor));
      const own = merchants.filter(({ operator }) => operator.name === name).map((merchant) => merchant.name);
      const back = sum(abroad.filter(({ merchant }) => own.includes(merchant)).map(({ paidMinor }) => paidMinor));
      if (balance !== out - back)
        yield `${name} has settled ${balance} ${currency} where it owes ${out} and is owed ${back}`;
      for (const { counterparty, currency: of, weOweMinor, theyOweMinor } of listPositions(ledger)) {
        if (of !== currency || weOweMinor === theyOweMinor) continue;
        yield `${name} and ${counterparty} have ${weOweMinor - theyOweMinor} ${currency} between them still`;
      }
    }
    if (total !== 0n) yield `all settlements in ${currency} sum to ${total}, not zero`;
  }
}

function* restFaults({ world, plan, truth, merchants: sellers, customers: buyers }: Scene): Generator<string> {
  if (!world.idle) yield `the world does not come to rest`;
  for (const { role, machine } of sellers) {
    const open = machine.host?.state.sessions.size ?? 0;
    if (open > 0) yield `${role.name} has ${open} sessions open`;
  }
  for (const { role, machine, records } of buyers) {
    if (!isFirstDevice({ machine }) || plan.customerWays.get(role.name) !== 'honest') continue;
    const open = machine.host?.state.deposits.size ?? 0;
    if (open > 0) yield `${role.name} has ${open} deposits open`;
    const wanted = new Set(
      records.flatMap((record) => (record.type === 'deposit' ? [record.deposit.want.reference] : [])),
    );
    const finished = records.filter(({ type }) => type === 'finished').length;
    if (wanted.size !== finished) yield `${role.name} wanted ${wanted.size} deposits and finished ${finished}`;
  }
  for (const [transaction] of truth.transactions) if (transaction === '') yield 'a purchase without a deposit';
}

/** A restart would find the same state, and nothing to deliver, to answer or to wait for. */
async function recoveryFaults({ operators, merchants: sellers, customers: buyers }: Scene): Promise<string[]> {
  const faults: string[] = [];
  const look = async <S, I, R>(machine: WorldMachine<S, I, R>) => {
    if (machine.retired) return;
    const before = machine.snapshotNow();
    const { snapshot, work } = await machine.lastWords();
    if (!equalBytes(before, snapshot)) faults.push(`${machine.name} would come back as another one`);
    for (const id of work.outbox.keys()) faults.push(`${machine.name} has not delivered ${id}`);
    for (const id of work.unanswered.keys()) faults.push(`${machine.name} has not answered ${id}`);
    for (const id of work.timers.keys()) faults.push(`${machine.name} still waits for ${id}`);
  };
  for (const { accounts, acquirer } of operators) {
    await look(accounts);
    await look(acquirer);
  }
  for (const { machine } of sellers) await look(machine);
  for (const { machine } of buyers) await look(machine);
  return faults;
}

/**
 * The second act of `handsel start`: many tiny purchases over HTTP out of one deposit, at a merchant whose bank is another and counts in
 * another currency; then what customer, merchant and both banks say of it, and how the banks settle.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HandselError } from '../handsel-error.ts';
import type { Network } from '../party/configuration/network-home.ts';
import type { RunningNetwork } from '../party/network/network.ts';
import type { RunningOperator } from '../party/operator/operator.ts';
import type { OperatorStatement } from '../party/operator/operator-statement.ts';
import type { CustomerDepositsRunning } from '../party/purse/customer-deposits.ts';
import type { ClearedDeposit } from '../party/purse/customer-statement.ts';
import type { DepositView } from '../party/purse/deposit-view.ts';
import type { FetchEnd } from '../party/purse/paid-fetch.ts';
import type { TracedMessage } from '../transport/trace.ts';
import { purchasesOf } from './deposit-words.ts';

/** What became of a deposit, as the last line of `--once` has it. */
export type ShownDeposit = Pick<
  ClearedDeposit,
  'transaction' | 'merchant' | 'purchases' | 'spent' | 'paid' | 'rate' | 'charged' | 'returned'
>;

export interface DepositShow {
  heard(message: Pick<TracedMessage, 'from' | 'to' | 'kind'>): void;
  /** One, or more where one did not suffice; none where there is nothing to show. @throws HandselError with what went wrong */
  run(network: RunningNetwork, home: Network, purchases: number): Promise<readonly ShownDeposit[]>;
}

type Say = (line: string) => void;

/** By the message's name; messages not named here are not worth a line. */
const WORDS: Readonly<Record<string, string>> = {
  'deposit-initiation': 'the customer asks its bank for a deposit',
  'deposit-amended-initiation': 'money is set aside, and the other bank has our word for it',
  'deposit-information': 'guaranteed to the merchant, in its currency',
  'deposit-terminate': 'the customer ends it',
  'deposit-record': 'signed: what was spent',
  'deposit-clearing-information': 'both records compared: what is paid',
  'deposit-statement': 'what was booked',
  'deposit-settlement': 'what one bank owes the other, net',
};

const MERCHANT = 'atlas';
const LOOKED_UP = '/paid/country-facts?find=France';
const AT_ONCE = 8;
const PATIENCE_MS = 5000;
const POLL_MS = 20;

export function createDepositShow(say: Say): DepositShow {
  let telling = false;
  let toBanks = 0;
  let banks: readonly string[] = [];

  const buy = async (deposits: CustomerDepositsRunning, url: string, purchases: number): Promise<FetchEnd> => {
    // The first alone, so that what it takes to open a deposit can be told from what a purchase takes.
    const first = await lookUp(deposits, url, 1);
    if (purchases === 1) return first;
    toBanks = 0;
    const startedMs = performance.now();
    const rest = await lookUp(deposits, url, purchases - 1);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const heard = toBanks === 0 ? 'no bank heard of one' : `${toBanks} messages to banks`;
    const money = rest.paid.map(({ price }) => price).join(' and ');
    say(`    ${purchasesOf(purchases - 1)} more over HTTP in ${seconds} s, ${money} together: ${heard}`);
    return { ...rest, paid: [...first.paid, ...rest.paid] };
  };

  return {
    heard({ from, to, kind }) {
      if (!telling) return;
      // What merchants lodge for secure delivery meanwhile is about no purchase.
      if (banks.includes(to) && kind !== 'delivery-lodging') toBanks++;
      const words = Object.hasOwn(WORDS, kind) ? WORDS[kind] : undefined;
      if (words !== undefined) say(`    ${`${from} → ${to}`.padEnd(30)} ${kind.padEnd(29)} ${words}`);
    },
    async run(network, { parties }, purchases) {
      const { customer, operators } = network;
      const at = parties.find(({ name }) => name === MERCHANT)?.paid;
      if (customer.deposits === undefined || at === undefined || purchases === 0) return [];
      banks = operators.map(({ name }) => name);
      say(`Then the customer looks things up at ${MERCHANT} for a fraction of a cent each, out of a deposit:\n`);
      telling = true;
      const { paid } = await buy(customer.deposits, `${at}${LOOKED_UP}`, purchases);
      const { desk } = customer.deposits;
      const used = [...new Set(paid.map(({ transaction }) => transaction))];
      const closed = await Promise.all(used.map((transaction) => desk.close(transaction)));
      await settle(operators);
      telling = false;
      say('');
      for (const deposit of closed) for (const line of await statementsOf(deposit, network)) say(line);
      for (const line of await standingsOf(operators)) say(line);
      say('');
      return closed.map(shown);
    },
  };
}

/** @throws HandselError as the purchase that failed */
async function lookUp({ fetch }: CustomerDepositsRunning, url: string, times: number): Promise<FetchEnd> {
  const order = { urls: [url], times, atOnce: AT_ONCE, method: 'GET', headers: {}, body: new Uint8Array() };
  let failure: HandselError | undefined;
  for await (const event of fetch(order)) {
    if (event.type === 'failed') failure = new HandselError(event.code, event.detail);
    if (event.type === 'end' && failure === undefined) return event;
  }
  throw failure ?? new HandselError('NOTHING_BOUGHT', 'nothing was looked up');
}

/** Every bank pays what it owes, as it does once a day; waits until the others have heard of it. */
async function settle(operators: readonly RunningOperator[]): Promise<void> {
  for (const { deposits } of operators) await deposits?.settle();
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    const all = await statementsOfBanks(operators);
    if (all.every(({ settlements }) => settlements.every(({ state }) => state !== 'paying'))) return;
    await sleep(POLL_MS);
  }
}

async function statementsOfBanks(operators: readonly RunningOperator[]): Promise<readonly OperatorStatement[]> {
  const all = await Promise.all(operators.map(({ deposits }) => deposits?.statement()));
  return all.filter((statement) => statement !== undefined);
}

/** What each party has in its own books of this deposit. */
async function statementsOf(
  deposit: DepositView | ClearedDeposit,
  network: RunningNetwork,
): Promise<readonly string[]> {
  const { transaction, purchases, spent } = deposit;
  const line = (party: string, words: string) => `  ${party.padEnd(9)} ${transaction}  ${words}`;
  if (!('charged' in deposit)) return [line(network.customer.name, 'the banks have not settled it yet')];
  const { rate, charged, returned } = deposit;
  const words = `${purchasesOf(purchases)} for ${spent}, at ${rate}: ${charged} charged, ${returned} returned`;
  const lines = [line(network.customer.name, words)];
  for (const { name, customers, merchants } of await statementsOfBanks(network.operators)) {
    for (const one of customers.flatMap(({ deposits }) => deposits)) {
      if (one.transaction === transaction) lines.push(line(name, `${one.withdrawn} withdrawn from the customer`));
    }
    for (const one of merchants.flatMap(({ deposits }) => deposits)) {
      if (one.transaction === transaction) lines.push(line(name, `${one.paid} deposited to the merchant`));
    }
  }
  for (const { name, paid } of network.merchants) {
    const earned = (await paid?.statement())?.deposits.find((one) => one.transaction === transaction);
    if (earned !== undefined) lines.push(line(name, `${purchasesOf(earned.purchases)}, paid ${earned.paid}`));
  }
  return lines;
}

/** The settlement of each bank that was last, and what is owed after it. */
async function standingsOf(operators: readonly RunningOperator[]): Promise<readonly string[]> {
  const isOwed = (amount: string) => /[1-9]/.test(amount);
  const all = await statementsOfBanks(operators);
  const lines = all.flatMap(({ name, settlements: [last] }) => {
    if (last?.state !== 'paid') return [];
    return [`  ${name.padEnd(9)} paid ${last.operator} ${last.amount}, net (${last.settlement})`];
  });
  const owing = all.flatMap(({ name, positions }) =>
    positions.flatMap(({ operator, weOwe }) => (isOwed(weOwe) ? [`  ${name} owes ${operator} ${weOwe}`] : [])),
  );
  return [...lines, ...(owing.length > 0 ? owing : ['  no bank owes another anything'])];
}

function shown(deposit: DepositView | ClearedDeposit): ShownDeposit {
  const { transaction, merchant, purchases, spent } = deposit;
  const facts = { ...(transaction === undefined ? {} : { transaction }), merchant, purchases, spent };
  if (!('charged' in deposit)) return facts;
  const { paid, rate, charged, returned } = deposit;
  return { ...facts, ...{ paid, rate, charged, returned } } as ShownDeposit;
}

/** What the two banks of a sale at `atlas` with the customer's card say of it: how far the card was charged and the merchant credited, and whether their books are sound. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import type { LedgerView, OperatorAccounts } from '../../src/party/operator/operator-accounts.ts';
import { partyClient, readCommunication } from '../../src/party/running/communication.ts';
import { createLog } from '../../src/transport/log.ts';
import { createPatience } from '../patience.ts';

export interface Books {
  /** Minor units of the euro. */
  readonly card: bigint;
  readonly merchant: bigint;
  readonly issuerOwes: bigint;
  readonly acquirerIsOwed: bigint;
  /** Paid by the issuer, and received by the acquirer, in settlement. */
  readonly issuerSettled: bigint;
  readonly acquirerSettled: bigint;
  readonly holds: number;
  readonly violations: readonly string[];
}

/** Where the operators are and what they run by. */
export interface Banks {
  urlOf(party: string): string;
  configurationOf(party: string): string;
}

/** An operator's accounts, asked with its own certificate as its own people do. */
async function accountsOf(network: Banks, operator: string): Promise<OperatorAccounts> {
  const { configuration, path } = readConfiguration('operator', network.configurationOf(operator));
  const identity = readCommunication(configuration.communication, path);
  const surroundings = { log: createLog({ name: operator, level: 'silent' }) };
  const client = partyClient({ name: operator, identity, surroundings, peers: {} });
  try {
    const answer = await client.get(`${network.urlOf(operator)}/operator/accounts`);
    if (answer.status !== 200) throw new Error(`${operator} answered ${answer.status}`);
    return JSON.parse(Buffer.from(answer.body).toString('utf8')) as OperatorAccounts;
  } finally {
    client.close();
  }
}

/** '2.49 EUR' in minor units. */
export const minorOf = (price: string) => BigInt(price.replace(/[^0-9]/g, ''));

const balanceOf = ({ accounts }: LedgerView, wanted: string) =>
  BigInt(accounts.find(({ account }) => account === wanted)?.balance ?? '0');

async function readBooks(banks: Banks): Promise<Books> {
  const [north, south] = await Promise.all([accountsOf(banks, 'north'), accountsOf(banks, 'south')]);
  const ledgers = [north.issuer, north.acquirer, south.issuer, south.acquirer];
  return {
    card: balanceOf(south.issuer, 'customer'),
    merchant: balanceOf(north.acquirer, 'merchant:atlas:EUR'),
    issuerOwes: balanceOf(south.issuer, 'clearing:EUR:100001'),
    acquirerIsOwed: -balanceOf(north.acquirer, 'clearing:EUR:200002'),
    issuerSettled: balanceOf(south.issuer, 'settlement:EUR'),
    acquirerSettled: -balanceOf(north.acquirer, 'settlement:EUR'),
    holds: ledgers.reduce((sum, { holds }) => sum + holds, 0),
    violations: ledgers.flatMap(({ violations }) => violations),
  };
}

const PATIENCE_MS = 45_000;

/** The acquirer learns of a charge a moment after the issuer made it: asks until both say the same, or for ever differ. */
export async function restingBooks(banks: Banks): Promise<Books> {
  const isOver = createPatience(PATIENCE_MS);
  for (;;) {
    const last = isOver();
    try {
      const books = await readBooks(banks);
      if (last || (books.holds === 0 && books.issuerOwes === books.acquirerIsOwed)) return books;
    } catch (error) {
      if (last) throw error; // until then an operator may be starting again
    }
    await sleep(50);
  }
}

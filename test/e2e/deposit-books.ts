/** What both banks and the merchant of a deposit at `atlas` say of it: who was charged and credited, what is owed, and whether the books are sound. */
import { setTimeout as sleep } from 'node:timers/promises';
import { askOwnParty } from '../../src/cli/own-party.ts';
import type { MerchantStatement } from '../../src/party/merchant/merchant-statement.ts';
import type { OperatorStatement } from '../../src/party/operator/operator-statement.ts';
import { createPatience } from '../patience.ts';
import { type Banks, minorOf } from './books.ts';

export interface DepositBooks {
  /** Minor units of the euro: below nothing, because the account has credit. */
  readonly customer: bigint;
  /** Minor units of the dollar, from here on. */
  readonly merchant: bigint;
  readonly southOwes: bigint;
  readonly northIsOwed: bigint;
  /** Deposits that are not settled at any of the three. */
  readonly open: number;
  /** Purchases in all deposits that the merchant has a statement of. */
  readonly purchases: number;
  readonly violations: readonly string[];
  readonly south: OperatorStatement;
  readonly north: OperatorStatement;
  readonly atlas: MerchantStatement;
}

/** With a sign. */
export const signedMinorOf = (amount: string) => (amount.startsWith('-') ? -minorOf(amount) : minorOf(amount));

export const operatorStatementOf = (banks: Banks, name: string) =>
  askOwnParty<OperatorStatement>('operator', banks.configurationOf(name), {
    method: 'GET',
    path: '/operator/deposits',
  });

export const merchantStatementOf = (banks: Banks, name: string) =>
  askOwnParty<MerchantStatement>('merchant', banks.configurationOf(name), {
    method: 'GET',
    path: '/merchant/deposits',
  });

export async function depositBooks(banks: Banks): Promise<DepositBooks> {
  const [south, north, atlas] = await Promise.all([
    operatorStatementOf(banks, 'south'),
    operatorStatementOf(banks, 'north'),
    merchantStatementOf(banks, 'atlas'),
  ]);
  const position = ({ positions }: OperatorStatement, of: string) =>
    positions.find(({ operator, currency }) => operator === of && currency === 'USD')!;
  return {
    customer: signedMinorOf(south.customers[0]!.balance),
    merchant: signedMinorOf(north.merchants[0]!.balance),
    southOwes: minorOf(position(south, 'north').weOwe),
    northIsOwed: minorOf(position(north, 'south').theyOwe),
    open: south.open.asAccountManager + south.open.asAcquirer + north.open.asAcquirer + atlas.open.length,
    purchases: atlas.purchases,
    violations: [...south.violations, ...north.violations],
    ...{ south, north, atlas },
  };
}

const PATIENCE_MS = 45_000;

/** Asks until nothing is open any more and both banks say the same of what is owed, also while parties are being started again. */
export async function restingDeposits(banks: Banks): Promise<DepositBooks> {
  const isOver = createPatience(PATIENCE_MS);
  for (;;) {
    const last = isOver();
    try {
      const books = await depositBooks(banks);
      if (last || (books.open === 0 && books.southOwes === books.northIsOwed)) return books;
    } catch (error) {
      if (last) throw error; // until then a party may be starting again
    }
    await sleep(50);
  }
}

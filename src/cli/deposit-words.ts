/** Deposits, rates and statements in words for a person. */

import type { MerchantStatement } from '../party/merchant/merchant-statement.ts';
import type { OperatorStatement } from '../party/operator/operator-statement.ts';
import type { ClearedDeposit, CustomerStatement } from '../party/purse/customer-statement.ts';
import type { DepositList, ShownRates } from '../party/purse/deposit-desk.ts';
import type { DepositView, LimitView } from '../party/purse/deposit-view.ts';
import { timeWords } from './agent-words.ts';

const PHASES: Readonly<Record<DepositView['phase'], string>> = {
  'logging-on': 'being opened',
  initiating: 'being opened',
  open: 'open',
  concluding: 'being settled',
  finished: 'ended',
};

const OUTCOMES: Readonly<Record<NonNullable<DepositView['outcome']>, string>> = {
  concluded: 'settled',
  disputed: 'settled, not as it should be',
  lapsed: 'lapsed: nothing was taken',
  unsettled: 'ended without a statement',
  refused: 'refused',
};

export const purchasesOf = (n: number) => `${n} ${n === 1 ? 'purchase' : 'purchases'}`;

/** `south.1.1  settled  atlas  7 purchases for 0.0028 USD, charged 0.01 EUR of 1.00 EUR`. */
export function depositLine(deposit: DepositView | ClearedDeposit): string {
  const { transaction = '–', merchant, phase, outcome, purchases, spent, cost, deposit: setAside } = deposit;
  const state = outcome === undefined ? PHASES[phase] : OUTCOMES[outcome];
  const charged = 'charged' in deposit ? `charged ${deposit.charged}` : `${cost} so far`;
  const money = outcome === 'refused' ? setAside : `${purchasesOf(purchases)} for ${spent}, ${charged} of ${setAside}`;
  return `${transaction}  ${state}  ${merchant}  ${money}`;
}

export function depositLines(deposit: DepositView | ClearedDeposit): readonly string[] {
  const { operator, limit, endsAt, at, reasons = [] } = deposit;
  return [
    depositLine(deposit),
    `  operator of the merchant  ${operator}`,
    `  under the limit           ${limit}`,
    at === undefined
      ? `  ends at the latest        ${timeWords(endsAt)}`
      : `  ended                     ${timeWords(at)}`,
    ...('rate' in deposit
      ? [
          `  paid to the merchant      ${deposit.paid}, ${deposit.unused} came back, at ${deposit.rate}`,
          `  on the account            ${deposit.charged} charged, ${deposit.returned} returned`,
          ...(deposit.ruling ?? []).map((reason) => `  ruled  ${reason}`),
        ]
      : []),
    ...reasons.map((reason) => `  ${reason}`),
  ];
}

export function listLines({ limits, deposits }: DepositList): readonly string[] {
  return [...(deposits.length > 0 ? deposits.map(depositLine) : ['no deposit is open']), ...limits.map(limitLine)];
}

function limitLine({ name, total, held, spent, until }: LimitView): string {
  return `limit ${name}: ${spent} spent and ${held} set aside of ${total}; its last deposit ends by ${timeWords(until)}`;
}

export function rateLines({ rates, validUntil, price, shown }: ShownRates): readonly string[] {
  const asked =
    price === undefined ? [] : [shown === undefined ? `the bank has no rate for ${price}` : `${price} is ${shown}`];
  return [
    ...asked,
    ...rates.map(({ from, to, rate }) => `1 ${from} buys ${rate} ${to}`),
    ...(rates.length === 0 ? ['the bank has no rates'] : []),
    `valid until ${timeWords(validUntil)}`,
  ];
}

export type AnyStatement = CustomerStatement | MerchantStatement | OperatorStatement;

export function statementLines(statement: AnyStatement): readonly string[] {
  switch (statement.party) {
    case 'customer':
      return customerLines(statement);
    case 'merchant':
      return merchantLines(statement);
    case 'operator':
      return operatorLines(statement);
  }
}

function customerLines({ name, operator, deposits, open, charged, purchases }: CustomerStatement): readonly string[] {
  return [
    `${name}, with an account at ${operator}: ${purchasesOf(purchases)}, charged ${charged}`,
    ...deposits.map((deposit) => {
      const { transaction, at, merchant, purchases: n, spent, paid, rate, charged: cost, returned } = deposit;
      const money = `${purchasesOf(n)} for ${spent}: ${paid} at ${rate}, ${cost} charged, ${returned} returned`;
      return `  ${transaction}  ${timeWords(at ?? '')}  ${merchant}  ${money}`;
    }),
    ...open.map((deposit) => `  ${depositLine(deposit)}`),
  ];
}

function merchantLines({ name, operator, deposits, open, paid, purchases }: MerchantStatement): readonly string[] {
  return [
    `${name}, with an account at ${operator}: ${purchasesOf(purchases)}, paid ${paid}`,
    ...deposits.map(({ transaction, at, purchases: n, earned, paid: got, state }) => {
      const money =
        state === 'lapsed'
          ? 'no statement came'
          : `${got} for ${purchasesOf(n)}${got === earned ? '' : `, ${earned} was earned`}`;
      return `  ${transaction}  ${timeWords(at ?? '')}  ${money}`;
    }),
    ...open.map(
      ({ transaction, purchases: n, earned, state }) => `  ${transaction}  ${state}  ${earned} for ${purchasesOf(n)}`,
    ),
  ];
}

const isNothing = (amount: string) => !/[1-9]/.test(amount);

function operatorLines(statement: OperatorStatement): readonly string[] {
  const { name, customers, merchants, positions, settlements, open, violations } = statement;
  const standing = positions.filter(({ theyOwe, weOwe, atRisk }) => ![theyOwe, weOwe, atRisk].every(isNothing));
  return [
    `${name}: ${open.asAccountManager} deposits of its customers are open, ${open.asAcquirer} at its merchants`,
    ...customers.flatMap(({ name: customer, balance, held, deposits }) => [
      `  customer ${customer}  ${balance}${isNothing(held) ? '' : `, ${held} set aside`}`,
      ...deposits.map(({ transaction, at, merchant, withdrawn, returned, paid, rate }) => {
        const money = `${withdrawn} withdrawn, ${returned} returned: ${paid} to ${merchant} at ${rate}`;
        return `    ${transaction}  ${timeWords(at)}  ${money}`;
      }),
    ]),
    ...merchants.flatMap(({ name: merchant, balance, deposits }) => [
      `  merchant ${merchant}  ${balance}`,
      ...deposits.map(({ transaction, at, paid, accountManager }) => {
        return `    ${transaction}  ${timeWords(at)}  ${paid} deposited, from a customer of ${accountManager}`;
      }),
    ]),
    ...standing.map(({ operator, theyOwe, weOwe, atRisk, theyMayOwe }) => {
      const owed = isNothing(weOwe) ? `owes us ${theyOwe}` : `is owed ${weOwe}`;
      return `  ${operator}  ${owed}; at risk ${atRisk} of ${theyMayOwe}`;
    }),
    ...settlements.map(({ operator, amount, state, at }) => {
      const words = { paying: `is being paid ${amount}`, paid: `was paid ${amount}`, refused: `refused ${amount}` };
      return `  ${operator}  ${timeWords(at)}  ${state === 'received' ? `has paid us ${amount}` : words[state]}, net`;
    }),
    ...violations.map((violation) => `  WRONG: ${violation}`),
  ];
}

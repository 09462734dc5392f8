/** camt.053.001.08, BankToCustomerStatement: an account on one business day, from its opening to its closing balance. */
import type { Amount } from '../../money/amount.ts';
import type { AccountDay } from '../book/billing-adapter.ts';
import { BillingError } from '../book/billing-error.ts';
import { type Bank, ownAccount } from './bank.ts';
import type { WithEntry } from './camt054.ts';
import { amountElement, code, documentOf, type Element, required, shortened, textOf, timeElement } from './element.ts';
import { entryElement, indicator, sizeOf } from './entry-element.ts';

const CAMT_053 = 'camt.053.001.08';

/** One page of a statement: `entries` are those of this page, and the balances the ones before and after them. */
export interface StatementPage {
  readonly day: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly account: AccountDay;
  readonly entries: readonly WithEntry[];
  /** From 1. */
  readonly page: number;
  readonly last: boolean;
  /** Whether the day is over; else the last balance is an interim one, too. */
  readonly closed: boolean;
}

interface Message {
  readonly id: string;
  readonly atMs: number;
  readonly bank: Bank;
  readonly dayOf: (atMs: number) => string;
}

/** At least one page. @throws BillingError `RECORD_REFUSED` for entries that do not add up to the balances */
export function camt053(
  statements: readonly StatementPage[],
  message: {
    readonly id: string;
    readonly atMs: number;
    readonly bank: Bank;
    readonly dayOf: (atMs: number) => string;
  },
): string {
  const { id, atMs } = message;
  return documentOf(
    CAMT_053,
    required(
      'BkToCstmrStmt',
      required('GrpHdr', textOf('MsgId', shortened(id, 35), 35), timeElement('CreDtTm', atMs)),
      ...statements.map((statement) => statementElement(statement, message)),
    ),
  );
}

function statementElement(statement: StatementPage, { atMs, bank, dayOf }: Message): Element {
  const { day, fromMs, toMs, account, entries, page, last, closed } = statement;
  const { openingMinor, closingMinor } = requireSum(statement);
  const balance = (type: string, minor: bigint) => balanceElement(type, { currency: account.currency, minor }, day);
  return required(
    'Stmt',
    textOf('Id', shortened(`${day}.${account.account}`, 35), 35),
    required('StmtPgntn', code('PgNb', String(page)), code('LastPgInd', String(last))),
    timeElement('CreDtTm', atMs),
    required('FrToDt', timeElement('FrDtTm', fromMs), timeElement('ToDtTm', toMs)),
    ownAccount(account.account, account.currency, bank),
    // Between the pages of one day stand interim balances.
    balance(page === 1 ? 'OPBD' : 'ITBD', openingMinor),
    balance(last && closed ? 'CLBD' : 'ITBD', closingMinor),
    totals(entries, account.currency),
    ...entries.map((booked) => entryElement(booked, booked.entry, bank, dayOf)),
  );
}

function balanceElement(type: string, { currency, minor }: Amount, day: string): Element {
  return required(
    'Bal',
    required('Tp', required('CdOrPrtry', code('Cd', type))),
    amountElement('Amt', { currency, minor: sizeOf(minor) }),
    indicator(minor),
    required('Dt', code('Dt', day)),
  );
}

function totals(entries: readonly WithEntry[], currency: string): Element {
  const sum = (sign: (minor: bigint) => boolean) => {
    const minors = entries.map(({ entry }) => entry.minor).filter(sign);
    const minor = minors.reduce((total, one) => total + sizeOf(one), 0n);
    return [code('NbOfNtries', String(minors.length)), code('Sum', decimalOf({ currency, minor }))];
  };
  return required(
    'TxsSummry',
    required('TtlNtries', code('NbOfNtries', String(entries.length))),
    required('TtlCdtNtries', ...sum((minor) => minor > 0n)),
    required('TtlDbtNtries', ...sum((minor) => minor < 0n)),
  );
}

function decimalOf(amount: Amount): string {
  const written = amountElement('Sum', amount).Sum as readonly Element[];
  return written[0]!['#text'] as string;
}

function requireSum({ account, entries, page, last }: StatementPage) {
  const [first] = entries;
  const openingMinor = first === undefined ? account.openingMinor : first.entry.afterMinor - first.entry.minor;
  const closingMinor = entries.reduce((balance, { entry }) => balance + entry.minor, openingMinor);
  const stated = entries.at(-1)?.entry.afterMinor ?? openingMinor;
  const opens = page > 1 || openingMinor === account.openingMinor;
  const closes = !last || closingMinor === account.closingMinor;
  if (closingMinor === stated && opens && closes) return { openingMinor, closingMinor };
  throw new BillingError('RECORD_REFUSED', `the entries of ${account.account} do not add up to its balances`);
}

/** ReportEntry10: one booked record on an account, as camt.053 and camt.054 have it. */
import type { BillingRecord } from '../../deposit/message/billing-record.ts';
import type { Booked, Entry } from '../book/billing-adapter.ts';
import { agent, type Bank } from './bank.ts';
import { amountElement, code, type Element, required, shortened, textOf } from './element.ts';
import { exchangeRate } from './exchange-rate.ts';
import { paymentReferences } from './payment-identification.ts';

/** Amounts below zero are said as debits. */
export const indicator = (minor: bigint) => code('CdtDbtInd', minor < 0n ? 'DBIT' : 'CRDT');
export const sizeOf = (minor: bigint) => (minor < 0n ? -minor : minor);

/** `zone` says on which day, in the operator's business days, the money moved. */
export function entryElement(booked: Booked, entry: Entry, bank: Bank, dayOf: (atMs: number) => string): Element {
  const { record, day } = booked;
  const { currency, minor } = entry;
  const amount = { currency, minor: sizeOf(minor) };
  return required(
    'Ntry',
    textOf('NtryRef', String(booked.number), 35),
    amountElement('Amt', amount),
    indicator(minor),
    required('Sts', code('Cd', 'BOOK')),
    required('BookgDt', code('Dt', day)),
    required('ValDt', code('Dt', dayOf(record.atMs))),
    textOf('AcctSvcrRef', shortened(record.id, 35), 35),
    transactionCode(record, minor),
    required(
      'NtryDtls',
      required(
        'TxDtls',
        required('Refs', textOf('AcctSvcrRef', shortened(record.id, 35), 35), ...paymentReferences(record)),
        amountElement('Amt', amount),
        indicator(minor),
        amountDetails(record),
        parties(record),
        agents(record, bank),
        required('RmtInf', textOf('Ustrd', shortened(remittanceOf(record), 140), 140)),
      ),
    ),
  );
}

/** Of the published code list where one fits in words, and our own beside it, which says exactly what it is. */
function transactionCode({ type }: BillingRecord, minor: bigint): Element {
  const family = minor < 0n ? 'ICDT' : 'RCDT';
  return required(
    'BkTxCd',
    required('Domn', code('Cd', 'PMNT'), required('Fmly', code('Cd', family), code('SubFmlyCd', 'OTHR'))),
    required('Prtry', textOf('Cd', type.toUpperCase(), 35), textOf('Issr', 'Handsel', 35)),
  );
}

/** What the merchant was paid, where it is in another currency than the account. */
function amountDetails(record: BillingRecord): Element | undefined {
  if (record.type !== 'withdrawal' || record.paid.currency === record.withdrawn.currency) return undefined;
  const rate = exchangeRate(record.rate);
  const { from, to } = record.rate;
  return required(
    'AmtDtls',
    required(
      'TxAmt',
      amountElement('Amt', record.paid),
      rate === undefined
        ? undefined
        : required(
            'CcyXchg',
            ...[code('SrcCcy', from), code('TrgtCcy', to), code('UnitCcy', from), code('XchgRate', rate)],
          ),
    ),
  );
}

/** Whom the account's owner dealt with, as far as the operator knows: a merchant's customers are known to nobody here. */
function parties(record: BillingRecord): Element | undefined {
  if (record.type !== 'withdrawal') return undefined;
  return required('RltdPties', required('Cdtr', required('Pty', textOf('Nm', record.merchant, 140))));
}

function agents(record: BillingRecord, bank: Bank): Element | undefined {
  switch (record.type) {
    case 'withdrawal':
      return required('RltdAgts', agent('CdtrAgt', record.merchantOperator, bank));
    case 'deposit':
      return required('RltdAgts', agent('DbtrAgt', record.accountManager, bank));
    case 'clearing':
      return required('RltdAgts', agent(record.direction === 'owed' ? 'CdtrAgt' : 'DbtrAgt', record.operator, bank));
    case 'settlement':
      return required('RltdAgts', agent(record.direction === 'paid' ? 'CdtrAgt' : 'DbtrAgt', record.operator, bank));
    case 'funding':
      return undefined;
  }
}

/** Operators never learn what was bought: there is nothing to say but what it was paid by. */
function remittanceOf(record: BillingRecord): string {
  switch (record.type) {
    case 'withdrawal':
    case 'deposit':
    case 'clearing':
      return `Deposit ${record.transaction}`;
    case 'settlement':
      return `Settlement ${record.settlement}`;
    case 'funding':
      return `Paid in ${record.reference}`;
  }
}

/**
 * pacs.008.001.08, FIToFICustomerCreditTransfer: for a merchant of another operator, what a cleared deposit paid. Its customer stays
 * unknown there (ERI-D): the debtor is called by the transaction, which the two operators, and nobody else, can trace.
 */
import type { Booked } from '../book/billing-adapter.ts';
import { agent, type Bank, settlementInformation } from './bank.ts';
import { amountElement, code, documentOf, type Element, required, shortened, textOf, timeElement } from './element.ts';
import { exchangeRate } from './exchange-rate.ts';
import { paymentIdentification } from './payment-identification.ts';

const PACS_008 = 'pacs.008.001.08';

type Withdrawal = Extract<Booked['record'], { type: 'withdrawal' }>;
export type Transferred = Booked & { readonly record: Withdrawal };

export function isTransferred(booked: Booked, { name }: Bank): booked is Transferred {
  const { record } = booked;
  return record.type === 'withdrawal' && record.merchantOperator !== name && record.paid.minor > 0n;
}

/** At least one record. @throws BillingError `RECORD_REFUSED` */
export function pacs008(
  transferred: readonly Transferred[],
  message: { readonly id: string; readonly atMs: number; readonly bank: Bank },
): string {
  const { id, atMs, bank } = message;
  return documentOf(
    PACS_008,
    required(
      'FIToFICstmrCdtTrf',
      required(
        'GrpHdr',
        textOf('MsgId', shortened(id, 35), 35),
        timeElement('CreDtTm', atMs),
        code('NbOfTxs', String(transferred.length)),
        settlementInformation(bank),
      ),
      ...transferred.map((one) => transfer(one, bank)),
    ),
  );
}

function transfer({ record, day }: Transferred, bank: Bank): Element {
  const { transaction, merchant, merchantOperator, paid, withdrawn } = record;
  const exchanged = paid.currency !== withdrawn.currency;
  const rate = exchanged ? exchangeRate(record.rate) : undefined;
  return required(
    'CdtTrfTxInf',
    required('PmtId', ...paymentIdentification(transaction)),
    amountElement('IntrBkSttlmAmt', paid),
    code('IntrBkSttlmDt', day),
    ...(exchanged ? [amountElement('InstdAmt', withdrawn)] : []),
    rate === undefined ? undefined : code('XchgRate', rate),
    // No side takes anything of the amount.
    code('ChrgBr', 'SLEV'),
    agent('InstgAgt', bank.name, bank),
    agent('InstdAgt', merchantOperator, bank),
    required('Dbtr', debtor(transaction)),
    agent('DbtrAgt', bank.name, bank),
    agent('CdtrAgt', merchantOperator, bank),
    required('Cdtr', textOf('Nm', merchant, 140)),
    required('RmtInf', textOf('Ustrd', shortened(`Deposit ${transaction}`, 140), 140)),
  );
}

function debtor(transaction: string): Element {
  const other = required(
    'Othr',
    textOf('Id', shortened(transaction, 35), 35),
    required('SchmeNm', textOf('Prtry', 'HANDSEL TRANSACTION', 35)),
  );
  return required('Id', required('PrvtId', other));
}

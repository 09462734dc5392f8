/** pacs.009.001.08, FinancialInstitutionCreditTransfer: the net settlement one operator pays another, as an order to whatever moves it. */
import type { Booked } from '../book/billing-adapter.ts';
import { agent, type Bank, settlementInformation } from './bank.ts';
import { amountElement, code, documentOf, type Element, required, shortened, textOf, timeElement } from './element.ts';
import { paymentIdentification } from './payment-identification.ts';

const PACS_009 = 'pacs.009.001.08';

type Settlement = Extract<Booked['record'], { type: 'settlement' }>;
export type Paid = Booked & { readonly record: Settlement };

/** Ours: what others pay they order themselves. */
export function isPaid(booked: Booked): booked is Paid {
  return booked.record.type === 'settlement' && booked.record.direction === 'paid';
}

/** At least one record. @throws BillingError `RECORD_REFUSED` */
export function pacs009(
  paid: readonly Paid[],
  message: { readonly id: string; readonly atMs: number; readonly bank: Bank },
): string {
  const { id, atMs, bank } = message;
  return documentOf(
    PACS_009,
    required(
      'FICdtTrf',
      required(
        'GrpHdr',
        textOf('MsgId', shortened(id, 35), 35),
        timeElement('CreDtTm', atMs),
        code('NbOfTxs', String(paid.length)),
        settlementInformation(bank),
      ),
      ...paid.map((one) => transfer(one, bank)),
    ),
  );
}

function transfer({ record, day }: Paid, bank: Bank): Element {
  const { settlement, operator, amount } = record;
  return required(
    'CdtTrfTxInf',
    required('PmtId', ...paymentIdentification(settlement)),
    amountElement('IntrBkSttlmAmt', amount),
    code('IntrBkSttlmDt', day),
    agent('InstgAgt', bank.name, bank),
    agent('InstdAgt', operator, bank),
    agent('Dbtr', bank.name, bank),
    agent('Cdtr', operator, bank),
    required('RmtInf', textOf('Ustrd', shortened(`Settlement ${settlement}`, 140), 140)),
  );
}

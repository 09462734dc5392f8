/** camt.054.001.08, BankToCustomerDebitCreditNotification: what a cleared deposit took from a customer's account or brought to a merchant's. */
import type { Booked, Entry } from '../book/billing-adapter.ts';
import { type Bank, ownAccount } from './bank.ts';
import { documentOf, required, shortened, textOf, timeElement } from './element.ts';
import { entryElement } from './entry-element.ts';

const CAMT_054 = 'camt.054.001.08';

export type WithEntry = Booked & { readonly entry: Entry };

/** Customers and merchants are notified; positions between operators are on statements only. */
export function isNotified(booked: Booked): booked is WithEntry {
  const { record, entry } = booked;
  return entry !== undefined && (record.type === 'withdrawal' || record.type === 'deposit');
}

/** At least one record; each is a notification of its own. @throws BillingError `RECORD_REFUSED` */
export function camt054(
  notified: readonly WithEntry[],
  message: {
    readonly id: string;
    readonly atMs: number;
    readonly bank: Bank;
    readonly dayOf: (atMs: number) => string;
  },
): string {
  const { id, atMs, bank, dayOf } = message;
  return documentOf(
    CAMT_054,
    required(
      'BkToCstmrDbtCdtNtfctn',
      required('GrpHdr', textOf('MsgId', shortened(id, 35), 35), timeElement('CreDtTm', atMs)),
      ...notified.map((booked) =>
        required(
          'Ntfctn',
          textOf('Id', shortened(booked.record.id, 35), 35),
          timeElement('CreDtTm', booked.bookedAtMs),
          ownAccount(booked.entry.account, booked.entry.currency, bank),
          entryElement(booked, booked.entry, bank, dayOf),
        ),
      ),
    ),
  );
}

/**
 * The adapter for ISO 20022: a file a message, written once under a name that follows from what it is about. The same record makes the
 * same bytes, message identification and all, so that a repetition can be recognised wherever the files go.
 */
import { join } from 'node:path';
import type { BillingAdapter, Booked } from '../book/billing-adapter.ts';
import type { Bank } from '../iso20022/bank.ts';
import { camt053 } from '../iso20022/camt053.ts';
import { camt054, isNotified } from '../iso20022/camt054.ts';
import { isTransferred, pacs008 } from '../iso20022/pacs008.ts';
import { isPaid, pacs009 } from '../iso20022/pacs009.ts';
import { statementPages } from '../iso20022/statement-pages.ts';
import { fileNameOf, writeOnce } from './write-once.ts';

export const ISO_MESSAGES = ['camt.053', 'camt.054', 'pacs.008', 'pacs.009'] as const;
export type IsoMessage = (typeof ISO_MESSAGES)[number];

export function iso20022Files(options: {
  readonly directory: string;
  readonly messages: readonly IsoMessage[];
  readonly bank: Bank;
  readonly dayOf: (atMs: number) => string;
}): BillingAdapter {
  const { directory, bank, dayOf } = options;
  const wanted = new Set(options.messages);
  const write = (message: IsoMessage, day: string, name: string, document: () => string) => {
    if (wanted.has(message)) writeOnce(join(directory, message, day, `${name}.xml`), document());
  };
  return {
    async take(booked) {
      const { day, record } = booked;
      const name = fileNameOf(record.id);
      for (const [message, document] of documentsOf(booked, bank, dayOf)) write(message, day, name, document);
    },
    async closeDay(closed) {
      for await (const page of statementPages(closed, { closed: true })) {
        const { account } = page.account;
        const name = `${fileNameOf(account)}${page.page === 1 && page.last ? '' : `.${page.page}`}`;
        const id = `053.${closed.day}.${account}.${page.page}`;
        write('camt.053', closed.day, name, () => camt053([page], { id, atMs: closed.toMs, bank, dayOf }));
      }
    },
  };
}

function* documentsOf(
  booked: Booked,
  bank: Bank,
  dayOf: (atMs: number) => string,
): Generator<readonly [IsoMessage, () => string]> {
  const { record, bookedAtMs: atMs } = booked;
  const messageOf = (type: string) => ({ id: `${type}.${record.id}`, atMs, bank, dayOf });
  if (isNotified(booked)) yield ['camt.054', () => camt054([booked], messageOf('054'))];
  if (isTransferred(booked, bank)) yield ['pacs.008', () => pacs008([booked], messageOf('008'))];
  if (isPaid(booked)) yield ['pacs.009', () => pacs009([booked], messageOf('009'))];
}

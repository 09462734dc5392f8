import { inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { latin, paperTicket } from '../../../src/party/device/ticket-paper.ts';
import type { TicketView } from '../../../src/party/device/ticket-view.ts';
import { referenceTo } from '../../../src/trusted/ticket/ticket-code.ts';

const ticket: TicketView = {
  ...{ id: 'ab'.repeat(16), type: 'event', kind: 'event', title: 'Die Zauberflöte', issuer: 'Deutsche Oper' },
  ...{ issuerExpires: '2027-01-01', issued: '2026-11-21', transfers: 0, standing: 'good', remaining: 1 },
  fields: { event: 'Die Zauberflöte' },
};
const facts = [['seat', 'Parkett, Reihe 12']] as const;
const madeAt = new Date('2026-11-21T12:00:00Z');

/** Words of the page: standard fonts write them in hexadecimal, in WinAnsi. */
function wordsOf(pdf: Uint8Array): string {
  const text = Buffer.from(pdf).toString('latin1');
  return [...text.matchAll(/\[([^\]]*)\] TJ/g)]
    .flatMap(([, shown]) =>
      [...shown!.matchAll(/<([0-9a-f]+)>/g)].map(([, hex]) => Buffer.from(hex!, 'hex').toString('latin1')),
    )
    .join('');
}

it('a ticket on paper says what it is for, what the paper can do, and until when', async () => {
  const letters = 'HT1:ABC';
  const until = '2030-05-05T17:30:00Z';
  const pdf = await paperTicket({ ticket, letters, until, facts }, { compress: false, madeAt });
  expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-');
  expect(Buffer.from(pdf.subarray(-6)).toString()).toContain('%%EOF');
  const words = wordsOf(pdf);
  for (const said of [
    'Die Zauberfl\u00f6te',
    'Deutsche Oper',
    'seat',
    'Parkett, Reihe 12',
    'a copy of it is worth nothing',
    until,
  ]) {
    expect(words).toContain(said);
  }
  expect(
    Buffer.from(pdf)
      .toString('latin1')
      .match(/\/Type \/Page\b/g),
  ).toHaveLength(1);
  const reference = await paperTicket({ ticket, letters: referenceTo(ticket.id), facts }, { compress: false, madeAt });
  expect(wordsOf(reference)).toContain('admits nobody');
});

it('the page that is written for people is compressed, and the same page', async () => {
  const paper = { ticket, letters: 'HT1:ABC', facts };
  const pdf = Buffer.from(await paperTicket(paper, { madeAt }));
  const start = pdf.indexOf('stream\n') + 7;
  const plain = Buffer.from(await paperTicket(paper, { compress: false, madeAt })).toString('latin1');
  const page = inflateSync(pdf.subarray(start, pdf.indexOf('\nendstream', start))).toString('latin1');
  expect(plain).toContain(page);
});

it('letters that the fonts of a PDF cannot write become the nearest that they can', () => {
  expect(latin('Łódź, Ærø, “5 €”, 東京')).toBe('?ódz, Ærø, “5 €”, ??');
});

/** A ticket on paper: one page with what it is for, its code, and what a paper can do and cannot. */
import PDFDocument from 'pdfkit';
import { squaresOf, symbolOf } from './ticket-symbol.ts';
import type { TicketView } from './ticket-view.ts';

export interface PaperTicket {
  readonly ticket: TicketView;
  /** Of the symbol. */
  readonly letters: string;
  /** Until when the code counts; absent for a reference. */
  readonly until?: string | undefined;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** A5, in points. */
const WIDTH = 420;
const MARGIN = 36;
const SYMBOL = 250;

/** The PDF. `compress: false` leaves the page readable for whoever looks into it. */
export function paperTicket(
  { ticket, letters, until, facts }: PaperTicket,
  { compress = true, madeAt }: { readonly compress?: boolean; readonly madeAt: Date },
): Promise<Uint8Array> {
  const document = new PDFDocument({
    ...{ size: 'A5', margin: MARGIN, compress },
    info: { Title: ticket.title, Author: ticket.issuer, CreationDate: madeAt, ModDate: madeAt },
  });
  const chunks: Uint8Array[] = [];
  const written = new Promise<Uint8Array>((resolve, reject) => {
    document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    document.on('end', () => resolve(new Uint8Array(Buffer.concat(chunks))));
    document.on('error', reject);
  });
  const inner = WIDTH - 2 * MARGIN;
  document.font('Helvetica-Bold').fontSize(18).text(latin(ticket.title), { width: inner });
  document.font('Helvetica').fontSize(10).text(latin(ticket.issuer), { width: inner });
  document.moveDown(0.5);

  const symbol = symbolOf(letters);
  const side = SYMBOL / symbol.length;
  const [left, top] = [(WIDTH - SYMBOL) / 2, document.y];
  for (const { x, y, width } of squaresOf(symbol)) document.rect(left + x * side, top + y * side, width * side, side);
  document.fill('black');
  document.y = top + SYMBOL + 6;
  document.x = MARGIN;

  document.fontSize(9);
  for (const [name, value] of facts) {
    document.font('Helvetica-Bold').text(`${latin(name)}  `, { continued: true, width: inner });
    document.font('Helvetica').text(latin(value), { width: inner });
  }
  document.moveDown(0.5).fontSize(7);
  document.text(latin(until === undefined ? REFERENCE_WORDS : `${PAPER_WORDS} The code counts until ${until}.`), {
    width: inner,
  });
  document.end();
  return written;
}

const PAPER_WORDS =
  'Whoever shows this paper first is let in: a copy of it is worth nothing afterwards. While the paper counts, the device that made it neither gives the ticket away nor shows it.';
const REFERENCE_WORDS =
  'This paper names the ticket and admits nobody: the device that holds the ticket is to be shown.';

/** What the fonts that every reader has can write (WinAnsi); of other letters the nearest, or a question mark. */
export function latin(text: string): string {
  return [...text].map((letter) => (WIN_ANSI.test(letter) ? letter : nearest(letter))).join('');
}

const WIN_ANSI = /^[\u0020-\u007e\u00a0-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]$/u;

function nearest(letter: string): string {
  const plain = letter.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  return plain !== '' && [...plain].every((one) => WIN_ANSI.test(one)) ? plain : '?';
}

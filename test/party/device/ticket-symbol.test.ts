/** Symbols, judged by another library that reads them back: from the terminal, the picture, the drawing, the paper. */
import { inflateSync } from 'node:zlib';
import jsqr from 'jsqr';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { paperTicket } from '../../../src/party/device/ticket-paper.ts';
import {
  pngSymbol,
  type SymbolRows,
  svgSymbol,
  symbolOf,
  terminalSymbol,
} from '../../../src/party/device/ticket-symbol.ts';
import type { TicketView } from '../../../src/party/device/ticket-view.ts';
import { lettersOfCode } from '../../../src/trusted/ticket/ticket-code.ts';

/** The module says that it is an ES module, and is none. */
const readSymbol = jsqr as unknown as (typeof jsqr)['default'];

/** As the shortest ticket, one passed on five times, and the longest that fits. */
const lengths = [420, 1400, 2850];

/** What a camera would see, four pixels a module. */
function read(rows: SymbolRows): string | undefined {
  const [scale, side] = [4, rows.length * 4];
  const pixels = new Uint8ClampedArray(side * side * 4);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const value = rows[Math.floor(y / scale)]![Math.floor(x / scale)] ? 0 : 255;
      pixels.set([value, value, value, 255], (y * side + x) * 4);
    }
  }
  return readSymbol(pixels, side, side)?.data;
}

const framed = (rows: readonly (readonly boolean[])[], by: number): SymbolRows => {
  const width = Math.max(...rows.map((row) => row.length)) + 2 * by;
  const empty = Array<boolean>(width).fill(false);
  const side = Array<boolean>(by).fill(false);
  const middle = rows.map((row) => [
    ...side,
    ...row,
    ...Array<boolean>(width - 2 * by - row.length).fill(false),
    ...side,
  ]);
  const all = [...Array<boolean[]>(by).fill(empty), ...middle, ...Array<boolean[]>(by).fill(empty)];
  return [...all, ...Array<boolean[]>(Math.max(0, width - all.length)).fill(empty)].slice(0, width);
};

describe.each(lengths)('a code of %d bytes', (length) => {
  const letters = lettersOfCode(systemRandom(length));

  it('is one symbol, read back by another library', () => {
    expect(read(symbolOf(letters))).toBe(letters);
  });

  it('is read back from the half blocks of the terminal', () => {
    const rows = terminalSymbol(letters, false).flatMap((line) => [
      [...line].map((block) => block === ' ' || block === '▄'),
      [...line].map((block) => block === ' ' || block === '▀'),
    ]);
    // The last line is half a line where the number of rows is odd.
    const side = rows[0]!.length;
    expect(read(framed(rows.slice(0, side), 2))).toBe(letters);
  });

  it('is read back from the PNG', () => {
    const png = Buffer.from(pngSymbol(letters));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const side = png.readUInt32BE(16);
    const start = png.indexOf('IDAT');
    const raw = inflateSync(png.subarray(start + 4, start + 4 + png.readUInt32BE(start - 4)));
    const stride = Math.ceil(side / 8);
    const rows = Array.from({ length: side }, (_, y) =>
      Array.from({ length: side }, (_, x) => (raw[y * (stride + 1) + 1 + (x >> 3)]! & (0x80 >> (x & 7))) === 0),
    );
    expect(read(rows.filter((_, y) => y % 6 === 3).map((row) => row.filter((_, x) => x % 6 === 3)))).toBe(letters);
  });

  it('is read back from the SVG', () => {
    const svg = svgSymbol(letters);
    const side = Number(/viewBox="0 0 (\d+)/.exec(svg)![1]);
    const rows = Array.from({ length: side }, () => Array<boolean>(side).fill(false));
    for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1/g)) {
      rows[Number(y)]!.fill(true, Number(x), Number(x) + Number(width));
    }
    expect(read(rows)).toBe(letters);
  });

  it('is read back from the squares on the paper', async () => {
    const pdf = Buffer.from(
      await paperTicket({ ticket, letters, until: '2030-05-05T17:30:00Z', facts }, { compress: false, madeAt }),
    ).toString('latin1');
    const boxes = [...pdf.matchAll(/^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$/gm)].map((match) =>
      match.slice(1).map(Number),
    );
    const side = Math.min(...boxes.map(([, , , height]) => height!));
    const [left, top] = [Math.min(...boxes.map(([x]) => x!)), Math.min(...boxes.map(([, y]) => y!))];
    const count = Math.round((Math.max(...boxes.map(([x, , width]) => x! + width!)) - left) / side);
    const rows = Array.from({ length: count }, () => Array<boolean>(count).fill(false));
    for (const [x, y, width] of boxes as [number, number, number][]) {
      const [column, row] = [Math.round((x - left) / side), Math.round((y - top) / side)];
      rows[row]!.fill(true, column, column + Math.round(width / side));
    }
    expect(read(framed(rows, 4))).toBe(letters);
  });
});

const madeAt = new Date('2026-11-21T12:00:00Z');
const facts = [['event', 'Die Zauberflöte']] as const;
const ticket: TicketView = {
  ...{ id: 'ab'.repeat(16), type: 'event', kind: 'event', title: 'Die Zauberflöte', issuer: 'Oper' },
  ...{ issuerExpires: '2027-01-01', issued: '2026-11-21', transfers: 0, standing: 'good', remaining: 1 },
  fields: { event: 'Die Zauberflöte', seat: 'Łódź 7' },
};

it('what does not fit into one symbol is refused', () => {
  expect(() => symbolOf(lettersOfCode(systemRandom(2900)))).toThrow('does not fit');
});

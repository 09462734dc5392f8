/** A code as a QR symbol (ISO/IEC 18004): for the terminal, as a picture, and as the squares of which it is made. */
import { crc32, deflateSync } from 'node:zlib';
import { encodeQR } from 'qr';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';

/** Rows from the top, true for dark; the quiet zone is included. */
export type SymbolRows = readonly (readonly boolean[])[];

/** How many light modules stand around a symbol (ISO/IEC 18004, 6.3.8). */
const QUIET = 4;
/** In a terminal the margin of the screen helps. */
const QUIET_IN_TERMINAL = 2;

/** @throws HandselError `CODE_TOO_LONG` when one symbol cannot hold the letters */
export function symbolOf(letters: string, quiet = QUIET): SymbolRows {
  // The best correction that fits, but a large symbol is harder to read than one with less correction.
  for (const ecc of letters.length < 400 ? (['medium', 'low'] as const) : (['low'] as const)) {
    try {
      return encodeQR(letters, 'raw', { encoding: 'alphanumeric', ecc, border: quiet });
    } catch (cause) {
      if (ecc === 'low') throw new HandselError('CODE_TOO_LONG', 'this ticket does not fit into one symbol', { cause });
    }
  }
  throw new HandselError('CODE_TOO_LONG', 'this ticket does not fit into one symbol');
}

/** As half blocks: dark modules are dark whatever the colours of the terminal, if it understands them. */
export function terminalSymbol(letters: string, colours: boolean): readonly string[] {
  const rows = symbolOf(letters, QUIET_IN_TERMINAL);
  const lines: string[] = [];
  for (let at = 0; at < rows.length; at += 2) {
    const [upper, lower] = [rows[at]!, rows[at + 1]];
    // Light is drawn: on the usual dark ground, dark modules are what is left out.
    const line = upper.map((dark, column) => blockOf(!dark, lower !== undefined && !lower[column])).join('');
    lines.push(colours ? `\u001b[97;40m${line}\u001b[0m` : line);
  }
  return lines;
}

function blockOf(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}

export function svgSymbol(letters: string): string {
  const rows = symbolOf(letters);
  const size = rows.length;
  const squares = squaresOf(rows).map(({ x, y, width }) => `M${x} ${y}h${width}v1h-${width}z`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${size * 4}" height="${size * 4}" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path d="${squares.join('')}"/></svg>\n`;
}

/** Dark modules, those beside each other in a row as one. */
export function squaresOf(
  rows: SymbolRows,
): readonly { readonly x: number; readonly y: number; readonly width: number }[] {
  return rows.flatMap((row, y) => {
    const runs: { x: number; y: number; width: number }[] = [];
    row.forEach((dark, x) => {
      const last = runs.at(-1);
      if (!dark) return;
      if (last !== undefined && last.x + last.width === x) last.width += 1;
      else runs.push({ x, y, width: 1 });
    });
    return runs;
  });
}

const PIXELS = 6;

/** A PNG (RFC 2083) of one bit a pixel. */
export function pngSymbol(letters: string): Uint8Array {
  return pngOf(symbolOf(letters), PIXELS);
}

export function pngOf(rows: SymbolRows, pixels: number): Uint8Array {
  const side = rows.length * pixels;
  const stride = Math.ceil(side / 8);
  const raw = new Uint8Array(side * (stride + 1));
  for (let y = 0; y < side; y++) {
    const row = rows[Math.floor(y / pixels)]!;
    for (let x = 0; x < side; x++) {
      // 1 is white. The first byte of a line says that it is not filtered.
      if (!row[Math.floor(x / pixels)]!) raw[y * (stride + 1) + 1 + (x >> 3)]! |= 0x80 >> (x & 7);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // One bit a pixel, grey, the only compression, the only filters, not interlaced.
  header.set([1, 0, 0, 0, 0], 8);
  return concatBytes(
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', new Uint8Array(header)),
    chunk('IDAT', new Uint8Array(deflateSync(raw))),
    chunk('IEND', new Uint8Array()),
  );
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = concatBytes(utf8(type), data);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return concatBytes(new Uint8Array(frame.subarray(0, 4)), body, new Uint8Array(frame.subarray(4)));
}

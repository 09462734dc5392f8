/** Marks, and looking for them: in clear, in the usual encodings, turned round, and as digests. */
import { sha256 } from '../../../src/crypto/digest.ts';
import { leavesOf } from './leaves.ts';

export type Mark =
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  /** A number that is large enough to stand for nothing else. */
  | { readonly number: number };

/** Something that somebody sees, and where. */
export interface Sight {
  readonly where: string;
  readonly bytes: Uint8Array;
}

/** The places where one of the marks is to be seen. */
export function sightsOf(marks: readonly Mark[], sights: readonly Sight[]): string[] {
  const patterns = marks.flatMap(patternsOf);
  const numbers = marks.flatMap((mark) => ('number' in mark ? [BigInt(mark.number)] : []));
  return sights.flatMap(({ where, bytes }) => {
    const data = [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), unpacked(bytes)];
    const found = patterns.find(({ pattern }) => data.some((part) => part.includes(pattern)));
    if (found !== undefined) return [`${where}: ${found.how}`];
    if (numbers.length === 0) return [];
    const leaves = leavesOf(bytes);
    return numbers.some((number) => leaves.numbers.has(number)) ? [`${where}: as a number`] : [];
  });
}

const known = new WeakMap<Uint8Array, Buffer>();

/** What is inside, taken out of whatever it is packed in. */
function unpacked(bytes: Uint8Array): Buffer {
  let parts = known.get(bytes);
  if (parts === undefined) {
    const leaves = leavesOf(bytes);
    const inside = [...leaves.bytes].map((hex) => Buffer.from(hex, 'hex'));
    parts = Buffer.concat([...inside, Buffer.from([...leaves.texts].join('\n'))]);
    known.set(bytes, parts);
  }
  return parts;
}

interface Pattern {
  readonly how: string;
  readonly pattern: Buffer;
}

function patternsOf(mark: Mark): Pattern[] {
  if ('number' in mark) return patternsOfNumber(mark.number);
  const clear = 'text' in mark ? Buffer.from(mark.text) : Buffer.from(mark.bytes);
  const wide = 'text' in mark ? [{ how: 'in UTF-16', pattern: Buffer.from(mark.text, 'utf16le') }] : [];
  const quoted =
    'text' in mark ? [{ how: 'in percent signs', pattern: Buffer.from(encodeURIComponent(mark.text)) }] : [];
  // Half of it is enough to know it by.
  const digest = Buffer.from(sha256(clear)).subarray(0, 16);
  return [
    { how: 'in clear', pattern: clear },
    { how: 'turned round', pattern: Buffer.from(clear).reverse() },
    ...wide,
    ...quoted,
    ...encodedAs('', clear),
    { how: 'as its digest', pattern: digest },
    ...encodedAs(' of its digest', digest),
  ];
}

function encodedAs(of: string, bytes: Buffer): Pattern[] {
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].flatMap((before) => {
    const inner = base64Inside(bytes, before);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [
    ...[hex, hex.toUpperCase()].map((text) => ({ how: `in hexadecimal${of}`, pattern: Buffer.from(text) })),
    ...base64.map((text) => ({ how: `in base64${of}`, pattern: Buffer.from(text) })),
  ];
}

/** What is always there of the bytes' base64 when so many other bytes, modulo three, come before them. */
function base64Inside(bytes: Buffer, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const end = (before + bytes.length) % 3 === 0 ? text.length : text.length - 1;
  return text.slice([0, 2, 3][before], end);
}

function patternsOfNumber(number: number): Pattern[] {
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64BE(BigInt(number));
  const double = Buffer.alloc(8);
  double.writeDoubleBE(number);
  return [
    { how: 'in eight bytes', pattern: wide },
    { how: 'in eight bytes turned round', pattern: Buffer.from(wide).reverse() },
    { how: 'as a floating-point number', pattern: double },
  ];
}

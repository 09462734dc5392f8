/** Writes DER from the last octet to the first, so that each length is known when its header is written and nothing is moved. */
import { derError } from './der-error.ts';

const FIRST_SIZE = 4096;
const LARGEST_SIZE = 1 << 28;

export interface DerWriter {
  bytes: Uint8Array;
  /** Index of the first octet written so far. */
  position: number;
  /** Open `lazy` types: the only way a value can be endlessly deep. */
  depth: number;
  /** The schema field being written: for error messages only. */
  field: string;
}

export function createWriter(): DerWriter {
  return { bytes: new Uint8Array(FIRST_SIZE), position: FIRST_SIZE, depth: 0, field: '' };
}

/** Octets written so far; unlike `position` it keeps its meaning when the buffer grows. */
export function written(writer: DerWriter): number {
  return writer.bytes.length - writer.position;
}

/** Moves `position` down by `length` octets, which the caller then fills; returns the new position. */
export function reserve(writer: DerWriter, length: number): number {
  if (writer.position < length) grow(writer, length);
  writer.position -= length;
  return writer.position;
}

function grow(writer: DerWriter, length: number): void {
  const used = written(writer);
  let size = writer.bytes.length * 2;
  while (size < used + length) size *= 2;
  if (size > LARGEST_SIZE) throw derError('DER_TOO_LARGE', 'the value does not fit in the largest encoding');
  const larger = new Uint8Array(size);
  larger.set(writer.bytes.subarray(writer.position), size - used);
  writer.bytes.fill(0);
  writer.bytes = larger;
  writer.position = size - used;
}

export function writeOctets(writer: DerWriter, octets: Uint8Array): void {
  const length = octets.length;
  const at = reserve(writer, length);
  if (length < 48) {
    const bytes = writer.bytes;
    for (let i = 0; i < length; i++) bytes[at + i] = octets[i]!;
  } else {
    writer.bytes.set(octets, at);
  }
}

/** Puts tag and length before the content written since `mark` (a value of `written`). */
export function writeHeader(writer: DerWriter, tag: number, mark: number): void {
  const length = written(writer) - mark;
  if (writer.position < 8) grow(writer, 8);
  const bytes = writer.bytes;
  let at = writer.position;
  if (length < 0x80) {
    bytes[--at] = length;
  } else {
    let rest = length;
    let octets = 0;
    while (rest > 0) {
      bytes[--at] = rest & 0xff;
      rest >>>= 8;
      octets++;
    }
    bytes[--at] = 0x80 | octets;
  }
  bytes[--at] = tag & 0xff;
  if (tag > 0xff) {
    bytes[--at] = (tag >> 8) & 0xff;
    if (tag > 0xffff) bytes[--at] = tag >> 16;
  }
  writer.position = at;
}

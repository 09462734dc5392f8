/** Reads definite-length, minimal headers from a byte string (X.690 sections 8.1 and 10.1); the values are read by the types. */
import { derError } from './der-error.ts';
import { isConstructed } from './der-tag.ts';

export interface DerReader {
  readonly bytes: Uint8Array;
  /** Where the next octet is read. */
  position: number;
  /** Of the header read last: its tag, where it began and where its content ends. */
  tag: number;
  start: number;
  end: number;
  /** How many more elements this decoding may hold. */
  elementsLeft: number;
  /** The schema field being read: for error messages only. */
  field: string;
}

export function createReader(bytes: Uint8Array, maxElements: number): DerReader {
  return { bytes, position: 0, tag: 0, start: 0, end: 0, elementsLeft: maxElements, field: '' };
}

/** Reads one identifier and length; the content lies in `position`…`end` and within `limit`. */
export function readHeader(reader: DerReader, limit: number): void {
  const bytes = reader.bytes;
  let position = reader.position;
  if (limit - position < 2) throw derError('DER_TRUNCATED', 'an element ends inside its header');
  if (--reader.elementsLeft < 0) throw derError('DER_TOO_MANY', 'the encoding holds too many elements');
  reader.start = position;
  let tag = bytes[position++]!;
  if ((tag & 0x1f) === 0x1f) {
    tag = readHighTag(bytes, position, limit, tag);
    position += tag > 0xffff ? 2 : 1;
  }
  if (position >= limit) throw derError('DER_TRUNCATED', 'an element ends inside its header');
  let length = bytes[position++]!;
  if (length > 0x7f) {
    const octets = length & 0x7f;
    length = readLongLength(bytes, position, limit, octets);
    position += octets;
  }
  if (length > limit - position) throw derError('DER_TRUNCATED', 'an element is longer than what holds it');
  reader.tag = tag;
  reader.position = position;
  reader.end = position + length;
}

function readHighTag(bytes: Uint8Array, position: number, limit: number, first: number): number {
  const a = bytes[position]!;
  if (a === 0x80) throw derError('DER_TAG', 'a tag number has a leading zero');
  if (a < 0x80) {
    if (a < 0x1f) throw derError('DER_TAG', 'a small tag number is written in the long form');
    return (first << 8) | a;
  }
  if (limit - position < 2) throw derError('DER_TRUNCATED', 'an element ends inside its tag');
  const b = bytes[position + 1]!;
  if (b > 0x7f) throw derError('DER_TAG', 'a tag number is above 16383');
  return (first << 16) | (a << 8) | b;
}

function readLongLength(bytes: Uint8Array, position: number, limit: number, octets: number): number {
  if (octets === 0) throw derError('DER_LENGTH', 'a length is indefinite');
  if (octets > 4) throw derError('DER_LENGTH', 'a length has more than four octets');
  if (limit - position < octets) throw derError('DER_TRUNCATED', 'an element ends inside its length');
  let length = bytes[position]!;
  if (length === 0) throw derError('DER_LENGTH', 'a length has a leading zero');
  for (let i = 1; i < octets; i++) length = length * 256 + bytes[position + i]!;
  if (length < 0x80) throw derError('DER_LENGTH', 'a short length is written in the long form');
  return length;
}

/** Passes over the content of the header read last, insisting that everything constructed in it is well formed. */
export function skipContent(reader: DerReader, depth: number): void {
  const end = reader.end;
  if (isConstructed(reader.tag)) {
    if (depth <= 0) throw derError('DER_TOO_DEEP', 'the encoding is nested too deeply');
    while (reader.position < end) {
      readHeader(reader, end);
      skipContent(reader, depth - 1);
    }
  } else {
    reader.position = end;
  }
}

/** Of types whose decoded bytes may be views of the message instead of copies. */
export interface Borrowing {
  readonly borrowed?: boolean;
}

export function viewOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}

/** A copy of bytes `from`…`to`, so that a decoded value keeps neither the message nor its buffer alive. */
export function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const length = to - from;
  const copy = new Uint8Array(length);
  if (length < 48) {
    for (let i = 0; i < length; i++) copy[i] = bytes[from + i]!;
  } else {
    copy.set(bytes.subarray(from, to));
  }
  return copy;
}

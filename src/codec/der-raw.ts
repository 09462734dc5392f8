/** Elements kept as the octets they came in: open types, and parts whose exact octets a signature covers. */
import { derError } from './der-error.ts';
import { type Borrowing, copyOf, createReader, readHeader, skipContent, viewOf } from './der-reader.ts';
import type { DerType } from './der-type.ts';
import { type DerWriter, writeOctets } from './der-writer.ts';

const MAX_DEPTH = 32;
const MAX_ELEMENTS = 65_536;

/**
 * One whole element of any type; its nesting and lengths are checked, its values are for a later `decodeDer`. Decoded bytes are a copy,
 * unless `borrowed`: then a view of the bytes they came in, for what is used and forgotten together with the message.
 */
export function any({ borrowed = false }: Borrowing = {}): DerType<Uint8Array> {
  const give = borrowed ? viewOf : copyOf;
  return {
    tags: undefined,
    accepts: () => true,
    read(reader, depth) {
      const start = reader.start;
      skipContent(reader, depth);
      return give(reader.bytes, start, reader.position);
    },
    write(writer, element) {
      if (!(element instanceof Uint8Array)) throw derError('DER_UNENCODABLE', 'expected the bytes of one element');
      const reader = createReader(element, MAX_ELEMENTS);
      readHeader(reader, element.length);
      skipContent(reader, MAX_DEPTH);
      if (reader.position !== element.length) throw derError('DER_UNENCODABLE', 'more bytes than one element');
      writeOctets(writer, element);
    },
  };
}

/**
 * One whole element of any type, left closed for a later `decodeDer` to check: a message inside a message. Unlike `any` it is a view of
 * the bytes it came in, neither copied nor walked through; writing takes it as it is. Copy what outlives the message.
 */
export function unopened(): DerType<Uint8Array> {
  return {
    tags: undefined,
    accepts: () => true,
    read(reader) {
      reader.position = reader.end;
      return viewOf(reader.bytes, reader.start, reader.end);
    },
    write: writeElement,
  };
}

function writeElement(writer: DerWriter, element: Uint8Array): void {
  if (!(element instanceof Uint8Array) || element.length < 2) {
    throw derError('DER_UNENCODABLE', 'expected the bytes of one element');
  }
  writeOctets(writer, element);
}

export interface Captured<T> {
  readonly value: T;
  /** The whole element exactly as decoded, tag included. */
  readonly der: Uint8Array;
}

/** Encoding writes `der` as it is and does not look at `value`: to make something new, use the inner type. */
export function captured<T>(type: DerType<T>, { borrowed = false }: Borrowing = {}): DerType<Captured<T>> {
  const give = borrowed ? viewOf : copyOf;
  return {
    tags: type.tags,
    accepts: (tag) => type.accepts(tag),
    read(reader, depth) {
      const start = reader.start;
      const value = type.read(reader, depth);
      return { value, der: give(reader.bytes, start, reader.position) };
    },
    write(writer, { der }) {
      writeOctets(writer, der);
    },
  };
}

/** An element still to be encoded. */
export interface Part {
  writeTo(writer: DerWriter): void;
}

export function partOf<T>(type: DerType<T>, value: T): Part {
  return { writeTo: (writer) => type.write(writer, value) };
}

/** Stands where `unopened` does in a schema that is only written: a part is encoded in its place, without a copy of its own. */
export function part(): DerType<Part | Uint8Array> {
  return {
    tags: undefined,
    accepts: () => false,
    read() {
      throw derError('DER_SCHEMA', 'a part is only written');
    },
    write(writer, element) {
      if (element instanceof Uint8Array) writeElement(writer, element);
      else element.writeTo(writer);
    },
  };
}

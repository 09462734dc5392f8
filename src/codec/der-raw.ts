/** Elements kept as the octets they came in: open types, and parts whose exact octets a signature covers. */
import { derError } from './der-error.ts';
import { copyOf, createReader, readHeader, skipContent } from './der-reader.ts';
import type { DerType } from './der-type.ts';
import { writeOctets } from './der-writer.ts';

const MAX_DEPTH = 32;
const MAX_ELEMENTS = 65_536;

/** One whole element of any type; its nesting and lengths are checked, its values are for a later `decodeDer`. */
export function any(): DerType<Uint8Array> {
  return {
    tags: undefined,
    accepts: () => true,
    read(reader, depth) {
      const start = reader.start;
      skipContent(reader, depth);
      return copyOf(reader.bytes, start, reader.position);
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
      return reader.bytes.subarray(reader.start, reader.end);
    },
    write(writer, element) {
      if (!(element instanceof Uint8Array) || element.length < 2) {
        throw derError('DER_UNENCODABLE', 'expected the bytes of one element');
      }
      writeOctets(writer, element);
    },
  };
}

export interface Captured<T> {
  readonly value: T;
  /** The whole element exactly as decoded, tag included. */
  readonly der: Uint8Array;
}

/** Encoding writes `der` as it is and does not look at `value`: to make something new, use the inner type. */
export function captured<T>(type: DerType<T>): DerType<Captured<T>> {
  return {
    tags: type.tags,
    accepts: (tag) => type.accepts(tag),
    read(reader, depth) {
      const start = reader.start;
      const value = type.read(reader, depth);
      return { value, der: copyOf(reader.bytes, start, reader.position) };
    },
    write(writer, { der }) {
      writeOctets(writer, der);
    },
  };
}

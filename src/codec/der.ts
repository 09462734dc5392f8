/**
 * Strict DER (ITU-T X.690) driven by schemas: a structure is described once, as a value, and its encoder, decoder and TypeScript
 * type come from that. This file is the whole vocabulary; each word is defined in the sibling it comes from.
 */
import { DerError, derError } from './der-error.ts';
import { copyOf, createReader, readHeader, viewOf } from './der-reader.ts';
import type { DerType } from './der-type.ts';
import { createWriter, type DerWriter } from './der-writer.ts';

export { type ChoiceValue, choice } from './der-choice.ts';
export { DerError, type DerErrorCode } from './der-error.ts';
export { integer, smallInteger } from './der-integer.ts';
export { objectIdentifier } from './der-object-identifier.ts';
export {
  type BitStringValue,
  bitString,
  boolean,
  enumerated,
  namedBits,
  nullValue,
  octetString,
} from './der-primitive.ts';
export { any, type Captured, captured, type Part, part, partOf, unopened } from './der-raw.ts';
export { sequenceOf, setOf } from './der-repetition.ts';
export { optional, sequence, withDefault } from './der-sequence.ts';
export { ia5String, numericString, printableString, utf8String, visibleString } from './der-string.ts';
export { explicit, implicit, lazy, mapped } from './der-tagging.ts';
export { generalizedTime, time, utcTime } from './der-time.ts';
export type { DerType, Infer, TaggedType } from './der-type.ts';

export interface DerLimits {
  /** Octets of the whole encoding; 1 MiB unless told. */
  readonly maxBytes?: number;
  /** Nested constructed elements; 32 unless told. */
  readonly maxDepth?: number;
  /** Elements in all; 65,536 unless told. */
  readonly maxElements?: number;
}

/** Decodes all of `bytes`. @throws DerError on anything but the one strict encoding of a value of the type. */
export function decodeDer<T>(type: DerType<T>, bytes: Uint8Array, limits: DerLimits = {}): T {
  const { maxBytes = 1 << 20, maxDepth = 32, maxElements = 65_536 } = limits;
  if (bytes.length > maxBytes) throw derError('DER_TOO_LARGE', `the encoding is longer than ${maxBytes} octets`);
  const reader = createReader(bytes, maxElements);
  try {
    readHeader(reader, bytes.length);
    if (!type.accepts(reader.tag)) throw derError('DER_TAG', 'the encoding begins with another type');
    const value = type.read(reader, maxDepth);
    if (reader.position !== bytes.length) throw derError('DER_TRAILING', 'bytes follow the encoding');
    return value;
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new DerError(cause.code, cause.message, { cause, detail: { offset: reader.position, field: reader.field } });
  }
}

/** Writers kept between calls; a call made during another (from a mapping, or with a lent encoding) takes one of its own. */
const idle: DerWriter[] = [];
const MAX_IDLE = 4;

/** @throws DerError `DER_UNENCODABLE` when the value is not one of the type. */
export function encodeDer<T>(type: DerType<T>, value: T): Uint8Array {
  return lendDer(type, value, copyWhole);
}

const copyWhole = (octets: Uint8Array) => copyOf(octets, 0, octets.length);

/**
 * Lends the encoding to `use`, sparing a copy of what is only hashed, signed or sealed: it is wiped as soon as `use` returns.
 * @throws DerError as `encodeDer`
 */
export function lendDer<T, R>(type: DerType<T>, value: T, use: (octets: Uint8Array) => R): R {
  const writer = idle.pop() ?? createWriter();
  try {
    write(writer, type, value);
    return use(viewOf(writer.bytes, writer.position, writer.bytes.length));
  } finally {
    recycle(writer);
  }
}

function write<T>(writer: DerWriter, type: DerType<T>, value: T): void {
  try {
    type.write(writer, value);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new DerError(cause.code, cause.message, { cause, detail: { field: writer.field } });
  }
}

function recycle(writer: DerWriter): void {
  // What was written may be secret: it must not stay behind in the buffer.
  writer.bytes.fill(0, Math.max(0, writer.position - 64));
  if (writer.bytes.length > 65_536 || idle.length >= MAX_IDLE) return;
  writer.position = writer.bytes.length;
  writer.depth = 0;
  writer.field = '';
  idle.push(writer);
}

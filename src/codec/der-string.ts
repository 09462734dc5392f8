/** The character string types of ASN.1 that SET and X.509 use (X.680 section 41, X.690 section 8.23). */
import { derError } from './der-error.ts';
import type { SizeBounds } from './der-primitive.ts';
import type { DerReader } from './der-reader.ts';
import { type TaggedType, tagged } from './der-type.ts';
import { reserve, writeOctets } from './der-writer.ts';

type Alphabet = (octet: number) => boolean;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Lengths are counted in characters: UTF-16 units for `utf8String`, octets (the same) for the others. */
export function utf8String(bounds: SizeBounds = {}): TaggedType<string> {
  return stringOf({ tag: 0x0c, ...bounds });
}

export function numericString(bounds: SizeBounds = {}): TaggedType<string> {
  return stringOf({ tag: 0x12, alphabet: (c) => c === 0x20 || isDigit(c), ...bounds });
}

export function printableString(bounds: SizeBounds = {}): TaggedType<string> {
  return stringOf({ tag: 0x13, alphabet: isPrintable, ...bounds });
}

export function ia5String(bounds: SizeBounds = {}): TaggedType<string> {
  return stringOf({ tag: 0x16, alphabet: (c) => c < 0x80, ...bounds });
}

export function visibleString(bounds: SizeBounds = {}): TaggedType<string> {
  return stringOf({ tag: 0x1a, alphabet: (c) => c >= 0x20 && c < 0x7f, ...bounds });
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

/** Letters, digits, space and ' ( ) + , - . / : = ? (X.680 table 10). */
function isPrintable(c: number): boolean {
  if ((c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || isDigit(c)) return true;
  return c === 0x20 || (c >= 0x27 && c <= 0x2f && c !== 0x2a) || c === 0x3a || c === 0x3d || c === 0x3f;
}

interface StringShape extends SizeBounds {
  readonly tag: number;
  /** Absent: any Unicode text, as UTF-8. */
  readonly alphabet?: Alphabet;
}

function stringOf({ tag, alphabet, min = 0, max = Number.POSITIVE_INFINITY }: StringShape): TaggedType<string> {
  return tagged<string>({
    tag,
    read(reader) {
      const text = readText(reader, alphabet);
      if (text.length < min || text.length > max) throw derError('DER_VALUE', 'a string has a length out of bounds');
      return text;
    },
    writeContent(writer, text) {
      if (typeof text !== 'string' || text.length < min || text.length > max) {
        throw derError('DER_UNENCODABLE', 'expected a string of a length within the bounds');
      }
      const length = text.length;
      const at = reserve(writer, length);
      const bytes = writer.bytes;
      for (let i = 0; i < length; i++) {
        const c = text.charCodeAt(i);
        if (alphabet === undefined ? c >= 0x80 : !alphabet(c)) {
          if (alphabet !== undefined) throw derError('DER_UNENCODABLE', 'a character is outside the string type');
          if (!text.isWellFormed()) throw derError('DER_UNENCODABLE', 'a string holds half a surrogate pair');
          writer.position += length;
          writeOctets(writer, encoder.encode(text));
          return;
        }
        bytes[at + i] = c;
      }
    },
  });
}

function readText(reader: DerReader, alphabet: Alphabet | undefined): string {
  const { bytes, position, end } = reader;
  reader.position = end;
  for (let i = position; i < end; i++) {
    const c = bytes[i]!;
    if (alphabet !== undefined) {
      if (!alphabet(c)) throw derError('DER_VALUE', 'a character is outside the string type');
    } else if (c >= 0x80) {
      return readUtf8(bytes.subarray(position, end));
    }
  }
  return readAscii(bytes, position, end);
}

function readUtf8(octets: Uint8Array): string {
  try {
    return strictUtf8.decode(octets);
  } catch (cause) {
    throw derError('DER_VALUE', 'a string is not well-formed UTF-8', { cause });
  }
}

function readAscii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

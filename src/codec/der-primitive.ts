/** BOOLEAN, NULL, ENUMERATED, OCTET STRING and BIT STRING in DER (X.690 sections 8.2 to 8.8 and 11.1 to 11.2). */
import { derError } from './der-error.ts';
import { readSmallInteger, writeSmallInteger } from './der-integer.ts';
import { type Borrowing, copyOf, viewOf } from './der-reader.ts';
import { type TaggedType, tagged } from './der-type.ts';
import { reserve, writeOctets } from './der-writer.ts';

export interface SizeBounds {
  readonly min?: number;
  readonly max?: number;
}

export function boolean(): TaggedType<boolean> {
  return tagged<boolean>({
    tag: 0x01,
    read(reader) {
      if (reader.end - reader.position !== 1) throw derError('DER_VALUE', 'a boolean is not one octet');
      const octet = reader.bytes[reader.position++]!;
      if (octet !== 0 && octet !== 0xff) throw derError('DER_VALUE', 'a boolean is neither 00 nor FF');
      return octet === 0xff;
    },
    writeContent(writer, value) {
      if (typeof value !== 'boolean') throw derError('DER_UNENCODABLE', 'expected a boolean');
      const at = reserve(writer, 1);
      writer.bytes[at] = value ? 0xff : 0;
    },
  });
}

export function nullValue(): TaggedType<null> {
  return tagged<null>({
    tag: 0x05,
    read(reader) {
      if (reader.end !== reader.position) throw derError('DER_VALUE', 'a null has content');
      return null;
    },
    writeContent(_writer, value) {
      if (value !== null) throw derError('DER_UNENCODABLE', 'expected null');
    },
  });
}

/** Values are the names; numbers outside the table are refused. */
export function enumerated<const N extends Readonly<Record<string, number>>>(names: N): TaggedType<keyof N & string> {
  const byName = new Map<string, number>(Object.entries(names));
  const byNumber = new Map([...byName].map(([name, number]) => [number, name as keyof N & string]));
  if (byNumber.size !== byName.size) throw derError('DER_SCHEMA', 'two names of an enumeration share a number');
  return tagged<keyof N & string>({
    tag: 0x0a,
    read(reader) {
      const name = byNumber.get(readSmallInteger(reader));
      if (name === undefined) throw derError('DER_VALUE', 'an enumeration has an unknown number');
      return name;
    },
    writeContent(writer, name) {
      const number = byName.get(name);
      if (number === undefined) throw derError('DER_UNENCODABLE', 'unknown name of an enumeration');
      writeSmallInteger(writer, number);
    },
  });
}

/** Bounds count octets. Decoded bytes are a copy, unless `borrowed`. */
export function octetString(options: SizeBounds & Borrowing = {}): TaggedType<Uint8Array> {
  const { min = 0, max = Number.POSITIVE_INFINITY, borrowed = false } = options;
  const give = borrowed ? viewOf : copyOf;
  return tagged<Uint8Array>({
    tag: 0x04,
    read(reader) {
      const { bytes, position, end } = reader;
      const length = end - position;
      if (length < min || length > max) throw derError('DER_VALUE', 'an octet string has a length out of bounds');
      reader.position = end;
      return give(bytes, position, end);
    },
    writeContent(writer, value) {
      if (!(value instanceof Uint8Array)) throw derError('DER_UNENCODABLE', 'expected bytes');
      if (value.length < min || value.length > max) {
        throw derError('DER_UNENCODABLE', 'an octet string has a length out of bounds');
      }
      writeOctets(writer, value);
    },
  });
}

/** `unused` counts the bits, 0 to 7, at the end of the last octet that do not belong to the string; they are zero. */
export interface BitStringValue {
  readonly unused: number;
  readonly bytes: Uint8Array;
}

export function bitString({ borrowed = false }: Borrowing = {}): TaggedType<BitStringValue> {
  const give = borrowed ? viewOf : copyOf;
  return tagged<BitStringValue>({
    tag: 0x03,
    read(reader) {
      const { bytes, position, end } = reader;
      if (end === position) throw derError('DER_VALUE', 'a bit string has no content');
      const unused = bytes[position]!;
      if (!fits(unused, end - position - 1, bytes[end - 1]!)) {
        throw derError('DER_VALUE', 'a bit string counts its unused bits wrongly or sets them');
      }
      reader.position = end;
      return { unused, bytes: give(bytes, position + 1, end) };
    },
    writeContent(writer, { unused, bytes }) {
      if (!(bytes instanceof Uint8Array) || !fits(unused, bytes.length, bytes[bytes.length - 1] ?? 0)) {
        throw derError('DER_UNENCODABLE', 'a bit string counts its unused bits wrongly or sets them');
      }
      writeOctets(writer, bytes);
      const at = reserve(writer, 1);
      writer.bytes[at] = unused;
    },
  });
}

function fits(unused: number, octets: number, last: number): boolean {
  if (octets === 0) return unused === 0;
  return Number.isInteger(unused) && unused >= 0 && unused <= 7 && (last & ((1 << unused) - 1)) === 0;
}

/** A BIT STRING with named bits: trailing zero bits are not encoded (X.690 section 11.2.2) and bits without a name are refused. */
export function namedBits<const N extends Readonly<Record<string, number>>>(
  names: N,
): TaggedType<ReadonlySet<keyof N & string>> {
  const byName = new Map<string, number>(Object.entries(names));
  const byBit = new Map([...byName].map(([name, bit]) => [bit, name as keyof N & string]));
  const raw = bitString();
  return tagged<ReadonlySet<keyof N & string>>({
    tag: raw.tag,
    read(reader, depth) {
      const { unused, bytes } = raw.read(reader, depth);
      const last = bytes[bytes.length - 1];
      if (last !== undefined && ((last >> unused) & 1) === 0) {
        throw derError('DER_VALUE', 'named bits end with a zero bit');
      }
      const found = new Set<keyof N & string>();
      for (let bit = 0; bit < bytes.length * 8 - unused; bit++) {
        if (((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1) === 0) continue;
        const name = byBit.get(bit);
        if (name === undefined) throw derError('DER_VALUE', 'a bit without a name is set');
        found.add(name);
      }
      return found;
    },
    writeContent(writer, value) {
      let highest = -1;
      const bits: number[] = [];
      for (const name of value) {
        const bit = byName.get(name);
        if (bit === undefined) throw derError('DER_UNENCODABLE', 'unknown name of a bit');
        bits.push(bit);
        if (bit > highest) highest = bit;
      }
      const bytes = new Uint8Array((highest >> 3) + 1);
      for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
      raw.writeContent(writer, { unused: highest < 0 ? 0 : 7 - (highest & 7), bytes });
    },
  });
}

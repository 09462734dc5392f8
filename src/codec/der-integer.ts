/** INTEGER in DER (X.690 section 8.3): two's complement in the fewest octets; as bigint, or as number where it is always safe. */
import { derError } from './der-error.ts';
import type { DerReader } from './der-reader.ts';
import { type TaggedType, tagged } from './der-type.ts';
import { type DerWriter, reserve, writeOctets } from './der-writer.ts';

/** Enough for an RSA modulus of 16384 bits. */
const MAX_OCTETS = 2049;

function contentLength(reader: DerReader): number {
  const { bytes, position, end } = reader;
  const length = end - position;
  if (length === 0) throw derError('DER_VALUE', 'an integer has no content');
  if (length > MAX_OCTETS) throw derError('DER_VALUE', 'an integer is too large');
  if (length > 1) {
    const first = bytes[position]!;
    if ((first === 0 && bytes[position + 1]! < 0x80) || (first === 0xff && bytes[position + 1]! >= 0x80)) {
      throw derError('DER_VALUE', 'an integer has more octets than it needs');
    }
  }
  return length;
}

/** @throws DerError `DER_VALUE` beyond the safe integers. */
export function readSmallInteger(reader: DerReader): number {
  const length = contentLength(reader);
  if (length > 7) throw derError('DER_VALUE', 'an integer is beyond the safe range');
  const { bytes, position } = reader;
  let value = (bytes[position]! << 24) >> 24;
  for (let i = 1; i < length; i++) value = value * 256 + bytes[position + i]!;
  if (!Number.isSafeInteger(value)) throw derError('DER_VALUE', 'an integer is beyond the safe range');
  reader.position = reader.end;
  return value;
}

function readInteger(reader: DerReader): bigint {
  const length = contentLength(reader);
  if (length <= 6) return BigInt(readSmallInteger(reader));
  const { bytes, position, end } = reader;
  const unsigned = BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset + position, length).toString('hex')}`);
  reader.position = end;
  return bytes[position]! < 0x80 ? unsigned : BigInt.asIntN(length * 8, unsigned);
}

export function writeSmallInteger(writer: DerWriter, value: number): void {
  let rest = value;
  let octet: number;
  do {
    const higher = Math.floor(rest / 256);
    octet = rest - higher * 256;
    const at = reserve(writer, 1);
    writer.bytes[at] = octet;
    rest = higher;
  } while (!((rest === 0 && octet < 0x80) || (rest === -1 && octet >= 0x80)));
}

function writeInteger(writer: DerWriter, value: bigint): void {
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
    writeSmallInteger(writer, Number(value));
    return;
  }
  const magnitude = value < 0n ? -value - 1n : value;
  const octets = Math.floor(magnitude.toString(16).length / 2) + 1;
  if (octets > MAX_OCTETS) throw derError('DER_UNENCODABLE', 'an integer is too large');
  let hex = BigInt.asUintN(octets * 8, value)
    .toString(16)
    .padStart(octets * 2, '0');
  // A hexadecimal digit count of even length leaves a whole octet of sign when the top bit was already clear.
  if (/^(?:00[0-7]|ff[89a-f])/.test(hex) && octets > 1) hex = hex.slice(2);
  writeOctets(writer, Buffer.from(hex, 'hex'));
}

export interface IntegerBounds {
  readonly min?: bigint;
  readonly max?: bigint;
}

export function integer({ min, max }: IntegerBounds = {}): TaggedType<bigint> {
  const outside = (value: bigint) => (min !== undefined && value < min) || (max !== undefined && value > max);
  return tagged<bigint>({
    tag: 0x02,
    read(reader) {
      const value = readInteger(reader);
      if (outside(value)) throw derError('DER_VALUE', 'an integer is out of bounds');
      return value;
    },
    writeContent(writer, value) {
      if (typeof value !== 'bigint' || outside(value)) {
        throw derError('DER_UNENCODABLE', 'expected a bigint within the bounds');
      }
      writeInteger(writer, value);
    },
  });
}

export interface SmallIntegerBounds {
  readonly min?: number;
  readonly max?: number;
}

export function smallInteger({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
}: SmallIntegerBounds = {}): TaggedType<number> {
  return tagged<number>({
    tag: 0x02,
    read(reader) {
      const value = readSmallInteger(reader);
      if (value < min || value > max) throw derError('DER_VALUE', 'an integer is out of bounds');
      return value;
    },
    writeContent(writer, value) {
      if (!Number.isSafeInteger(value) || value < min || value > max) {
        throw derError('DER_UNENCODABLE', 'expected an integer within the bounds');
      }
      writeSmallInteger(writer, value);
    },
  });
}

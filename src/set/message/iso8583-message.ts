/**
 * ISO 8583:1987 messages as bytes: message type and fields in ASCII, bitmaps in binary, length prefixes in ASCII digits.
 * One message has exactly one encoding here; anything else (unknown element, wrong length, bytes left over, an empty
 * secondary bitmap) is refused. Meaning is the task of `card-message.ts`.
 */
import { fieldFormat, Iso8583Error, requireFieldText } from './iso8583-field.ts';

export interface Iso8583Message {
  /** Message type indicator, for instance `0100`; the leading 0 says the 1987 edition. */
  readonly mti: string;
  /** Data elements by number: text, or bytes for the binary ones (52, 64, 96, 128). */
  readonly fields: ReadonlyMap<number, string | Uint8Array>;
}

/** Far above any card message, far below what the two-byte frame length allows. */
export const MAX_ISO8583_BYTES = 8192;

const MTI = /^0[1-8][0-9][0-5]$/;
const MTI_LENGTH = 4;
const BITMAP_LENGTH = 8;
const LAST_FIELD = 128;

/** @throws Iso8583Error when a field is unknown or not of its form. */
export function encodeIso8583(message: Iso8583Message): Uint8Array {
  if (!MTI.test(message.mti)) throw malformed('the message type is not one of the 1987 edition');
  const numbers = [...message.fields.keys()].sort((a, b) => a - b);
  const last = numbers.at(-1) ?? 0;
  const bitmap = Buffer.alloc(last > BITMAP_LENGTH * 8 ? BITMAP_LENGTH * 2 : BITMAP_LENGTH);
  if (bitmap.length > BITMAP_LENGTH) bitmap[0] = 0x80;

  const parts: Uint8Array[] = [Buffer.from(message.mti, 'latin1'), bitmap];
  for (const field of numbers) {
    const bit = field - 1;
    parts.push(encodeField(field, message.fields.get(field)!));
    bitmap[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  const whole = Buffer.concat(parts);
  if (whole.length > MAX_ISO8583_BYTES) throw malformed(`the message is longer than ${MAX_ISO8583_BYTES} bytes`);
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.length);
}

function encodeField(field: number, value: string | Uint8Array): Uint8Array {
  const format = fieldFormat(field);
  if (format === undefined) throw new Iso8583Error('ISO8583_FIELD_INVALID', `there is no field ${field}`, field);
  if (typeof value !== 'string') {
    if (format.kind !== 'b' || value.length !== format.length) {
      throw new Iso8583Error('ISO8583_FIELD_INVALID', `field ${field} is not ${format.length} bytes`, field);
    }
    return value;
  }
  requireFieldText(field, format, value);
  const prefix = format.prefixDigits === 0 ? '' : String(value.length).padStart(format.prefixDigits, '0');
  return Buffer.from(prefix + value, 'latin1');
}

/** @throws Iso8583Error on anything `encodeIso8583` would not have written. */
export function decodeIso8583(bytes: Uint8Array): Iso8583Message {
  if (bytes.length > MAX_ISO8583_BYTES) throw malformed(`the message is longer than ${MAX_ISO8583_BYTES} bytes`);
  if (bytes.length < MTI_LENGTH + BITMAP_LENGTH) throw malformed('the message ends before its bitmap');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mti = buffer.toString('latin1', 0, MTI_LENGTH);
  if (!MTI.test(mti)) throw malformed('the message type is not one of the 1987 edition');

  const bitmapLength = (buffer[MTI_LENGTH]! & 0x80) === 0 ? BITMAP_LENGTH : BITMAP_LENGTH * 2;
  let offset = MTI_LENGTH + bitmapLength;
  if (offset > buffer.length) throw malformed('the message ends inside its bitmap');

  const fields = new Map<number, string | Uint8Array>();
  for (let field = 2; field <= bitmapLength * 8; field++) {
    const bit = field - 1;
    if ((buffer[MTI_LENGTH + (bit >> 3)]! & (0x80 >> (bit & 7))) === 0) continue;
    const format = fieldFormat(field);
    if (format === undefined) throw new Iso8583Error('ISO8583_FIELD_INVALID', `there is no field ${field}`, field);

    let length = format.length;
    if (format.prefixDigits > 0) {
      length = readLength(buffer, offset, format.prefixDigits, field);
      offset += format.prefixDigits;
    }
    if (offset + length > buffer.length) throw malformed(`the message ends inside field ${field}`, field);
    if (format.kind === 'b') {
      fields.set(field, new Uint8Array(buffer.subarray(offset, offset + length)));
    } else {
      const text = buffer.toString('latin1', offset, offset + length);
      requireFieldText(field, format, text);
      fields.set(field, text);
    }
    offset += length;
  }

  if (offset !== buffer.length) throw malformed(`${buffer.length - offset} bytes follow the last field`);
  if (bitmapLength > BITMAP_LENGTH && ![...fields.keys()].some((field) => field > LAST_FIELD / 2)) {
    throw malformed('the secondary bitmap names no field');
  }
  return { mti, fields };
}

function readLength(buffer: Buffer, offset: number, digits: number, field: number): number {
  let length = 0;
  for (let i = 0; i < digits; i++) {
    const digit = (buffer[offset + i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) throw malformed(`the length of field ${field} is not ${digits} digits`, field);
    length = length * 10 + digit;
  }
  return length;
}

function malformed(reason: string, field?: number): Iso8583Error {
  return new Iso8583Error('ISO8583_MALFORMED', reason, field);
}

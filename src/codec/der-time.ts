/** UTCTime and GeneralizedTime in DER (X.690 sections 11.7 and 11.8): UTC, whole seconds, always `Z`; and the Time of X.509 (RFC 5280 section 4.1.2.5). */
import { derError } from './der-error.ts';
import type { DerReader } from './der-reader.ts';
import { type DerType, type TaggedType, tagged } from './der-type.ts';
import { type DerWriter, reserve } from './der-writer.ts';

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** Years 1950 to 2049. Milliseconds are dropped. */
export function utcTime(): TaggedType<Date> {
  return tagged<Date>({
    tag: UTC_TIME,
    read: (reader) => readTime(reader, 2),
    writeContent: (writer, date) => writeTime(writer, date, 2),
  });
}

/** Years 0 to 9999. Milliseconds are dropped. */
export function generalizedTime(): TaggedType<Date> {
  return tagged<Date>({
    tag: GENERALIZED_TIME,
    read: (reader) => readTime(reader, 4),
    writeContent: (writer, date) => writeTime(writer, date, 4),
  });
}

/** UTCTime through 2049 and GeneralizedTime from 2050 on, as certificates must have it; the other form is refused. */
export function time(): DerType<Date> {
  const short = utcTime();
  const long = generalizedTime();
  return {
    tags: [UTC_TIME, GENERALIZED_TIME],
    accepts: (tag) => tag === UTC_TIME || tag === GENERALIZED_TIME,
    read(reader, depth) {
      if (reader.tag === UTC_TIME) return short.read(reader, depth);
      const date = long.read(reader, depth);
      if (isShort(date)) throw derError('DER_VALUE', 'a time before 2050 is not a UTCTime');
      return date;
    },
    write(writer, date) {
      (isShort(date) ? short : long).write(writer, date);
    },
  };
}

function isShort(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= 1950 && year <= 2049;
}

function readTime(reader: DerReader, yearDigits: 2 | 4): Date {
  const { bytes, position, end } = reader;
  if (end - position !== yearDigits + 11 || bytes[end - 1] !== 0x5a) {
    throw derError('DER_VALUE', 'a time is not written as whole seconds of UTC');
  }
  let year = twoDigits(bytes, position);
  if (yearDigits === 4) year = year * 100 + twoDigits(bytes, position + 2);
  else year += year < 50 ? 2000 : 1900;
  const at = position + yearDigits;
  const month = twoDigits(bytes, at);
  const day = twoDigits(bytes, at + 2);
  const hour = twoDigits(bytes, at + 4);
  const minute = twoDigits(bytes, at + 6);
  const second = twoDigits(bytes, at + 8);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) {
    throw derError('DER_VALUE', 'a time names a moment that does not exist');
  }
  reader.position = end;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (year < 100) date.setUTCFullYear(year, month - 1, day);
  return date;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30;
  const ones = bytes[at + 1]! - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw derError('DER_VALUE', 'a time holds something but digits');
  return tens * 10 + ones;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function writeTime(writer: DerWriter, date: Date, yearDigits: 2 | 4): void {
  const year = date instanceof Date ? date.getUTCFullYear() : Number.NaN;
  if (!(yearDigits === 2 ? year >= 1950 && year <= 2049 : year >= 0 && year <= 9999)) {
    throw derError('DER_UNENCODABLE', 'expected a date with a year the time type can write');
  }
  let at = reserve(writer, yearDigits + 11);
  const bytes = writer.bytes;
  if (yearDigits === 4) at = writeTwoDigits(bytes, at, Math.floor(year / 100));
  at = writeTwoDigits(bytes, at, year % 100);
  at = writeTwoDigits(bytes, at, date.getUTCMonth() + 1);
  at = writeTwoDigits(bytes, at, date.getUTCDate());
  at = writeTwoDigits(bytes, at, date.getUTCHours());
  at = writeTwoDigits(bytes, at, date.getUTCMinutes());
  at = writeTwoDigits(bytes, at, date.getUTCSeconds());
  bytes[at] = 0x5a;
}

function writeTwoDigits(bytes: Uint8Array, at: number, value: number): number {
  const tens = Math.floor(value / 10);
  bytes[at] = 0x30 + tens;
  bytes[at + 1] = 0x30 + value - tens * 10;
  return at + 2;
}

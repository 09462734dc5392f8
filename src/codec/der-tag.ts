/** Identifier octets of BER/DER (X.690 section 8.1.2), held as one number: the octets read as a big-endian integer, so 0x30 is SEQUENCE and 0xbf8767 is [999] constructed. */
import { derError } from './der-error.ts';

export const CONSTRUCTED = 0x20;

/** @throws DerError `DER_SCHEMA` outside 0…16383, the largest tag number three octets hold. */
export function contextTag(number: number, constructed: boolean): number {
  if (!Number.isInteger(number) || number < 0 || number > 0x3fff) {
    throw derError('DER_SCHEMA', `tag number ${number} is outside 0 to 16383`);
  }
  const first = 0x80 | (constructed ? CONSTRUCTED : 0);
  if (number < 0x1f) return first | number;
  if (number < 0x80) return ((first | 0x1f) << 8) | number;
  return ((first | 0x1f) << 16) | ((0x80 | (number >> 7)) << 8) | (number & 0x7f);
}

export function isConstructed(tag: number): boolean {
  const first = tag > 0xffff ? tag >> 16 : tag > 0xff ? tag >> 8 : tag;
  return (first & CONSTRUCTED) !== 0;
}

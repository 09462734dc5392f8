/** Conversions between bytes and text: hexadecimal, base64url (RFC 4648 section 5) and UTF-8. */
import { HandselError } from '../handsel-error.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function toHex(bytes: Uint8Array): string {
  return Buffer.prototype.hexSlice.call(bytes, 0, bytes.length);
}

/** @throws HandselError `TEXT_NOT_HEX` on anything but an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  // By hand, because nearly all are identifiers and hashes: shorter than it takes Node to begin.
  let seen = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = digitAt(text, 2 * i);
    const low = digitAt(text, 2 * i + 1);
    seen |= high | low;
    bytes[i] = (high << 4) | low;
  }
  if (seen >= NO_DIGIT || text.length % 2 !== 0) {
    throw new HandselError('TEXT_NOT_HEX', 'expected an even number of hexadecimal digits');
  }
  return bytes;
}

const NO_DIGIT = 0x10;
const digits = new Uint8Array(128).fill(NO_DIGIT);
for (const digit of '0123456789abcdefABCDEF') digits[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

/** Its value, or `NO_DIGIT`. */
function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? digits[code]! : NO_DIGIT;
}

export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** @throws HandselError `TEXT_NOT_BASE64URL` on padding, foreign characters or stray bits. */
export function fromBase64Url(text: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  if (toBase64Url(bytes) !== text) {
    throw new HandselError('TEXT_NOT_BASE64URL', 'expected unpadded base64url');
  }
  return bytes;
}

/** The buffer's own memory as a plain Uint8Array, which slices by copying and compares equal to others. */
export function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws HandselError `TEXT_NOT_UTF8` on malformed bytes. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new HandselError('TEXT_NOT_UTF8', 'expected well-formed UTF-8', { cause });
  }
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Not constant time: for public values only. Secrets go through `crypto/constant-time.ts`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

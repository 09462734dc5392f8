/** The content of a primitive DER element in words (X.690 section 8), shortened where it is long. */
import { decodeDer, objectIdentifier } from '../../codec/der.ts';
import { concatBytes, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { objectName } from './object-names.ts';

const MAX_SHOWN_BYTES = 48;
const MAX_SHOWN_TEXT = 200;
const stringTypes = new Set([12, 18, 19, 22, 23, 24, 26]);
const decoder = new TextDecoder('utf-8', { fatal: true });

/** @param number the universal tag number; undefined for context tags, whose type only a schema knows */
export function primitiveText(number: number | undefined, content: Uint8Array): string {
  if (number === 1) return content[0] === 0 ? 'FALSE' : 'TRUE';
  if (number === 2 || number === 10) return integerText(content);
  if (number === 3) return bitsText(content);
  if (number === 5) return '';
  if (number === 6) return identifierText(content);
  if (number === 30) return quoted(new TextDecoder('utf-16be').decode(content));
  if (number !== undefined && stringTypes.has(number)) return asText(content) ?? bytesText(content);
  return number === undefined ? (asPrintable(content) ?? bytesText(content)) : bytesText(content);
}

/** Hexadecimal, cut short with its length told. */
export function bytesText(bytes: Uint8Array): string {
  if (bytes.length <= MAX_SHOWN_BYTES) return toHex(bytes);
  return `${toHex(bytes.subarray(0, MAX_SHOWN_BYTES))}… (${bytes.length} bytes)`;
}

function integerText(content: Uint8Array): string {
  if (content.length === 0 || content.length > 8) return bytesText(content);
  return BigInt.asIntN(content.length * 8, BigInt(`0x${toHex(content)}`)).toString();
}

function bitsText(content: Uint8Array): string {
  const unused = content[0] ?? 0;
  const bits = content.subarray(1);
  if (bits.length > 4) return bytesText(bits);
  const digits = Array.from(bits, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return `${digits.slice(0, Math.max(0, digits.length - unused))} (bits)`;
}

/** The content gets its header back, because the codec's own decoder is the one that knows identifiers. */
function identifierText(content: Uint8Array): string {
  try {
    const dotted = decodeDer(objectIdentifier(), concatBytes(Uint8Array.of(0x06, content.length & 0x7f), content));
    const name = objectName(dotted);
    return name === undefined ? dotted : `${dotted} ${name}`;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return bytesText(content);
  }
}

function asText(content: Uint8Array): string | undefined {
  try {
    return quoted(decoder.decode(content));
  } catch {
    return undefined;
  }
}

function asPrintable(content: Uint8Array): string | undefined {
  const printable = content.length > 2 && content.every((byte) => byte >= 0x20 && byte < 0x7f);
  return printable ? quoted(String.fromCharCode(...content.subarray(0, MAX_SHOWN_TEXT + 1))) : undefined;
}

/** JSON's escapes keep control characters of a hostile file away from the terminal. */
export function quoted(text: string): string {
  const cut = text.length > MAX_SHOWN_TEXT ? `${text.slice(0, MAX_SHOWN_TEXT)}…` : text;
  return JSON.stringify(cut).replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

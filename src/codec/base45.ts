/** Base45 (RFC 9285): bytes as text of the alphanumeric mode of QR symbols, where three letters take no more room than two bytes. */
import { MessageError } from './message-error.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const BASE = 45;

export function toBase45(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = at + 1 < bytes.length;
    let value = pair ? bytes[at]! * 256 + bytes[at + 1]! : bytes[at]!;
    for (let letters = pair ? 3 : 2; letters > 0; letters--) {
      text += ALPHABET[value % BASE];
      value = Math.floor(value / BASE);
    }
  }
  return text;
}

/** @throws MessageError for what no bytes encode to */
export function fromBase45(text: string): Uint8Array {
  const rest = text.length % 3;
  if (rest === 1) throw malformed();
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 3) {
    const letters = [...text.slice(at, at + 3)].map((letter) => ALPHABET.indexOf(letter));
    if (letters.includes(-1)) throw malformed();
    const value = letters.reduceRight((sum, letter) => sum * BASE + letter, 0);
    if (letters.length === 3) {
      if (value > 0xffff) throw malformed();
      bytes.push(value >> 8, value & 0xff);
    } else {
      if (value > 0xff) throw malformed();
      bytes.push(value);
    }
  }
  return Uint8Array.from(bytes);
}

const malformed = () => new MessageError('MESSAGE_INVALID', 'this is no base45 text');

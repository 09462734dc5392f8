/** OBJECT IDENTIFIER in DER (X.690 section 8.19), as dotted text. */
import { derError } from './der-error.ts';
import { copyOf } from './der-reader.ts';
import { type TaggedType, tagged } from './der-type.ts';
import { writeOctets } from './der-writer.ts';

const MAX_OCTETS = 64;
const KNOWN = 512;

export function objectIdentifier(): TaggedType<string> {
  return tagged<string>({
    tag: 0x06,
    read(reader) {
      const { bytes, position, end } = reader;
      reader.position = end;
      return lookUp(bytes, position, end);
    },
    writeContent(writer, text) {
      writeOctets(writer, octetsOf(text));
    },
  });
}

/** Messages repeat the same few identifiers, so the texts and octets last met are kept in tables of a fixed size. */
const texts: ({ readonly octets: Uint8Array; readonly text: string } | undefined)[] = new Array(KNOWN);
const octetsByText = new Map<string, Uint8Array>();

function lookUp(bytes: Uint8Array, from: number, to: number): string {
  let hash = to - from;
  for (let i = from; i < to; i++) hash = (hash * 31 + bytes[i]!) | 0;
  const slot = hash & (KNOWN - 1);
  const known = texts[slot];
  if (known !== undefined && same(known.octets, bytes, from, to)) return known.text;
  const text = decode(bytes, from, to);
  texts[slot] = { octets: copyOf(bytes, from, to), text };
  return text;
}

function same(octets: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (octets.length !== to - from) return false;
  for (let i = 0; i < octets.length; i++) if (octets[i] !== bytes[from + i]) return false;
  return true;
}

function decode(bytes: Uint8Array, from: number, to: number): string {
  if (to === from || to - from > MAX_OCTETS) throw derError('DER_VALUE', 'an object identifier has a bad length');
  if (bytes[to - 1]! >= 0x80) throw derError('DER_VALUE', 'an object identifier ends inside an arc');
  let text = '';
  let arc = 0;
  for (let i = from; i < to; i++) {
    const octet = bytes[i]!;
    if (arc === 0 && octet === 0x80) throw derError('DER_VALUE', 'an arc has a leading zero');
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw derError('DER_VALUE', 'an arc is too large');
    if (octet >= 0x80) continue;
    if (text === '') {
      const root = arc < 40 ? 0 : arc < 80 ? 1 : 2;
      text = `${root}.${arc - root * 40}`;
    } else {
      text += `.${arc}`;
    }
    arc = 0;
  }
  return text;
}

function octetsOf(text: string): Uint8Array {
  const known = octetsByText.get(text);
  if (known !== undefined) return known;
  const octets = encode(text);
  if (octetsByText.size >= KNOWN) octetsByText.clear();
  octetsByText.set(text, octets);
  return octets;
}

function encode(text: string): Uint8Array {
  if (typeof text !== 'string' || !/^[0-2](?:\.(?:0|[1-9]\d{0,15})){1,63}$/.test(text)) {
    throw derError('DER_UNENCODABLE', 'expected a dotted object identifier');
  }
  const [root = 0, second = 0, ...rest] = text.split('.').map(Number);
  if (root < 2 && second >= 40) throw derError('DER_UNENCODABLE', 'the second arc is above 39');
  const octets: number[] = [];
  for (const arc of [root * 40 + second, ...rest]) {
    if (arc > Number.MAX_SAFE_INTEGER) throw derError('DER_UNENCODABLE', 'an arc is too large');
    const part = [arc % 128];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) part.unshift(0x80 | (high % 128));
    octets.push(...part);
  }
  if (octets.length > MAX_OCTETS) throw derError('DER_UNENCODABLE', 'an object identifier is too long');
  return Uint8Array.from(octets);
}

/** The values inside whatever is sent or kept: CBOR, JSON, HTTP and base64 in each other are taken apart down to numbers, texts and bytes. */
import { decodeCborExact } from '../../../src/codec/cbor.ts';
import { CborTag } from '../../../src/codec/cbor-value.ts';

export interface Leaves {
  readonly numbers: Set<bigint>;
  readonly texts: Set<string>;
  /** In hexadecimal. */
  readonly bytes: Set<string>;
}

const MAX_DEPTH = 40;
const MAX_NUMBER_BYTES = 16;

const known = new WeakMap<Uint8Array, Leaves>();

export function leavesOf(bytes: Uint8Array): Leaves {
  const before = known.get(bytes);
  if (before !== undefined) return before;
  const leaves: Leaves = { numbers: new Set(), texts: new Set(), bytes: new Set() };
  takeBytes(bytes, leaves, 0);
  known.set(bytes, leaves);
  return leaves;
}

function takeBytes(bytes: Uint8Array, leaves: Leaves, depth: number): void {
  if (depth > MAX_DEPTH || bytes.length === 0) return;
  const hex = Buffer.from(bytes).toString('hex');
  if (depth > 0) leaves.bytes.add(hex);
  // Numbers too large for others, rates for instance.
  if (depth > 0 && bytes.length <= MAX_NUMBER_BYTES) {
    leaves.numbers.add(BigInt(`0x${hex}`)).add(BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`));
  }
  const inside = unlessRefused(() => decodeCborExact(bytes, { maxBytes: bytes.length + 1 }));
  // One byte is CBOR as a number, too, and says nothing.
  if (inside !== undefined && bytes.length > 2) take(inside.value, leaves, depth + 1);
  const text = Buffer.from(bytes).toString('utf8');
  if (!text.includes('\ufffd') && /^[\t\r\n -\uffff]+$/.test(text)) takeText(text, leaves, depth);
}

function take(value: unknown, leaves: Leaves, depth: number): void {
  if (typeof value === 'number' && Number.isInteger(value)) leaves.numbers.add(BigInt(value));
  else if (typeof value === 'bigint') leaves.numbers.add(value);
  else if (typeof value === 'string') takeText(value, leaves, depth);
  else if (value instanceof Uint8Array) takeBytes(value, leaves, depth + 1);
  else if (value instanceof CborTag) take(value.value, leaves, depth + 1);
  else if (value instanceof Map) for (const pair of value) for (const part of pair) take(part, leaves, depth + 1);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      if (!Array.isArray(value)) leaves.texts.add(name);
      take(part, leaves, depth + 1);
    }
  }
}

function takeText(text: string, leaves: Leaves, depth: number): void {
  if (depth > MAX_DEPTH || text === '') return;
  leaves.texts.add(text);
  if (/^-?\d{1,30}$/.test(text)) leaves.numbers.add(BigInt(text));
  const json = /^[\s]*[{["]/.test(text) ? unlessRefused(() => JSON.parse(text)) : undefined;
  if (json !== undefined) {
    take(json.value, leaves, depth + 1);
    return;
  }
  if (/^[A-Za-z0-9_+/-]{11,}={0,2}$/.test(text)) {
    const decoded = Buffer.from(text, 'base64');
    if (decoded.length >= 8) takeBytes(new Uint8Array(decoded), leaves, depth + 1);
  }
  // Parts of a time are of no other meaning than it.
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return;
  // Identities, headers, URLs, sentences.
  const parts = text.split(/[\s,;:=?&"'<>/.|{}[\]()]+/).filter((part) => part !== '' && part !== text);
  for (const part of parts) takeText(part, leaves, depth + 1);
}

function unlessRefused<T>(read: () => T): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch {
    return undefined;
  }
}

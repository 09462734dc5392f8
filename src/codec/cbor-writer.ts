/** Deterministic CBOR encoder (RFC 8949 section 4.2.1): shortest heads, definite lengths, map keys in bytewise order. */
import { CborError, CborTag, type CborValue, EmbeddedCbor, NEGATIVE_BIGNUM, POSITIVE_BIGNUM } from './cbor-value.ts';
import { fromHex } from './hex.ts';

/** Gives `length` bytes to write to. */
export type Allocate = (length: number) => Uint8Array;

/** Of byte strings of 256 bytes to 64 KiB. */
const USUAL_HEAD = 3;
const headLength = (length: number) => (length < 24 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? USUAL_HEAD : 5);

/** Nearly all identifiers, names and keys. */
const SHORT_TEXT = 40;
const MAX_UINT64 = (1n << 64n) - 1n;
const MAX_KEPT = 1 << 20;

/** A growing buffer; one is kept between encodings, which never begin inside one another (map keys take a sink of their own). */
class Sink {
  #bytes = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  reserve(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#length = end;
    return at;
  }

  head(major: number, value: number): void {
    const type = major << 5;
    if (value < 24) {
      this.simple(type | value);
    } else if (value < 0x100) {
      const at = this.reserve(2);
      this.#bytes[at] = type | 24;
      this.#bytes[at + 1] = value;
    } else if (value < 0x10000) {
      const at = this.reserve(3);
      this.#bytes[at] = type | 25;
      this.#bytes.writeUInt16BE(value, at + 1);
    } else if (value < 0x100000000) {
      const at = this.reserve(5);
      this.#bytes[at] = type | 26;
      this.#bytes.writeUInt32BE(value, at + 1);
    } else {
      this.longHead(major, BigInt(value));
    }
  }

  longHead(major: number, value: bigint): void {
    const at = this.reserve(9);
    this.#bytes[at] = (major << 5) | 27;
    this.#bytes.writeBigUInt64BE(value, at + 1);
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  text(value: string): void {
    if (value.length <= SHORT_TEXT && this.#shortAscii(value)) return;
    const size = Buffer.byteLength(value, 'utf8');
    this.head(3, size);
    const at = this.reserve(size);
    this.#bytes.write(value, at, 'utf8');
  }

  /** Shorter than it takes Node to begin. False, with nothing written, when it is not ASCII. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    const before = this.#length;
    this.head(3, length);
    const at = this.reserve(length);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.#bytes.fill(0, before, this.#length);
        this.#length = before;
        return false;
      }
      this.#bytes[at + i] = code;
    }
    return true;
  }

  simple(byte: number): void {
    const at = this.reserve(1); // first: it may replace the buffer
    this.#bytes[at] = byte;
  }

  float(value: number): void {
    if (Number.isNaN(value)) {
      this.raw(new Uint8Array([0xf9, 0x7e, 0x00]));
      return;
    }
    const half = halfPrecision(value);
    if (half !== undefined) {
      this.raw(new Uint8Array([0xf9, half >> 8, half & 0xff]));
    } else if (Math.fround(value) === value) {
      const at = this.reserve(5);
      this.#bytes[at] = 0xfa;
      this.#bytes.writeFloatBE(value, at + 1);
    } else {
      const at = this.reserve(9);
      this.#bytes[at] = 0xfb;
      this.#bytes.writeDoubleBE(value, at + 1);
    }
  }

  /** What `writeContent` writes, as a byte string. Room is left for the head that most have, and corrected where it is another. */
  embed(writeContent: () => void): void {
    const start = this.reserve(USUAL_HEAD);
    const from = start + USUAL_HEAD;
    writeContent();
    const length = this.#length - from;
    const to = start + headLength(length);
    if (to > from) this.reserve(to - from);
    const end = this.#length;
    if (to !== from) this.#bytes.copyWithin(to, from, from + length);
    this.#length = start;
    this.head(2, length);
    this.#length = to + length;
    this.#bytes.fill(0, this.#length, end);
  }

  /** A copy of what was written, in memory from `allocate` or its own; nothing of it, which may be secret, stays behind. */
  done(allocate: Allocate | undefined): Uint8Array {
    const written = new Uint8Array(this.#bytes.buffer, 0, this.#length);
    let encoded: Uint8Array;
    if (allocate === undefined) encoded = written.slice();
    else {
      encoded = allocate(this.#length);
      encoded.set(written);
    }
    this.clear();
    return encoded;
  }

  clear(): void {
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > MAX_KEPT) this.#bytes = Buffer.allocUnsafeSlow(4096);
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** The 16-bit pattern of a float that fits half precision exactly, else undefined. */
function halfPrecision(value: number): number | undefined {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (scratch.getFloat32(0) !== value) return undefined;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return mantissa === 0 ? sign | 0x7c00 : undefined;
  if (exponent === 0 && mantissa === 0) return sign;
  const unbiased = exponent - 127;
  if (unbiased >= -14 && unbiased <= 15) {
    return (mantissa & 0x1fff) === 0 ? sign | ((unbiased + 15) << 10) | (mantissa >> 13) : undefined;
  }
  if (unbiased >= -24 && unbiased < -14) {
    const full = mantissa | 0x800000;
    const shift = 13 + (-14 - unbiased);
    return full % 2 ** shift === 0 ? sign | (full >> shift) : undefined;
  }
  return undefined;
}

function writeBigint(sink: Sink, value: bigint, exact: boolean): void {
  const negative = value < 0n;
  const magnitude = negative ? -1n - value : value;
  if (!exact && magnitude <= MAX_UINT64) {
    const major = negative ? 1 : 0;
    if (magnitude <= 0xffffffffn) sink.head(major, Number(magnitude));
    else sink.longHead(major, magnitude);
    return;
  }
  const digits = magnitude.toString(16);
  const bytes = magnitude === 0n ? new Uint8Array() : fromHex(digits.length % 2 === 1 ? `0${digits}` : digits);
  sink.head(6, negative ? NEGATIVE_BIGNUM : POSITIVE_BIGNUM);
  sink.head(2, bytes.length);
  sink.raw(bytes);
}

function writePairs(sink: Sink, pairs: { key: Uint8Array; value: CborValue }[], exact: boolean): void {
  pairs.sort((a, b) => Buffer.compare(a.key, b.key));
  sink.head(5, pairs.length);
  let previous: Uint8Array | undefined;
  for (const { key, value } of pairs) {
    if (previous !== undefined && Buffer.compare(previous, key) === 0) throw new CborError('a repeated map key', 0);
    previous = key;
    sink.raw(key);
    write(sink, value, exact);
  }
}

function write(sink: Sink, value: CborValue, exact: boolean): void {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        if (value >= 0) sink.head(0, value);
        else sink.head(1, -1 - value);
      } else sink.float(value);
      return;
    case 'string':
      sink.text(value);
      return;
    case 'bigint':
      writeBigint(sink, value, exact);
      return;
    case 'boolean':
      sink.simple(value ? 0xf5 : 0xf4);
      return;
    case 'undefined':
      sink.simple(0xf7);
      return;
    case 'object':
      writeObject(sink, value, exact);
      return;
    default:
      throw new CborError(`a ${typeof value} cannot be encoded`, 0);
  }
}

function writeObject(
  sink: Sink,
  value: Exclude<CborValue, string | number | boolean | bigint | undefined>,
  exact: boolean,
) {
  if (value === null) {
    sink.simple(0xf6);
  } else if (value instanceof Uint8Array) {
    sink.head(2, value.length);
    sink.raw(value);
  } else if (Array.isArray(value)) {
    sink.head(4, value.length);
    for (const item of value) write(sink, item, exact);
  } else if (value instanceof CborTag) {
    sink.head(6, value.tag);
    write(sink, value.value, exact);
  } else if (value instanceof EmbeddedCbor) {
    sink.embed(() => write(sink, value.value, exact));
  } else if (value instanceof Map) {
    const pairs: { key: Uint8Array; value: CborValue }[] = [];
    for (const [key, item] of value) pairs.push({ key: writeCbor(key, exact), value: item });
    writePairs(sink, pairs, exact);
  } else {
    writeRecord(sink, value as { readonly [key: string]: CborValue }, exact);
  }
}

/** The keys of objects that have the same properties, encoded and in order: the same few shapes are encoded millions of times. */
interface Shape {
  /** As the objects have them. */
  readonly given: readonly string[];
  readonly names: readonly string[];
  readonly keys: readonly Uint8Array[];
}

/** By the first property. Names are compared one by one, which takes a pointer each: a joined text would have to be made and hashed. */
const shapes = new Map<string | undefined, Shape[]>();
const MAX_REMEMBERED_SHAPES = 1024;
const MAX_REMEMBERED_NAMES = 32;
let rememberedShapes = 0;

function shapeOf(given: readonly string[]): Shape {
  const alike = shapes.get(given[0]);
  if (alike !== undefined) for (const shape of alike) if (isSame(shape.given, given)) return shape;
  const pairs = given.map((name) => ({ name, key: encodedKey(name) })).sort((a, b) => Buffer.compare(a.key, b.key));
  const shape = { given, names: pairs.map(({ name }) => name), keys: pairs.map(({ key }) => key) };
  const worthIt = given.length <= MAX_REMEMBERED_NAMES && given.every((name) => name.length <= MAX_REMEMBERED_LENGTH);
  if (worthIt && rememberedShapes < MAX_REMEMBERED_SHAPES) {
    rememberedShapes += 1;
    if (alike === undefined) shapes.set(given[0], [shape]);
    else alike.push(shape);
  }
  return shape;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const MAX_REMEMBERED_LENGTH = 64;

function encodedKey(key: string): Uint8Array {
  const sink = new Sink();
  sink.text(key);
  return sink.done(undefined);
}

function writeRecord(sink: Sink, record: { readonly [key: string]: CborValue }, exact: boolean): void {
  const { names, keys } = shapeOf(Object.keys(record));
  let present = 0;
  for (const name of names) if (record[name] !== undefined) present += 1;
  sink.head(5, present);
  for (let i = 0; i < names.length; i++) {
    const value = record[names[i]!];
    if (value === undefined) continue;
    sink.raw(keys[i]!);
    write(sink, value, exact);
  }
}

let idle: Sink | undefined;

export function writeCbor(value: CborValue, exact: boolean, allocate?: Allocate): Uint8Array {
  const sink = idle ?? new Sink();
  idle = undefined;
  try {
    write(sink, value, exact);
    return sink.done(allocate);
  } finally {
    sink.clear();
    idle = sink;
  }
}

/**
 * Strict decoder for deterministic CBOR (RFC 8949 section 4.2.1): one pass that refuses long heads, indefinite lengths,
 * unsorted or repeated keys, and anything too deep or too long before it costs memory.
 */
import { CborError, CborTag, type CborValue, NEGATIVE_BIGNUM, POSITIVE_BIGNUM } from './cbor-value.ts';
import { fromUtf8, toHex } from './hex.ts';

class Reader {
  readonly #bytes: Buffer;
  /** The same memory, of which slices are plain copies. */
  readonly #plain: Uint8Array;
  readonly #exact: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, exact: boolean) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#exact = exact;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  fail(reason: string): never {
    throw new CborError(reason, this.#at);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) this.fail('it ends too early');
    this.#at = at + count;
    return at;
  }

  /** The argument of a head: a length, a count or a value; shortest form only. */
  #argument(minor: number): number | bigint {
    if (minor < 24) return minor;
    const bytes = this.#bytes;
    if (minor === 24) {
      const value = bytes[this.#take(1)]!;
      if (value < 24) this.fail('a longer head than needed');
      return value;
    }
    if (minor === 25) {
      const value = bytes.readUInt16BE(this.#take(2));
      if (value < 0x100) this.fail('a longer head than needed');
      return value;
    }
    if (minor === 26) {
      const value = bytes.readUInt32BE(this.#take(4));
      if (value < 0x10000) this.fail('a longer head than needed');
      return value;
    }
    if (minor === 27) {
      const value = bytes.readBigUInt64BE(this.#take(8));
      if (value < 0x100000000n) this.fail('a longer head than needed');
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
    }
    return this.fail('an indefinite length or a reserved head');
  }

  #length(minor: number): number {
    const length = this.#argument(minor);
    // Every element takes at least a byte: a count beyond the input is refused before anything is allocated for it.
    if (typeof length === 'bigint' || length > this.#bytes.length - this.#at) this.fail('a length beyond the input');
    return length as number;
  }

  #slice(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#plain.slice(at, at + length);
  }

  item(depth: number): CborValue {
    if (depth < 0) this.fail('nesting too deep');
    const head = this.#bytes[this.#take(1)]!;
    const minor = head & 0x1f;
    switch (head >> 5) {
      case 0:
        return this.#argument(minor);
      case 1: {
        const value = this.#argument(minor);
        return typeof value === 'number' && value < Number.MAX_SAFE_INTEGER ? -1 - value : -1n - BigInt(value);
      }
      case 2:
        return this.#slice(this.#length(minor));
      case 3:
        return this.#text(this.#length(minor));
      case 4: {
        const items: CborValue[] = [];
        for (let left = this.#length(minor); left > 0; left--) items.push(this.item(depth - 1));
        return items;
      }
      case 5:
        return this.#map(this.#length(minor), depth - 1);
      case 6:
        return this.#tag(this.#argument(minor), depth - 1);
      default:
        return this.#simple(minor);
    }
  }

  #text(length: number): string {
    const bytes = this.#bytes;
    const at = this.#take(length);
    // Short ASCII (nearly all keys) is read without the decoder's start-up cost.
    if (length <= 24) {
      let text = '';
      let ascii = true;
      for (let i = at; i < at + length; i++) {
        const byte = bytes[i]!;
        if (byte >= 0x80) {
          ascii = false;
          break;
        }
        text += String.fromCharCode(byte);
      }
      if (ascii) return text;
    }
    try {
      return fromUtf8(bytes.subarray(at, at + length));
    } catch {
      return this.fail('malformed UTF-8');
    }
  }

  #map(count: number, depth: number): CborValue {
    const keys: CborValue[] = [];
    const values: CborValue[] = [];
    let textual = true;
    let [previous, previousEnd] = [0, 0];
    for (let i = 0; i < count; i++) {
      const from = this.#at;
      const key = this.item(depth);
      if (i > 0 && this.#bytes.compare(this.#bytes, from, this.#at, previous, previousEnd) >= 0)
        this.fail('map keys repeated or out of order');
      previous = from;
      previousEnd = this.#at;
      if (typeof key !== 'string') textual = false;
      else if (key === '__proto__') this.fail('a forbidden map key');
      keys.push(key);
      values.push(this.item(depth));
    }
    if (!textual) return new Map(keys.map((key, i) => [key, values[i]!]));
    const record: { [key: string]: CborValue } = {};
    for (let i = 0; i < count; i++) record[keys[i] as string] = values[i]!;
    return record;
  }

  #tag(tag: number | bigint, depth: number): CborValue {
    if (typeof tag === 'bigint') return this.fail('a tag too large');
    const value = this.item(depth);
    if (tag !== POSITIVE_BIGNUM && tag !== NEGATIVE_BIGNUM) return new CborTag(tag, value);
    if (!(value instanceof Uint8Array)) return this.fail('a bignum that is not a byte string');
    if (value[0] === 0 || (!this.#exact && value.length <= 8)) this.fail('a longer bignum than needed');
    const magnitude = value.length === 0 ? 0n : BigInt(`0x${toHex(value)}`);
    return tag === POSITIVE_BIGNUM ? magnitude : -1n - magnitude;
  }

  #simple(minor: number): CborValue {
    if (minor === 20) return false;
    if (minor === 21) return true;
    if (minor === 22) return null;
    if (minor === 23) return undefined;
    if (minor === 25) return this.#half(this.#bytes.readUInt16BE(this.#take(2)));
    if (minor === 26) {
      const value = this.#bytes.readFloatBE(this.#take(4));
      return this.#shortest(value, halfFits(value));
    }
    if (minor === 27) {
      const value = this.#bytes.readDoubleBE(this.#take(8));
      return this.#shortest(value, Math.fround(value) === value);
    }
    return this.fail('an unknown simple value');
  }

  #shortest(value: number, shorterFits: boolean): number {
    if (shorterFits || Number.isNaN(value)) this.fail('a longer float than needed');
    return this.#fraction(value);
  }

  /** Integers have one form only in our model, the integer one. */
  #fraction(value: number): number {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.fail('an integer written as a float');
    return value;
  }

  #half(bits: number): number {
    const exponent = (bits >> 10) & 0x1f;
    const mantissa = bits & 0x3ff;
    const sign = bits & 0x8000 ? -1 : 1;
    if (exponent === 0x1f) {
      if (mantissa !== 0 && bits !== 0x7e00) this.fail('a NaN with a payload');
      return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    }
    const value = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
    return this.#fraction(sign * value);
  }
}

function halfFits(value: number): boolean {
  if (value === 0 || !Number.isFinite(value)) return true;
  const magnitude = Math.abs(value);
  if (magnitude > 65504) return false;
  const step = magnitude < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(magnitude)) - 10);
  return Number.isInteger(magnitude / step);
}

export function readCbor(
  bytes: Uint8Array,
  options: { maxBytes: number; maxDepth: number; exact: boolean },
): CborValue {
  if (bytes.length > options.maxBytes)
    throw new CborError(`${bytes.length} bytes where ${options.maxBytes} are allowed`, 0);
  const reader = new Reader(bytes, options.exact);
  const value = reader.item(options.maxDepth);
  if (!reader.done) reader.fail('bytes left over');
  return value;
}

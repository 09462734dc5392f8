/**
 * Descriptions of CBOR values: each message is described once, as a value, and gets its encoder, its bounded decoder and
 * its TypeScript type from that. Integer and text bounds are part of the description; unknown fields are refused.
 */
import type { CborValue } from './cbor-value.ts';
import { MessageError } from './message-error.ts';

export interface Shape<T> {
  /** @param at where in the message this value stands, for the error. @throws MessageError `MESSAGE_INVALID` */
  decode(value: CborValue, at: string): T;
  encode(value: T): CborValue;
}

export type Shaped<S> = S extends Shape<infer T> ? T : never;

function refuse(at: string, expected: string): never {
  throw new MessageError('MESSAGE_INVALID', `${at}: expected ${expected}`);
}

/** Control characters, ends of lines, and what turns the direction of writing. */
const UNFIT_IN_A_LINE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** @param bounds `line`: a name, which is shown to people among other lines and must not look like one */
export function text(bounds: { readonly min?: number; readonly max: number; readonly line?: true }): Shape<string> {
  const { min = 0, max, line = false } = bounds;
  return {
    decode(value, at) {
      if (typeof value !== 'string' || value.length < min || value.length > max) refuse(at, `text of ${min}…${max}`);
      if (line && UNFIT_IN_A_LINE.test(value)) refuse(at, 'one line of text');
      return value;
    },
    encode: (value) => value,
  };
}

export function bytes(bounds: { readonly min?: number; readonly max: number }): Shape<Uint8Array> {
  const { min = 0, max } = bounds;
  return {
    decode(value, at) {
      if (!(value instanceof Uint8Array) || value.length < min || value.length > max) {
        refuse(at, `${min}…${max} bytes`);
      }
      return value;
    },
    encode: (value) => value,
  };
}

export function digest(): Shape<Uint8Array> {
  return bytes({ min: 32, max: 32 });
}

export function whole(bounds: { readonly min?: number; readonly max?: number } = {}): Shape<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return {
    decode(value, at) {
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
        refuse(at, `a whole number of ${min}…${max}`);
      }
      return value;
    },
    encode: (value) => value,
  };
}

/** Unix milliseconds. */
export function timeMs(): Shape<number> {
  return whole({ min: 0, max: 8_640_000_000_000_000 });
}

/** Minor units of a currency, 0 … 10^15: small enough to be negotiated as an exact number, too. */
export function minorUnits(): Shape<bigint> {
  return {
    decode(value, at) {
      const minor = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
      if (typeof minor !== 'bigint' || minor < 0n || minor > 1_000_000_000_000_000n) refuse(at, 'minor units');
      return minor;
    },
    encode: (value) => value,
  };
}

export function oneOf<const T extends string>(...names: readonly T[]): Shape<T> {
  return {
    decode: (value, at) => names.find((name) => name === value) ?? refuse(at, `one of ${names.join(', ')}`),
    encode: (value) => value,
  };
}

export function textOrWhole(): Shape<string | number> {
  const word = text({ max: 200 });
  const number = whole();
  return {
    decode: (value, at) => (typeof value === 'string' ? word.decode(value, at) : number.decode(value, at)),
    encode: (value) => value,
  };
}

export function list<T>(shape: Shape<T>, bounds: { readonly min?: number; readonly max: number }): Shape<readonly T[]> {
  const { min = 0, max } = bounds;
  return {
    decode(value, at) {
      if (!Array.isArray(value) || value.length < min || value.length > max) refuse(at, `a list of ${min}…${max}`);
      return value.map((item: CborValue, number) => shape.decode(item, `${at}[${number}]`));
    },
    encode: (values) => values.map((item) => shape.encode(item)),
  };
}

/** A map from short texts; decoded into an object without a prototype, so that no key can mean anything special. */
export function dictionary<T>(shape: Shape<T>, bounds: { readonly max: number }): Shape<Readonly<Record<string, T>>> {
  return {
    decode(value, at) {
      const entries = Object.entries(plainObject(value, at));
      if (entries.length > bounds.max) refuse(at, `at most ${bounds.max} entries`);
      const decoded: Record<string, T> = Object.create(null);
      for (const [key, item] of entries) {
        if (key.length === 0 || key.length > 100) refuse(at, 'keys of 1…100');
        decoded[key] = shape.decode(item, `${at}.${key}`);
      }
      return decoded;
    },
    encode: (values) => Object.fromEntries(Object.entries(values).map(([key, item]) => [key, shape.encode(item)])),
  };
}

export interface OptionalShape<T> extends Shape<T | undefined> {
  readonly optional: true;
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return {
    optional: true,
    decode: (value, at) => (value === undefined ? undefined : shape.decode(value, at)),
    encode: (value) => (value === undefined ? undefined : shape.encode(value)),
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type OptionalNames<F> = { [K in keyof F]: F[K] extends OptionalShape<unknown> ? K : never }[keyof F];
type Simplify<T> = { readonly [K in keyof T]: T[K] };
export type RecordOf<F extends Fields> = Simplify<
  { [K in Exclude<keyof F, OptionalNames<F>>]: Shaped<F[K]> } & {
    [K in OptionalNames<F>]?: Exclude<Shaped<F[K]>, undefined>;
  }
>;

// biome-ignore lint/suspicious/noExplicitAny: a field may be a shape of anything, in both directions
export function record<F extends Readonly<Record<string, Shape<any>>>>(fields: F): Shape<RecordOf<F>> {
  const names = Object.keys(fields);
  const known = new Set(names);
  return {
    decode(value, at) {
      const object = plainObject(value, at);
      for (const name of Object.keys(object)) {
        if (!known.has(name)) refuse(at, `no field "${name.slice(0, 40)}"`);
      }
      const decoded: Record<string, unknown> = {};
      for (const name of names) {
        const item = fields[name]!.decode(object[name], `${at}.${name}`);
        if (item !== undefined) decoded[name] = item;
      }
      return decoded as RecordOf<F>;
    },
    encode(value) {
      const source = value as Readonly<Record<string, unknown>>;
      const encoded: Record<string, CborValue> = {};
      for (const name of names) encoded[name] = fields[name]!.encode(source[name]);
      return encoded;
    },
  };
}

function plainObject(value: CborValue, at: string): Readonly<Record<string, CborValue>> {
  if (typeof value !== 'object' || value === null) return refuse(at, 'a map');
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return refuse(at, 'a map with text keys');
  return value as Readonly<Record<string, CborValue>>;
}

/**
 * Descriptions of CBOR values told by their place instead of by name, for what has to be small: a row of fields, and a choice among
 * rows of which each has a number. As in `shape.ts`, one description gives encoder, bounded decoder and type.
 */
import type { CborValue } from './cbor-value.ts';
import { MessageError } from './message-error.ts';
import type { RecordOf, Shape } from './shape.ts';

// biome-ignore lint/suspicious/noExplicitAny: a field may be a shape of anything, in both directions
type Fields = Readonly<Record<string, Shape<any>>>;

function refuse(at: string, expected: string): never {
  throw new MessageError('MESSAGE_INVALID', `${at}: expected ${expected}`);
}

/** A record as an array in the order of its fields; what is absent is null, and left out at the end. */
export function row<F extends Fields>(fields: F): Shape<RecordOf<F>> {
  const places = placesOf(fields);
  return {
    decode: (value, at) => decodeRow(places, asArray(value, at), { at, from: 0 }) as RecordOf<F>,
    encode: (value) => encodeRow(places, [], value as Readonly<Record<string, unknown>>),
  };
}

interface Place {
  readonly name: string;
  readonly shape: Shape<unknown>;
}

const placesOf = (fields: Fields): readonly Place[] => Object.entries(fields).map(([name, shape]) => ({ name, shape }));

export interface Numbered<F extends Fields = Fields> {
  /** Stands first in the array; never reused for another meaning. */
  readonly number: number;
  readonly fields: F;
}

export function numbered<F extends Fields>(number: number, fields: F): Numbered<F> {
  return { number, fields };
}

export type ChoiceOf<C extends Readonly<Record<string, Numbered>>> = {
  [K in keyof C & string]: { readonly type: K } & RecordOf<C[K]['fields']>;
}[keyof C & string];

/** One of several rows; in TypeScript a union told apart by `type`. */
export function choice<C extends Readonly<Record<string, Numbered>>>(choices: C): Shape<ChoiceOf<C>> {
  const kinds = Object.entries(choices).map(([type, { number, fields }]) => ({
    type,
    number,
    places: placesOf(fields),
  }));
  const byNumber = new Map(kinds.map((kind) => [kind.number, kind]));
  const byType = new Map(kinds.map((kind) => [kind.type, kind]));
  if (byNumber.size !== Object.keys(choices).length) throw new TypeError('two choices have one number');
  return {
    decode(value, at) {
      const items = asArray(value, at);
      const number = items[0];
      const chosen = typeof number === 'number' ? byNumber.get(number) : undefined;
      if (chosen === undefined) return refuse(at, `one of the kinds ${[...byNumber.keys()].join(', ')}`);
      const { type, places } = chosen;
      return decodeRow(places, items, { at: `${at}.${type}`, from: 1, type }) as ChoiceOf<C>;
    },
    encode(value) {
      const { number, places } = byType.get(value.type)!;
      return encodeRow(places, [number], value as unknown as Readonly<Record<string, unknown>>);
    },
  };
}

function asArray(value: CborValue, at: string): readonly CborValue[] {
  return Array.isArray(value) ? value : refuse(at, 'an array');
}

/** What is absent at the end is left out. */
function encodeRow(
  places: readonly Place[],
  items: CborValue[],
  value: Readonly<Record<string, unknown>>,
): readonly CborValue[] {
  let present = items.length;
  for (const { name, shape } of places) {
    const item = value[name];
    const encoded = item === undefined ? null : (shape.encode(item) ?? null);
    items.push(encoded);
    if (encoded !== null) present = items.length;
  }
  items.length = present;
  return items;
}

/** The items `from` there on. */
function decodeRow(
  places: readonly Place[],
  items: readonly CborValue[],
  { at, from, type }: { readonly at: string; readonly from: number; readonly type?: string },
): Readonly<Record<string, unknown>> {
  // One value has one encoding: neither more fields than described nor empty ones at the end.
  if (items.length - from > places.length) refuse(at, `at most ${places.length} fields`);
  if (items.length > from && items.at(-1) === null) refuse(at, 'no empty field at the end');
  const decoded: Record<string, unknown> = type === undefined ? {} : { type };
  for (let i = 0; i < places.length; i++) {
    const { name, shape } = places[i]!;
    const field = shape.decode(items[from + i] ?? undefined, `${at}.${name}`);
    if (field !== undefined) decoded[name] = field;
  }
  return decoded;
}

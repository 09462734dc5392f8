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
  return {
    decode: (value, at) => decodeRow(fields, asArray(value, at), at) as RecordOf<F>,
    encode: (value) => encodeRow(fields, value as Readonly<Record<string, unknown>>),
  };
}

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
  const byNumber = new Map(Object.entries(choices).map(([type, { number, fields }]) => [number, { type, fields }]));
  if (byNumber.size !== Object.keys(choices).length) throw new TypeError('two choices have one number');
  return {
    decode(value, at) {
      const [number, ...rest] = asArray(value, at);
      const chosen = typeof number === 'number' ? byNumber.get(number) : undefined;
      if (chosen === undefined) return refuse(at, `one of the kinds ${[...byNumber.keys()].join(', ')}`);
      return { type: chosen.type, ...decodeRow(chosen.fields, rest, `${at}.${chosen.type}`) } as ChoiceOf<C>;
    },
    encode(value) {
      const { number, fields } = choices[value.type]!;
      return [number, ...encodeRow(fields, value as unknown as Readonly<Record<string, unknown>>)];
    },
  };
}

function asArray(value: CborValue, at: string): readonly CborValue[] {
  return Array.isArray(value) ? value : refuse(at, 'an array');
}

function encodeRow(fields: Fields, value: Readonly<Record<string, unknown>>): readonly CborValue[] {
  const items = Object.entries(fields).map(([name, shape]) => {
    const item = value[name];
    return item === undefined ? null : (shape.encode(item) ?? null);
  });
  while (items.length > 0 && items.at(-1) === null) items.pop();
  return items;
}

function decodeRow(fields: Fields, items: readonly CborValue[], at: string): Readonly<Record<string, unknown>> {
  const names = Object.keys(fields);
  // One value has one encoding: neither more fields than described nor empty ones at the end.
  if (items.length > names.length) refuse(at, `at most ${names.length} fields`);
  if (items.length > 0 && items.at(-1) === null) refuse(at, 'no empty field at the end');
  const decoded: Record<string, unknown> = {};
  names.forEach((name, place) => {
    const item = items[place] ?? undefined;
    const field = fields[name]!.decode(item, `${at}.${name}`);
    if (field !== undefined) decoded[name] = field;
  });
  return decoded;
}

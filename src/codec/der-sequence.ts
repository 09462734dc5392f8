/** SEQUENCE with optional and default fields (X.690 sections 8.9 and 11.5): the field order is the order of the object that describes it. */
import { derError } from './der-error.ts';
import { type DerReader, readHeader } from './der-reader.ts';
import { type DerType, type TaggedType, tagged } from './der-type.ts';
import { createWriter, type DerWriter, written } from './der-writer.ts';

export interface OptionalField<T> {
  readonly presence: 'optional';
  readonly type: DerType<T>;
}

export interface DefaultField<T> {
  readonly presence: 'default';
  readonly type: DerType<T>;
  readonly value: T;
}

export function optional<T>(type: DerType<T>): OptionalField<T> {
  return { presence: 'optional', type };
}

/** A decoded value always has the field; a value equal to the default is never on the wire. */
export function withDefault<T>(type: DerType<T>, value: NoInfer<T>): DefaultField<T> {
  return { presence: 'default', type, value };
}

type Field = DerType<unknown> | OptionalField<unknown> | DefaultField<unknown>;
type Fields = Readonly<Record<string, Field>>;
type FieldValue<F> = F extends { readonly presence: string; readonly type: DerType<infer T> }
  ? T
  : F extends DerType<infer T>
    ? T
    : never;
type OptionalNames<F extends Fields> = { [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never }[keyof F];
type Flat<T> = { [K in keyof T]: T[K] };
export type SequenceValue<F extends Fields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: FieldValue<F[K]> } & {
    readonly [K in OptionalNames<F>]?: FieldValue<F[K]>;
  }
>;

interface Step {
  readonly name: string;
  readonly type: DerType<unknown>;
  /** The one tag it has, or -1 when `accepts` must be asked. */
  readonly tag: number;
  readonly presence: 'required' | 'optional' | 'default';
  readonly defaultValue: unknown;
  /** The default's encoding, where values cannot be compared by `===`. */
  readonly defaultOctets: Uint8Array | undefined;
}

/** @throws DerError `DER_SCHEMA` when a tag would not tell which field is meant. */
export function sequence<const F extends Fields>(fields: F): TaggedType<SequenceValue<F>> {
  const steps = Object.entries(fields).map(([name, field]) => stepOf(name, field));
  refuseAmbiguity(steps);
  return tagged<SequenceValue<F>>({
    tag: 0x30,
    read: (reader, depth) => readFields(steps, reader, depth) as SequenceValue<F>,
    writeContent: (writer, value) => writeFields(steps, writer, value),
  });
}

function stepOf(name: string, field: Field): Step {
  if (/^\d+$/.test(name)) throw derError('DER_SCHEMA', `a field name must not be a number: ${name}`);
  const type = 'presence' in field ? field.type : field;
  const tag = type.tags?.length === 1 ? type.tags[0]! : -1;
  const step = { name, type, tag, defaultValue: undefined, defaultOctets: undefined };
  if (!('presence' in field)) return { ...step, presence: 'required' };
  if (field.presence === 'optional') return { ...step, presence: 'optional' };
  const defaultOctets = isComparable(field.value) ? undefined : octetsOf(type, field.value);
  return { ...step, presence: 'default', defaultValue: field.value, defaultOctets };
}

function isComparable(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function octetsOf(type: DerType<unknown>, value: unknown): Uint8Array {
  const writer = createWriter();
  type.write(writer, value);
  return writer.bytes.slice(writer.position);
}

function refuseAmbiguity(steps: readonly Step[]): void {
  steps.forEach((step, i) => {
    if (step.presence === 'required') return;
    for (const later of steps.slice(i + 1)) {
      const clash = later.type.tags?.some((tag) => step.type.tags?.includes(tag) ?? false) ?? false;
      if (clash) throw derError('DER_SCHEMA', `fields ${step.name} and ${later.name} can begin with the same tag`);
      if (later.presence === 'required') break;
    }
  });
}

function readFields(steps: readonly Step[], reader: DerReader, depth: number): object {
  if (depth <= 0) throw derError('DER_TOO_DEEP', 'the encoding is nested too deeply');
  const end = reader.end;
  const value: Record<string, unknown> = {};
  let waiting = false;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (!waiting && reader.position < end) {
      readHeader(reader, end);
      waiting = true;
    }
    if (waiting && (step.tag >= 0 ? step.tag === reader.tag : step.type.accepts(reader.tag))) {
      reader.field = step.name;
      const start = reader.start;
      const found = step.type.read(reader, depth - 1);
      if (step.presence === 'default') refuseDefault(step, found, reader, start);
      value[step.name] = found;
      waiting = false;
    } else if (step.presence === 'required') {
      throw derError('DER_MISSING', `the field ${step.name} is missing`);
    } else if (step.presence === 'default') {
      value[step.name] = step.defaultValue;
    }
  }
  if (waiting || reader.position < end) throw derError('DER_UNEXPECTED', 'a sequence holds an element nobody expects');
  return value;
}

function refuseDefault(step: Step, value: unknown, reader: DerReader, start: number): void {
  const octets = step.defaultOctets;
  const same =
    octets === undefined
      ? value === step.defaultValue
      : Buffer.compare(octets, reader.bytes.subarray(start, reader.position)) === 0;
  if (same) throw derError('DER_DEFAULT', `the field ${step.name} spells out its default`);
}

function writeFields(steps: readonly Step[], writer: DerWriter, value: object): void {
  if (typeof value !== 'object' || value === null) throw derError('DER_UNENCODABLE', 'expected an object');
  const fields = value as Readonly<Record<string, unknown>>;
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    const field = fields[step.name];
    if (field === undefined) {
      if (step.presence === 'required') throw derError('DER_UNENCODABLE', `the field ${step.name} is missing`);
      continue;
    }
    if (step.presence === 'default' && field === step.defaultValue) continue;
    writer.field = step.name;
    const before = written(writer);
    step.type.write(writer, field);
    if (step.defaultOctets !== undefined) dropDefault(step.defaultOctets, writer, before);
  }
}

function dropDefault(octets: Uint8Array, writer: DerWriter, before: number): void {
  const { bytes, position } = writer;
  const element = bytes.subarray(position, bytes.length - before);
  if (Buffer.compare(octets, element) === 0) writer.position = bytes.length - before;
}

/** Types made of other types: IMPLICIT and EXPLICIT context tags (X.690 section 8.14), recursion, and mapping to other values. */
import { DerError, derError } from './der-error.ts';
import { readHeader } from './der-reader.ts';
import { contextTag, isConstructed } from './der-tag.ts';
import { type DerType, type TaggedType, tagged } from './der-type.ts';

const MAX_ENCODING_DEPTH = 64;

/** Replaces the tag of a type that has just one; a CHOICE or open type must be `explicit` (X.680 section 31.2.7). */
export function implicit<T>(number: number, type: TaggedType<T>): TaggedType<T> {
  return tagged<T>({
    tag: contextTag(number, isConstructed(type.tag)),
    read: (reader, depth) => type.read(reader, depth),
    writeContent: (writer, value) => type.writeContent(writer, value),
  });
}

export function explicit<T>(number: number, type: DerType<T>): TaggedType<T> {
  return tagged<T>({
    tag: contextTag(number, true),
    read(reader, depth) {
      if (depth <= 0) throw derError('DER_TOO_DEEP', 'the encoding is nested too deeply');
      const end = reader.end;
      readHeader(reader, end);
      if (!type.accepts(reader.tag)) throw derError('DER_TAG', `a tagged element holds another type`);
      const value = type.read(reader, depth - 1);
      if (reader.position !== end) throw derError('DER_UNEXPECTED', 'a tagged element holds more than one element');
      return value;
    },
    writeContent: (writer, value) => type.write(writer, value),
  });
}

/** A type that is named before it is made: for types that contain themselves. */
export function lazy<T>(make: () => DerType<T>): DerType<T> {
  let made: DerType<T> | undefined;
  const type = () => {
    made ??= make();
    return made;
  };
  return {
    tags: undefined,
    accepts: (tag) => type().accepts(tag),
    read: (reader, depth) => type().read(reader, depth),
    write(writer, value) {
      if (++writer.depth > MAX_ENCODING_DEPTH) throw derError('DER_TOO_DEEP', 'the value is nested too deeply');
      type().write(writer, value);
      writer.depth--;
    },
  };
}

export interface Mapping<T, U> {
  /** May throw: the refusal becomes a DerError with it as cause. It must give different values for different inputs. */
  decode(value: T): U;
  encode(value: U): T;
}

export function mapped<T, U>(type: TaggedType<T>, mapping: Mapping<T, U>): TaggedType<U>;
export function mapped<T, U>(type: DerType<T>, mapping: Mapping<T, U>): DerType<U>;
export function mapped<T, U>(type: DerType<T> | TaggedType<T>, { decode, encode }: Mapping<T, U>): DerType<U> {
  const read: DerType<U>['read'] = (reader, depth) => {
    const value = type.read(reader, depth);
    try {
      return decode(value);
    } catch (cause) {
      if (cause instanceof DerError) throw cause;
      throw derError('DER_VALUE', 'a value means nothing here', { cause });
    }
  };
  if ('tag' in type) {
    return tagged<U>({
      tag: type.tag,
      read,
      writeContent: (writer, value) => type.writeContent(writer, encode(value)),
    });
  }
  return {
    tags: type.tags,
    accepts: (tag) => type.accepts(tag),
    read,
    write: (writer, value) => type.write(writer, encode(value)),
  };
}

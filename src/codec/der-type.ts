/** What a schema is made of: a type reads and writes one element; `Infer` gives the TypeScript type of its values. */
import type { DerReader } from './der-reader.ts';
import { type DerWriter, writeHeader, written } from './der-writer.ts';

export interface DerType<T> {
  /** The tags it can begin with, when they are known while the schema is being built. */
  readonly tags: readonly number[] | undefined;
  accepts(tag: number): boolean;
  /** Reads the value whose header was read last and was accepted; leaves the position at its end. */
  read(reader: DerReader, depth: number): T;
  /** Writes the whole element. */
  write(writer: DerWriter, value: T): void;
}

/** A type with exactly one tag, which `implicit` can replace. */
export interface TaggedType<T> extends DerType<T> {
  readonly tag: number;
  writeContent(writer: DerWriter, value: T): void;
}

export type Infer<D> = D extends DerType<infer T> ? T : never;

export interface TaggedParts<T> {
  readonly tag: number;
  read(reader: DerReader, depth: number): T;
  writeContent(writer: DerWriter, value: T): void;
}

export function tagged<T>({ tag, read, writeContent }: TaggedParts<T>): TaggedType<T> {
  return {
    tag,
    tags: [tag],
    accepts: (other) => other === tag,
    read,
    writeContent,
    write(writer, value) {
      const mark = written(writer);
      writeContent(writer, value);
      writeHeader(writer, tag, mark);
    },
  };
}

/** CHOICE (X.690 section 8.13): the tag on the wire tells which alternative is meant. */
import { derError } from './der-error.ts';
import type { DerType } from './der-type.ts';

type Alternatives = Readonly<Record<string, DerType<unknown>>>;
export type ChoiceValue<A extends Alternatives> = {
  [K in keyof A & string]: { readonly type: K; readonly value: A[K] extends DerType<infer T> ? T : never };
}[keyof A & string];

/** @throws DerError `DER_SCHEMA` when two alternatives share a tag or the tags of one are not known yet (`any`, bare `lazy`). */
export function choice<const A extends Alternatives>(alternatives: A): DerType<ChoiceValue<A>> {
  const byName = new Map<string, DerType<unknown>>(Object.entries(alternatives));
  const byTag = new Map<number, { readonly name: string; readonly type: DerType<unknown> }>();
  for (const [name, type] of byName) {
    if (type.tags === undefined) throw derError('DER_SCHEMA', `the alternative ${name} has no tag of its own`);
    for (const tag of type.tags) {
      if (byTag.has(tag)) throw derError('DER_SCHEMA', `the alternative ${name} shares its tag with another`);
      byTag.set(tag, { name, type });
    }
  }
  return {
    tags: [...byTag.keys()],
    accepts: (tag) => byTag.has(tag),
    read(reader, depth) {
      const found = byTag.get(reader.tag)!;
      return { type: found.name, value: found.type.read(reader, depth) } as ChoiceValue<A>;
    },
    write(writer, chosen) {
      const type = byName.get(chosen?.type);
      if (type === undefined) throw derError('DER_UNENCODABLE', 'unknown alternative of a choice');
      type.write(writer, chosen.value);
    },
  };
}

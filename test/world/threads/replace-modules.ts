/**
 * How a thread gets other modules than those that stand in `src/`: stand-ins that are quicker, and bugs that are planted. Works on what is
 * imported after it, so the seeds are run in threads of their own, one for each bug.
 */
import { registerHooks } from 'node:module';

/** One place of one file, as it stands in `src/` and as the bug has it. */
export interface Edit {
  /** Below `src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const root = new URL('../../../', import.meta.url).href;

export interface Replaced {
  /** Bugs to plant. */
  readonly edits: readonly Edit[];
  /** By their place below `src/`: what stands in for them. */
  readonly standIns: Readonly<Record<string, URL>>;
}

/** @throws (while importing) Error when a text to be replaced does not stand exactly once in its file */
export function replaceModules({ edits, standIns }: Replaced): void {
  const inPlaceOf = new Map(Object.entries(standIns).map(([file, url]) => [`${root}src/${file}`, url.href]));
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const url = inPlaceOf.get(resolved.url);
      return url === undefined || context.parentURL === url ? resolved : { ...resolved, url };
    },
    load(url, context, next) {
      const own = edits.filter(({ file }) => url === `${root}src/${file}`);
      const loaded = next(url, context);
      if (own.length === 0) return loaded;
      return { ...loaded, source: own.reduce(edited, textOf(loaded.source)) };
    },
  });
}

function textOf(source: unknown): string {
  return typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
}

function edited(text: string, { file, find, replace }: Edit): string {
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} places of the kind, expected one: ${find}`);
  return text.replace(find, () => replace);
}

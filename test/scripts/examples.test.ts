/** What documents tell people to start with `node` runs on the Node of their machine, which may be one that reads no TypeScript. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSources } from '../source-tree.ts';

const root = new URL('../../', import.meta.url);

/** `node examples/scale/load.mjs` in a document → `examples/scale/load.mjs` */
function startedByNode(): readonly string[] {
  const documents = ['README.md', ...readdirSync(new URL('docs/', root)).map((name) => `docs/${name}`)];
  const texts = documents
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(new URL(name, root), 'utf8'));
  return [...new Set(texts.flatMap((text) => Array.from(text.matchAll(/\bnode (\S+\.mjs)\b/g), (match) => match[1]!)))];
}

test('nothing that is started with the Node of the machine imports TypeScript', () => {
  const scripts = new Map(
    ['examples', 'scripts'].flatMap((top) => readSources(top, '.mjs')).map((one) => [one.path, one]),
  );
  const started = startedByNode();
  expect(started).toContain('examples/scale/load.mjs');
  const reached = new Set<string>();
  const reach = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    scripts.get(path)?.imports.forEach(reach);
  };
  started.forEach(reach);
  expect([...reached].filter((path) => path.endsWith('.ts'))).toEqual([]);
});

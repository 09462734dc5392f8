/** The rules of the house that a machine can check: layers, cycles, names, lengths, and where the outside world may be touched. */
import { describe, expect, test } from 'vitest';
import { layerFaults } from './layers.ts';
import { cyclesIn, folderOf, importGraph, readSources, sourceFile, withoutComments } from './source-tree.ts';

const sources = readSources('src');
const everything = [...sources, ...readSources('test'), ...readSources('bench'), ...readSources('scripts', '.mjs')];

/** Names that say nothing: the thing has not found its home. */
const emptyWords = ['util', 'utils', 'helper', 'helpers', 'common', 'shared', 'misc'];
const emptyNames = [...emptyWords, 'manager', 'service', 'services', 'types', 'index'];
const maxLines = 350;

/** What touches the outside world, where it may happen besides party/ and cli/, and why. */
const outsideWorld: readonly { readonly what: RegExp; readonly allowed: Readonly<Record<string, string>> }[] = [
  { what: /\bprocess\.env\b/, allowed: {} },
  { what: /\bMath\.random\b/, allowed: {} },
  {
    what: /\bDate\.now\b|\bnew Date\(\)/,
    allowed: {
      'src/journal/clock.ts': 'the system clock, made here once and handed to everything as an argument',
      'src/transport/':
        'deadlines, rates and log times belong to the wire and not to a machine; tests hand in their own clock',
      'src/set/interchange/tcp-link.ts':
        'deadlines of a TCP connection belong to the wire too; tests hand in their own clock',
    },
  },
  {
    what: /\brandom(?:Bytes|UUID|Int|FillSync)\(|\bgetRandomValues\(/,
    allowed: { 'src/crypto/': 'randomness of the system is made here and handed to everything else as an argument' },
  },
];

describe('layers', () => {
  test('imports go down only, and roles of one protocol meet in its message folder', () => {
    expect(layerFaults(sources)).toEqual([]);
  });

  test('an import that goes up, across or between roles is found', () => {
    const faults = (path: string, imported: string) =>
      layerFaults([sourceFile(path, `import { x } from '${imported}';`)]);
    expect(faults('src/codec/der.ts', '../crypto/digest.ts')).toHaveLength(1);
    expect(faults('src/agent/guard/guard.ts', '../../set/message/order.ts')).toHaveLength(1);
    expect(faults('src/set/wallet/pay.ts', '../merchant/order.ts')).toHaveLength(1);
    expect(faults('src/set/message/order.ts', '../merchant/order.ts')).toHaveLength(1);
    expect(faults('src/set/wallet/pay.ts', '../message/order.ts')).toEqual([]);
    expect(faults('src/cli/inspect.ts', '../codec/der.ts')).toEqual([]);
  });
});

describe('cycles', () => {
  test('no file reaches itself through imports, types included', () => {
    expect(cyclesIn(importGraph(sources))).toEqual([]);
  });

  test('no folder reaches itself through the imports of its files', () => {
    expect(cyclesIn(importGraph(sources, folderOf))).toEqual([]);
  });

  test('a cycle through a type import, a re-export and a dynamic import is found', () => {
    const files = [
      sourceFile('src/a/one.ts', "import type { Two } from '../b/two.ts';"),
      sourceFile('src/b/two.ts', "export {\n  three,\n} from '../c/three.ts';"),
      sourceFile('src/c/three.ts', "const one = await import('../a/one.ts');"),
      sourceFile('src/d/four.ts', "// says from '../a/one.ts'\nimport '../a/one.ts';"),
    ];
    expect(cyclesIn(importGraph(files))).toEqual([['src/a/one.ts', 'src/b/two.ts', 'src/c/three.ts']]);
    expect(cyclesIn(importGraph(files, folderOf))).toEqual([['src/a', 'src/b', 'src/c']]);
  });
});

describe('files', () => {
  test('names say what a file is', () => {
    expect(everything.map(({ path }) => path).filter(saysNothing)).toEqual([]);
    expect(['src/set/utils.ts', 'src/index.ts', 'src/codec/der-helpers.ts'].every(saysNothing)).toBe(true);
  });

  test('names are lower case with hyphens', () => {
    const odd = /[^a-z0-9./-]/;
    expect(everything.map(({ path }) => path).filter((path) => odd.test(path))).toEqual([]);
  });

  test('folders are at most three deep', () => {
    expect(sources.map(({ path }) => path).filter((path) => path.split('/').length > 4)).toEqual([]);
  });

  test(`none is longer than ${maxLines} lines`, () => {
    const long = sources.filter(({ text }) => text.split('\n').length > maxLines).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  test('every file opens by saying what it is', () => {
    const silent = [...sources, ...readSources('bench'), ...readSources('scripts', '.mjs')]
      .filter(({ text }) => !/^(?:#!.*\n)?\/(?:\*\*|\/) ?\S?/.test(text))
      .map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  test('every relative import names the file with its ending', () => {
    const bare = everything.flatMap(({ path, imports }) =>
      imports.filter((name) => !/\.(?:ts|mjs|json)$/.test(name)).map((name) => `${path} imports ${name}`),
    );
    expect(bare).toEqual([]);
  });
});

describe('the outside world', () => {
  test('environment, clock and randomness are touched in party/, cli/ and a few named foundations only', () => {
    const faults = sources
      .filter(({ path }) => !path.startsWith('src/party/') && !path.startsWith('src/cli/'))
      .flatMap(({ path, text }) => touches(path, text));
    expect(faults).toEqual([]);
  });

  test('a machine that reads the clock or rolls dice is found', () => {
    expect(touches('src/set/wallet/pay.ts', 'const now = Date.now();')).toHaveLength(1);
    expect(touches('src/set/wallet/pay.ts', 'const id = randomBytes(20);')).toHaveLength(1);
    expect(touches('src/set/wallet/pay.ts', '/** never Date.now() */')).toEqual([]);
    expect(touches('src/journal/clock.ts', 'const now = Date.now();')).toEqual([]);
  });
});

function saysNothing(path: string): boolean {
  const stem = path.split('/').at(-1)?.split('.')[0] ?? '';
  return emptyNames.includes(stem) || stem.split('-').some((word) => emptyWords.includes(word));
}

function touches(path: string, text: string): readonly string[] {
  const code = withoutComments(text);
  return outsideWorld
    .filter(({ what, allowed }) => what.test(code) && !Object.keys(allowed).some((place) => path.startsWith(place)))
    .map(({ what }) => `${path} matches ${what.source}`);
}

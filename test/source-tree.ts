/** Reads the project's TypeScript files as text with their imports, for the rules of the house that a machine can check. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = fileURLToPath(new URL('../', import.meta.url));

export interface SourceFile {
  /** From the project's root, with forward slashes: `src/codec/der.ts`. */
  readonly path: string;
  readonly text: string;
  /** Project files it imports, in the same form: statically, dynamically or as types only. */
  readonly imports: readonly string[];
}

/** Every file below a top folder whose name ends as asked. */
export function readSources(topFolder: string, ending = '.ts'): readonly SourceFile[] {
  return readdirSync(join(projectRoot, topFolder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(topFolder, ...name.split(sep)))
    .filter((path) => path.endsWith(ending) && !path.includes('node_modules/'))
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(projectRoot, path), 'utf8')));
}

/** One file as the rules see it; exported so that a rule can be shown what it must refuse. */
export function sourceFile(path: string, text: string): SourceFile {
  const imports = importedNames(text)
    .filter((name) => name.startsWith('.'))
    .map((name) => posix.join(posix.dirname(path), name));
  return { path, text, imports };
}

/** Comments go first: a sentence in one may well say that something comes from './somewhere.ts'. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

function importedNames(text: string): readonly string[] {
  const code = withoutComments(text);
  const patterns = [
    /^\s*(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  ];
  return patterns.flatMap((pattern) => Array.from(code.matchAll(pattern), (match) => match[1] ?? ''));
}

/** `src/set/wallet/purchase.ts` → `src/set/wallet`. */
export function folderOf(path: string): string {
  return dirname(path);
}

/**
 * The groups of nodes that reach each other (Tarjan's strongly connected components of more than one node).
 * Without any, the graph can be drawn with every arrow pointing down.
 */
export function cyclesIn(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (node: string): number => {
    const own = order.size;
    order.set(node, own);
    lowest.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) lowest.set(node, Math.min(lowest.get(node) ?? own, visit(next)));
      else if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node) ?? own, order.get(next) ?? own));
    }
    const low = lowest.get(node) ?? own;
    if (low === own) {
      const group = stack.splice(stack.indexOf(node));
      if (group.length > 1) cycles.push(group.sort());
    }
    return low;
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return cycles;
}

/** The import graph between files, or between the groups that `groupOf` puts them in; arrows inside a group are left out. */
export function importGraph(
  files: readonly SourceFile[],
  groupOf: (path: string) => string = (path) => path,
): ReadonlyMap<string, ReadonlySet<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const from = groupOf(path);
    const targets = graph.get(from) ?? new Set();
    for (const imported of imports) if (groupOf(imported) !== from) targets.add(groupOf(imported));
    graph.set(from, targets);
  }
  return graph;
}

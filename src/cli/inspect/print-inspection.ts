/** An inspection as lines for a terminal: the kind, the facts, then the whole with the offset of each element in hexadecimal. */
import type { DerNode } from './der-node.ts';
import type { Inspection } from './inspection.ts';

const MAX_LINES = 5000;

export function printInspection({ kind, facts, tree, notation, json, hex, text }: Inspection): string {
  const width = Math.max(0, ...Object.keys(facts).map((name) => name.length));
  const head = [kind, ...Object.entries(facts).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
  const whole = tree
    ? derLines(tree)
    : (notation ?? hex ?? text ?? (json === undefined ? '' : JSON.stringify(json, null, 2))).split('\n');
  const cut =
    whole.length > MAX_LINES ? [...whole.slice(0, MAX_LINES), `… ${whole.length - MAX_LINES} more lines`] : whole;
  return `${[...head, '', ...cut].join('\n').trimEnd()}\n`;
}

function derLines(node: DerNode, depth = 0): readonly string[] {
  const { offset, length, tag, value, children } = node;
  const size = children === undefined ? '' : ` (${children.length} inside, ${length} bytes)`;
  const said = value === undefined || value === '' ? '' : ` ${value}`;
  const line = `${offset.toString(16).padStart(6, '0')}  ${'  '.repeat(depth)}${tag}${size}${said}`;
  return [line, ...(children ?? []).flatMap((child) => derLines(child, depth + 1))];
}

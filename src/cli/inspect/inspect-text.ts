/** Text of any kind as an inspection: JSON, JSON lines, XML, plain text. What may be a secret is named and not shown. */
import { basename } from 'node:path';
import { GeniusError } from '../../agent/negotiation/genius-element.ts';
import { readGeniusDomain } from '../../agent/negotiation/read-genius.ts';
import { redact, redactText } from '../../transport/redaction.ts';
import type { Inspection } from './inspection.ts';

const NOT_SHOWN = 'not shown';
const SECRET_NAME = /passw|secret|\.key$/i;
const SECRET_KEY = /^[0-9a-f]{64}$/i;
/** Shorter words are no secret worth the name. */
const ONE_WORD = /^\S{6,}$/;
const MAX_LINES = 20_000;

/** The text when bytes are one: UTF-8 without what no text has. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what tells bytes from text
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** By its name alone: whatever is in it, it is for nobody's eyes. */
export function hiddenByName(file: string, bytes: Uint8Array): Inspection | undefined {
  if (!SECRET_NAME.test(basename(file))) return undefined;
  const text = textOf(bytes)?.trim();
  const kind = /passw/i.test(basename(file)) ? 'password' : 'secret';
  return { kind: text !== undefined && SECRET_KEY.test(text) ? 'secret key' : kind, facts: factsOf(bytes) };
}

/** JSON and JSON lines, or that they are broken; undefined for text that does not mean to be either. */
export function inspectJson(text: string, file: string): Inspection | undefined {
  const named = /\.json(l|ld)?$/.test(file);
  if (!named && !/^\s*[[{"]/.test(text)) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'string' && ONE_WORD.test(json)) return oneWord(text);
    // What the log may not show is not shown here either: keys, passwords, card numbers.
    return { kind: 'JSON', facts: {}, json: redact(json) };
  } catch (error) {
    const lines = jsonLines(text);
    if (lines !== undefined) return { kind: 'JSON lines', facts: { lines: String(lines.length) }, json: lines };
    if (!named && !/^\s*\{/.test(text)) return undefined;
    // The message itself quotes the text, which may hold what must not be shown.
    const at = /line (\d+) column (\d+)/.exec(error instanceof Error ? error.message : '');
    const facts = { ...factsOf(text), ...(at && { broken: `at line ${at[1]}, column ${at[2]}` }) };
    return { kind: 'broken JSON', facts, unreadable: true };
  }
}

/** Each line by itself, so that a long log is not cut short as one large value would be. */
function jsonLines(text: string): readonly unknown[] | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2 || lines.length > MAX_LINES) return undefined;
  try {
    return lines.map((line) => redact(JSON.parse(line)));
  } catch {
    return undefined;
  }
}

/** What is left: XML, words of one kind or another, and what may be a password or a key. */
export function inspectPlainText(text: string): Inspection {
  const word = text.trim();
  if (word === '') return { kind: 'empty', facts: factsOf(text) };
  if (SECRET_KEY.test(word)) return { kind: 'secret key', facts: factsOf(text) };
  const isXml = /^<[?!a-z].*>$/is.test(word);
  if (ONE_WORD.test(word) && !isXml) return oneWord(text);
  const lines = text.trimEnd().split(/\r?\n/);
  const shown = lines.map((line) => withoutControls(redactText(line))).join('\n');
  if (isXml) return { ...xmlFacts(text), text: shown };
  return { kind: 'text', facts: { lines: String(lines.length) }, text: shown };
}

function xmlFacts(text: string): Pick<Inspection, 'kind' | 'facts'> {
  try {
    const { name, issues } = readGeniusDomain(text);
    const kind = /<utility_space[^>]*\stype=|<evaluator|evaluation=/.test(text) ? 'Genius profile' : 'Genius domain';
    return { kind, facts: { name: withoutControls(name), issues: issues.map((issue) => issue.name).join(', ') } };
  } catch (error) {
    if (!(error instanceof GeniusError)) throw error;
    return { kind: 'XML', facts: {} };
  }
}

function oneWord(text: string): Inspection {
  return { kind: 'one word', facts: { ...factsOf(text), why: 'it may be a password or a key' } };
}

function factsOf(content: Uint8Array | string): Record<string, string> {
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  return { bytes: String(bytes), content: NOT_SHOWN };
}

/** Nothing of a hostile file drives the terminal. */
function withoutControls(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return line.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) =>
    character === '\t' ? '    ' : '\u00b7',
  );
}

/**
 * What may stand in a log: facts, never secrets. Members with secret names, all bytes and keys, and anything that looks
 * like a card number inside a text are replaced before the logger sees them.
 */
import { KeyObject } from 'node:crypto';
import { HandselError } from '../handsel-error.ts';

const HIDDEN = '[hidden]';
const MAX_DEPTH = 6;
const MAX_MEMBERS = 100;
const MAX_TEXT_LENGTH = 2000;

/** Compared in lower case without `_` and `-`. */
const SECRET_NAMES = new Set(['pan', 'pin', 'cvv', 'expiry', 'track2', 'body', 'authorization', 'cookie', 'setcookie']);
const SECRET_ENDINGS = ['secret', 'password', 'passphrase', 'token', 'key', 'code', 'pem', 'seed', 'mnemonic'];
/** Names that end like a secret and are none. */
const OPEN_NAMES = new Set(['code', 'responsecode', 'statuscode', 'currencycode', 'errorcode']);

const CARD_NUMBER = /\d(?:[ -]?\d){11,18}/g;

/** A copy that is safe to log. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return redactText(value.toString());
  if (typeof value === 'number') return Number.isSafeInteger(value) ? numberOrHidden(value) : value;
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof KeyObject) return HIDDEN;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toISOString();
  if (depth >= MAX_DEPTH) return '[deeper]';
  if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
  if (Array.isArray(value)) return value.slice(0, MAX_MEMBERS).map((item) => redact(item, depth + 1));
  return redactMembers(value, depth);
}

function redactMembers(value: object, depth: number): Record<string, unknown> {
  const members = Object.entries(value).slice(0, MAX_MEMBERS);
  return Object.fromEntries(
    members.map(([name, member]) => [name, isSecretName(name) ? HIDDEN : redact(member, depth + 1)]),
  );
}

/** Card numbers are recognised by their check digit, so that times and counters stay readable. */
export function redactText(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  return short.replace(CARD_NUMBER, (digits) => (hasCheckDigit(digits.replace(/[ -]/g, '')) ? HIDDEN : digits));
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const described: Record<string, unknown> = { name: error.name, message: redactText(error.message) };
  if (error instanceof HandselError) {
    described.code = error.code;
    described.detail = redactMembers(error.detail, depth);
  } else if ('code' in error && typeof error.code === 'string') {
    described.code = error.code;
  }
  if (error.stack !== undefined) described.stack = redactText(error.stack);
  if (error.cause !== undefined) described.cause = depth < MAX_DEPTH ? redact(error.cause, depth + 1) : '[deeper]';
  return described;
}

function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[_-]/g, '');
  if (OPEN_NAMES.has(plain)) return false;
  return SECRET_NAMES.has(plain) || plain.endsWith('pan') || SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}

function numberOrHidden(value: number): number | string {
  const text = redactText(String(value));
  return text === HIDDEN ? text : value;
}

/** Luhn, ISO/IEC 7812-1 annex B. */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

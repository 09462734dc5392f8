/** Tickets as a merchant or authority writes them down in JSON: dates, times and amounts as people write them, bytes in base64url. */
import { fromBase64Url } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { parseAmount } from '../../money/amount.ts';
import { type Components, componentsShape, kinds } from '../../trusted/ticket/components.ts';

const malformed = (why: string, cause?: unknown) => new HandselError('TICKET_MALFORMED', why, { cause });

/** @throws HandselError `TICKET_MALFORMED`, which names the field */
export function readComponents(json: unknown): Components {
  if (json === null || typeof json !== 'object') throw malformed('a ticket is a JSON object');
  const { type, ...given } = json as Readonly<Record<string, unknown>>;
  if (typeof type !== 'string' || !Object.hasOwn(kinds, type)) {
    throw malformed(`a ticket has a type: ${Object.keys(kinds).join(', ')}`);
  }
  const { fields } = kinds[type as Components['type']];
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) throw malformed(`a ticket of type ${type} has no field ${name.slice(0, 40)}`);
  }
  for (const [name, shape] of Object.entries(fields)) {
    if (given[name] === undefined && !('optional' in shape)) throw malformed(`${type}: the field ${name} is missing`);
  }
  const components = {
    type,
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, read(name, value)])),
  };
  try {
    return componentsShape.decode(componentsShape.encode(components as Components), type);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw malformed(cause.message, cause);
  }
}

const amounts = new Set(['price', 'amount', 'amountPaid']);
const times = new Set(['at', 'departureAt', 'arrivalAt']);
const binaries = new Set(['picture', 'signature', 'decryptionKey', 'decryptionKeys', 'objectSignature']);

function read(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => (name === 'items' ? readItem(one) : read(name, one)));
  if (amounts.has(name)) return readAs(name, 'an amount such as 12.50EUR', value, parseAmount);
  if (times.has(name)) return readAs(name, 'a time such as 2026-12-24T19:30:00Z', value, (text) => dateOf(text) / 1000);
  if (name.endsWith('Day') || name === 'day') {
    return readAs(name, 'a date such as 2026-12-24', value, (text) => Math.floor(dateOf(text) / 86_400_000));
  }
  if (binaries.has(name)) return readAs(name, 'bytes in base64url', value, fromBase64Url);
  return value;
}

function readItem(item: unknown): unknown {
  if (item === null || typeof item !== 'object') throw malformed('an item is a JSON object');
  const entries = Object.entries(item as Readonly<Record<string, unknown>>);
  const readFields = Object.fromEntries(entries.map(([name, value]) => [name, read(name, value)]));
  if (readFields.price === undefined) throw malformed('an item has a price');
  return readFields;
}

function readAs<T>(name: string, what: string, value: unknown, parse: (text: string) => T): T {
  try {
    if (typeof value === 'string') return parse(value);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
  }
  throw malformed(`${name}: expected ${what}`);
}

function dateOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw malformed('no date');
  return ms;
}

/** A ticket as its owner sees it: all fields that may be shown, with names and dates as people write them. */
import { decodeCbor } from '../codec/cbor.ts';
import type { CborValue } from '../codec/cbor-value.ts';
import { formatAmount } from '../money/amount.ts';
import type { ShownTicket } from '../trusted/agent/to-host.ts';
import { kindOf, type TicketType } from '../trusted/ticket/components.ts';

export interface TicketView {
  readonly id: string;
  readonly type: TicketType;
  /** Which of the six kinds of the text. */
  readonly kind: string;
  /** What it is for, in a few words. */
  readonly title: string;
  readonly issuer: string;
  /** Of the issuer's credential. */
  readonly issuerExpires: string;
  readonly issued: string;
  readonly transfers: number;
  readonly standing: string;
  /** Units left; absent for what is not used up. */
  readonly remaining?: number;
  /** ISO 8601; absent when it is not. */
  readonly inUseUntil?: string;
  /** The Components section, by the names of its fields. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Unix seconds of when it begins, where it has a time. */
export function beginningOf(fields: Readonly<Record<string, CborValue>>): number | undefined {
  const at = fields.at ?? fields.departureAt;
  return typeof at === 'number' ? at : undefined;
}

/** Unix seconds of when it ends, where that is said. */
export function endOf(fields: Readonly<Record<string, CborValue>>): number | undefined {
  return typeof fields.arrivalAt === 'number' ? fields.arrivalAt : beginningOf(fields);
}

export function componentsOf({ components }: ShownTicket): Readonly<Record<string, CborValue>> {
  return decodeCbor(components, { maxDepth: 8 }) as Readonly<Record<string, CborValue>>;
}

export function ticketView(ticket: ShownTicket): TicketView {
  const components = componentsOf(ticket);
  const type = components.type as TicketType;
  const { ticketId, issuerName, issuerExpiresDay, issuedOnDay, transfers, standing, remaining, inUseUntilS } = ticket;
  return {
    ...{ id: ticketId, type, kind: kindOf(type), title: titleOf(components), issuer: issuerName, transfers, standing },
    issuerExpires: dayText(issuerExpiresDay),
    issued: dayText(issuedOnDay),
    ...(remaining !== undefined && { remaining }),
    ...(inUseUntilS > 0 && { inUseUntil: timeText(inUseUntilS) }),
    fields: Object.fromEntries(
      Object.entries(components).flatMap(([name, value]) => (name === 'type' ? [] : [[name, shown(name, value)]])),
    ),
  };
}

const titleFields = ['event', 'title', 'description', 'objectId', 'corporateName', 'name', 'reference', 'number'];

function titleOf(components: Readonly<Record<string, CborValue>>): string {
  const { type, carrier, tripNumber, channel, scheme, brand } = components;
  if (type === 'transportation') return `${carrier} ${tripNumber}`;
  if (type === 'communications') return `${carrier}, ${channel}`;
  if (type === 'card') return `${brand} ${scheme} card`;
  const name = titleFields.find((field) => typeof components[field] === 'string');
  return name === undefined ? String(type) : String(components[name]);
}

const seconds = new Set(['at', 'departureAt', 'arrivalAt']);

function shown(name: string, value: CborValue | undefined): unknown {
  if (typeof value === 'number' && (name.endsWith('Day') || name === 'day')) return dayText(value);
  if (typeof value === 'number' && seconds.has(name)) return timeText(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map((one) => shown('', one));
  if (value !== null && typeof value === 'object') {
    const entry = value as Readonly<Record<string, CborValue>>;
    if (typeof entry.currency === 'string' && (typeof entry.minor === 'bigint' || typeof entry.minor === 'number')) {
      return formatAmount({ currency: entry.currency, minor: BigInt(entry.minor) } as Parameters<
        typeof formatAmount
      >[0]);
    }
    return Object.fromEntries(Object.entries(entry).map(([field, inner]) => [field, shown(field, inner)]));
  }
  return value;
}

export const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);
export const timeText = (atS: number): string => new Date(atS * 1000).toISOString().replace('.000', '');

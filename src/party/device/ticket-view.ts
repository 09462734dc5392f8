/** A ticket as its owner sees it: all fields that may be shown, with names and dates as people write them. */
import { decodeCbor } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { toHex } from '../../codec/hex.ts';
import { formatAmount } from '../../money/amount.ts';
import type { ShownSections, ShownTicket } from '../../trusted/agent/to-host.ts';
import { formatAgentId } from '../../trusted/message/agent-id.ts';
import type { AgentCertificate } from '../../trusted/message/certificate.ts';
import { kindOf, type TicketType } from '../../trusted/ticket/components.ts';

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

/** `nowS` tells whether it is in use still. */
export function ticketView(ticket: ShownTicket, nowS = 0): TicketView {
  const components = componentsOf(ticket);
  const type = components.type as TicketType;
  const { ticketId, issuerName, issuerExpiresDay, issuedOnDay, transfers, standing, remaining, inUseUntilS } = ticket;
  return {
    ...{ id: ticketId, type, kind: kindOf(type), title: titleOf(components), issuer: issuerName, transfers, standing },
    issuerExpires: dayText(issuerExpiresDay),
    issued: dayText(issuedOnDay),
    ...(remaining !== undefined && { remaining }),
    ...(inUseUntilS > nowS && { inUseUntil: timeText(inUseUntilS) }),
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

/** The sections of figure 2 beside Identifier and Components, which `TicketView` has. */
export interface SectionsView {
  readonly serial: number;
  /** Whom it was issued to, and until when that one's certificate was. */
  readonly receiver: { readonly number: string; readonly certificateExpires: string };
  readonly issuerSignature: string;
  readonly issuerCertificate: CertificateView;
  readonly transferHistory: readonly {
    readonly receiver: string;
    readonly sender: string;
    readonly senderCertificate: CertificateView;
    readonly at: string;
  }[];
  readonly senderSignatures: readonly string[];
}

export interface CertificateView {
  readonly number: string;
  readonly kind: string;
  readonly expires: string;
  /** TS(id) and PTS(id). */
  readonly server: number;
  readonly primary: number;
  readonly publicKey: string;
}

export function sectionsView(sections: ShownSections): SectionsView {
  const { identifier, issuerSignature, issuerCertificate, transferHistory, senderSignatures } = sections;
  const { receiver, serial } = identifier;
  return {
    serial,
    receiver: { number: formatAgentId(receiver.agentId), certificateExpires: dayText(receiver.certificateExpiresDay) },
    issuerSignature: toHex(issuerSignature),
    issuerCertificate: certificateView(issuerCertificate),
    transferHistory: transferHistory.receiverIds.map((receiverId, at) => ({
      receiver: formatAgentId(receiverId),
      sender: formatAgentId(transferHistory.senderIds[at]!),
      senderCertificate: certificateView(transferHistory.senderCertificates[at]!),
      at: timeText(transferHistory.dateTimes[at]!),
    })),
    senderSignatures: senderSignatures.map(toHex),
  };
}

function certificateView({ agentId, kind, expiresDay, publicKey, server }: AgentCertificate): CertificateView {
  const { serverId, primaryId } = server;
  return {
    ...{ number: formatAgentId(agentId), kind, expires: dayText(expiresDay), server: serverId, primary: primaryId },
    publicKey: toHex(publicKey),
  };
}

export const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);
export const timeText = (atS: number): string => new Date(atS * 1000).toISOString().replace('.000', '');

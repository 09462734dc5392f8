/** The data base of an identification authority (US 5,671,280, figure 5, 204): whom it knows, what it has issued to whom, and what is under way. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Claims } from '../credential/claim.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { ListedStanding } from '../message/standing-list.ts';

export interface SubjectRecord {
  /** The authority's own number of somebody. */
  readonly subject: string;
  readonly fields: Claims;
  /** False: nothing is issued or revalidated for now. */
  readonly eligible: boolean;
}

/** Somebody was here, showed who it is, and was given a code. */
export interface Visit {
  /** Hash of the code, hexadecimal. */
  readonly code: string;
  readonly subject: string;
  readonly wanted: string;
  /** Unix milliseconds. */
  readonly untilMs: number;
}

/** A credential that may be issued at any moment: the agent's transaction is open. */
export interface Grant {
  readonly transaction: string;
  readonly subject: string;
  readonly wanted: string;
  readonly holder: AgentId;
  /** Used up when it is issued. */
  readonly code: string | undefined;
  readonly replaces: readonly string[];
  readonly renewals: number;
  readonly expiresDay: number;
  readonly atMs: number;
}

export interface Issued {
  readonly ticketId: string;
  readonly subject: string;
  readonly wanted: string;
  readonly holder: AgentId;
  readonly expiresDay: number;
  /** How often it was revalidated remotely since its holder was last here. */
  readonly renewals: number;
  readonly standing: ListedStanding;
}

export interface AuthorityState {
  readonly records: Map<string, SubjectRecord>;
  /** By the hash of the code. */
  readonly visits: Map<string, Visit>;
  /** By transaction. */
  readonly grants: Map<string, Grant>;
  /** By the credential's name. */
  readonly issued: Map<string, Issued>;
  /** By subject and what it is: the credential that counts. */
  readonly current: Map<string, string>;
  /** Transactions that are over, and when (Unix milliseconds): a question that comes late is not taken up again. */
  readonly over: Map<string, number>;
  /** By credential: the standing that its device was told last and has not confirmed; one at a time, so that they arrive in order. */
  readonly orders: Map<string, StandingOrder>;
  /** Orders ever given. */
  orderCount: number;
}

export interface StandingOrder {
  readonly number: number;
  readonly ticketId: string;
  readonly standing: ListedStanding;
}

export const currentKey = ({ subject, wanted }: { readonly subject: string; readonly wanted: string }) =>
  `${wanted}\n${subject}`;

export type AuthorityRecord =
  | { readonly type: 'record'; readonly record: SubjectRecord }
  | { readonly type: 'visit'; readonly visit: Visit }
  | { readonly type: 'granted'; readonly grant: Grant }
  | { readonly type: 'issued'; readonly transaction: string; readonly ticketId: string; readonly atMs: number }
  | { readonly type: 'dropped'; readonly transaction: string; readonly atMs: number }
  | { readonly type: 'standing'; readonly ticketId: string; readonly standing: ListedStanding }
  | { readonly type: 'ordered'; readonly order: StandingOrder }
  | { readonly type: 'obeyed'; readonly ticketId: string };

/** How long a transaction that is over is remembered: an agent's question lives half a minute. */
const REMEMBER_MS = 7 * 86_400_000;

export function applyAuthorityRecord(state: AuthorityState, record: AuthorityRecord): void {
  switch (record.type) {
    case 'record':
      state.records.set(record.record.subject, record.record);
      break;
    case 'visit':
      state.visits.set(record.visit.code, record.visit);
      break;
    case 'granted':
      state.grants.set(record.grant.transaction, record.grant);
      break;
    case 'issued':
      issue(state, record);
      break;
    case 'dropped':
      state.grants.delete(record.transaction);
      forget(state, record);
      break;
    case 'standing': {
      const issued = state.issued.get(record.ticketId)!;
      state.issued.set(record.ticketId, { ...issued, standing: record.standing });
      break;
    }
    case 'ordered':
      state.orders.set(record.order.ticketId, record.order);
      state.orderCount = record.order.number;
      break;
    case 'obeyed':
      state.orders.delete(record.ticketId);
      break;
  }
}

function issue(
  state: AuthorityState,
  { transaction, ticketId, atMs }: Extract<AuthorityRecord, { type: 'issued' }>,
): void {
  const { code, replaces, subject, wanted, holder, expiresDay, renewals } = state.grants.get(transaction)!;
  state.grants.delete(transaction);
  if (code !== undefined) state.visits.delete(code);
  for (const old of replaces) {
    const before = state.issued.get(old);
    if (before !== undefined) state.issued.set(old, { ...before, standing: 'replaced' });
  }
  state.issued.set(ticketId, { ticketId, subject, wanted, holder, expiresDay, renewals, standing: 'good' });
  state.current.set(currentKey({ subject, wanted }), ticketId);
  forget(state, { transaction, atMs });
}

function forget(
  { over }: AuthorityState,
  { transaction, atMs }: { readonly transaction: string; readonly atMs: number },
) {
  over.set(transaction, atMs);
  // Maps keep the order in which they were filled: the oldest come first.
  for (const [old, sinceMs] of over) {
    if (sinceMs + REMEMBER_MS > atMs) break;
    over.delete(old);
  }
}

export function emptyAuthority(): AuthorityState {
  return {
    ...{ records: new Map(), visits: new Map(), grants: new Map() },
    ...{ issued: new Map(), current: new Map(), over: new Map(), orders: new Map(), orderCount: 0 },
  };
}

export function snapshotAuthority(state: AuthorityState): Uint8Array {
  const { orderCount, ...maps } = state;
  const stored = Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, [...map]]));
  return encodeCborExact({ ...stored, orderCount } as unknown as CborValue);
}

/** Written by `snapshotAuthority` into this server's own journal, which vouches for it. */
export function restoreAuthority(bytes: Uint8Array): AuthorityState {
  type Stored = Readonly<Record<string, readonly [string, unknown][]>> & { readonly orderCount: never };
  const decoded = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as Stored;
  const { orderCount, ...stored } = decoded;
  const maps = Object.entries(stored);
  const restored = Object.fromEntries(maps.map(([name, entries]) => [name, new Map(entries)]));
  return { ...restored, orderCount } as unknown as AuthorityState;
}

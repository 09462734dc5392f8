/** What a trusted agent writes down, and what each record changes. */
import { encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import type { ListUpdate } from '../message/list-change.ts';
import type { StandingChange, StandingUpdate } from '../message/standing-list.ts';
import type { Presentation } from '../message/state-head.ts';
import { foldUpdate } from '../message/trust-lists.ts';
import type { Paper } from '../paper/paper.ts';
import { applySessionRecord, type SessionRecord } from '../session/session.ts';
import { readMark, statusOf, type TicketStatus } from '../ticket/status.ts';
import type {
  AgentState,
  CipheredObject,
  Dealing,
  Expectation,
  HeldSdJwt,
  HeldTicket,
  PaymentMade,
  Transaction,
} from './agent-state.ts';
import { type AgentDisputeRecord, applyAgentDispute } from './dispute-state.ts';
import { applyDoorRecord, type DoorRecord } from './door-state.ts';
import { listOwn, takeKnown } from './known-standings.ts';
import type { TicketImage } from './leg.ts';
import type { Talk } from './talk.ts';

/** What a commit changes; all of it at once. */
export interface Changes {
  readonly removed: readonly string[];
  /** Tickets that came, and tickets whose mark changed. */
  readonly put: readonly HeldTicket[];
  readonly booked: readonly (readonly [ticketId: string, status: TicketStatus])[];
  /** Credentials of its own that stand differently from now on. */
  readonly listed?: readonly StandingChange[];
}

export type LogKind =
  | 'revalidated'
  | 'exported'
  | 'listed'
  | 'bought'
  | 'sold'
  | 'refunded'
  | 'disputed'
  | 'given'
  | 'received'
  | 'presented'
  | 'accepted'
  | 'certified'
  | 'failed'
  | 'suspicion';

/** One entry of Tran Log (US 5,671,280, figures 4B to 4D). */
export interface LogEntry {
  readonly kind: LogKind;
  /** Unix milliseconds, by this device's clock and by the other's when the session began. */
  readonly atMs: number;
  readonly peerClockMs: number | undefined;
  readonly peer: string;
  readonly transaction: string | undefined;
  /** Tickets as they were before and as they are after: compact form and newest mark. */
  readonly before: readonly TicketImage[];
  readonly after: readonly TicketImage[];
  readonly note: string | undefined;
  readonly payment?: PaymentMade;
}

export type AgentRecord =
  | SessionRecord
  | { readonly type: 'announced'; readonly scalar: Uint8Array; readonly token: Uint8Array }
  | { readonly type: 'certified'; readonly scalar: Uint8Array; readonly certificate: AgentCertificate }
  | { readonly type: 'lists'; readonly update: ListUpdate }
  | { readonly type: 'expecting'; readonly expectation: Expectation }
  | { readonly type: 'expected'; readonly id: string; readonly left: number | undefined }
  | { readonly type: 'talk'; readonly talk: Talk }
  | { readonly type: 'talk-over'; readonly session: string }
  | { readonly type: 'serial'; readonly serial: number }
  | { readonly type: 'named'; readonly ticket: HeldTicket }
  | { readonly type: 'transaction'; readonly transaction: Transaction }
  | {
      readonly type: 'committed';
      readonly transaction: string;
      readonly deeds: readonly Uint8Array[];
      readonly changes: Changes;
      readonly receipt?: Uint8Array;
    }
  /** A voter knows the outcome, or a decider that it was heard, or that it need not be: nothing more is to be remembered. */
  | { readonly type: 'closed'; readonly transaction: string; readonly changes?: Changes }
  | { readonly type: 'asked-outcome'; readonly transaction: string }
  | { readonly type: 'dispute'; readonly dispute: AgentDisputeRecord }
  | { readonly type: 'dealing'; readonly dealing: Dealing }
  | { readonly type: 'dealing-over'; readonly transaction: string }
  | { readonly type: 'ciphered'; readonly object: CipheredObject }
  /** Commercial papers came or were given; orders among them that are held have a new standing. */
  | {
      readonly type: 'filed';
      readonly papers: readonly Paper[];
      readonly dropped: readonly string[];
      readonly marked: readonly HeldTicket[];
    }
  | { readonly type: 'presented'; readonly presentation: Presentation }
  | { readonly type: 'countersigned'; readonly presentation: Presentation }
  | { readonly type: 'listed'; readonly changes: readonly StandingChange[] }
  | { readonly type: 'standings'; readonly update: StandingUpdate }
  | { readonly type: 'sd-jwt'; readonly held: HeldSdJwt }
  | { readonly type: 'sd-jwts-over'; readonly ids: readonly string[] }
  | { readonly type: 'logged'; readonly entry: LogEntry }
  /** A mark came that was not made in a session of this agent. */
  | { readonly type: 'remarked'; readonly ticket: HeldTicket }
  | DoorRecord;

export function applyAgentRecord(state: AgentState, record: AgentRecord): void {
  switch (record.type) {
    case 'announced':
      state.identity = { type: 'blank', scalar: record.scalar, token: record.token };
      break;
    case 'certified':
      state.identity = { ...record, former: formerKeys(state) };
      break;
    case 'lists':
      foldUpdate(state.lists, record.update);
      break;
    case 'expecting':
      state.expectations.set(record.expectation.id, record.expectation);
      break;
    case 'expected':
      expected(state, record);
      break;
    case 'talk':
      state.talks.set(record.talk.session, record.talk);
      break;
    case 'talk-over':
      state.talks.delete(record.session);
      break;
    case 'named':
      state.tickets.set(record.ticket.id, record.ticket);
      break;
    case 'serial':
      state.serial = record.serial;
      break;
    case 'transaction':
      state.transactions.set(record.transaction.id, { ...record.transaction });
      for (const id of heldBy(record.transaction)) state.underWay.set(id, record.transaction.id);
      break;
    case 'committed': {
      const transaction = state.transactions.get(record.transaction)!;
      transaction.status = 'committed';
      transaction.deeds = record.deeds;
      if (record.receipt !== undefined) transaction.receipt = record.receipt;
      release(state, transaction);
      change(state, record.changes);
      break;
    }
    case 'closed': {
      const transaction = state.transactions.get(record.transaction)!;
      state.transactions.delete(record.transaction);
      release(state, transaction);
      if (record.changes !== undefined) change(state, record.changes);
      break;
    }
    case 'filed':
      for (const paper of record.papers) state.papers.set(paper.id, paper);
      for (const id of record.dropped) state.papers.delete(id);
      for (const held of record.marked) state.tickets.set(held.id, held);
      break;
    case 'dispute':
      applyAgentDispute(state.disputes, record.dispute);
      break;
    case 'asked-outcome':
      state.transactions.get(record.transaction)!.asked += 1;
      break;
    case 'dealing':
      state.dealings.set(record.dealing.transaction, record.dealing);
      break;
    case 'dealing-over':
      state.dealings.delete(record.transaction);
      break;
    case 'ciphered':
      state.objects.set(toHex(record.object.digest), record.object);
      break;
    case 'presented':
      state.heads.presented.push(record.presentation);
      break;
    case 'countersigned':
      state.heads.base = record.presentation;
      state.heads.presented = [];
      break;
    case 'listed':
      listOwn(state, record.changes);
      break;
    case 'standings':
      takeKnown(state, record.update);
      break;
    case 'sd-jwt':
      state.sdJwts.set(record.held.id, record.held);
      break;
    case 'sd-jwts-over':
      for (const id of record.ids) state.sdJwts.delete(id);
      break;
    case 'remarked':
      state.tickets.set(record.ticket.id, record.ticket);
      break;
    case 'shown':
    case 'turned-away':
    case 'voided':
    case 'sighted':
    case 'issuer-met':
      applyDoorRecord(state.door, record);
      break;
    case 'scanned':
      applyDoorRecord(state.door, record);
      if (record.scan.code !== undefined) bookUnheard(state, record.scan.ticketId, record.scan.mark);
      break;
    case 'learnt':
      applyDoorRecord(state.door, record);
      bookUnheard(state, record.ticketId, record.mark);
      break;
    case 'logged':
      state.log.count += 1;
      state.log.head = sha256(state.log.head, encodeCborExact(record.entry as unknown as CborValue));
      break;
    default:
      applySessionRecord(state, record);
  }
}

function bookUnheard({ books, log }: AgentState, ticketId: string, mark: Uint8Array): void {
  books.set(ticketId, { status: statusOf(readMark(mark)), logged: log.count, unheard: mark });
}

/** Some two years of them. */
const maxFormer = 8;

function formerKeys({ identity }: AgentState): readonly Uint8Array[] {
  return identity.type === 'certified' ? [identity.scalar, ...identity.former].slice(0, maxFormer) : [];
}

function expected({ expectations }: AgentState, { id, left }: Extract<AgentRecord, { type: 'expected' }>): void {
  if (left === 0) expectations.delete(id);
  else expectations.set(id, { ...expectations.get(id)!, left });
}

/** Tickets of ours that nothing else may touch meanwhile. */
function heldBy({ legs }: Transaction): readonly string[] {
  return legs.flatMap((leg) => {
    const lone = leg.type === 'mark' || leg.type === 'raised' || leg.type === 'retire';
    const held = lone || (leg.type === 'give' && leg.ticket.type === 'transfer');
    return held ? [leg.ticketId] : [];
  });
}

function release({ underWay }: AgentState, transaction: Transaction): void {
  for (const id of heldBy(transaction)) if (underWay.get(id) === transaction.id) underWay.delete(id);
}

function change(state: AgentState, { removed, put, booked, listed = [] }: Changes): void {
  const { tickets, books, log, door } = state;
  listOwn(state, listed);
  for (const id of removed) {
    tickets.delete(id);
    door.shown.delete(id);
  }
  for (const ticket of put) tickets.set(ticket.id, ticket);
  for (const [id, status] of booked) books.set(id, { status, logged: log.count });
}

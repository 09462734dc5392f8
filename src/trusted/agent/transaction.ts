/**
 * Commit and abort (US 5,671,280, figure 7 and "Abort And Commit") between two agents of which one decides. What is provisional stands in the
 * transaction's legs and nowhere else, so to abort is to forget them. Order of events:
 *
 *   1. the decider opens: what it gives is locked (it may abort until 3)
 *   2. the voter votes: written down before it leaves (from here on it only waits and asks)
 *   3. the decider commits: one record that removes, adds, marks and holds the signatures (deeds), written down before they leave
 *   4. the voter closes when it hears the outcome: by the commit frame, a statement, or the answer to its ask
 *   5. the decider closes when it hears, authenticated, that the voter did: until then it remembers
 */
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import type { StandingChange } from '../message/standing-list.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { encodeTicket } from '../ticket/compact-ticket.ts';
import { signDeed, withDeed } from '../ticket/sign-ticket.ts';
import { firstStatus, isMarkGenuine, readMark, statusOf, type TicketStatus, writeMark } from '../ticket/status.ts';
import type { Changes } from './agent-record.ts';
import type { HeldTicket, Transaction } from './agent-state.ts';
import { endDealing } from './dealing.ts';
import { settleDispute } from './dispute-log.ts';
import { filePapers } from './file-papers.ts';
import { standingChange } from './known-standings.ts';
import { type Leg, readUnsigned } from './leg.ts';
import { signRaise } from './raising.ts';
import type { Talk } from './talk.ts';
import { paymentOf, tellCommitted, tellOtherPorts } from './transaction-effect.ts';
import { keyOfCertificate, peerOf, sessionOf, type Turn } from './turn.ts';

interface Opening {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly legs: readonly Leg[];
  /** By a decider that has the voter's deeds already. */
  readonly theirDeeds?: readonly Uint8Array[];
}

function newTransaction(
  turn: Turn,
  talk: Talk,
  opening: Opening & Pick<Transaction, 'role' | 'status' | 'deeds'>,
): Transaction {
  const { route } = sessionOf(turn, talk);
  const { session, matter } = talk;
  return { ...opening, session, matter, peer: peerOf(turn, talk), route, asked: 0 };
}

/** 1. @throws TrustedError `TICKET_UNDER_WAY` */
export function openTransaction(turn: Turn, talk: Talk, opening: Opening): void {
  requireFree(turn, opening.legs);
  const transaction = newTransaction(turn, talk, { ...opening, role: 'decider', status: 'open', deeds: [] });
  turn.draft.records.push({ type: 'transaction', transaction });
}

function requireFree({ state }: Turn, legs: readonly Leg[]): void {
  for (const leg of legs) {
    const locks = leg.type === 'give' || leg.type === 'mark' || leg.type === 'raised' || leg.type === 'retire';
    if (locks && state.underWay.has(leg.ticketId)) {
      throw new TrustedError('TICKET_UNDER_WAY', `ticket ${leg.ticketId} is in another transaction`);
    }
  }
}

/** 2. Gives the voter's own deeds, which travel with its vote. @throws as `openTransaction` */
export function vote(turn: Turn, talk: Talk, opening: Opening): readonly Uint8Array[] {
  requireFree(turn, opening.legs);
  const deeds = deedsFor(turn, opening.legs);
  const transaction = newTransaction(turn, talk, { ...opening, role: 'voter', status: 'voted', deeds });
  turn.draft.records.push({ type: 'transaction', transaction });
  return deeds;
}

function deedsFor(turn: Turn, legs: readonly Leg[]): readonly Uint8Array[] {
  return legs.flatMap((leg) => {
    if (leg.type === 'raise') return [signRaise(turn, leg)];
    if (leg.type !== 'give') return [];
    const unsigned = readUnsigned(leg.ticket);
    return [signDeed(unsigned, keyOfCertificate(turn, unsigned.signer))];
  });
}

/** 3. Gives the deeds. @throws TrustedError `TICKET_INVALID` when the deeds that came with the vote are not what the legs need */
export function commit(turn: Turn, transaction: Transaction, receipt?: Uint8Array): readonly Uint8Array[] {
  const { id, legs, theirDeeds = [] } = transaction;
  const deeds = deedsFor(turn, legs);
  const changes = changesOf(turn, transaction, theirDeeds, receipt);
  turn.draft.records.push({ ...{ type: 'committed', transaction: id, deeds, changes }, ...(receipt && { receipt }) });
  tellCommitted(turn, { ...transaction, deeds }, changes, receipt);
  filePapers(turn, { ...transaction, deeds }, changes);
  settleDispute(turn, transaction, paymentOf(transaction, receipt));
  return deeds;
}

/** 3, where there was nothing to lock before: opened and committed in one step. */
export function commitAtOnce(turn: Turn, talk: Talk, opening: Opening): readonly Uint8Array[] {
  requireFree(turn, opening.legs);
  const transaction = newTransaction(turn, talk, { ...opening, role: 'decider', status: 'open', deeds: [] });
  turn.draft.records.push({ type: 'transaction', transaction });
  return commit(turn, transaction);
}

/** 4, with what the decider gave. @throws TrustedError `TICKET_INVALID` when the deeds are none */
export function settle(turn: Turn, transaction: Transaction, deeds: readonly Uint8Array[], receipt?: Uint8Array): void {
  const changes = changesOf(turn, transaction, deeds, receipt);
  turn.draft.records.push({ type: 'closed', transaction: transaction.id, changes });
  turn.draft.clearTimers.push(askTimer(transaction.id));
  tellCommitted(turn, transaction, changes, receipt);
  filePapers(turn, transaction, changes);
  settleDispute(turn, transaction, paymentOf(transaction, receipt));
}

/** Rolls back, for a decider before its decision and for a voter that hears of an abort: what was there before is as it was. */
export function abort(turn: Turn, transaction: Transaction): void {
  turn.draft.records.push({ type: 'closed', transaction: transaction.id });
  turn.draft.clearTimers.push(askTimer(transaction.id));
  endDealing(turn, transaction.id, 'abort');
  tellOtherPorts(turn, transaction, 'abort');
}

/** 5. */
export function close(turn: Turn, transaction: Transaction): void {
  turn.draft.records.push({ type: 'closed', transaction: transaction.id });
}

/** @throws TrustedError `TICKET_INVALID` for deeds that do not make the tickets of the legs this agent's */
export function requireDeeds(
  turn: Turn,
  { id, legs }: Pick<Transaction, 'id' | 'legs'>,
  deeds: readonly Uint8Array[],
): void {
  changesOf(turn, { id, legs }, deeds, undefined);
}

export const askTimer = (transaction: string) => `ask ${transaction}`;

function changesOf(
  { state, env }: Turn,
  transaction: Pick<Transaction, 'id' | 'legs'>,
  deeds: readonly Uint8Array[],
  receipt: Uint8Array | undefined,
): Changes {
  const { legs } = transaction;
  const payment = paymentOf(transaction, receipt);
  const removed: string[] = [];
  const put: HeldTicket[] = [];
  const booked: (readonly [string, TicketStatus])[] = [];
  const listed: StandingChange[] = [];
  const taken = legs.filter((leg) => leg.type === 'take' || leg.type === 'raised');
  if (taken.length !== deeds.length) throw invalid(`${deeds.length} deeds for ${taken.length} tickets`);
  for (const leg of legs) {
    if (leg.type === 'give' && leg.ticket.type === 'transfer') removed.push(leg.ticketId);
    else if (leg.type === 'take')
      put.push({ ...arrivalOf(leg, deeds[taken.indexOf(leg)]!), ...(payment && { payment }) });
    else if (leg.type === 'mark') put.push({ ...state.tickets.get(leg.ticketId)!, ...marked(leg.mark) });
    else if (leg.type === 'raised')
      put.push({ ...state.tickets.get(leg.ticketId)!, ...raised(leg.mark, deeds[taken.indexOf(leg)]!) });
    else if (leg.type === 'book' || leg.type === 'raise') booked.push([leg.ticketId, statusOf(readMark(leg.mark))]);
    else if (leg.type === 'retire') removed.push(leg.ticketId);
    else if (leg.type === 'list') listed.push(standingChange(leg, env));
  }
  return { removed, put, booked, ...(listed.length > 0 && { listed }) };
}

function arrivalOf(leg: Extract<Leg, { type: 'take' }>, deed: Uint8Array): HeldTicket {
  const { ticket, ticketId, mark, disclosures } = leg;
  const made = withDeed(readUnsigned(ticket), deed);
  if (made === undefined) throw invalid('a deed that the giver did not sign');
  const bytes = encodeTicket(made);
  const held = { id: ticketId, bytes, ...(disclosures && { disclosures }) };
  if (mark !== undefined) return { ...held, ...marked(mark) };
  return { ...held, status: firstStatus(made.body.components), mark: undefined };
}

function raised(unsigned: Uint8Array, signature: Uint8Array): Pick<HeldTicket, 'status' | 'mark'> {
  const mark = { ...readMark(unsigned), signature };
  if (signature.length !== RAW_SIGNATURE_LENGTH || !isMarkGenuine(mark))
    throw invalid('a deed that its issuer did not sign');
  return marked(writeMark(mark));
}

const invalid = (why: string) => new TrustedError('TICKET_INVALID', why);

function marked(mark: Uint8Array): Pick<HeldTicket, 'status' | 'mark'> {
  return { status: statusOf(readMark(mark)), mark };
}

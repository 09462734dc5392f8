/**
 * Receive Ticket and Commit Ticket (US 5,671,280, figures 23 and 24) from the acceptor's side. Its marks are its votes: what its host side asks
 * for is granted once the holder has kept the mark, so service comes after value, one step at a time.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import {
  type PresentAnswer,
  type PresentRequest,
  presentAnswerShape,
  presentRequestShape,
} from '../message/ticket-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { DoorRefusal } from '../ticket/door-reason.ts';
import { readMark, signMark, statusOf, type TicketStatus, writeMark } from '../ticket/status.ts';
import { type Ticket, ticketIdOf } from '../ticket/ticket.ts';
import type { Transaction } from './agent-state.ts';
import { statusToGoOnFrom } from './book-status.ts';
import { credentialAnswer, reasonOf } from './check-credential.ts';
import type { Conversation } from './conversation.ts';
import { standingOf } from './known-standings.ts';
import type { Leg } from './leg.ts';
import { doubt } from './outcome.ts';
import { requireGood } from './scanning.ts';
import { readShownTicket, type ShownTicketRead } from './shown-ticket.ts';
import type { AcceptingTalk, Use } from './talk.ts';
import { showTicket, tellHost } from './to-host.ts';
import { abort, settle, vote } from './transaction.ts';
import { endTalk, keepTalk, log, ownKey, peerOf, say, type Turn } from './turn.ts';

const answer = (turn: Turn, talk: AcceptingTalk, said: PresentAnswer) =>
  say(turn, talk, encodeCbor(presentAnswerShape.encode(said)));

/** What a host side may ask for before the holder has answered to what it asked for first. */
const maxUses = 16;

export const accepting: Conversation<AcceptingTalk> = {
  open() {},

  said(turn, talk, payload) {
    const request = presentRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
    switch (request.type) {
      case 'show-credential': {
        answer(turn, talk, credentialAnswer(turn, talk));
        break;
      }
      case 'present':
        receive(turn, talk, request);
        break;
      case 'marked':
        hearMarked(turn, talk, request);
        break;
      case 'waiting':
        if (talk.ticket === undefined || talk.offered !== undefined) throw outOfOrder(request);
        goOn(turn, { ...talk, owes: true });
        break;
    }
  },

  lost(turn, talk) {
    const transaction = talk.offered && turn.state.transactions.get(talk.offered.transaction);
    if (transaction === undefined) {
      tellHost(turn, { type: 'over', matter: talk.matter });
      return;
    }
    doubt(turn, transaction);
    tellHost(turn, { type: 'undecided', matter: talk.matter });
  },
};

const outOfOrder = ({ type }: PresentRequest) => new TrustedError('SESSION_OUT_OF_ORDER', `"${type}" does not follow`);

/** Steps 782 to 792. */
function receive(turn: Turn, talk: AcceptingTalk, request: Extract<PresentRequest, { type: 'present' }>): void {
  if (talk.ticket !== undefined) throw outOfOrder(request);
  try {
    const shown = readShownTicket(turn, peerOf(turn, talk), { ...request, taintAllowed: true });
    const { ticketId, ticket } = shown;
    const { status, ...listed } = standingOf(turn.state, ticket, requireNewest(turn, talk, shown));
    const beside = { ...listed, ...(shown.claims && { claims: shown.claims }) };
    requireGood(turn, { ...shown, status });
    resolveDoubts(turn, { ticketId, shown: request.mark });
    tellHost(turn, {
      type: 'presented',
      matter: talk.matter,
      session: talk.session,
      ticket: showTicket(ticket, status, beside),
    });
    offerMark(turn, { ...talk, ticketId, ticket: request.ticket }, { ticket, status, use: undefined });
  } catch (error) {
    if (error instanceof DoorRefusal) {
      const { reason, message } = error;
      tellHost(turn, { type: 'turned-away', matter: talk.matter, reason, why: message.slice(0, 200) });
    }
    const reason = error instanceof DoorRefusal ? 'TICKET_INACTIVE' : reasonOf(error);
    answer(turn, talk, { type: 'refused', reason });
    tellHost(turn, { type: 'failed', matter: talk.matter, why: reason });
    endTalk(turn, talk, 'refused');
  }
}

/**
 * A holder that shows less than this acceptor has marked before is a copy, or was set back; unless what it says was on its way when the mark
 * was made in another session, or the mark was made for a code. Gives the status to go on from.
 * @throws TrustedError `TICKET_INVALID`, `TICKET_INACTIVE`
 */
function requireNewest(turn: Turn, talk: AcceptingTalk, shown: ShownTicketRead): TicketStatus {
  const { ticketId, status } = shown;
  const booked = turn.state.books.get(ticketId);
  if (booked === undefined || status.number >= booked.status.number) return statusToGoOnFrom(turn.state.books, shown);
  if (booked.unheard !== undefined) return booked.status;
  if (booked.logged >= talk.begun) throw new TrustedError('TICKET_INACTIVE', 'the ticket was presented meanwhile');
  const note = `ticket ${ticketId} is shown with mark ${status.number}, and was marked ${booked.status.number} here`;
  log(turn, {
    ...{ kind: 'suspicion', session: talk.session, transaction: undefined, before: [], after: [], note },
    peer: formatAgentId(peerOf(turn, talk).agentId),
  });
  throw new TrustedError('TICKET_INVALID', note);
}

/** An earlier mark whose fate is not known: the ticket shows whether the holder kept it. */
function resolveDoubts(turn: Turn, seen: { ticketId: string; shown: Uint8Array | undefined }): void {
  for (const transaction of turn.state.transactions.values()) {
    const leg = transaction.legs.find(({ type }) => type === 'book');
    if (leg?.type !== 'book' || leg.ticketId !== seen.ticketId || transaction.status !== 'voted') continue;
    if (turn.state.sessions.has(transaction.session)) {
      throw new TrustedError('TICKET_INACTIVE', 'the ticket is being presented here in another session');
    }
    if (seen.shown !== undefined && Buffer.compare(seen.shown, leg.mark) === 0) settle(turn, transaction, []);
    else abort(turn, transaction);
  }
}

interface ToMark {
  readonly ticket: Ticket;
  readonly status: TicketStatus;
  /** Undefined for the first mark, which only says that the ticket is in use. */
  readonly use: Use | undefined;
}

function offerMark(turn: Turn, talk: AcceptingTalk, { ticket, status, use }: ToMark): void {
  const { env, settings } = turn;
  const nowS = Math.floor(env.nowMs / 1000);
  const { remaining, granted } = take(status.remaining, use?.units ?? 0);
  const usedUp = remaining === 0;
  const last = use?.last === true || usedUp;
  const mark = writeMark(
    signMark(
      {
        ...{ ticketId: fromHex(ticketIdOf(ticket)), number: status.number + 1, atS: nowS },
        standing: usedUp ? 'used' : status.standing,
        ...(remaining === undefined ? {} : { remaining }),
        inUseUntilS: last ? 0 : nowS + Math.floor(settings.pace.useMs / 1000),
      },
      ownKey(turn),
    ),
  );
  const id = toHex(env.random(TRANSACTION_ID_LENGTH));
  const leg: Leg = { type: 'book', ticketId: ticketIdOf(ticket), ticket: talk.ticket!, mark, units: granted };
  vote(turn, talk, { id, legs: [leg] });
  const offered = { transaction: id, use: use && { units: granted, last } };
  keepTalk(turn, { ...talk, owes: false, uses: use === undefined ? talk.uses : talk.uses.slice(1), offered });
  answer(turn, talk, { type: 'mark', transaction: fromHex(id), mark });
}

/** No more than there is. */
function take(before: number | undefined, units: number) {
  if (before === undefined) return { remaining: undefined, granted: units };
  const granted = Math.min(before, units);
  return { remaining: Math.min(0xffff_ffff, before - granted), granted };
}

/** Step 834: the holder has committed. */
function hearMarked(turn: Turn, talk: AcceptingTalk, request: Extract<PresentRequest, { type: 'marked' }>): void {
  const { offered } = talk;
  if (offered === undefined || toHex(request.transaction) !== offered.transaction) throw outOfOrder(request);
  const transaction = turn.state.transactions.get(offered.transaction);
  if (transaction !== undefined) settle(turn, transaction, []);
  const heard: AcceptingTalk = { ...talk, offered: undefined, owes: true };
  if (offered.use?.last === true) {
    answer(turn, heard, { type: 'done' });
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, heard, 'done');
  } else {
    goOn(turn, heard, transaction);
  }
}

export const holdTimer = (session: string) => `hold ${session}`;

/** Marks what the host side asked for, or keeps the holder waiting for it. */
function goOn(turn: Turn, talk: AcceptingTalk, settled?: Transaction): void {
  const [use] = talk.uses;
  if (use !== undefined) {
    markUse(turn, talk, use, settled);
    return;
  }
  keepTalk(turn, talk);
  turn.draft.timers.push({ id: holdTimer(talk.session), atMs: turn.env.nowMs + turn.settings.pace.holdMs });
}

function markUse(turn: Turn, talk: AcceptingTalk, use: Use, settled?: Transaction): void {
  const ticket = decodeTicket(talk.ticket!);
  // What was settled just now is not in the books before this decision is applied.
  const leg = settled?.legs.find(({ type }) => type === 'book');
  const status = leg?.type === 'book' ? statusOf(readMark(leg.mark)) : turn.state.books.get(talk.ticketId!)!.status;
  offerMark(turn, talk, { ticket, status, use });
}

/** The host side has rendered service, or is going to: it is granted when the notice `granted` comes. @throws TrustedError `COMMAND_UNTIMELY` */
export function use(turn: Turn, talk: AcceptingTalk, wanted: Use): void {
  if (talk.ticket === undefined || talk.uses.length >= maxUses) {
    throw new TrustedError('COMMAND_UNTIMELY', 'no ticket is in use here, or too much is asked for');
  }
  const ticket = decodeTicket(talk.ticket);
  if (wanted.units < 0 && ticket.issuerCertificate.agentId !== ownKey(turn).certificate.agentId) {
    throw new TrustedError('COMMAND_UNTIMELY', 'only the issuer tops a ticket up');
  }
  const asked = { ...talk, uses: [...talk.uses, wanted] };
  if (talk.owes && talk.offered === undefined) {
    turn.draft.clearTimers.push(holdTimer(talk.session));
    markUse(turn, asked, asked.uses[0]!);
  } else {
    keepTalk(turn, asked);
  }
}

/** Nothing was asked for all the while: the holder is told that somebody is still there. */
export function hold(turn: Turn, talk: AcceptingTalk): void {
  if (!talk.owes || talk.offered !== undefined) return;
  keepTalk(turn, { ...talk, owes: false });
  answer(turn, talk, { type: 'wait' });
}

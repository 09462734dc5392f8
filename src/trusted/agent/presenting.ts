/**
 * Present Ticket (US 5,671,280, figures 23 and 24) from the holder's side. The acceptor's marks come one by one; each is a transaction of its own
 * that the holder decides by keeping the mark, so a ticket that is used up step by step is never further from the truth than one step.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import {
  type PresentAnswer,
  type PresentRequest,
  presentAnswerShape,
  presentRequestShape,
} from '../message/ticket-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { call } from '../session/calling.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { readMark } from '../ticket/status.ts';
import { checkCredential, shownOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import type { HostCommand } from './host-command.ts';
import { tellOutcome } from './outcome.ts';
import { requireNotShown, requirePresentable } from './presentable.ts';
import { requireMark, requireMarkBy } from './shown-ticket.ts';
import type { PresentingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { close, commitAtOnce } from './transaction.ts';
import { endTalk, keepTalk, ownKey, peerOf, say, type Turn } from './turn.ts';

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY` or `TICKET_INACTIVE` (steps 772 to 776) */
export function present(turn: Turn, command: Extract<HostCommand, { type: 'present' }>): void {
  ownKey(turn);
  const { matter, route, about, ticketId, check, fields } = command;
  shownOf(requirePresentable(turn, ticketId), fields);
  requireNotShown(turn, ticketId);
  for (const talk of turn.state.talks.values()) {
    if (talk.type === 'presenting' && talk.ticketId === ticketId) {
      throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is being presented`);
    }
  }
  const session = call(turn.context, turn.draft, { purpose: 'present', about: toHex(about), route });
  keepTalk(turn, {
    ...{ type: 'presenting', session, matter, ticketId, ...(fields && { fields }) },
    ...{ check: check === 1, step: 'calling', transaction: undefined },
  });
}

const ask = (turn: Turn, talk: PresentingTalk, request: PresentRequest) =>
  say(turn, talk, encodeCbor(presentRequestShape.encode(request)));

export const presenting: Conversation<PresentingTalk> = {
  open(turn, talk) {
    if (!talk.check) return show(turn, talk);
    keepTalk(turn, { ...talk, step: 'checking' });
    ask(turn, talk, { type: 'show-credential' });
  },

  said(turn, talk, payload) {
    const answer = presentAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    if (talk.step === 'checking' && answer.type === 'credential') {
      keepTalk(turn, { ...talk, step: 'confirming' });
      checkCredential(turn, talk, answer, (type) => type === 'merchant' || type === 'authority');
    } else if (talk.step === 'checking' && answer.type === 'no-credential') {
      fail(turn, talk, 'no credential');
    } else if (talk.step === 'presented' && answer.type === 'refused') {
      fail(turn, talk, `refused: ${answer.reason}`);
    } else if (talk.step === 'presented' || talk.step === 'waiting') {
      goOn(turn, talk, answer);
    } else {
      throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${talk.step}`);
    }
  },

  lost(turn, talk, why) {
    const transaction = committed(turn, talk);
    if (transaction !== undefined) tellOutcome(turn, transaction, 'committed');
    tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

/** The host side has confirmed the acceptor's credential, or has not. */
export function confirmPresenting(turn: Turn, talk: PresentingTalk, accept: boolean): void {
  if (talk.step !== 'confirming') throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  if (accept) show(turn, talk);
  else fail(turn, talk, 'the credential was not confirmed');
}

/** Step 778: a copy of the ticket. */
function show(turn: Turn, talk: PresentingTalk): void {
  const shown = shownOf(requirePresentable(turn, talk.ticketId), talk.fields);
  keepTalk(turn, { ...talk, step: 'presented' });
  ask(turn, talk, { type: 'present', ...shown });
}

const committed = ({ state }: Turn, { transaction }: PresentingTalk) =>
  transaction === undefined ? undefined : state.transactions.get(transaction);

function goOn(turn: Turn, talk: PresentingTalk, answer: PresentAnswer): void {
  // Whatever it says, the acceptor has heard of the mark before.
  const before = committed(turn, talk);
  if (before !== undefined) close(turn, before);
  if (answer.type === 'mark') {
    keepMark(turn, talk, answer);
  } else if (answer.type === 'wait') {
    keepTalk(turn, { ...talk, step: 'waiting', transaction: undefined });
    ask(turn, talk, { type: 'waiting' });
  } else if (answer.type === 'done') {
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, talk, 'done');
  } else {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${talk.step}`);
  }
}

/** Steps 794 and 828: the ticket is marked, which commits. @throws TrustedError `TICKET_INVALID` for a mark that does not count */
function keepMark(turn: Turn, talk: PresentingTalk, answer: Extract<PresentAnswer, { type: 'mark' }>): void {
  const { ticketId } = talk;
  const held = turn.state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', 'the ticket was given away meanwhile');
  const mark = readMark(answer.mark);
  requireMarkBy(mark, peerOf(turn, talk));
  requireMark(mark, { ticket: decodeTicket(held.bytes), ticketId, before: held.status });
  const id = toHex(answer.transaction);
  if (turn.state.transactions.has(id))
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'a transaction of this number is open');
  commitAtOnce(turn, talk, { id, legs: [{ type: 'mark', ticketId, mark: answer.mark }] });
  keepTalk(turn, { ...talk, step: 'waiting', transaction: id });
  ask(turn, talk, { type: 'marked', transaction: fromHex(id) });
}

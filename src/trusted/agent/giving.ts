/**
 * Transfer Tickets (US 5,671,280, figure 25) from the giver's side; tickets may also be issued to the other agent. The giver decides. Where
 * the figure signs first and deletes later, here both are one record: before it no signature exists, after it no ticket.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { dayOf } from '../message/day.ts';
import { maxMessageBytes } from '../message/envelope.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { type GiveRequest, giveAnswerShape, giveRequestShape, type OfferedItem } from '../message/ticket-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { call } from '../session/calling.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { UnsignedTicket } from '../ticket/sign-ticket.ts';
import { maxTransfers, type TicketBody } from '../ticket/ticket.ts';
import { checkCredential, reasonOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import type { HostCommand } from './host-command.ts';
import { issuerOf } from './issuer.ts';
import { type Leg, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { tellOutcome } from './outcome.ts';
import { requireNotShown } from './presentable.ts';
import type { GivingTalk, WantedItem } from './talk.ts';
import { tellHost } from './to-host.ts';
import { abort, close, commit, openTransaction } from './transaction.ts';
import { endTalk, keepTalk, ownKey, peerOf, say, type Turn } from './turn.ts';

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_UNDER_WAY`, `TICKET_INACTIVE` or `COMMAND_UNTIMELY` */
export function give(turn: Turn, command: Extract<HostCommand, { type: 'give' }>): void {
  ownKey(turn);
  const { matter, route, about, items, check } = command;
  for (const item of items) if (item.type === 'transfer') requireGiveable(turn, item.ticketId);
  const session = call(turn.context, turn.draft, { purpose: 'give', about: toHex(about), route });
  keepTalk(turn, {
    ...{ type: 'giving', session, matter, items, check: check === 1, step: 'calling', transaction: undefined },
  });
}

function requireGiveable(turn: Turn, ticketId: string): void {
  const { state, env } = turn;
  const held = state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  if (state.underWay.has(ticketId)) throw new TrustedError('TICKET_UNDER_WAY', `ticket ${ticketId} is under way`);
  requireNotShown(turn, ticketId);
  if (held.status.inUseUntilS * 1000 > env.nowMs)
    throw new TrustedError('TICKET_INACTIVE', `ticket ${ticketId} is in use`);
}

const ask = (turn: Turn, talk: GivingTalk, request: GiveRequest) =>
  say(turn, talk, encodeCbor(giveRequestShape.encode(request)));

export const giving: Conversation<GivingTalk> = {
  open(turn, talk) {
    if (!talk.check) return offer(turn, talk);
    keepTalk(turn, { ...talk, step: 'checking' });
    ask(turn, talk, { type: 'show-credential' });
  },

  said(turn, talk, payload) {
    const answer = giveAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    const { step, transaction: id } = talk;
    const transaction = id === undefined ? undefined : turn.state.transactions.get(id);
    if (step === 'checking' && answer.type === 'credential') {
      keepTalk(turn, { ...talk, step: 'confirming' });
      checkCredential(turn, talk, answer);
    } else if (step === 'checking' && answer.type === 'no-credential') {
      fail(turn, talk, 'no credential');
    } else if (step === 'offered' && answer.type === 'ready' && toHex(answer.transaction) === id && transaction) {
      const deeds = commit(turn, transaction);
      keepTalk(turn, { ...talk, step: 'committed' });
      ask(turn, talk, { type: 'commit', transaction: fromHex(id), deeds });
    } else if (step === 'offered' && answer.type === 'refused' && transaction) {
      abort(turn, transaction);
      fail(turn, talk, `refused: ${answer.reason}`);
    } else if (step === 'committed' && answer.type === 'done' && toHex(answer.transaction) === id) {
      if (transaction !== undefined) close(turn, transaction);
      tellHost(turn, { type: 'over', matter: talk.matter });
      endTalk(turn, talk, 'done');
    } else {
      throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${step}`);
    }
  },

  lost(turn, talk, why) {
    const transaction = talk.transaction === undefined ? undefined : turn.state.transactions.get(talk.transaction);
    if (transaction?.status === 'committed') {
      tellOutcome(turn, transaction, 'committed');
      return;
    }
    if (transaction !== undefined) {
      abort(turn, transaction);
      tellOutcome(turn, transaction, 'aborted');
    }
    if (talk.step !== 'committed') tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

/** The host side has confirmed the other's credential, or has not. */
export function confirmGiving(turn: Turn, talk: GivingTalk, accept: boolean): void {
  if (talk.step !== 'confirming') throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  if (accept) offer(turn, talk);
  else fail(turn, talk, 'the credential was not confirmed');
}

function offer(turn: Turn, talk: GivingTalk): void {
  const { env, draft, state } = turn;
  try {
    const unsigned = talk.items.map((item, at) => unsignedOf(turn, talk, item, state.serial + 1 + at));
    const legs = unsigned.map((ticket, at) => legOf(turn, talk.items[at]!, ticket));
    const offered = legs.map((leg) => offeredItem(leg));
    if (new Set(legs.map(({ ticketId }) => ticketId)).size < legs.length) {
      throw new TrustedError('TICKET_UNDER_WAY', 'a ticket is given twice');
    }
    const size = offered.reduce((sum, item) => sum + (item.type === 'issue' ? item.body : item.ticket).length, 0);
    if (size > maxMessageBytes / 2) throw new TrustedError('TICKET_INVALID', 'too many tickets at a time');
    const id = toHex(env.random(TRANSACTION_ID_LENGTH));
    openTransaction(turn, talk, { id, legs });
    // A number once given is not given again, whatever becomes of the transaction.
    if (talk.items.some(({ type }) => type === 'issue')) {
      draft.records.push({ type: 'serial', serial: state.serial + unsigned.length });
    }
    keepTalk(turn, { ...talk, step: 'offered', transaction: id });
    ask(turn, talk, { type: 'offer', transaction: fromHex(id), signer: ownKey(turn).certificate, items: offered });
  } catch (error) {
    fail(turn, talk, reasonOf(error));
  }
}

function unsignedOf(turn: Turn, talk: GivingTalk, item: WantedItem, serial: number): UnsignedTicket {
  const { agentId: receiver, certificate } = peerOf(turn, talk);
  const { certificate: signer } = ownKey(turn);
  const nowS = Math.floor(turn.env.nowMs / 1000);
  if (item.type === 'issue') {
    const body: TicketBody = {
      ...issuerOf(turn),
      receiverExpiresDay: certificate.expiresDay,
      issuedOnDay: dayOf(turn.env.nowMs),
      serial,
      components: item.components,
    };
    return { type: 'issue', body, receiver, signer };
  }
  requireGiveable(turn, item.ticketId);
  const ticket = decodeTicket(turn.state.tickets.get(item.ticketId)!.bytes);
  if (ticket.transfers.length >= maxTransfers) throw new TrustedError('TICKET_INVALID', 'transferred too often');
  // A clock that is behind that of an earlier holder must not make the history run backwards.
  const atS = Math.max(nowS, ticket.transfers.at(-1)?.atS ?? ticket.body.issuedOnDay * 86_400);
  return { type: 'transfer', ticket, receiver, atS, signer };
}

type GiveLeg = Extract<Leg, { type: 'give' }>;

function legOf({ state }: Turn, item: WantedItem, unsigned: UnsignedTicket): GiveLeg {
  const ticketId = ticketIdOfUnsigned(unsigned);
  const { mark, disclosures } = (item.type === 'transfer' && state.tickets.get(item.ticketId)) || {};
  const beside = { ...(mark && { mark }), ...(disclosures && { disclosures }) };
  return { type: 'give', ticketId, ticket: storeUnsigned(unsigned), ...beside };
}

function offeredItem({ ticket, mark, disclosures }: GiveLeg): OfferedItem {
  if (ticket.type === 'issue') return { type: 'issue', body: ticket.body };
  const beside = { ...(mark && { mark }), ...(disclosures && { disclosures }) };
  return { type: 'transfer', ticket: ticket.held, atS: ticket.atS, ...beside };
}

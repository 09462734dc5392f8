/** Receive Ticket in figure 25 of US 5,671,280: validates what is offered, votes, and keeps the tickets once their deeds have come. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import { dayOf } from '../message/day.ts';
import {
  type GiveAnswer,
  type GiveRequest,
  giveAnswerShape,
  giveRequestShape,
  type OfferedItem,
} from '../message/ticket-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { UnsignedTicket } from '../ticket/sign-ticket.ts';
import { bodyShape, maxTicketBytes } from '../ticket/ticket.ts';
import { validateUnissued } from '../ticket/validate-ticket.ts';
import { credentialAnswer, reasonOf } from './check-credential.ts';
import type { Conversation } from './conversation.ts';
import { type Leg, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { distrustDeeds, doubt } from './outcome.ts';
import { readShownTicket } from './shown-ticket.ts';
import type { TakingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { settle, vote } from './transaction.ts';
import { endTalk, keepTalk, ownKey, peerOf, say, type Turn } from './turn.ts';

const answer = (turn: Turn, talk: TakingTalk, said: GiveAnswer) =>
  say(turn, talk, encodeCbor(giveAnswerShape.encode(said)));

export const taking: Conversation<TakingTalk> = {
  open() {},

  said(turn, talk, payload) {
    const request = giveRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
    if (request.type === 'show-credential') {
      answer(turn, talk, credentialAnswer(turn, talk));
    } else if (request.type === 'offer') {
      consider(turn, talk, request);
    } else {
      complete(turn, talk, request);
    }
  },

  lost(turn, talk) {
    const transaction = talk.transaction === undefined ? undefined : turn.state.transactions.get(talk.transaction);
    if (transaction === undefined) return;
    doubt(turn, transaction);
    tellHost(turn, { type: 'undecided', matter: talk.matter });
  },
};

function consider(
  turn: Turn,
  talk: TakingTalk,
  { transaction, signer, items }: Extract<GiveRequest, { type: 'offer' }>,
): void {
  const id = toHex(transaction);
  if (talk.transaction !== undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'a second offer');
  try {
    if (turn.state.transactions.has(id))
      throw new TrustedError('TICKET_INVALID', 'a transaction of this number is open');
    requireSigner(turn, talk, signer);
    const legs = items.map((item) => legOf(turn, talk, item, signer));
    if (new Set(legs.map(({ ticketId }) => ticketId)).size < legs.length) {
      throw new TrustedError('TICKET_INVALID', 'a ticket is offered twice');
    }
    vote(turn, talk, { id, legs });
    keepTalk(turn, { ...talk, transaction: id });
    answer(turn, talk, { type: 'ready', transaction });
  } catch (error) {
    answer(turn, talk, { type: 'refused', reason: reasonOf(error) });
    endTalk(turn, talk, 'refused');
  }
}

/** The caller itself, though it may have been recertified since it called. @throws TrustedError or CryptographicError */
function requireSigner(turn: Turn, talk: TakingTalk, signer: AgentCertificate): void {
  const { lists } = turn.state;
  if (signer.agentId !== peerOf(turn, talk).agentId)
    throw new TrustedError('TICKET_INVALID', 'another agent is to sign');
  validateAgentCertificate(signer, { lists, onDay: dayOf(turn.env.nowMs) });
  requireTrustedAgent(signer, lists);
}

type TakeLeg = Extract<Leg, { type: 'take' }>;

/** @throws HandselError when this agent will not have it */
function legOf(turn: Turn, talk: TakingTalk, item: OfferedItem, signer: AgentCertificate): TakeLeg {
  const unsigned = unsignedOf(turn, talk, item, signer);
  const ticketId = ticketIdOfUnsigned(unsigned);
  if (turn.state.tickets.has(ticketId)) throw new TrustedError('TICKET_INVALID', 'this agent holds that ticket');
  const { mark, disclosures } = item.type === 'transfer' ? item : {};
  const beside = { ...(mark && { mark }), ...(disclosures && { disclosures }) };
  return { type: 'take', ticketId, ticket: storeUnsigned(unsigned), ...beside };
}

function unsignedOf(turn: Turn, talk: TakingTalk, item: OfferedItem, signer: AgentCertificate): UnsignedTicket {
  const { env, state } = turn;
  const peer = peerOf(turn, talk);
  const { agentId: receiver, expiresDay: receiverExpiresDay } = ownKey(turn).certificate;
  if (item.type === 'issue') {
    const body = bodyShape.decode(decodeCbor(item.body, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'ticket');
    validateUnissued({ body, signer }, { lists: state.lists, nowMs: env.nowMs, receiverExpiresDay });
    return { type: 'issue', body, receiver, signer };
  }
  const { ticket, status } = readShownTicket(turn, peer, { ...item, taintAllowed: false });
  if (status.inUseUntilS * 1000 > env.nowMs) throw new TrustedError('TICKET_INACTIVE', 'the ticket is in use');
  const nowS = Math.floor(env.nowMs / 1000);
  const lastS = ticket.transfers.at(-1)?.atS ?? 0;
  if (item.atS < lastS || item.atS > nowS + 900) throw new TrustedError('TICKET_INVALID', 'the time of the transfer');
  return { type: 'transfer', ticket: decodeTicket(item.ticket), receiver, atS: item.atS, signer };
}

function complete(turn: Turn, talk: TakingTalk, request: Extract<GiveRequest, { type: 'commit' }>): void {
  const id = toHex(request.transaction);
  const transaction = id === talk.transaction ? turn.state.transactions.get(id) : undefined;
  if (transaction === undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'nothing to commit');
  try {
    settle(turn, transaction, request.deeds);
    answer(turn, talk, { type: 'done', transaction: request.transaction });
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    distrustDeeds(turn, transaction, error);
    answer(turn, talk, { type: 'refused', reason: reasonOf(error) });
  }
  endTalk(turn, talk, 'done');
}

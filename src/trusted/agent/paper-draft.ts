/** Commercial papers that go with an identity-based payment: laid out by whoever writes them, read by the other side, signed when it is decided. */
import { decodeCbor } from '../../codec/cbor.ts';
import { type Amount, formatAmount } from '../../money/amount.ts';
import { dayOf } from '../message/day.ts';
import type { PaperDraft } from '../message/remittance-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import type { PaperComponents } from '../paper/paper.ts';
import type { UnsignedTicket } from '../ticket/sign-ticket.ts';
import { bodyShape, encodeBody, maxTicketBytes, type TicketBody } from '../ticket/ticket.ts';
import { validateUnissued } from '../ticket/validate-ticket.ts';
import { issuerOf } from './issuer.ts';
import { type Leg, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import type { Talk } from './talk.ts';
import { ownKey, peerOf, type Turn } from './turn.ts';

export interface DraftedPaper {
  readonly ticketId: string;
  readonly leg: Leg;
  readonly body: TicketBody;
  readonly draft: PaperDraft;
}

/** By its writer. A number once given is not given again. */
export function draftPaper(turn: Turn, talk: Talk, components: PaperComponents): DraftedPaper {
  const { env, state, draft } = turn;
  const { agentId: receiver, certificate } = peerOf(turn, talk);
  const { certificate: signer } = ownKey(turn);
  const serial = state.serial + 1;
  draft.records.push({ type: 'serial', serial });
  const body: TicketBody = {
    ...{ ...issuerOf(turn), receiverExpiresDay: certificate.expiresDay, issuedOnDay: dayOf(env.nowMs) },
    ...{ serial, components },
  };
  return drafted({ type: 'issue', body, receiver, signer }, 'give');
}

/** By its receiver. @throws HandselError when it is not such a paper of the other side's, for that amount */
export function readPaper(
  turn: Turn,
  talk: Talk,
  { signer, body: encoded }: PaperDraft,
  expected: { readonly type: 'remittance-advice' | 'receipt'; readonly amount: Amount },
): DraftedPaper {
  const { env, state } = turn;
  const { lists } = state;
  const { agentId: receiver, expiresDay: receiverExpiresDay } = ownKey(turn).certificate;
  if (signer.agentId !== peerOf(turn, talk).agentId) throw invalid('another agent is to sign');
  validateAgentCertificate(signer, { lists, onDay: dayOf(env.nowMs) });
  requireTrustedAgent(signer, lists);
  const body = bodyShape.decode(decodeCbor(encoded, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'paper');
  validateUnissued({ body, signer }, { lists, nowMs: env.nowMs, receiverExpiresDay });
  const { components } = body;
  if (components.type !== 'remittance-advice' && components.type !== 'receipt') throw invalid(`a ${components.type}`);
  if (components.type !== expected.type) throw invalid(`a ${components.type} for a ${expected.type}`);
  if (formatAmount(components.amountPaid) !== formatAmount(expected.amount)) throw invalid('for another amount');
  const read = drafted({ type: 'issue', body, receiver, signer }, 'take');
  if (state.tickets.has(read.ticketId)) throw invalid('this agent holds that paper');
  return read;
}

function drafted(unsigned: Extract<UnsignedTicket, { type: 'issue' }>, type: 'give' | 'take'): DraftedPaper {
  const ticketId = ticketIdOfUnsigned(unsigned);
  const { body, signer } = unsigned;
  const leg: Leg = { type, ticketId, ticket: storeUnsigned(unsigned) };
  return { ticketId, leg, body, draft: { signer, body: encodeBody(body) } };
}

const invalid = (why: string) => new TrustedError('TICKET_INVALID', `a paper: ${why}`);

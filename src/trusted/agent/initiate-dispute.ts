/**
 * Initiate Dispute (US 5,671,280, figures 30 to 32) from the customer's side. What is claimed is signed from this agent's own holdings, so its owner
 * can be wrong or lie about quality, but not about what was bought and paid. The merchant may take its time: the dispute is kept, and asked
 * for again, until it is answered.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { equalBytes, fromHex, toHex } from '../../codec/hex.ts';
import { type Answer, answerType, type Claim, claimType, DISPUTE_NUMBER_LENGTH } from '../message/dispute.ts';
import { type DisputeAnswer, disputeAnswerShape } from '../message/dispute-talk.ts';
import { readDocument, requireGenuine, type SignedDocument, signDocument } from '../message/signed-document.ts';
import { decodeTicketBundle } from '../message/ticket-ruling.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { HeldTicket } from './agent-state.ts';
import { askMerchant, callMerchant, laterAgain, talkAbout } from './call-merchant.ts';
import { checkCredential } from './check-credential.ts';
import { collect, goOnWithChoice, hearSettlement, legsForMoney, loseSettlement } from './collect-dispute.ts';
import { type Conversation, fail } from './conversation.ts';
import { evidenceOf, isBeingSettled, keepDispute, logDispute, pursueTimer } from './dispute-log.ts';
import { type Dispute, maxOpenDisputes } from './dispute-state.ts';
import type { HostCommand } from './host-command.ts';
import { hearModuleRefund, isPaidByModule } from './refund-by-module.ts';
import type { DisputingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { endTalk, keepTalk, ownKey, peerOf, type Turn } from './turn.ts';

type CommandOf<K extends HostCommand['type']> = Extract<HostCommand, { type: K }>;

/** Steps 1044 to 1064. @throws TrustedError `TICKET_UNKNOWN`, `COMMAND_UNTIMELY` */
export function dispute(turn: Turn, command: CommandOf<'dispute'>): void {
  const { matter, route, ticketId, transaction } = command;
  const { byNumber } = turn.state.disputes;
  const open = [...byNumber.values()].filter(({ side, status }) => side === 'customer' && status === 'open');
  const number = toHex(turn.env.random(DISPUTE_NUMBER_LENGTH));
  const grounds = transaction === undefined ? ofTicket(turn, command) : ofTransaction(turn, command);
  if (open.length >= maxOpenDisputes || open.some((one) => ticketId !== undefined && one.ticketId === ticketId)) {
    throw new TrustedError('COMMAND_UNTIMELY', 'this is disputed already, or too much is');
  }
  const claim: Claim = { ...grounds.claim, number: fromHex(number), atMs: turn.env.nowMs };
  const { certificate, privateKey } = ownKey(turn);
  const opened: Dispute = {
    ...{ number, side: 'customer', peer: grounds.peer, matter, about: command.complaint, status: 'open' },
    ...{ claim: signDocument(claimType, claim, { type: 'agent', certificate, privateKey }), answer: undefined },
    ...{ ticketId, payment: claim.payment, offer: { refund: undefined, replacement: false }, refund: undefined },
    ...{
      choice: undefined,
      route,
      callAbout: toHex(command.about),
      attempts: 0,
      openedAtMs: turn.env.nowMs,
      bundle: undefined,
    },
  };
  keepDispute(turn, opened);
  logDispute(turn, opened, 'opened');
  tellHost(turn, { type: 'disputing', matter, number });
  callMerchant(turn, opened, command.check === 1);
}

type Grounds = { readonly peer: Dispute['peer']; readonly claim: Omit<Claim, 'number' | 'atMs'> };

function ofTicket(turn: Turn, { ticketId, complaint: about, statement, object }: CommandOf<'dispute'>): Grounds {
  const held = ticketId === undefined ? undefined : turn.state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  // Of these an agent knows better than its owner; what it signs must not be disproved by what it holds.
  if (about === 'not-delivered' || about === 'not-followed' || about === 'paid-twice') {
    throw new TrustedError(
      'COMMAND_UNTIMELY',
      'nothing of that is to be said of a ticket that is held, and paid for once',
    );
  }
  if (about === 'does-not-open' && object === undefined) {
    throw new TrustedError('COMMAND_UNTIMELY', 'the object that does not open is to be shown');
  }
  const { issuerCertificate: certificate } = decodeTicket(held.bytes);
  const payment = held.payment && evidenceOf(held.payment);
  return {
    peer: { type: 'agent', agentId: certificate.agentId, certificate },
    claim: {
      ...{ merchant: certificate.agentId, about, statement, ...shown(held) },
      ...(payment && { payment }),
      ...(object && { object }),
    },
  };
}

export const shown = ({ bytes, mark }: HeldTicket) => ({ ticket: bytes, ...(mark && { mark }) });

/** Paid, and no ticket: it can only be said of a transaction in which this agent has voted and whose outcome it does not know. */
function ofTransaction(
  turn: Turn,
  { transaction: id = '', complaint: about, statement }: CommandOf<'dispute'>,
): Grounds {
  const transaction = turn.state.transactions.get(id);
  const leg = transaction?.legs.find(({ type }) => type === 'payment');
  if (transaction?.status !== 'voted' || leg?.type !== 'payment' || about !== 'not-delivered') {
    throw new TrustedError('COMMAND_UNTIMELY', 'no payment without a ticket is under way in that transaction');
  }
  const { type: _, ...paid } = leg;
  const { peer } = transaction;
  return {
    peer,
    claim: { merchant: peer.agentId, about, statement, payment: evidenceOf({ ...paid, transaction: id }) },
  };
}

/** The command `pursue`: the merchant's agent is asked again. @throws TrustedError `DISPUTE_UNKNOWN` or `COMMAND_UNTIMELY` */
export function pursue(turn: Turn, { number, route }: CommandOf<'pursue'>): void {
  const known = turn.state.disputes.byNumber.get(number);
  if (known?.side !== 'customer') throw new TrustedError('DISPUTE_UNKNOWN', `no dispute ${number}`);
  const settled = known.status === 'refunded' || known.status === 'replaced';
  if (settled || isBeingSettled(turn, number))
    throw new TrustedError('COMMAND_UNTIMELY', 'it is settled, or about to be');
  if (talkAbout(turn, number) !== undefined) throw new TrustedError('COMMAND_UNTIMELY', 'this is under way');
  const at = route === undefined ? known : { ...known, route };
  if (at !== known) keepDispute(turn, at);
  callMerchant(turn, at);
}

export const disputing: Conversation<DisputingTalk> = {
  /** Step 1054. */
  open(turn, talk) {
    if (peerOf(turn, talk).agentId !== keptOf(turn, talk).peer.agentId) {
      fail(turn, talk, 'another agent answers there');
    } else if (talk.check) {
      keepTalk(turn, { ...talk, step: 'checking' });
      askMerchant(turn, talk, { type: 'show-credential' });
    } else {
      tell(turn, talk);
    }
  },

  said(turn, talk, payload) {
    const known = keptOf(turn, talk);
    if (isPaidByModule(talk, known)) {
      hearModuleRefund(turn, talk, known, { payload, legs: () => legsForMoney(turn, talk, known) });
      return;
    }
    const answer = disputeAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    const kept = keptOf(turn, talk);
    if (talk.step === 'checking' && answer.type === 'credential') {
      keepTalk(turn, { ...talk, step: 'confirming' });
      checkCredential(turn, talk, answer, (type) => type === 'merchant' || type === 'authority');
    } else if (talk.step === 'checking' && answer.type === 'no-credential') {
      fail(turn, talk, 'no credential');
    } else if (talk.step === 'told' && answer.type === 'noted') {
      laterAgain(turn, kept);
      tellHost(turn, { type: 'dispute-noted', matter: talk.matter, number: talk.number, untilMs: answer.untilMs });
      endTalk(turn, talk, 'noted');
    } else if (answer.type === 'answered') {
      hearAnswer(turn, talk, kept, answer);
    } else if ((talk.step === 'acknowledging' || talk.step === 'refunding-by-module') && answer.type === 'closed') {
      tellHost(turn, { type: 'over', matter: talk.matter });
      endTalk(turn, talk, 'done');
    } else {
      hearSettlement(turn, talk, kept, answer);
    }
  },

  lost(turn, talk, why) {
    const kept = keptOf(turn, talk);
    if (loseSettlement(turn, talk)) return;
    if (kept.status === 'open') laterAgain(turn, kept);
    else if (kept.status === 'granted' || kept.status === 'ruled')
      keepDispute(turn, { ...kept, attempts: kept.attempts + 1 });
    // What was denied is in the log already, whether or not the merchant's agent heard so.
    if (talk.step !== 'acknowledging') tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'aborted') fail(turn, talk, why);
  },
};

const keptOf = (turn: Turn, { number }: DisputingTalk) => turn.state.disputes.byNumber.get(number)!;

/** Steps 1070 to 1072, and 1126 to 1134. */
function tell(turn: Turn, talk: DisputingTalk): void {
  const { claim, bundle, status } = keptOf(turn, talk);
  keepTalk(turn, { ...talk, step: 'told' });
  const ruling = bundle !== undefined && status === 'ruled' ? decodeTicketBundle(bundle).ruling : undefined;
  askMerchant(turn, talk, { type: 'dispute', claim, ...(ruling && { ruling }) });
}

/** The host side has confirmed the merchant's credential, or has not. */
export function confirmDisputing(turn: Turn, talk: DisputingTalk, accept: boolean): void {
  if (talk.step === 'viewing') {
    collect(turn, talk, accept);
  } else if (talk.step === 'confirming') {
    if (accept) tell(turn, talk);
    else fail(turn, talk, 'the credential was not confirmed');
  } else {
    throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  }
}

/** Steps 1080 to 1098. @throws HandselError for an answer that is none of this merchant to this claim */
function hearAnswer(
  turn: Turn,
  talk: DisputingTalk,
  kept: Dispute,
  { answer: bytes }: Extract<DisputeAnswer, { type: 'answered' }>,
): void {
  const { value, by } = readAnswer(turn, kept, bytes);
  if (by.type !== 'agent') throw new TrustedError('COMPLAINT_UNFIT', 'a server does not answer for a merchant');
  if (kept.status === 'refunded' || kept.status === 'replaced') throw new TrustedError('COMMAND_UNTIMELY', 'settled');
  const { outcome, reason, refund, replacement } = value;
  const { matter, number } = talk;
  const told = { ...(refund && { refund }), ...(replacement && { replacement: 1 as const }) };
  tellHost(turn, { type: 'dispute-answered', matter, number, outcome, reason, ...told });
  const peer = { type: 'agent', agentId: by.certificate.agentId, certificate: by.certificate } as const;
  const heard: Dispute = { ...kept, peer, answer: kept.status === 'ruled' ? kept.answer : bytes };
  turn.draft.clearTimers.push(pursueTimer(number));
  if (outcome === 'granted' || outcome === 'unavailable') {
    const offer = { refund, replacement: outcome === 'granted' && replacement === 'yes' };
    const status = kept.status === 'ruled' ? 'ruled' : 'granted';
    // What is not to be had is paid back (step 1118), unless the customer has to say with which card.
    const choice = kept.choice?.type === 'replacement' && !offer.replacement ? undefined : kept.choice;
    const granted: Dispute = { ...heard, status, offer, choice };
    keepDispute(turn, granted);
    logDispute(turn, granted, outcome, talk.session);
    const waiting: DisputingTalk = { ...talk, step: 'choosing' };
    keepTalk(turn, waiting);
    if (choice !== undefined) goOnWithChoice(turn, waiting, granted);
    return;
  }
  // Steps 1156 to 1162: committed to the log, then acknowledged.
  const denied: Dispute = { ...heard, status: kept.status === 'ruled' ? 'ruled' : 'denied' };
  keepDispute(turn, denied);
  logDispute(turn, denied, `${outcome}: ${reason}`, talk.session);
  keepTalk(turn, { ...talk, step: 'acknowledging' });
  askMerchant(turn, talk, { type: 'acknowledged', number: fromHex(number) });
}

function readAnswer(turn: Turn, { claim, number, peer }: Dispute, bytes: Uint8Array): SignedDocument<Answer> {
  const answer = readDocument(answerType, bytes);
  requireGenuine(answer, turn.state.lists);
  const { by, value } = answer;
  const fits =
    by.type === 'agent' &&
    by.certificate.agentId === peer.agentId &&
    equalBytes(value.claim, readDocument(claimType, claim).digest) &&
    toHex(value.number) === number;
  if (!fits) throw new TrustedError('COMPLAINT_UNFIT', 'an answer to something else');
  return answer;
}

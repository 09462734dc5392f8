/**
 * Resolve Dispute (US 5,671,280, figure 30) from the merchant's side. The agent looks whether ticket and object are its own, its host side decides what
 * to answer, and the agent signs that answer and keeps to it: what was paid back or replaced once is not again.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { type Claim, claimType } from '../message/dispute.ts';
import { type DisputeRequest, disputeRequestShape } from '../message/dispute-talk.ts';
import { readDocument, requireGenuine, type SignedDocument } from '../message/signed-document.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { holdTimer } from './accepting.ts';
import { answerCustomer, decideDispute, type Said } from './answer-dispute.ts';
import { credentialAnswer } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import { disputeOf, keepDispute, logDispute } from './dispute-log.ts';
import { type Dispute, maxOpenDisputes, maxOpenWithOne } from './dispute-state.ts';
import { type Examined, examineClaim } from './examine-claim.ts';
import { grantByRuling } from './follow-ruling.ts';
import type { HostCommand } from './host-command.ts';
import { tellKeys } from './open-merchandise.ts';
import { tellOutcome } from './outcome.ts';
import { legsForMoney, loseOffer, payDispute } from './pay-dispute.ts';
import { askForVote } from './pay-through.ts';
import { hearModulePayee } from './refund-by-module.ts';
import type { ResolvingTalk } from './talk.ts';
import { showTicket, tellHost } from './to-host.ts';
import { endTalk, keepTalk, ownKey, peerOf, type Turn } from './turn.ts';

type CommandOf<K extends HostCommand['type']> = Extract<HostCommand, { type: K }>;

export const resolving: Conversation<ResolvingTalk> = {
  open() {},

  said(turn, talk, payload) {
    if (talk.step === 'paying-by-module') {
      const dispute = disputeOf(turn, talk.number ?? '', 'merchant');
      hearModulePayee(turn, talk, dispute, { payload, legs: legsForMoney(talk, dispute) });
      return;
    }
    const request = disputeRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
    if (request.type === 'show-credential') {
      answerCustomer(turn, talk, credentialAnswer(turn, talk));
    } else if (request.type === 'dispute') {
      if (talk.number !== undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'a second dispute');
      hearClaim(turn, talk, request);
    } else if (request.type === 'acknowledged') {
      // Step 1164.
      const dispute = disputeOf(turn, talk.number ?? '', 'merchant');
      logDispute(turn, dispute, 'acknowledged', talk.session);
      answerCustomer(turn, talk, { type: 'closed' });
      tellHost(turn, { type: 'over', matter: talk.matter });
      endTalk(turn, talk, 'done');
    } else {
      payDispute(turn, talk, request);
    }
  },

  lost(turn, talk) {
    turn.draft.clearTimers.push(holdTimer(talk.session));
    loseOffer(turn, talk);
  },

  prepared(turn, talk) {
    askForVote(turn, talk, talk.transaction!);
  },

  decided(turn, talk, outcome, why) {
    // A payer by module has still to hear that it is settled.
    if (outcome === 'committed' && talk.step === 'paying-by-module') return;
    if (outcome === 'committed') keepTalk(turn, { ...talk, step: 'over' });
    else fail(turn, talk, why);
  },
};

/** Steps 1074 to 1090, and 1136 to 1152. @throws HandselError for a claim that is none of the agent at the other end */
function hearClaim(turn: Turn, talk: ResolvingTalk, request: Extract<DisputeRequest, { type: 'dispute' }>): void {
  const peer = peerOf(turn, talk);
  const claim = readDocument(claimType, request.claim);
  requireGenuine(claim, turn.state.lists);
  const { value, by } = claim;
  if (by.type !== 'agent' || by.certificate.agentId !== peer.agentId) {
    throw new TrustedError('COMPLAINT_UNFIT', 'somebody else claims');
  }
  if (value.merchant !== ownKey(turn).certificate.agentId)
    throw new TrustedError('COMPLAINT_UNFIT', 'another merchant');
  const number = toHex(value.number);
  const known = turn.state.disputes.byNumber.get(number);
  if (known !== undefined) {
    const same = known.side === 'merchant' && known.peer.agentId === peer.agentId;
    if (!same || !equalBytes(readDocument(claimType, known.claim).digest, claim.digest)) {
      throw new TrustedError('COMPLAINT_UNFIT', 'another dispute has that number');
    }
    const dispute = request.ruling === undefined ? known : grantByRuling(turn, known, request.ruling);
    goOn(turn, { ...talk, number }, dispute);
    return;
  }
  const opened = newDispute(turn, talk, claim, request.claim);
  if (!hasRoom(turn, opened)) {
    answerCustomer(turn, talk, { type: 'refused', reason: 'too many disputes are open' });
    fail(turn, talk, 'too many disputes are open');
    return;
  }
  const dispute = request.ruling === undefined ? opened : grantByRuling(turn, opened, request.ruling);
  if (dispute.status !== 'open') goOn(turn, { ...talk, number }, dispute);
  else open(turn, { ...talk, number }, dispute, value, examineClaim(turn, peer, value));
}

function newDispute(turn: Turn, talk: ResolvingTalk, { value }: SignedDocument<Claim>, bytes: Uint8Array): Dispute {
  const { about, payment } = value;
  return {
    ...{ number: toHex(value.number), side: 'merchant', peer: peerOf(turn, talk), matter: talk.matter, about },
    ...{ status: 'open', claim: bytes, answer: undefined, ticketId: undefined, payment, refund: undefined },
    ...{
      offer: { refund: undefined, replacement: false },
      choice: undefined,
      route: undefined,
      callAbout: '',
      attempts: 0,
    },
    ...{ openedAtMs: turn.env.nowMs, bundle: undefined },
  };
}

function hasRoom({ state }: Turn, { peer }: Dispute): boolean {
  const open = [...state.disputes.byNumber.values()].filter(
    ({ side, status }) => side === 'merchant' && (status === 'open' || status === 'granted'),
  );
  const own = open.filter((one) => one.peer.agentId === peer.agentId);
  return open.length < maxOpenDisputes && own.length < maxOpenWithOne;
}

function open(turn: Turn, talk: ResolvingTalk, dispute: Dispute, claim: Claim, examined: Examined): void {
  if (examined.type === 'answered') {
    goOn(turn, talk, decideDispute(turn, dispute, examined.said, talk.session));
    return;
  }
  if (examined.type === 'sold') {
    tellOutcome(turn, examined.transaction, 'committed');
    const said: Said = { outcome: 'settled', reason: 'it was sold: the ticket comes with the outcome of the purchase' };
    goOn(turn, talk, decideDispute(turn, dispute, said, talk.session));
    return;
  }
  if (examined.type === 'wait') {
    answerCustomer(turn, talk, { type: 'noted', untilMs: turn.env.nowMs + turn.settings.pace.askMs });
    endTalk(turn, talk, 'noted');
    return;
  }
  const { shown } = examined;
  const fit: Dispute = { ...dispute, ticketId: shown.ticketId };
  keepDispute(turn, fit);
  logDispute(turn, fit, `opened: ${claim.statement}`, talk.session);
  tellHost(turn, {
    ...{ type: 'disputed', matter: talk.matter, number: fit.number, peer: fit.peer.agentId, about: fit.about },
    ...{ statement: claim.statement, ticket: showTicket(shown.ticket, shown.status) },
    ...(fit.payment && { paid: fit.payment.amount }),
  });
  // Step 1148: what was bought is looked at, with the key that opens it.
  if (claim.object !== undefined) tellKeys(turn, { id: shown.ticketId, bytes: claim.ticket! });
  hold(turn, talk);
}

/** A dispute that this agent knows is answered as it stands. */
function goOn(turn: Turn, talk: ResolvingTalk, dispute: Dispute): void {
  if (dispute.status === 'open') {
    hold(turn, talk);
    return;
  }
  const done = dispute.status === 'refunded' || dispute.status === 'replaced';
  const said: Said = { outcome: 'settled', reason: `it was ${dispute.status}` };
  const { answer } = done ? decideDispute(turn, dispute, said, talk.session) : dispute;
  keepTalk(turn, { ...talk, step: 'answered', owes: false });
  answerCustomer(turn, talk, { type: 'answered', answer: answer! });
}

/** The host side may answer while the customer's agent waits. */
function hold(turn: Turn, talk: ResolvingTalk): void {
  keepTalk(turn, { ...talk, owes: true });
  turn.draft.timers.push({ id: holdTimer(talk.session), atMs: turn.env.nowMs + turn.settings.pace.holdMs });
}

/** It has not answered for a while: the customer's agent asks again later. */
export function letGo(turn: Turn, talk: ResolvingTalk): void {
  if (!talk.owes) return;
  answerCustomer(turn, talk, { type: 'noted', untilMs: turn.env.nowMs + turn.settings.pace.disputeMs });
  endTalk(turn, talk, 'noted');
}

/** The command `answer-dispute` (steps 1090 to 1098). @throws TrustedError `DISPUTE_UNKNOWN`, `COMMAND_UNTIMELY` */
export function answerDispute(turn: Turn, command: CommandOf<'answer-dispute'>): void {
  const { number, outcome, reason } = command;
  const dispute = disputeOf(turn, number, 'merchant');
  // What was denied may still be granted, before a trusted server has to say so; what was granted stays so.
  const later = dispute.status === 'denied' && outcome === 'granted' && dispute.ticketId !== undefined;
  if (dispute.status !== 'open' && !later) throw new TrustedError('COMMAND_UNTIMELY', 'this was answered');
  const [refund, replacement] = [command.refund === 1, command.replacement === 1];
  if (outcome === 'granted' && !refund && !replacement)
    throw new TrustedError('COMMAND_UNTIMELY', 'nothing is granted');
  if (refund && dispute.payment === undefined) {
    throw new TrustedError('COMMAND_UNTIMELY', 'it was not paid: there is nothing to give back');
  }
  if (replacement && dispute.ticketId === undefined) throw new TrustedError('COMMAND_UNTIMELY', 'nothing to replace');
  const decided = decideDispute(turn, dispute, { outcome, reason, refund, replacement });
  for (const talk of turn.state.talks.values()) {
    if (talk.type !== 'resolving' || talk.number !== number || !talk.owes) continue;
    turn.draft.clearTimers.push(holdTimer(talk.session));
    goOn(turn, talk, decided);
  }
}

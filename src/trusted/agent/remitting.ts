/**
 * Identity-based payment from the payer's side (US 5,671,280, figure 29, claims 46 and 47): the payee's credential first, then the own one if the
 * payee wants it, then what is paid, then the payment. The credentials that were seen stay in Tran Log with the payment.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { formatAmount } from '../../money/amount.ts';
import type { PaymentAnswer } from '../message/payment-talk.ts';
import {
  type RemittanceAnswer,
  type RemittanceRequest,
  remittanceAnswerShape,
  remittanceRequestShape,
} from '../message/remittance-talk.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { call } from '../session/calling.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { ticketIdOf } from '../ticket/ticket.ts';
import { checkCredential, reasonOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import type { HostCommand } from './host-command.ts';
import type { Leg } from './leg.ts';
import { distrustDeeds } from './outcome.ts';
import { showChosen } from './own-credential.ts';
import { draftPaper, readPaper } from './paper-draft.ts';
import { askForVote, beginToPay, type Due, hearPayee, losePaying } from './pay-through.ts';
import { letPonder, NOT_IN_TIME } from './ponder.ts';
import { readRaised, showToRaise } from './raising.ts';
import type { RemittingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { requireDeeds, settle, vote } from './transaction.ts';
import { endTalk, keepTalk, ownKey, peerOf, say, type Turn } from './turn.ts';

/** Step 1006. @throws TrustedError `COMMAND_UNTIMELY`, `TICKET_UNKNOWN`, `TICKET_INVALID` */
export function remit(turn: Turn, command: Extract<HostCommand, { type: 'remit' }>): void {
  ownKey(turn);
  const { matter, route, about, amount, advice, invoices, payment, credential, fields, topUp } = command;
  if (advice !== undefined && formatAmount(advice.amountPaid) !== formatAmount(amount)) {
    throw new TrustedError('COMMAND_UNTIMELY', 'the advice is for another amount');
  }
  if (payment.type === 'later' && advice === undefined) {
    throw new TrustedError('COMMAND_UNTIMELY', 'who pays later says for what');
  }
  if (topUp !== undefined) {
    if (payment.type === 'later') throw new TrustedError('COMMAND_UNTIMELY', 'a top-up is paid at once');
    showToRaise(turn, topUp);
  }
  for (const ticketId of invoices) requireInvoice(turn, ticketId);
  if (credential !== undefined) showChosen(turn, { ticketId: credential, ...(fields && { fields }) });
  const session = call(turn.context, turn.draft, { purpose: 'pay', about: toHex(about), route });
  keepTalk(turn, {
    ...{ type: 'remitting', session, matter, amount, payment, invoices, step: 'calling' },
    ...(advice && { advice }),
    ...(credential && { credential }),
    ...(fields && { fields }),
    ...(topUp && { topUp }),
    ...{ transaction: toHex(turn.env.random(TRANSACTION_ID_LENGTH)), legs: [] },
  });
}

function requireInvoice({ state }: Turn, ticketId: string) {
  const held = state.tickets.get(ticketId);
  const ticket = held && decodeTicket(held.bytes);
  if (ticket?.body.components.type !== 'invoice') throw new TrustedError('TICKET_UNKNOWN', `no invoice ${ticketId}`);
  return ticket;
}

const ask = (turn: Turn, talk: RemittingTalk, request: RemittanceRequest) =>
  say(turn, talk, encodeCbor(remittanceRequestShape.encode(request)));

export const remitting: Conversation<RemittingTalk> = {
  /** Step 1012. */
  open(turn, talk) {
    keepTalk(turn, { ...talk, step: 'checking' });
    ask(turn, talk, { type: 'show-credential' });
  },

  said(turn, talk, payload) {
    const answer = remittanceAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    const atStake = talk.step === 'paying' || talk.step === 'promised';
    try {
      hear(turn, talk, answer);
    } catch (error) {
      // Nothing is at stake before the payment: what the other side said is not good enough, and that is all.
      if (atStake || !(error instanceof HandselError)) throw error;
      leave(turn, talk, reasonOf(error));
    }
  },

  prepared(turn, talk) {
    askForVote(turn, talk, talk.transaction);
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'aborted') fail(turn, talk, `not paid: ${why}`);
  },

  lost(turn, talk, why) {
    if (talk.step === 'leaving' || !losePaying(turn, talk, talk.transaction)) return;
    tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

function hear(turn: Turn, talk: RemittingTalk, answer: RemittanceAnswer): void {
  const { step } = talk;
  if (step === 'checking' && answer.type === 'credential') {
    checkCredential(turn, talk, answer);
    letPonder(turn, talk);
    const { ticket, mark } = answer;
    const seen: Leg = { type: 'seen', image: { ticketId: ticketIdOf(decodeTicket(ticket)), ticket, mark } };
    keepTalk(turn, { ...talk, step: 'confirming', legs: [seen] });
  } else if (step === 'checking' && answer.type === 'no-credential') {
    leave(turn, talk, 'no credential');
  } else if (step === 'asking' && answer.type === 'show-yours') {
    const { credential: ticketId, fields } = talk;
    if (ticketId === undefined) {
      leave(turn, talk, 'the payee wants a credential');
      return;
    }
    keepTalk(turn, { ...talk, step: 'shown' });
    ask(turn, talk, { type: 'credential', shown: showChosen(turn, { ticketId, ...(fields && { fields }) }) });
  } else if ((step === 'asking' || step === 'shown') && answer.type === 'go-on') {
    advise(turn, talk);
  } else if (step === 'advised' && answer.type === 'confirmed') {
    pay(turn, talk, answer);
  } else if (step === 'promised' && answer.type === 'promised') {
    keepPromise(turn, talk, answer);
  } else if (step === 'leaving' && answer.type === 'over') {
    endTalk(turn, talk, 'done');
  } else if (answer.type === 'refused' && step !== 'paying' && step !== 'promised') {
    fail(turn, talk, `refused: ${answer.reason}`);
  } else if (step === 'paying') {
    hearPaying(turn, talk, answer as PaymentAnswer);
  } else {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${step}`);
  }
}

/** The payee's credential is good enough, or is not (step 1014). @throws TrustedError `COMMAND_UNTIMELY` */
export function confirmRemitting(turn: Turn, talk: RemittingTalk, accept: boolean): void {
  if (talk.step !== 'confirming') throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  if (!accept) {
    leave(turn, talk, 'the credential was not confirmed');
    return;
  }
  keepTalk(turn, { ...talk, step: 'asking' });
  ask(turn, talk, { type: 'credential-wanted' });
}

/** The owner's time is over. */
export function stopRemitting(turn: Turn, talk: RemittingTalk): void {
  if (talk.step === 'confirming') leave(turn, talk, NOT_IN_TIME);
}

/** Steps 1028 to 1030; the invoices that are paid must be the payee's own. */
function advise(turn: Turn, talk: RemittingTalk): void {
  const { amount, invoices, advice, transaction, topUp } = talk;
  const payee = peerOf(turn, talk).agentId;
  for (const ticketId of invoices) {
    if (requireInvoice(turn, ticketId).issuerCertificate.agentId !== payee) {
      throw new TrustedError('TICKET_INVALID', 'an invoice of somebody else');
    }
  }
  const paper = advice && draftPaper(turn, talk, { ...advice, type: 'remittance-advice' });
  keepTalk(turn, { ...talk, step: 'advised', legs: [...talk.legs, ...(paper ? [paper.leg] : [])] });
  ask(turn, talk, {
    ...{ type: 'advise', transaction: fromHex(transaction), amount, later: talk.payment.type === 'later' ? 1 : 0 },
    ...(paper && { advice: paper.draft }),
    ...(topUp && { raise: showToRaise(turn, topUp) }),
  });
}

/** Step 1042. */
function pay(
  turn: Turn,
  talk: RemittingTalk,
  { receipt, raised }: Extract<RemittanceAnswer, { type: 'confirmed' }>,
): void {
  const { amount, payment, transaction: id, topUp } = talk;
  if ((topUp === undefined) !== (raised === undefined))
    throw new TrustedError('TICKET_INVALID', 'not what is to be topped up');
  if (payment.type === 'later') {
    if (receipt !== undefined) throw new TrustedError('TICKET_INVALID', 'a receipt for what is not paid yet');
    const deeds = vote(turn, talk, { id, legs: talk.legs });
    keepTalk(turn, { ...talk, step: 'promised' });
    ask(turn, talk, { type: 'promise', transaction: fromHex(id), deeds });
    return;
  }
  if (receipt === undefined) throw new TrustedError('TICKET_INVALID', 'no receipt');
  const paper = readPaper(turn, talk, receipt, { type: 'receipt', amount });
  const up = topUp && raised ? [readRaised(turn, talk, topUp, raised)] : [];
  const legs = [...talk.legs, paper.leg, ...up];
  const paying: RemittingTalk = { ...talk, step: 'paying', legs, receiptId: paper.ticketId };
  keepTalk(turn, paying);
  beginToPay(turn, paying, dueOf(paying), payment);
}

function dueOf({ transaction: id, legs, amount, receiptId }: RemittingTalk): Due {
  return { id, legs, amount, ticketId: receiptId! };
}

function hearPaying(turn: Turn, talk: RemittingTalk, answer: PaymentAnswer): void {
  const how = hearPayee(turn, talk, dueOf(talk), answer);
  if (how === 'not paid') fail(turn, talk, 'not paid');
  else if (how === 'over') finish(turn, talk);
}

function finish(turn: Turn, talk: RemittingTalk): void {
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}

/** The payee keeps the advice: the bank pays. */
function keepPromise(turn: Turn, talk: RemittingTalk, answer: Extract<RemittanceAnswer, { type: 'promised' }>): void {
  const transaction = turn.state.transactions.get(talk.transaction);
  if (transaction !== undefined) {
    try {
      requireDeeds(turn, transaction, answer.deeds);
      settle(turn, transaction, answer.deeds);
      tellHost(turn, { type: 'over', matter: talk.matter });
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      distrustDeeds(turn, transaction, error);
    }
  }
  keepTalk(turn, { ...talk, step: 'leaving' });
  ask(turn, talk, { type: 'done', transaction: answer.transaction });
}

/** Step 1036, or what was shown is not good enough: nothing was at stake. */
function leave(turn: Turn, talk: RemittingTalk, why: string): void {
  tellHost(turn, { type: 'failed', matter: talk.matter, why });
  keepTalk(turn, { ...talk, step: 'leaving' });
  ask(turn, talk, { type: 'leave' });
}

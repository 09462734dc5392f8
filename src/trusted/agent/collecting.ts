/**
 * Identity-based payment from the payee's side (US 5,671,280, figure 29): shows its credential, asks for the payer's if its host side wants that,
 * has what is paid confirmed, and gives a receipt that exists from the moment on at which it is paid.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { toHex } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import { dayOf } from '../message/day.ts';
import type { PaymentRequest } from '../message/payment-talk.ts';
import {
  type RemittanceAnswer,
  type RemittanceRequest,
  remittanceAnswerShape,
  remittanceRequestShape,
} from '../message/remittance-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import type { PaperComponents } from '../paper/paper.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { ticketIdOf } from '../ticket/ticket.ts';
import { hearPayer, isPayerToSay, loseCollecting } from './be-paid-through.ts';
import { hearHeard, requireNewTransaction } from './being-paid.ts';
import { checkCredential, credentialAnswer, reasonOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import { issuerOf } from './issuer.ts';
import type { Leg } from './leg.ts';
import { draftPaper, readPaper } from './paper-draft.ts';
import { letPonder, NOT_IN_TIME } from './ponder.ts';
import { raiseFor } from './raising.ts';
import type { CollectingTalk } from './talk.ts';
import { showTicket, tellHost } from './to-host.ts';
import { commitAtOnce, requireDeeds } from './transaction.ts';
import { endTalk, keepTalk, say, type Turn } from './turn.ts';

const answer = (turn: Turn, talk: CollectingTalk, said: RemittanceAnswer) =>
  say(turn, talk, encodeCbor(remittanceAnswerShape.encode(said)));

export const collecting: Conversation<CollectingTalk> = {
  open() {},

  said(turn, talk, payload) {
    const request = remittanceRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
    const { step } = talk;
    if (request.type === 'show-credential') answer(turn, talk, credentialAnswer(turn, talk));
    else if (step === 'begun' && request.type === 'credential-wanted') askHost(turn, talk);
    else if (step === 'wanted' && request.type === 'credential') look(turn, talk, request);
    else if (step === 'ready' && request.type === 'advise') consider(turn, talk, request);
    else if (step === 'confirmed' && request.type === 'promise') takePromise(turn, talk, request);
    else if (step === 'over' && request.type === 'done') hearDone(turn, talk);
    else if (step !== 'over' && request.type === 'leave') hearLeft(turn, talk);
    else if (step === 'confirmed' || step === 'over') collect(turn, talk, request as PaymentRequest);
    else throw new TrustedError('SESSION_OUT_OF_ORDER', `"${request.type}" while ${step}`);
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'aborted') fail(turn, talk, `not paid: ${why}`);
    else if (isPayerToSay(turn, talk.transaction)) keepTalk(turn, { ...talk, step: 'over' });
    else hearOver(turn, talk);
  },

  lost(turn, talk, why) {
    const { transaction, step } = talk;
    if (transaction !== undefined && !loseCollecting(turn, talk, transaction)) return;
    if (step !== 'over') tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

function refuse(turn: Turn, talk: CollectingTalk, reason: string): void {
  answer(turn, talk, { type: 'refused', reason });
  fail(turn, talk, reason);
}

/** Steps 1018 to 1020. */
function askHost(turn: Turn, talk: CollectingTalk): void {
  keepTalk(turn, { ...talk, step: 'asked-host' });
  letPonder(turn, talk);
  tellHost(turn, { type: 'require-credential', matter: talk.matter, session: talk.session });
}

/** Step 1022. */
function look(turn: Turn, talk: CollectingTalk, { shown }: Extract<RemittanceRequest, { type: 'credential' }>): void {
  try {
    checkCredential(turn, talk, shown);
    letPonder(turn, talk);
    const { ticket, mark } = shown;
    const seen: Leg = { type: 'seen', image: { ticketId: ticketIdOf(decodeTicket(ticket)), ticket, mark } };
    keepTalk(turn, { ...talk, step: 'confirming', legs: [seen] });
  } catch (error) {
    refuse(turn, talk, reasonOf(error));
  }
}

type Advise = Extract<RemittanceRequest, { type: 'advise' }>;

/** Steps 1030 to 1034. */
function consider(turn: Turn, talk: CollectingTalk, { transaction, amount, advice, later, raise }: Advise): void {
  try {
    if (later === 1 && advice === undefined) throw new TrustedError('TICKET_INVALID', 'who pays later says for what');
    if (later === 1 && raise !== undefined) throw new TrustedError('TICKET_INVALID', 'a top-up is paid at once');
    const id = toHex(transaction);
    requireNewTransaction(turn, id);
    const paper = advice && readPaper(turn, talk, advice, { type: 'remittance-advice', amount });
    const raising = raise && raiseFor(turn, talk, raise);
    const legs = [...talk.legs, ...(paper ? [paper.leg] : [])];
    const references =
      paper?.body.components.type === 'remittance-advice' ? paper.body.components.invoiceReferences : [];
    keepTalk(turn, {
      ...{ ...talk, step: 'considering', transaction: id, amount, legs, references, later: later === 1 },
      ...(raising && { raise: raising.leg }),
    });
    letPonder(turn, talk);
    tellHost(turn, {
      ...{ type: 'confirm-payment', matter: talk.matter, session: talk.session, amount },
      ...{ payer: paper?.body.issuerName ?? '', references, later },
      ...(raise &&
        raising && { raise: { ticket: showTicket(raising.shown.ticket, raising.shown.status), units: raise.units } }),
    });
  } catch (error) {
    refuse(turn, talk, reasonOf(error));
  }
}

/** What the host side says to each question, in turn. @throws TrustedError `COMMAND_UNTIMELY` */
export function confirmCollecting(turn: Turn, talk: CollectingTalk, accept: boolean): void {
  if (talk.step === 'asked-host') {
    keepTalk(turn, { ...talk, step: accept ? 'wanted' : 'ready' });
    answer(turn, talk, { type: accept ? 'show-yours' : 'go-on' });
  } else if (talk.step === 'confirming') {
    if (accept) {
      keepTalk(turn, { ...talk, step: 'ready' });
      answer(turn, talk, { type: 'go-on' });
    } else {
      refuse(turn, talk, 'the credential was not confirmed');
    }
  } else if (talk.step === 'considering') {
    if (accept) agree(turn, talk);
    else refuse(turn, talk, 'not confirmed');
  } else {
    throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  }
}

/** The host side's time is over. */
export function stopCollecting(turn: Turn, talk: CollectingTalk): void {
  if (talk.step === 'asked-host' || talk.step === 'confirming' || talk.step === 'considering') {
    refuse(turn, talk, NOT_IN_TIME);
  }
}

/** Steps 1036 to 1040. */
function agree(turn: Turn, talk: CollectingTalk): void {
  const transaction = Buffer.from(talk.transaction!, 'hex');
  if (talk.later === true) {
    keepTalk(turn, { ...talk, step: 'confirmed' });
    answer(turn, talk, { type: 'confirmed', transaction });
    return;
  }
  const paper = draftPaper(turn, talk, receiptFor(turn, talk, talk.amount!));
  const { raise } = talk;
  const legs = [...talk.legs, paper.leg, ...(raise ? [raise] : [])];
  keepTalk(turn, { ...talk, step: 'confirmed', legs, receiptId: paper.ticketId });
  answer(turn, talk, {
    ...{ type: 'confirmed', transaction, receipt: paper.draft },
    ...(raise && { raised: raise.mark }),
  });
}

function receiptFor(
  turn: Turn,
  { transaction, references = [] }: CollectingTalk,
  amountPaid: Amount,
): PaperComponents<'receipt'> {
  return {
    ...{ type: 'receipt', day: dayOf(turn.env.nowMs), vendor: issuerOf(turn).issuerName },
    ...{ identifier: transaction!.slice(0, 12), items: [], invoiceReferences: references, amountPaid },
  };
}

/** The bank pays later: the advice is the payee's from here on, and says so. */
function takePromise(turn: Turn, talk: CollectingTalk, request: Extract<RemittanceRequest, { type: 'promise' }>): void {
  const { legs, transaction: id, receiptId } = talk;
  if (id === undefined || toHex(request.transaction) !== id || receiptId !== undefined) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'no such transaction, or it is to be paid now');
  }
  try {
    requireDeeds(turn, { id, legs }, request.deeds);
  } catch (error) {
    refuse(turn, talk, reasonOf(error));
    return;
  }
  const deeds = commitAtOnce(turn, talk, { id, legs, theirDeeds: request.deeds });
  keepTalk(turn, { ...talk, step: 'over' });
  answer(turn, talk, { type: 'promised', transaction: request.transaction, deeds });
}

function collect(turn: Turn, talk: CollectingTalk, request: PaymentRequest): void {
  const { transaction: id, legs, amount, receiptId: ticketId } = talk;
  if (id === undefined || amount === undefined || ticketId === undefined) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'it is not to be paid now');
  }
  const how = hearPayer(turn, talk, { id, legs, amount, ticketId }, request);
  if (how === 'over') hearOver(turn, talk);
  else if (how !== 'under way') fail(turn, talk, 'not paid');
}

function hearOver(turn: Turn, talk: CollectingTalk): void {
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}

function hearDone(turn: Turn, talk: CollectingTalk): void {
  hearHeard(turn, talk.transaction);
  answer(turn, talk, { type: 'over' });
  hearOver(turn, talk);
}

function hearLeft(turn: Turn, talk: CollectingTalk): void {
  answer(turn, talk, { type: 'over' });
  fail(turn, talk, 'the payer has left');
}

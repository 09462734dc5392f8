/**
 * Purchase Of Electronic Merchandise from the customer's side (US 5,671,280, figures 12, 14 and 15): the merchant's credential, the merchandise,
 * which is held provisionally and shown to the host side without what opens it, the payment, and the commit.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import type { PaymentAnswer } from '../message/payment-talk.ts';
import { type BuyAnswer, type BuyRequest, buyAnswerShape, buyRequestShape } from '../message/purchase-talk.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { call } from '../session/calling.ts';
import { checkCredential, reasonOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import { endDealing, tellPort } from './dealing.ts';
import { acceptDelivery, showDelivered, takeLegOf } from './delivered.ts';
import type { HostCommand } from './host-command.ts';
import { doubt, tellOutcome } from './outcome.ts';
import {
  askToPay,
  executeModulePayment,
  hearCardPayment,
  hearModulePayment,
  hearSettled,
  payByCard,
  payByModule,
} from './paying.ts';
import type { BuyingTalk, PaymentChoice } from './talk.ts';
import { tellHost } from './to-host.ts';
import { abort } from './transaction.ts';
import { endTalk, keepTalk, ownKey, say, type Turn } from './turn.ts';

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function buy(turn: Turn, command: Extract<HostCommand, { type: 'buy' }>): void {
  ownKey(turn);
  const { matter, route, about, selection, price, credential, payment, moneyFirst } = command;
  if (moneyFirst === 1 && payment?.type !== 'module') {
    throw new TrustedError(
      'COMMAND_UNTIMELY',
      'only a money module can hold money ready before the merchandise is there',
    );
  }
  const session = call(turn.context, turn.draft, { purpose: 'buy', about: toHex(about), route });
  keepTalk(turn, {
    ...{ type: 'buying', session, matter, selection, price, credential, choice: payment },
    ...{ moneyFirst: moneyFirst === 1, step: 'calling', delivered: undefined },
    transaction: toHex(turn.env.random(TRANSACTION_ID_LENGTH)),
  });
}

const ask = (turn: Turn, talk: BuyingTalk, request: BuyRequest) =>
  say(turn, talk, encodeCbor(buyRequestShape.encode(request)));

export const buying: Conversation<BuyingTalk> = {
  /** Steps 444 to 448: no merchant sells without showing in whose name. */
  open(turn, talk) {
    keepTalk(turn, { ...talk, step: 'checking' });
    ask(turn, talk, { type: 'show-credential' });
  },

  said(turn, talk, payload) {
    const answer = buyAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    try {
      hear(turn, talk, answer);
    } catch (error) {
      // Nothing is at stake before the payment: what the merchant's agent said is not good enough, and that is all.
      if (talk.step === 'paying' || talk.step === 'voting' || talk.step === 'settling') throw error;
      giveUp(turn, talk, reasonOf(error));
    }
  },

  lost(turn, talk, why) {
    const { state } = turn;
    const transaction = state.transactions.get(talk.transaction);
    const dealing = state.dealings.get(talk.transaction);
    if (transaction?.role === 'voter') {
      doubt(turn, transaction);
      tellHost(turn, { type: 'undecided', matter: talk.matter });
    } else if (transaction?.status === 'committed') {
      tellOutcome(turn, transaction, 'committed');
    } else if (transaction !== undefined && dealing !== undefined) {
      // The module has been told to pay: what it says now decides.
      tellPort(turn, dealing, { type: 'stop' }, { step: 'executing' });
      tellHost(turn, { type: 'undecided', matter: talk.matter });
    } else if (talk.step !== 'settling') {
      endDealing(turn, talk.transaction, 'abort');
      tellHost(turn, { type: 'failed', matter: talk.matter, why });
    }
  },

  prepared(turn, talk) {
    goOn(turn, talk);
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'committed') keepTalk(turn, { ...talk, step: 'settling' });
    else fail(turn, talk, why);
  },
};

function hear(turn: Turn, talk: BuyingTalk, answer: BuyAnswer): void {
  const { step } = talk;
  if (step === 'checking' && answer.type === 'credential') {
    keepTalk(turn, { ...talk, step: 'confirming-merchant' });
    checkCredential(turn, talk, answer, (type) => type === 'merchant');
  } else if (step === 'checking' && answer.type === 'no-credential') {
    giveUp(turn, talk, 'no credential');
  } else if (step === 'ordered' && answer.type === 'credential-wanted') {
    showOwn(turn, talk);
  } else if (step === 'ordered' && answer.type === 'delivered') {
    const delivered = acceptDelivery(turn, talk, answer);
    const { object } = delivered;
    const held: BuyingTalk = { ...talk, delivered, step: object === undefined ? 'confirming' : 'fetching' };
    keepTalk(turn, held);
    const { session, matter } = talk;
    if (object === undefined) tellHost(turn, showDelivered(held, undefined));
    else tellHost(turn, { type: 'fetch-object', matter, session, ...object });
  } else if (answer.type === 'refused' && (step === 'ordered' || step === 'paying')) {
    undo(turn, talk);
    fail(turn, talk, `refused: ${answer.reason}`);
  } else if (step === 'paying' || step === 'voting' || step === 'settling') {
    hearPayment(turn, talk, answer as PaymentAnswer);
  } else {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${step}`);
  }
}

function hearPayment(turn: Turn, talk: BuyingTalk, answer: PaymentAnswer): void {
  const { transaction: id, step, choice, price: amount } = talk;
  if (step === 'paying' && answer.type === 'paid') {
    hearCardPayment(turn, talk, answer);
    askToPay(turn, talk, { type: 'heard', transaction: answer.transaction });
    keepTalk(turn, { ...talk, step: 'settling' });
  } else if (step === 'paying' && answer.type === 'not-paid') {
    if (choice?.type === 'card') hearCardPayment(turn, talk, answer);
    else undo(turn, talk);
    fail(turn, talk, `not paid: ${answer.reason}`);
  } else if (step === 'paying' && (answer.type === 'pay-by-module' || answer.type === 'routed')) {
    hearModulePayment(turn, talk, id, answer);
  } else if (step === 'voting' && answer.type === 'ready') {
    const legs = [takeLegOf(talk.delivered!)];
    executeModulePayment(turn, talk, { id, legs, amount }, answer.deeds);
  } else if (step === 'voting' && answer.type === 'routed') {
    hearModulePayment(turn, talk, id, answer);
  } else if (step === 'settling' && answer.type === 'settled') {
    hearSettled(turn, id);
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, talk, 'done');
  } else {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${step}`);
  }
}

/** What is provisional is dropped; the merchant's agent is told if it waits for the next request. */
function giveUp(turn: Turn, talk: BuyingTalk, why: string): void {
  undo(turn, talk);
  askToPay(turn, talk, { type: 'not-paying', transaction: fromHex(talk.transaction), reason: why.slice(0, 100) });
  fail(turn, talk, why);
}

function undo(turn: Turn, talk: BuyingTalk): void {
  const transaction = turn.state.transactions.get(talk.transaction);
  if (transaction !== undefined) abort(turn, transaction);
  else endDealing(turn, talk.transaction, 'abort');
}

function showOwn(turn: Turn, talk: BuyingTalk): void {
  const held = talk.credential === undefined ? undefined : turn.state.tickets.get(talk.credential);
  if (held === undefined) {
    giveUp(turn, talk, 'the merchant wants a credential');
    return;
  }
  keepTalk(turn, { ...talk, credential: undefined });
  ask(turn, talk, { type: 'credential', ticket: held.bytes, ...(held.mark && { mark: held.mark }) });
}

/** The command `confirm`: the merchant's credential (step 462), or the merchandise (step 488). */
export function confirmBuying(turn: Turn, talk: BuyingTalk, accept: boolean): void {
  if (talk.step !== 'confirming-merchant' && talk.step !== 'confirming') {
    throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to confirm');
  }
  if (!accept)
    giveUp(
      turn,
      talk,
      talk.step === 'confirming' ? 'the merchandise was not confirmed' : 'the credential was not confirmed',
    );
  else goOn(turn, talk);
}

/** What comes next: the merchandise, the payment, or the vote for both. */
function goOn(turn: Turn, talk: BuyingTalk): void {
  const { delivered, moneyFirst, choice, matter, session, price } = talk;
  const prepared = turn.state.dealings.get(talk.transaction) !== undefined;
  if (moneyFirst && !prepared) {
    pay(turn, talk, choice!);
  } else if (delivered === undefined) {
    keepTalk(turn, { ...talk, step: 'ordered' });
    ask(turn, talk, { type: 'order', selection: talk.selection, price });
  } else if (prepared) {
    keepTalk(turn, { ...talk, step: 'voting' });
    askToPay(turn, talk, { type: 'vote', transaction: fromHex(talk.transaction) });
  } else if (choice === undefined) {
    keepTalk(turn, { ...talk, step: 'choosing' });
    tellHost(turn, { type: 'choose-payment', matter, session, price });
  } else {
    pay(turn, talk, choice);
  }
}

/** The command `pay` (step 428). @throws TrustedError `COMMAND_UNTIMELY`, and when the card cannot be shown */
export function choosePayment(turn: Turn, talk: BuyingTalk, choice: PaymentChoice): void {
  if (talk.step !== 'choosing') throw new TrustedError('COMMAND_UNTIMELY', 'there is nothing to pay yet');
  pay(turn, talk, choice);
}

function pay(turn: Turn, talk: BuyingTalk, choice: PaymentChoice): void {
  const { transaction: id, price: amount, delivered } = talk;
  keepTalk(turn, { ...talk, choice, step: 'paying' });
  if (choice.type === 'module') {
    payByModule(turn, talk, { id, amount, initiator: choice.initiator });
    return;
  }
  const legs = [takeLegOf(delivered!)];
  payByCard(turn, talk, { id, legs, amount, credential: choice.ticketId, ticketId: delivered!.ticketId });
}

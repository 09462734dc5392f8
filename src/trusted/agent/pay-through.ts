/**
 * A whole payment inside a conversation that is not a purchase (a credential's price, an invoice), from the payer's side and by whichever way
 * its owner chose: the steps of `paying.ts` in their order, so that such a conversation only says what moves with the money.
 */
import { fromHex } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import type { PaymentAnswer } from '../message/payment-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { endDealing, tellPort } from './dealing.ts';
import type { Leg } from './leg.ts';
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
import type { PaymentChoice, Talk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { abort } from './transaction.ts';
import type { Turn } from './turn.ts';

export interface Due {
  /** Of the transaction, 32 hexadecimal digits. */
  readonly id: string;
  /** What moves with the money, from this side. */
  readonly legs: readonly Leg[];
  readonly amount: Amount;
  /** What is paid for. */
  readonly ticketId: string;
  /** If the amount is given back: in which transaction it was paid. */
  readonly refundOf?: string;
}

/** @throws TrustedError when the card cannot be shown, or there is no money module */
export function beginToPay(turn: Turn, talk: Talk, due: Due, choice: PaymentChoice): void {
  const { id, legs, amount, ticketId } = due;
  if (choice.type === 'module') payByModule(turn, talk, { id, amount, initiator: choice.initiator });
  else payByCard(turn, talk, { id, legs, amount, credential: choice.ticketId, ticketId });
}

/** `paid`: this side has it, and has said so. `over`: the other side knows, too. */
export type Progress = 'under way' | 'paid' | 'not paid' | 'over';

/** @throws TrustedError `SESSION_OUT_OF_ORDER`, `TICKET_INVALID` */
export function hearPayee(turn: Turn, talk: Talk, due: Due, answer: PaymentAnswer): Progress {
  switch (answer.type) {
    case 'paid':
      hearCardPayment(turn, talk, answer);
      askToPay(turn, talk, { type: 'heard', transaction: answer.transaction });
      return 'paid';
    case 'not-paid':
      if (turn.state.transactions.has(due.id)) hearCardPayment(turn, talk, answer);
      else endDealing(turn, due.id, 'abort');
      return 'not paid';
    case 'pay-by-module':
    case 'routed':
      hearModulePayment(turn, talk, due.id, answer);
      return 'under way';
    case 'ready':
      executeModulePayment(turn, talk, due, answer.deeds);
      return 'under way';
    case 'settled':
      if (turn.state.transactions.get(due.id)?.status === 'open') {
        throw new TrustedError('SESSION_OUT_OF_ORDER', 'nothing is settled before it is paid');
      }
      hearSettled(turn, due.id);
      return 'over';
  }
}

/** The payer's module has the payment ready: the other side is asked for its vote. */
export function askForVote(turn: Turn, talk: Talk, id: string): void {
  askToPay(turn, talk, { type: 'vote', transaction: fromHex(id) });
}

/** The session is lost while it was paid for: true when nothing was at stake any more, and nothing will come of it. */
export function losePaying(turn: Turn, { matter }: Talk, id: string): boolean {
  const { transactions, dealings } = turn.state;
  const [transaction, dealing] = [transactions.get(id), dealings.get(id)];
  if (transaction?.role === 'voter') {
    doubt(turn, transaction);
  } else if (transaction?.status === 'committed') {
    tellOutcome(turn, transaction, 'committed');
    return false;
  } else if (transaction !== undefined && dealing !== undefined) {
    // The module has been told to pay: what it says now decides.
    tellPort(turn, dealing, { type: 'stop' }, { step: 'executing' });
  } else {
    if (transaction !== undefined) abort(turn, transaction);
    endDealing(turn, id, 'abort');
    return true;
  }
  tellHost(turn, { type: 'undecided', matter });
  return false;
}

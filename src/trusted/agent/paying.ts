/**
 * The payer's side of a payment between two agents, in whatever conversation it is made: by card credential (US 5,671,280, figure 21), where
 * the payer votes and the payee hears what the network says; or by money modules (figure 16), where the payer hears it and decides.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import { signPaymentOrder } from '../message/payment-order.ts';
import { deriveChannelKey } from '../message/payment-port.ts';
import {
  CONTRIBUTION_LENGTH,
  type PaymentAnswer,
  type PaymentRequest,
  paymentRequestShape,
} from '../message/payment-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { inactivity } from '../ticket/status.ts';
import type { Dealing, HeldTicket } from './agent-state.ts';
import { tellPort } from './dealing.ts';
import type { Leg, PaymentLeg } from './leg.ts';
import type { Talk } from './talk.ts';
import { abort, close, openTransaction, requireDeeds, settle, vote } from './transaction.ts';
import { ownKey, peerOf, say, type Turn } from './turn.ts';

export function askToPay(turn: Turn, talk: Talk, request: PaymentRequest): void {
  say(turn, talk, encodeCbor(paymentRequestShape.encode(request)));
}

export interface ToPay {
  /** Of the transaction, 32 hexadecimal digits. */
  readonly id: string;
  /** What moves with the money, from this side. */
  readonly legs: readonly Leg[];
  readonly amount: Amount;
  /** If the amount is given back: in which transaction it was paid. */
  readonly refundOf?: string;
}

/**
 * Steps 692 to 700, which are this agent's vote: from here on it waits, and asks. Where `refundOf` names an earlier payment, the amount is to
 * come back to that card.
 * @throws TrustedError `TICKET_UNKNOWN`, `TICKET_INACTIVE` or `TICKET_INVALID` when the credential cannot be shown
 */
export function payByCard(
  turn: Turn,
  talk: Talk,
  {
    id,
    legs,
    amount,
    ...rest
  }: ToPay & { readonly credential: string; readonly ticketId: string; readonly refundOf?: string },
): void {
  const { credential, ticketId, refundOf } = rest;
  const held = cardToShow(turn, credential);
  const order = signPaymentOrder(
    {
      ...{ transaction: fromHex(id), payee: peerOf(turn, talk).agentId, amount },
      ...{ ticketId: fromHex(ticketId), credentialId: fromHex(credential) },
      atS: Math.floor(turn.env.nowMs / 1000),
      ...(refundOf === undefined ? {} : { refundOf: fromHex(refundOf) }),
    },
    ownKey(turn),
  );
  const leg: PaymentLeg = {
    ...{ type: 'payment', side: 'payer', way: 'card', amount, order },
    ...(refundOf === undefined ? {} : { refundOf }),
  };
  const deeds = vote(turn, talk, { id, legs: [...legs, leg] });
  askToPay(turn, talk, {
    ...{ type: 'pay-by-card', transaction: fromHex(id), order, credential: held.bytes },
    ...(held.mark && { mark: held.mark }),
    ...(deeds.length > 0 && { deeds }),
  });
}

/** @throws TrustedError `TICKET_UNKNOWN`, `TICKET_INACTIVE` or `TICKET_INVALID` */
function cardToShow({ state, env }: Turn, ticketId: string): HeldTicket {
  const held = state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  const { components } = decodeTicket(held.bytes).body;
  if (components.type !== 'card') throw new TrustedError('TICKET_INVALID', 'this is no card');
  const why = inactivity(components, held.status, Math.floor(env.nowMs / 1000));
  if (why !== undefined) throw new TrustedError('TICKET_INACTIVE', `the card is ${why}`);
  return held;
}

/** What the payee said of a payment by card: `paid` has brought the deeds and is settled, `not-paid` has undone all. */
export function hearCardPayment(
  turn: Turn,
  talk: Talk,
  answer: Extract<PaymentAnswer, { type: 'paid' | 'not-paid' }>,
): void {
  const transaction = turn.state.transactions.get(toHex(answer.transaction));
  if (transaction?.session !== talk.session || transaction.role !== 'voter') {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'nothing is paid for here');
  }
  if (answer.type === 'not-paid') abort(turn, transaction);
  else settle(turn, transaction, answer.deeds, answer.receipt);
}

/** @throws TrustedError `COMMAND_UNTIMELY` when this device has no money module */
export function payByModule(
  turn: Turn,
  talk: Talk,
  { id, amount, initiator }: Omit<ToPay, 'legs'> & { readonly initiator: 'payer' | 'payee' },
): void {
  const port = turn.settings.payment.module?.port;
  if (port === undefined) throw new TrustedError('COMMAND_UNTIMELY', 'this device has no money module');
  const contribution = turn.env.random(CONTRIBUTION_LENGTH);
  const dealing: Dealing = {
    ...{ transaction: id, session: talk.session, port, way: 'module', side: 'payer', amount },
    // The payee's half is to come.
    ...{ key: contribution, initiates: initiator === 'payer', sealed: false, number: 0, step: 'begun' },
  };
  turn.draft.records.push({ type: 'dealing', dealing });
  askToPay(turn, talk, { type: 'pay-by-module', transaction: fromHex(id), contribution, amount, initiator });
}

/** What the payee's agent says while money modules pay. */
export function hearModulePayment(
  turn: Turn,
  talk: Talk,
  id: string,
  answer: Extract<PaymentAnswer, { type: 'pay-by-module' | 'routed' }>,
): void {
  const dealing = turn.state.dealings.get(id);
  if (dealing?.session !== talk.session) throw new TrustedError('SESSION_OUT_OF_ORDER', 'no payment is under way');
  if (answer.type === 'routed') {
    tellPort(turn, dealing, { type: 'hear', bytes: answer.bytes });
    return;
  }
  if (dealing.number > 0) throw new TrustedError('SESSION_OUT_OF_ORDER', 'the key is there already');
  const { key: own, amount, initiates } = dealing;
  const key = deriveChannelKey({ transaction: fromHex(id), payer: own, payee: answer.contribution });
  const begin = { type: 'begin', side: 'payer', contribution: own, ...(initiates ? { amount } : {}) } as const;
  tellPort(turn, { ...dealing, key }, begin);
}

/** The payee has voted: its deeds are kept, and the own module is told to pay. @throws TrustedError `TICKET_INVALID` for deeds that are none */
export function executeModulePayment(
  turn: Turn,
  talk: Talk,
  { id, legs, amount, refundOf }: ToPay,
  theirDeeds: readonly Uint8Array[],
): void {
  const dealing = turn.state.dealings.get(id);
  if (dealing?.session !== talk.session || dealing.step !== 'prepared') {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'no payment is prepared');
  }
  const all: readonly Leg[] = [
    ...legs,
    { type: 'payment', side: 'payer', way: 'module', amount, ...(refundOf === undefined ? {} : { refundOf }) },
  ];
  // Before a coin moves: what was voted for must really make the tickets this agent's.
  requireDeeds(turn, { id, legs: all }, theirDeeds);
  openTransaction(turn, talk, { id, legs: all, theirDeeds });
  tellPort(turn, dealing, { type: 'execute' }, { step: 'executing' });
}

/** The payee has heard that this agent committed. */
export function hearSettled(turn: Turn, id: string): void {
  const transaction = turn.state.transactions.get(id);
  if (transaction?.role === 'decider' && transaction.status === 'committed') close(turn, transaction);
}

/**
 * The payee's side of a payment between two agents (`paying.ts`): by card it asks the network and decides by what it hears (US 5,671,280, figure
 * 21, steps 700 to 720); by money modules it votes, and the payer's decision settles it (figure 16).
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { equalBytes, fromHex, toHex } from '../../codec/hex.ts';
import { SEALING_KEY_LENGTH } from '../../crypto/sealing.ts';
import { type Amount, formatAmount } from '../../money/amount.ts';
import { encodeAgentCertificate } from '../message/certificate.ts';
import { signRefund } from '../message/commitment.ts';
import { dayOf } from '../message/day.ts';
import { type PaymentOrder, readPaymentOrder } from '../message/payment-order.ts';
import { deriveChannelKey } from '../message/payment-port.ts';
import {
  CONTRIBUTION_LENGTH,
  type PaymentAnswer,
  type PaymentRequest,
  paymentAnswerShape,
} from '../message/payment-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { inactivity } from '../ticket/status.ts';
import type { Dealing, Transaction } from './agent-state.ts';
import { ownCredential } from './check-credential.ts';
import { tellPort } from './dealing.ts';
import type { Leg, PaymentLeg } from './leg.ts';
import { readShownTicket } from './shown-ticket.ts';
import type { Talk } from './talk.ts';
import { close, openTransaction, requireDeeds, settle, vote } from './transaction.ts';
import { ownKey, peerOf, say, type Turn } from './turn.ts';

export function answerPayer(turn: Turn, talk: Talk, answer: PaymentAnswer): void {
  say(turn, talk, encodeCbor(paymentAnswerShape.encode(answer)));
}

type ByCard = Extract<PaymentRequest, { type: 'pay-by-card' }>;

export interface ToBePaid {
  /** What moves with the money, from this side. */
  readonly legs: readonly Leg[];
  readonly amount: Amount;
  readonly ticketId: string;
  /** If the amount is given back: in which transaction it was paid. */
  readonly refundOf?: string;
}

/**
 * Validates order and credential, and asks the network. The transaction is open from here on; the answer is said when the network has spoken.
 * @throws HandselError when the order or the credential is not good: nothing has happened then
 */
export function takeCardPayment(turn: Turn, talk: Talk, request: ByCard, due: ToBePaid): void {
  const { env, settings } = turn;
  const port = settings.payment.card?.port;
  if (port === undefined) throw new TrustedError('PAYMENT_REFUSED', 'cards are not taken here');
  const id = toHex(request.transaction);
  requireNewTransaction(turn, id);
  requireOrder(turn, talk, readPaymentOrder(request.order), request, due);
  const leg: PaymentLeg = {
    ...{ type: 'payment', side: 'payee', way: 'card', amount: due.amount, order: request.order },
    ...(due.refundOf === undefined ? {} : { refundOf: due.refundOf }),
  };
  const legs = [...due.legs, leg];
  const { deeds: theirDeeds = [] } = request;
  requireDeeds(turn, { id, legs }, theirDeeds);
  openTransaction(turn, talk, { id, legs, theirDeeds });
  const dealing: Dealing = {
    ...{ transaction: id, session: talk.session, port, way: 'card', side: 'payee', amount: due.amount },
    ...{ key: env.random(SEALING_KEY_LENGTH), initiates: false, sealed: false, number: 0, step: 'begun' },
  };
  const { order, credential, mark } = request;
  // A refund that a bank has taken cannot be called back: its answer is waited for.
  const asking = due.refundOf === undefined ? { forMs: settings.pace.authoriseMs } : {};
  const own = ownCredential(turn, ['merchant', 'authority']);
  const { certificate, privateKey } = ownKey(turn);
  const payee = {
    ...{ payee: certificate, ...(own && { payeeCredential: own.bytes }) },
    ...(due.refundOf !== undefined && { consent: signRefund(order, privateKey) }),
  };
  const asked = { type: 'authorise', order, credential, ...payee, ...(mark && { mark }) } as const;
  tellPort(turn, dealing, asked, asking);
}

export function requireNewTransaction({ state }: Turn, id: string): void {
  if (state.transactions.has(id) || state.dealings.has(id)) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'a transaction of this number is open');
  }
}

/** Steps 700 to 702, and claim 39 (e): the credential is the payer's own, and the order says what is to be paid. */
function requireOrder(turn: Turn, talk: Talk, order: PaymentOrder, request: ByCard, due: ToBePaid): void {
  const { env, state } = turn;
  const { lists } = state;
  const payer = peerOf(turn, talk);
  const { ticketId, ticket, status } = readShownTicket(turn, payer, {
    ...{ ticket: request.credential, taintAllowed: false },
    ...(request.mark && { mark: request.mark }),
  });
  const { components } = ticket.body;
  if (components.type !== 'card') throw refused(`a ticket of type ${components.type} is no card`);
  const why = inactivity(components, status, Math.floor(env.nowMs / 1000));
  if (why !== undefined) throw refused(`the card is ${why}`);

  if (order.payer.agentId !== payer.agentId) throw refused('another agent signed the order');
  // It may have been recertified since it called.
  if (!equalBytes(encodeAgentCertificate(order.payer), encodeAgentCertificate(payer.certificate))) {
    validateAgentCertificate(order.payer, { lists, onDay: dayOf(env.nowMs) });
    requireTrustedAgent(order.payer, lists);
  }
  if (order.payee !== ownKey(turn).certificate.agentId) throw refused('the order pays another agent');
  if (!equalBytes(order.transaction, request.transaction)) throw refused('the order is for another transaction');
  if (toHex(order.credentialId) !== ticketId) throw refused('the order is on another card');
  if (toHex(order.ticketId) !== due.ticketId) throw refused('the order is for something else');
  if ((order.refundOf && toHex(order.refundOf)) !== due.refundOf) throw refused('payment and refund are mistaken');
  if (formatAmount(order.amount) !== formatAmount(due.amount)) {
    throw refused(`${formatAmount(order.amount)} for ${formatAmount(due.amount)}`);
  }
}

const refused = (why: string) => new TrustedError('PAYMENT_REFUSED', why);

type ByModule = Extract<PaymentRequest, { type: 'pay-by-module' }>;

/** Steps 526 to 544. @throws TrustedError `PAYMENT_REFUSED` */
export function takeModulePayment(turn: Turn, talk: Talk, request: ByModule, amount: Amount): void {
  const { env, settings } = turn;
  const port = settings.payment.module?.port;
  if (port === undefined) throw refused('this device has no money module');
  if (formatAmount(request.amount) !== formatAmount(amount)) throw refused(`not ${formatAmount(amount)}`);
  const id = toHex(request.transaction);
  requireNewTransaction(turn, id);
  const contribution = env.random(CONTRIBUTION_LENGTH);
  const key = deriveChannelKey({ transaction: request.transaction, payer: request.contribution, payee: contribution });
  const initiates = request.initiator === 'payee';
  const dealing: Dealing = {
    ...{ transaction: id, session: talk.session, port, way: 'module', side: 'payee', amount },
    ...{ key, contribution, initiates, sealed: false, number: 0, step: 'begun' },
  };
  // The answer is said once the module is there.
  tellPort(turn, dealing, { type: 'begin', side: 'payee', contribution, ...(initiates ? { amount } : {}) });
}

/** Figure 17: what the payer's module says goes to the own one, whose answer goes back. */
export function routeToModule(turn: Turn, talk: Talk, id: string | undefined, bytes: Uint8Array): void {
  const dealing = id === undefined ? undefined : turn.state.dealings.get(id);
  if (dealing?.session !== talk.session) throw new TrustedError('SESSION_OUT_OF_ORDER', 'no payment is under way');
  tellPort(turn, dealing, { type: 'hear', bytes });
}

/** The payee votes: its deeds go to the payer's agent and count once that has decided. */
export function voteForModule(
  turn: Turn,
  talk: Talk,
  id: string,
  { legs, amount, refundOf }: Pick<ToBePaid, 'legs' | 'amount' | 'refundOf'>,
): void {
  const dealing = turn.state.dealings.get(id);
  if (dealing?.session !== talk.session) throw new TrustedError('SESSION_OUT_OF_ORDER', 'no payment is under way');
  const back = refundOf === undefined ? {} : { refundOf };
  const leg: PaymentLeg = { type: 'payment', side: 'payee', way: 'module', amount, ...back };
  const deeds = vote(turn, talk, { id, legs: [...legs, leg] });
  answerPayer(turn, talk, { type: 'ready', transaction: fromHex(id), deeds });
}

/**
 * The payer has committed. Its module's last word goes to the own one first, which then says that it was paid; true when there is none to wait
 * for, and it is settled.
 */
export function hearCommitted(
  turn: Turn,
  talk: Talk,
  request: Extract<PaymentRequest, { type: 'committed' }>,
): boolean {
  const transaction = votedIn(turn, talk, request.transaction);
  const dealing = turn.state.dealings.get(transaction.id);
  const { routed, deeds = [] } = request;
  if (routed !== undefined && dealing !== undefined) {
    requireDeeds(turn, transaction, deeds);
    turn.draft.records.push({ type: 'transaction', transaction: { ...transaction, theirDeeds: deeds } });
    tellPort(turn, dealing, { type: 'hear', bytes: routed }, { step: 'executing' });
    return false;
  }
  settle(turn, transaction, deeds);
  answerPayer(turn, talk, { type: 'settled', transaction: request.transaction });
  return true;
}

function votedIn({ state }: Turn, talk: Talk, number: Uint8Array): Transaction {
  const transaction = state.transactions.get(toHex(number));
  if (transaction?.session !== talk.session || transaction.role !== 'voter') {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'nothing to settle');
  }
  return transaction;
}

/** The payer by card has heard that it was paid. */
export function hearHeard(turn: Turn, id: string | undefined): void {
  const transaction = id === undefined ? undefined : turn.state.transactions.get(id);
  if (transaction?.role === 'decider' && transaction.status === 'committed') close(turn, transaction);
}

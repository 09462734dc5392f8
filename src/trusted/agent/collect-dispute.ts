/**
 * Pay Dispute (US 5,671,280, figure 32) and the new merchandise of figure 30, from the customer's side. The customer's agent votes: for the refund, with
 * which the ticket is taken back, or for the new ticket that takes the old one's place. The merchant's agent decides, so there is one or the
 * other or neither, and never both.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { dayOf } from '../message/day.ts';
import type { DisputeAnswer } from '../message/dispute-talk.ts';
import { readPaymentOrder } from '../message/payment-order.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { isObjectSigned } from '../object/object-header.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { faultOfReplacement } from '../ticket/merchandise.ts';
import { firstStatus, readMark } from '../ticket/status.ts';
import { bodyShape, maxTicketBytes } from '../ticket/ticket.ts';
import { validateUnissued } from '../ticket/validate-ticket.ts';
import { loseCollecting } from './be-paid-through.ts';
import { askMerchant, callMerchant, talkAbout } from './call-merchant.ts';
import { reasonOf } from './check-credential.ts';
import { fail } from './conversation.ts';
import { disputeOf, dropPurchase, isBeingSettled, keepDispute } from './dispute-log.ts';
import type { Dispute } from './dispute-state.ts';
import type { HostCommand } from './host-command.ts';
import { type Leg, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { doubt } from './outcome.ts';
import { askToPay, hearCardPayment, payByCard } from './paying.ts';
import { requireNotShown } from './presentable.ts';
import { requireMark, requireMarkBy } from './shown-ticket.ts';
import type { DisputingTalk } from './talk.ts';
import { showTicket, tellHost } from './to-host.ts';
import { abort, settle, vote } from './transaction.ts';
import { endTalk, keepTalk, ownKey, peerOf, type Turn } from './turn.ts';

/** The command `choose` (step 1100). @throws TrustedError `DISPUTE_UNKNOWN`, `COMMAND_UNTIMELY` */
export function choose(turn: Turn, { number, choice, route }: Extract<HostCommand, { type: 'choose' }>): void {
  const known = disputeOf(turn, number, 'customer');
  const { status, offer } = known;
  const possible = choice.type === 'refund' ? offer.refund !== undefined : offer.replacement;
  if ((status !== 'granted' && status !== 'ruled') || (status === 'granted' && !possible)) {
    throw new TrustedError('COMMAND_UNTIMELY', 'that is not offered');
  }
  const talk = talkAbout(turn, number);
  if (isBeingSettled(turn, number)) throw new TrustedError('COMMAND_UNTIMELY', 'it is not known yet how it ends');
  if (talk !== undefined && talk.step !== 'choosing') throw new TrustedError('COMMAND_UNTIMELY', 'this is under way');
  const chosen: Dispute = {
    ...known,
    route: route ?? known.route,
    choice: choice.type === 'refund' ? { type: 'refund', credential: choice.credential } : { type: 'replacement' },
  };
  keepDispute(turn, chosen);
  if (talk === undefined) callMerchant(turn, chosen);
  else goOnWithChoice(turn, talk, chosen);
}

export function goOnWithChoice(turn: Turn, talk: DisputingTalk, { number, choice }: Dispute): void {
  keepTalk(turn, { ...talk, step: 'asking' });
  const type = choice?.type === 'replacement' ? 'new-merchandise' : 'money-back';
  askMerchant(turn, talk, { type, number: fromHex(number) });
}

/** What follows on the customer's choice. @throws HandselError when it makes no sense */
export function hearSettlement(turn: Turn, talk: DisputingTalk, kept: Dispute, answer: DisputeAnswer): void {
  const { step } = talk;
  if (step === 'asking' && answer.type === 'to-pay-back') {
    takeRefund(turn, talk, kept, answer);
  } else if (step === 'refunding' && (answer.type === 'paid' || answer.type === 'not-paid')) {
    hearCardPayment(turn, talk, answer);
    if (answer.type === 'paid') settled(turn, talk, toHex(answer.transaction));
    else fail(turn, talk, `not paid: ${answer.reason}`);
  } else if (step === 'asking' && answer.type === 'delivered') {
    view(turn, talk, kept, answer);
  } else if (step === 'replacing' && answer.type === 'replaced' && toHex(answer.transaction) === talk.transaction) {
    settle(turn, turn.state.transactions.get(talk.transaction)!, answer.deeds);
    settled(turn, talk, talk.transaction);
  } else if (step === 'settling' && answer.type === 'settled') {
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, talk, 'done');
  } else if ((step === 'asking' || step === 'replacing') && answer.type === 'refused') {
    const transaction = talk.transaction === undefined ? undefined : turn.state.transactions.get(talk.transaction);
    // The decider has said so itself.
    if (transaction !== undefined) abort(turn, transaction);
    fail(turn, talk, `refused: ${answer.reason}`);
  } else {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" while ${step}`);
  }
}

function settled(turn: Turn, talk: DisputingTalk, transaction: string): void {
  keepTalk(turn, { ...talk, step: 'settling' });
  askToPay(turn, talk, { type: 'heard', transaction: fromHex(transaction) });
}

/** Steps 1176 to 1180, and figure 21 (steps 704 to 726): the order for the refund is this agent's vote for giving the ticket back. */
function takeRefund(
  turn: Turn,
  talk: DisputingTalk,
  kept: Dispute,
  { amount, mark }: Extract<DisputeAnswer, { type: 'to-pay-back' }>,
): void {
  const { payment, ticketId, choice, number } = kept;
  try {
    if (payment?.amount.currency !== amount.currency || payment.amount.minor !== amount.minor) {
      throw new TrustedError('PAYMENT_REFUSED', 'another amount than was paid');
    }
    if (payment.way === 'module') {
      // Looked at before it is asked for, and again when it is voted for.
      if (ticketId !== undefined) givenBack(turn, talk, ticketId, mark);
      keepTalk(turn, { ...talk, step: 'asking-module', ...(mark && { mark }) });
      askMerchant(turn, talk, { type: 'by-module', number: fromHex(number) });
      return;
    }
    if (payment.way !== 'card' || payment.order === undefined) {
      throw new TrustedError('PAYMENT_REFUSED', 'it goes back to a card, and was paid by none');
    }
    const paid = readPaymentOrder(payment.order);
    const paidFor = toHex(paid.ticketId);
    // To the card that paid, unless its credential was renewed and the owner says which one stands for it now.
    const named = choice?.type === 'refund' ? choice.credential : undefined;
    const credential = named ?? toHex(paid.credentialId);
    const id = toHex(turn.env.random(TRANSACTION_ID_LENGTH));
    const legs: readonly Leg[] = [
      ...(ticketId === undefined ? [] : [givenBack(turn, talk, ticketId, mark)]),
      { type: 'dispute', number, end: 'refunded' },
    ];
    const refundOf = toHex(payment.transaction);
    dropPurchase(turn, kept);
    keepTalk(turn, { ...talk, step: 'refunding', transaction: id });
    payByCard(turn, talk, { id, legs, amount, credential, ticketId: paidFor, refundOf });
  } catch (error) {
    fail(turn, talk, reasonOf(error));
  }
}

/** The mark of the merchant's agent that takes the ticket back: it is this agent's once the transaction is. @throws TrustedError */
function givenBack(turn: Turn, talk: DisputingTalk, ticketId: string, bytes: Uint8Array | undefined): Leg {
  const held = turn.state.tickets.get(ticketId);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no ticket ${ticketId}`);
  if (bytes === undefined) throw new TrustedError('TICKET_INVALID', 'no mark that takes the ticket back');
  // With a code of it somebody could still be let in.
  requireNotShown(turn, ticketId);
  const mark = readMark(bytes);
  requireMarkBy(mark, peerOf(turn, talk));
  requireMark(mark, { ticket: decodeTicket(held.bytes), ticketId, before: held.status });
  if (mark.standing !== 'revoked') throw new TrustedError('TICKET_INVALID', 'a mark that takes nothing back');
  return { type: 'mark', ticketId, mark: bytes };
}

/** What this agent gives for the money. @throws TrustedError */
export function legsForMoney(turn: Turn, talk: DisputingTalk, { ticketId, number }: Dispute): readonly Leg[] {
  const given = ticketId === undefined ? [] : [givenBack(turn, talk, ticketId, talk.mark)];
  return [...given, { type: 'dispute', number, end: 'refunded' }];
}

/** Steps 1106 to 1110, and 472 to 488: the host side sees what would come. */
function view(
  turn: Turn,
  talk: DisputingTalk,
  { ticketId, number, matter }: Dispute,
  { signer, body: encoded, transaction, mark, object }: Extract<DisputeAnswer, { type: 'delivered' }>,
): void {
  const { env, state } = turn;
  const { lists } = state;
  const wrong = (why: string) => new TrustedError('MERCHANDISE_WRONG', why);
  try {
    if (signer.agentId !== peerOf(turn, talk).agentId) throw wrong('another agent is to sign');
    validateAgentCertificate(signer, { lists, onDay: dayOf(env.nowMs) });
    requireTrustedAgent(signer, lists);
    const { agentId: receiver, expiresDay: receiverExpiresDay } = ownKey(turn).certificate;
    const body = bodyShape.decode(decodeCbor(encoded, { maxBytes: maxTicketBytes, maxDepth: 8 }), 'ticket');
    validateUnissued({ body, signer }, { lists, nowMs: env.nowMs, receiverExpiresDay });
    const old = ticketId === undefined ? undefined : state.tickets.get(ticketId);
    if (old === undefined || ticketId === undefined) throw wrong('there is nothing to replace');
    const fault = faultOfReplacement(body.components, decodeTicket(old.bytes).body.components);
    if (fault !== undefined) throw wrong(fault);
    const { components } = body;
    if (components.type === 'decryption') {
      const { objectId, objectSignature } = components;
      if (object === undefined || !isObjectSigned(signer.publicKey, { objectId, ...object }, objectSignature)) {
        throw wrong('an object that the merchant did not sign');
      }
    }
    givenBack(turn, talk, ticketId, mark);
    const unsigned = { type: 'issue', body, receiver, signer } as const;
    const delivered = { ticketId: ticketIdOfUnsigned(unsigned), ticket: storeUnsigned(unsigned), mark };
    keepTalk(turn, { ...talk, step: 'viewing', transaction: toHex(transaction), delivered });
    const ticket = { body, receiver, issuerCertificate: signer, transfers: [] };
    tellHost(turn, {
      ...{ type: 'confirm-replacement', matter, session: talk.session, number },
      ticket: showTicket(ticket, firstStatus(components)),
    });
  } catch (error) {
    reject(turn, talk, toHex(transaction), reasonOf(error));
  }
}

/** The vote for the exchange, or not. */
export function collect(turn: Turn, talk: DisputingTalk, accept: boolean): void {
  const { delivered, transaction: id = '', number } = talk;
  const { ticketId } = disputeOf(turn, number, 'customer');
  if (delivered === undefined || ticketId === undefined) throw new TrustedError('COMMAND_UNTIMELY', 'nothing came');
  if (!accept) {
    reject(turn, talk, id, 'the new merchandise was not confirmed');
    return;
  }
  const legs: readonly Leg[] = [
    { type: 'take', ticketId: delivered.ticketId, ticket: delivered.ticket },
    givenBack(turn, talk, ticketId, delivered.mark),
    { type: 'dispute', number, end: 'replaced' },
  ];
  vote(turn, talk, { id, legs });
  keepTalk(turn, { ...talk, step: 'replacing' });
  askMerchant(turn, talk, { type: 'accepted', transaction: fromHex(id) });
}

/** The customer keeps what it has, and may choose again. */
function reject(turn: Turn, talk: DisputingTalk, transaction: string, why: string): void {
  keepDispute(turn, { ...disputeOf(turn, talk.number, 'customer'), choice: undefined });
  tellHost(turn, { type: 'failed', matter: talk.matter, why });
  keepTalk(turn, { ...talk, step: 'rejecting', transaction: undefined, delivered: undefined });
  askMerchant(turn, talk, { type: 'unwanted', transaction: fromHex(transaction) });
}

/** True when a session was lost in which this agent has voted, or knows already how it ended. */
export function loseSettlement(turn: Turn, talk: DisputingTalk): boolean {
  if (talk.step === 'refunding-by-module') return !loseCollecting(turn, talk, talk.transaction!);
  const transaction = talk.transaction === undefined ? undefined : turn.state.transactions.get(talk.transaction);
  if (transaction !== undefined) {
    doubt(turn, transaction);
    tellHost(turn, { type: 'undecided', matter: talk.matter });
  }
  return transaction !== undefined || talk.step === 'settling';
}

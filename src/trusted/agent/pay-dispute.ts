/**
 * Pay Dispute (US 5,671,280, figure 32) and new merchandise (figure 30, steps 1104 to 1124) from the merchant's side. This agent decides, when it has
 * heard that the refund is authorised or that the new merchandise is accepted; with either the old ticket is void.
 */
import { fromHex, toHex } from '../../codec/hex.ts';
import { claimType } from '../message/dispute.ts';
import type { DisputeRequest } from '../message/dispute-talk.ts';
import { readPaymentOrder } from '../message/payment-order.ts';
import { readDocument } from '../message/signed-document.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import { faultOfReplacement, priceOf } from '../ticket/merchandise.ts';
import { firstStatus, signMark, writeMark } from '../ticket/status.ts';
import { encodeBody } from '../ticket/ticket.ts';
import { answerCustomer, decideDispute } from './answer-dispute.ts';
import { answerPayer, hearHeard, takeCardPayment } from './being-paid.ts';
import { reasonOf } from './check-credential.ts';
import { fail } from './conversation.ts';
import { disputeOf, isBeingSettled } from './dispute-log.ts';
import type { Dispute } from './dispute-state.ts';
import { type Leg, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { componentsOf, unsignedFor } from './make-merchandise.ts';
import { tellOutcome } from './outcome.ts';
import { losePaying } from './pay-through.ts';
import { payBackByModule } from './refund-by-module.ts';
import type { Merchandise } from './sale.ts';
import type { ResolvingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { commitAtOnce } from './transaction.ts';
import { endTalk, keepTalk, ownKey, type Turn } from './turn.ts';

/** How often the merchandise server is asked for the right thing. */
const maxTries = 3;

/** What follows on the customer's choice. @throws HandselError when it makes no sense */
export function payDispute(turn: Turn, talk: ResolvingTalk, request: DisputeRequest): void {
  const dispute = disputeOf(turn, talk.number ?? '', 'merchant');
  const { step } = talk;
  if (request.type === 'money-back' && step === 'answered') {
    offerRefund(turn, talk, dispute);
  } else if (request.type === 'pay-by-card' && step === 'paying-back') {
    payBack(turn, talk, dispute, request);
  } else if (request.type === 'by-module' && step === 'paying-back') {
    payBackByModule(turn, talk, dispute);
  } else if (request.type === 'new-merchandise' && step === 'answered') {
    if (dispute.status !== 'granted' || !dispute.offer.replacement || isBeingSettled(turn, dispute.number)) {
      answerCustomer(turn, talk, { type: 'refused', reason: 'NOT_OFFERED' });
      fail(turn, talk, 'a replacement that is not offered');
    } else fetchReplacement(turn, { ...talk, tries: 0 }, dispute);
  } else if (request.type === 'accepted' && step === 'offered' && toHex(request.transaction) === talk.transaction) {
    replace(turn, talk, dispute);
  } else if (request.type === 'unwanted' && step === 'offered') {
    keepTalk(turn, { ...talk, step: 'answered', offered: undefined, transaction: undefined });
    answerCustomer(turn, talk, { type: 'answered', answer: dispute.answer! });
  } else if (request.type === 'heard' && step === 'over') {
    hearHeard(turn, talk.transaction);
    answerPayer(turn, talk, { type: 'settled', transaction: request.transaction });
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, talk, 'done');
  } else {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${request.type}" while ${step}`);
  }
}

/** What the ticket in the customer's hand becomes: void for good, whatever was left of it. */
function markTakenBack(turn: Turn, ticketId: string, claim: Uint8Array): Uint8Array {
  const ticket = decodeTicket(readDocument(claimType, claim).value.ticket!);
  const counted = firstStatus(ticket.body.components).remaining !== undefined;
  const claims = {
    ...{ ticketId: fromHex(ticketId), number: 0xffff_ffff, inUseUntilS: 0 },
    standing: 'revoked' as const,
    atS: Math.floor(turn.env.nowMs / 1000),
  } as const;
  return writeMark(signMark({ ...claims, ...(counted && { remaining: 0 }) }, ownKey(turn)));
}

/** What moves with the money on this side. */
export function legsForMoney({ offered }: ResolvingTalk, { number, claim }: Dispute): readonly Leg[] {
  const taken = offered === undefined ? [] : [takenBack(offered, claim)];
  return [...taken, { type: 'dispute', number, end: 'refunded' }];
}

/** Steps 1172 to 1178. */
function offerRefund(turn: Turn, talk: ResolvingTalk, { status, offer, number, ticketId, claim }: Dispute): void {
  const { refund: amount } = offer;
  if (status !== 'granted' || amount === undefined || isBeingSettled(turn, number)) {
    answerCustomer(turn, talk, { type: 'refused', reason: 'NOT_OFFERED' });
    fail(turn, talk, 'a refund that is not offered');
    return;
  }
  const mark = ticketId === undefined ? undefined : markTakenBack(turn, ticketId, claim);
  const offered = mark && { ticketId: ticketId!, mark, ticket: undefined };
  keepTalk(turn, { ...talk, step: 'paying-back', offered });
  answerCustomer(turn, talk, { type: 'to-pay-back', amount, ...(mark && { mark }) });
}

/** Figure 21 with the money going the other way: this agent decides when the network has spoken. */
function payBack(
  turn: Turn,
  talk: ResolvingTalk,
  dispute: Dispute,
  request: Extract<DisputeRequest, { type: 'pay-by-card' }>,
): void {
  const { offer, payment, number, status } = dispute;
  try {
    if (status !== 'granted' || isBeingSettled(turn, number)) throw new TrustedError('COMMAND_UNTIMELY', 'settled');
    const legs = legsForMoney(talk, dispute);
    const ticketId = toHex(readPaymentOrder(payment!.order!).ticketId);
    const due = { legs, amount: offer.refund!, ticketId, refundOf: toHex(payment!.transaction) };
    takeCardPayment(turn, talk, request, due);
    keepTalk(turn, { ...talk, transaction: toHex(request.transaction) });
  } catch (error) {
    const reason = reasonOf(error);
    answerPayer(turn, talk, { type: 'not-paid', transaction: request.transaction, reason });
    fail(turn, talk, reason);
  }
}

function takenBack(
  { ticketId, mark }: { readonly ticketId: string; readonly mark: Uint8Array },
  claim: Uint8Array,
): Leg {
  return { type: 'book', ticketId, ticket: readDocument(claimType, claim).value.ticket!, mark, units: 0 };
}

/** Steps 1104 to 1106. */
function fetchReplacement(turn: Turn, talk: ResolvingTalk, { ticketId, number, matter }: Dispute): void {
  const attempt = talk.tries + 1;
  keepTalk(turn, { ...talk, step: 'fetching', tries: attempt });
  tellHost(turn, { type: 'fetch-replacement', matter, session: talk.session, number, ticketId: ticketId!, attempt });
}

/** The command `replacement`: what the merchandise server has sent (steps 1108 to 1118). @throws TrustedError `COMMAND_UNTIMELY` */
export function bringReplacement(turn: Turn, talk: ResolvingTalk, merchandise: Merchandise): void {
  if (talk.step !== 'fetching') throw new TrustedError('COMMAND_UNTIMELY', 'no merchandise is asked for');
  const dispute = disputeOf(turn, talk.number ?? '', 'merchant');
  const before = decodeTicket(readDocument(claimType, dispute.claim).value.ticket!).body.components;
  const made = componentsOf(turn, merchandise, priceOf(before)!);
  const fault = 'fault' in made ? made.fault : faultOfReplacement(made.components, before);
  if (fault === undefined && !('fault' in made)) {
    deliver(turn, talk, dispute, made);
  } else if (merchandise.type !== 'none' && talk.tries < maxTries) {
    fetchReplacement(turn, talk, dispute);
  } else {
    // Step 1116: unavailable, so a refund is initiated.
    const said = { outcome: 'unavailable', reason: fault ?? 'unavailable', refund: true } as const;
    const { answer } = decideDispute(turn, dispute, said, talk.session);
    keepTalk(turn, { ...talk, step: 'answered' });
    answerCustomer(turn, talk, { type: 'answered', answer: answer! });
  }
}

type Ready = Exclude<ReturnType<typeof componentsOf>, { fault: string }>;

/** Step 1120: provisionally. */
function deliver(turn: Turn, talk: ResolvingTalk, { ticketId, claim }: Dispute, { components, object }: Ready): void {
  const unsigned = unsignedFor(turn, talk, components);
  turn.draft.records.push({ type: 'serial', serial: turn.state.serial + 1 });
  const mark = markTakenBack(turn, ticketId!, claim);
  const id = toHex(turn.env.random(TRANSACTION_ID_LENGTH));
  const offered = { ticketId: ticketIdOfUnsigned(unsigned), ticket: storeUnsigned(unsigned), mark };
  keepTalk(turn, { ...talk, step: 'offered', offered, transaction: id });
  answerCustomer(turn, talk, {
    ...{ type: 'delivered', transaction: fromHex(id), signer: unsigned.signer, body: encodeBody(unsigned.body), mark },
    ...(object && { object }),
  });
}

/** Steps 1122 to 1124: the customer's agent has voted. */
function replace(turn: Turn, talk: ResolvingTalk, { number, ticketId, status, claim }: Dispute): void {
  const { offered, transaction: id = '' } = talk;
  if (status !== 'granted' || isBeingSettled(turn, number) || offered?.ticket === undefined) {
    answerCustomer(turn, talk, { type: 'refused', reason: 'COMMAND_UNTIMELY' });
    fail(turn, talk, 'settled in another session');
    return;
  }
  const legs: readonly Leg[] = [
    { type: 'give', ticketId: offered.ticketId, ticket: offered.ticket },
    takenBack({ ticketId: ticketId!, mark: offered.mark }, claim),
    { type: 'dispute', number, end: 'replaced' },
  ];
  const deeds = commitAtOnce(turn, talk, { id, legs });
  keepTalk(turn, { ...talk, step: 'over' });
  answerCustomer(turn, talk, { type: 'replaced', transaction: fromHex(id), deeds });
}

/** A session was lost; true when the outcome is told to the customer, or will be. */
export function loseOffer(turn: Turn, talk: ResolvingTalk): boolean {
  if (talk.step === 'paying-by-module') return !losePaying(turn, talk, talk.transaction!);
  const transaction = talk.transaction === undefined ? undefined : turn.state.transactions.get(talk.transaction);
  if (transaction?.status === 'committed') tellOutcome(turn, transaction, 'committed');
  // Else the network has been asked: what it says decides, and the customer's agent is told then.
  else if (transaction !== undefined) tellHost(turn, { type: 'undecided', matter: talk.matter });
  return transaction !== undefined;
}

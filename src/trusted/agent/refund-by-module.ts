/**
 * Money back from module to module (US 5,671,280, figure 32, steps 1172 to 1174, and figure 16): the merchant's agent pays, hears its module, and
 * decides; the customer's agent votes with the mark that takes the ticket back. In the session the caller answers and the callee asks meanwhile.
 */
import { decodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { formatAmount } from '../../money/amount.ts';
import { paymentAnswerShape, paymentRequestShape } from '../message/payment-talk.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { answerCustomer } from './answer-dispute.ts';
import { hearPayer } from './be-paid-through.ts';
import { reasonOf } from './check-credential.ts';
import { fail } from './conversation.ts';
import { endDealing } from './dealing.ts';
import { dropPurchase, isBeingSettled } from './dispute-log.ts';
import type { Dispute } from './dispute-state.ts';
import type { Leg } from './leg.ts';
import { beginToPay, type Due, hearPayee } from './pay-through.ts';
import { askToPay } from './paying.ts';
import type { DisputingTalk, ResolvingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { endTalk, keepTalk, type Turn } from './turn.ts';

const dueOf = ({ payment, ticketId = '' }: Dispute, id: string, legs: readonly Leg[]): Due => ({
  ...{ id, legs, amount: payment!.amount, ticketId, refundOf: toHex(payment!.transaction) },
});

/** The customer's side: whether what comes from the merchant's agent is a payer's request. */
export const isPaidByModule = ({ step }: DisputingTalk, { status }: Dispute) =>
  step === 'asking-module' || (step === 'refunding-by-module' && status !== 'refunded');

/** What the merchant's agent asks, as the payer. @param legs of this agent: what it gives for the money */
export function hearModuleRefund(
  turn: Turn,
  talk: DisputingTalk,
  kept: Dispute,
  { payload, legs }: { readonly payload: Uint8Array; readonly legs: () => readonly Leg[] },
): void {
  const request = paymentRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
  if (talk.step === 'asking-module') {
    if (request.type !== 'pay-by-module' || formatAmount(request.amount) !== formatAmount(kept.payment!.amount)) {
      fail(turn, talk, request.type === 'not-paying' ? `refused: ${request.reason}` : 'PAYMENT_REFUSED');
      return;
    }
    dropPurchase(turn, kept);
  }
  const id = request.type === 'pay-by-module' ? toHex(request.transaction) : talk.transaction!;
  const going: DisputingTalk = { ...talk, step: 'refunding-by-module', transaction: id };
  keepTalk(turn, going);
  // What is given back is looked at anew when it is voted for.
  const given = request.type === 'vote' ? legs() : [];
  const progress = hearPayer(turn, going, dueOf(kept, id, given), request);
  if (progress === 'refused' || progress === 'given up') fail(turn, going, 'not paid');
}

/** The merchant's side: the customer is ready. @param legs of this agent */
export function payBackByModule(turn: Turn, talk: ResolvingTalk, dispute: Dispute): void {
  const id = toHex(turn.env.random(TRANSACTION_ID_LENGTH));
  try {
    if (dispute.status !== 'granted' || isBeingSettled(turn, dispute.number))
      throw new TrustedError('COMMAND_UNTIMELY', 'settled');
    keepTalk(turn, { ...talk, step: 'paying-by-module', transaction: id });
    beginToPay(turn, talk, dueOf(dispute, id, []), { type: 'module', initiator: 'payer' });
  } catch (error) {
    const reason = reasonOf(error);
    askToPay(turn, talk, { type: 'not-paying', transaction: fromHex(id), reason });
    fail(turn, talk, reason);
  }
}

/** What the customer's agent answers, as the payee. */
export function hearModulePayee(
  turn: Turn,
  talk: ResolvingTalk,
  dispute: Dispute,
  { payload, legs }: { readonly payload: Uint8Array; readonly legs: readonly Leg[] },
): void {
  const answer = paymentAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
  const id = talk.transaction!;
  // Settled in another session meanwhile.
  const late = answer.type === 'ready' && (dispute.status !== 'granted' || isBeingSettled(turn, dispute.number));
  if (late) {
    endDealing(turn, id, 'abort');
    askToPay(turn, talk, { type: 'not-paying', transaction: fromHex(id), reason: 'COMMAND_UNTIMELY' });
    fail(turn, talk, 'settled in another session');
    return;
  }
  const progress = hearPayee(turn, talk, dueOf(dispute, id, legs), answer);
  if (progress === 'not paid') fail(turn, talk, 'not paid');
  if (progress !== 'over') return;
  answerCustomer(turn, talk, { type: 'closed' });
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}

/**
 * The card authorisation network of US 5,671,280, figure 21, as trusted agents reach it: a payment port (`../message/payment-port.ts`) in front of
 * the banks' interchange. One authorisation for each transaction, undone unless the payee's agent says, signed, that it committed.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import { compactKeyOf } from '../../crypto/compact-key.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { HostError } from '../../journal/host-error.ts';
import type { Decision, Env, Machine, Outcome, Outgoing } from '../../journal/machine.ts';
import { formatAmount } from '../../money/amount.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { isCommitment } from '../message/commitment.ts';
import { messageIdentityOf } from '../message/envelope.ts';
import {
  openAtNetwork,
  openSealedRequest,
  type PortAnswer,
  type PortEnvelope,
  type PortRequest,
  readEnvelope,
  sealPortAnswer,
} from '../message/payment-port.ts';
import { restoreLists, storeLists, type TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { askForLists, isAboutLists, type ListSource, takeLists } from './card-lists.ts';
import { applyCardRecord, type CardNetworkState, type CardPayment, type CardRecord } from './card-payment.ts';
import { restoreCardNetwork, snapshotCardNetwork } from './card-snapshot.ts';
import { type Authorise, checkOrder } from './check-order.ts';
import { forgetOld, maxAborts } from './forget-payments.ts';
import { decodeInterchangeAnswer, encodeInterchangeRequest } from './interchange-request.ts';

export type CardNetworkInput =
  | {
      readonly type: 'message';
      readonly envelope: PortEnvelope;
      readonly messageId: string;
      /** Of an opening. */
      readonly opened?: { readonly key: Uint8Array; readonly request: PortRequest };
    }
  | { readonly type: 'reply'; readonly id: string; readonly outcome: Outcome }
  /** It is switched on, or it is time to ask again: newer lists are fetched. */
  | { readonly type: 'opened' };

export interface CardNetworkOptions {
  /** To which openings are encrypted. */
  readonly scalar: Uint8Array;
  /** As they are built in. */
  readonly lists: TrustLists;
  /** Where newer ones are to be had. */
  readonly listsFrom?: ListSource;
  /** Route to the interchange. */
  readonly interchange: string;
  /** How long payments are kept, in milliseconds; default `keepPaymentsMs`. */
  readonly keepMs?: number;
  /** How long a bank may take to authorise, in milliseconds. */
  readonly waitMs?: number;
}

/** At the door: opens what is encrypted to the network. @throws CborError, MessageError or CryptographicError */
export function readPortMessage(body: Uint8Array, { scalar }: Pick<CardNetworkOptions, 'scalar'>): CardNetworkInput {
  const envelope = readEnvelope(body);
  const { messageId } = messageIdentityOf(body);
  if (envelope.type !== 'opening') return { type: 'message', envelope, messageId };
  return { type: 'message', envelope, messageId, opened: openAtNetwork(envelope, compactKeyOf(scalar).privateKey) };
}

type Deciding = {
  readonly state: CardNetworkState;
  readonly env: Env;
  readonly options: CardNetworkOptions;
};
type CardDecision = Decision<CardRecord>;

export function createCardNetwork(
  options: CardNetworkOptions,
): Machine<CardNetworkState, CardNetworkInput, CardRecord> {
  return {
    name: 'card-network',
    initial: () => ({
      ...{ payments: new Map(), aborted: new Map(), number: 0 },
      ...{ lists: restoreLists(storeLists(options.lists)), listsAtMs: undefined },
    }),
    decide(state, input, env) {
      const deciding = { state, env, options };
      if (input.type === 'opened') {
        return options.listsFrom === undefined ? { records: [] } : askForLists(state, env, options.listsFrom);
      }
      return input.type === 'message' ? hear(deciding, input) : hearBank(deciding, input);
    },
    apply: applyCardRecord,
    snapshot: snapshotCardNetwork,
    restore: restoreCardNetwork,
    received: ({ id, outcome }) => ({ type: 'reply', id, outcome }),
    fired: () => ({ type: 'opened' }),
  };
}

interface Asked {
  readonly transaction: string;
  readonly number: number;
  readonly messageId: string;
  readonly key: Uint8Array;
}

function hear(deciding: Deciding, input: Extract<CardNetworkInput, { type: 'message' }>): CardDecision {
  const { envelope, messageId, opened } = input;
  const transaction = toHex(envelope.transaction);
  const known = deciding.state.payments.get(transaction);
  if (envelope.type === 'plain') throw new TrustedError('PAYMENT_REFUSED', 'not encrypted');
  const key = opened?.key ?? known?.key;
  if (key === undefined || (opened !== undefined && known !== undefined && !sameKey(opened.key, known.key))) {
    throw new CryptographicError(new Error('no key, or another one, for this transaction'));
  }
  const request = envelope.type === 'opening' ? opened!.request : openSealedRequest(envelope, key);
  const asked: Asked = { transaction, number: envelope.number, messageId, key };
  switch (request.type) {
    case 'authorise':
      return authorise(deciding, asked, request);
    case 'commit':
      return capture(deciding, asked, request.proof);
    case 'abort':
    case 'stop':
      return undo(deciding, asked);
    case 'query':
      return { records: [], answer: answerTo(deciding, asked, standing(known)) };
    default:
      throw new TrustedError('PAYMENT_REFUSED', `a card network knows no "${request.type}"`);
  }
}

const sameKey = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

function answerTo({ env }: Deciding, { transaction, number, key }: Omit<Asked, 'messageId'>, answer: PortAnswer) {
  return sealPortAnswer({ transaction: fromHex(transaction), number }, answer, { key, random: env.random });
}

/** One line of evidence: what was approved, and by which code. */
function receiptOf({ amount, approvalCode = '', asked, card }: CardPayment): Uint8Array {
  return encodeCbor([formatAmount(amount), approvalCode, asked.number, asked.atMs, `…${card.number.slice(-4)}`]);
}

function standing(payment: CardPayment | undefined): PortAnswer {
  if (payment === undefined || payment.status === 'undone') return { type: 'failed', reason: 'not authorised' };
  if (payment.status === 'declined') return { type: 'failed', reason: 'declined' };
  if (payment.status === 'asked') return { type: 'pending' };
  return { type: 'paid', receipt: receiptOf(payment) };
}

function authorise(deciding: Deciding, asked: Asked, request: Authorise): CardDecision {
  const { state, env, options } = deciding;
  const { transaction, messageId, number, key } = asked;
  const refuse = (reason: string): CardDecision => ({
    ...{ records: [], answer: answerTo(deciding, asked, { type: 'failed', reason: reason.slice(0, 100) }) },
  });
  if (state.aborted.has(transaction)) return refuse('aborted');
  const known = state.payments.get(transaction);
  // Whatever is asked again for a transaction is no second authorisation.
  if (known !== undefined) return refuse('asked twice');
  const checked = checkOrder(request, { lists: state.lists, nowMs: env.nowMs, transaction });
  if ('fault' in checked) return refuse(checked.fault);
  const { order, card, payeeName } = checked;
  const next = { number: state.number + 1, atMs: env.nowMs };
  const payment: CardPayment = {
    ...{ transaction, status: 'asked', key, amount: order.amount, card, asked: next },
    ...{ payer: order.payer.agentId, approvalCode: undefined, refundedBy: undefined },
    payee: {
      ...{ agentId: request.payee.agentId, publicKey: request.payee.publicKey },
      ...(payeeName !== undefined && { name: payeeName }),
    },
    owed: { messageId, number },
    refundOf: order.refundOf && toHex(order.refundOf),
  };
  const records: CardRecord[] = [
    ...forgetOld(state, env.nowMs, options.keepMs),
    { type: 'payment', payment },
    { type: 'number', number: next.number },
  ];
  if (payment.refundOf === undefined) {
    const expiresAtMs = env.nowMs + (options.waitMs ?? 60_000);
    return { records, send: [{ ...toBank(options, 'authorise', payment), expiresAtMs }] };
  }
  const original = state.payments.get(payment.refundOf);
  const fault = faultOfRefund(payment, original);
  if (fault !== undefined) return refuse(fault);
  records.push({ type: 'payment', payment: { ...original!, refundedBy: transaction } });
  return { records, send: [toBank(options, 'reverse', { ...original!, asked: next }, original!)] };
}

/** The original way back: the same card, between the same two agents, no more than was paid, once. */
function faultOfRefund(refund: CardPayment, original: CardPayment | undefined): string | undefined {
  if (original?.status !== 'captured' || original.refundOf !== undefined) return 'nothing was paid';
  if (original.refundedBy !== undefined) return 'given back already';
  if (original.payer !== refund.payer || original.payee.agentId !== refund.payee.agentId) return 'other agents';
  if (original.card.number !== refund.card.number) return 'another card';
  return formatAmount(original.amount) === formatAmount(refund.amount) ? undefined : 'another amount';
}

function toBank(
  { interchange }: CardNetworkOptions,
  type: 'authorise' | 'capture' | 'reverse',
  payment: CardPayment,
  original: CardPayment = payment,
): Outgoing {
  const { transaction, card, amount, payee, asked, approvalCode } = payment;
  const about = {
    ...{ ...asked, transaction: fromHex(transaction), amount },
    ...{ cardNumber: card.number, expiresDay: card.expiresDay, payee: formatAgentId(payee.agentId) },
    ...(payee.name !== undefined && { payeeName: payee.name }),
  };
  const originally = { original: original.asked, approvalCode: approvalCode ?? '' };
  return {
    ...{ id: `bank/${type}/${transaction}/${asked.number}`, to: interchange, kind: `card-${type}` },
    body: encodeInterchangeRequest(type === 'authorise' ? { type, ...about } : { type, ...about, ...originally }),
  };
}

/** The payee's agent has committed. @throws TrustedError `PAYMENT_REFUSED` when nothing is held, or it did not sign that */
function capture(deciding: Deciding, asked: Asked, proof: Uint8Array): CardDecision {
  const { state, env, options } = deciding;
  const payment = state.payments.get(asked.transaction);
  const settled = { answer: answerTo(deciding, asked, { type: 'noted' }) };
  if (payment === undefined || !isCommitment(payment.payee.publicKey, fromHex(asked.transaction), proof)) {
    throw new TrustedError('PAYMENT_REFUSED', 'nobody committed to this');
  }
  if (payment.status === 'captured') return { records: [], ...settled };
  if (payment.status !== 'authorised') throw new TrustedError('PAYMENT_REFUSED', `it is ${payment.status}`);
  const next = { number: state.number + 1, atMs: env.nowMs };
  const captured: CardPayment = { ...payment, status: 'captured' };
  return {
    ...settled,
    records: [
      { type: 'payment', payment: captured },
      { type: 'number', number: next.number },
    ],
    send: [toBank(options, 'capture', { ...captured, asked: next }, payment)],
  };
}

/** The payee's agent has aborted: also before it was heard of here. */
function undo(deciding: Deciding, asked: Asked): CardDecision {
  const { state } = deciding;
  const payment = state.payments.get(asked.transaction);
  const noted = { answer: answerTo(deciding, asked, { type: 'noted' }) };
  if (payment === undefined) {
    const { env, options } = deciding;
    const forgotten = forgetOld(state, env.nowMs, options.keepMs);
    const room =
      state.aborted.size < maxAborts ||
      forgotten.some(({ transactions }) => transactions.some((one) => state.aborted.has(one)));
    if (!room) throw new HostError('HOST_BUSY', 'too much was aborted that nobody knows: say it again later');
    return { records: [...forgotten, { type: 'aborted', transaction: asked.transaction, atMs: env.nowMs }], ...noted };
  }
  if (payment.status === 'captured') throw new TrustedError('PAYMENT_REFUSED', 'it is captured');
  if (payment.status !== 'asked' && payment.status !== 'authorised') return { records: [], ...noted };
  return { ...noted, ...reverse(deciding, payment) };
}

/** An authorisation that may have been given, or was, and is not wanted. */
function reverse({ state, env, options }: Deciding, payment: CardPayment): Pick<CardDecision, 'records' | 'send'> {
  // A refund that is under way cannot be called back: it is an advice to the bank.
  if (payment.refundOf !== undefined) return { records: [] };
  const next = { number: state.number + 1, atMs: env.nowMs };
  return {
    records: [
      { type: 'payment', payment: { ...payment, status: 'undone', owed: undefined } },
      { type: 'number', number: next.number },
    ],
    send: [toBank(options, 'reverse', { ...payment, asked: next }, payment)],
  };
}

/** @throws HandselError when the answer is of no use, so that it is asked for again */
function hearBank(deciding: Deciding, { id, outcome }: Extract<CardNetworkInput, { type: 'reply' }>): CardDecision {
  if (isAboutLists(id)) return takeLists(deciding.state, deciding.env, outcome);
  const [, type, transaction = '', number] = id.split('/');
  const payment =
    type === 'reverse'
      ? refundIn(deciding.state, transaction, Number(number))
      : deciding.state.payments.get(transaction);
  if (payment === undefined || type === 'capture') return { records: [] };
  const answer = outcome.type === 'answered' ? decodeInterchangeAnswer(outcome.body) : undefined;
  // The reversal may have overtaken the request, which then found a bank that knew of nothing: it is reversed once more.
  if (type === 'authorise' && payment.status === 'undone' && answer?.type === 'approved') {
    return reverse(deciding, payment);
  }
  if (payment.status !== 'asked') return { records: [] };
  if (answer !== undefined) {
    if (type === 'reverse') return settle(deciding, { ...payment, status: 'captured' });
    if (answer.type === 'approved') {
      return settle(deciding, { ...payment, status: 'authorised', approvalCode: answer.approvalCode });
    }
    return settle(deciding, { ...payment, status: 'declined' });
  }
  if (type === 'reverse') return settle(deciding, { ...payment, status: 'declined' });
  // It may have been authorised all the same.
  const answers = owedAnswer(deciding, { ...payment, status: 'undone' });
  return { ...reverse(deciding, payment), ...answers };
}

/** The refund for which the reversal with this number of an earlier payment was sent. */
function refundIn({ payments }: CardNetworkState, original: string, number: number): CardPayment | undefined {
  const by = payments.get(original)?.refundedBy;
  const refund = by === undefined ? undefined : payments.get(by);
  return refund?.asked.number === number ? refund : undefined;
}

function settle(deciding: Deciding, payment: CardPayment): CardDecision {
  return {
    records: [{ type: 'payment', payment: { ...payment, owed: undefined } }],
    ...owedAnswer(deciding, payment),
  };
}

function owedAnswer(deciding: Deciding, payment: CardPayment): Pick<CardDecision, 'answers'> {
  const { owed, transaction, key } = payment;
  if (owed === undefined) return {};
  const body = answerTo(deciding, { transaction, key, number: owed.number }, standing(payment));
  return { answers: [{ messageId: owed.messageId, body }] };
}

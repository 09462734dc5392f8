/**
 * The counter across which goods and payment change hands: joins the purchases of all that one payment is for. The payment is made when
 * every part is accepted, and counts only once whoever attests has settled it: paid, or void for ever. So nothing is paid without accept,
 * nothing accepted stays without an answer, whoever falls silent or crashes.
 */
import { equalBytes } from '../../codec/hex.ts';
import { decodeShape, encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import type { Decision, Env, Machine, Outgoing, Reply } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import {
  attestedType,
  attestType,
  beginPartType,
  payType,
  placedType,
  questionType,
  type Told,
  toldType,
} from './counter-errand.ts';
import {
  afterSaleRecord,
  applySale,
  type CounterState,
  partNamed,
  restoreCounter,
  type Sale,
  type SaleRecord,
  saleKey,
  snapshotCounter,
} from './sale.ts';

export type CounterInput =
  | {
      readonly type: 'begin';
      readonly payment: string;
      readonly order: Uint8Array;
      /** Of each part, minor units. */
      readonly shares: readonly bigint[];
      readonly deadlineMs: number;
    }
  /** One part is accepted: told by the receiver's settlement. */
  | {
      readonly type: 'accept';
      readonly payment: string;
      readonly part: number;
      readonly accept: Uint8Array;
      readonly attestor: string;
    }
  /** What the payment method says of its end; `transaction` is empty where nothing was placed. */
  | {
      readonly type: 'ended';
      readonly payment: string;
      readonly transaction: string;
      readonly declined: boolean;
      readonly reason: string;
    }
  /** A purchase has ended: an outcome of the receiver. */
  | { readonly type: 'part-ended'; readonly reference: string; readonly outcome: string; readonly reason: string }
  | { readonly type: 'not-begun'; readonly payment: string; readonly reason: string }
  | { readonly type: 'placed'; readonly payment: string; readonly transaction: string }
  | { readonly type: 'attested'; readonly payment: string; readonly paid: boolean; readonly evidence: Uint8Array }
  | { readonly type: 'overdue'; readonly payment: string }
  | { readonly type: 'told' };

export interface CounterPolicy {
  /** How long the payment method may be silent before it is asked what became of it, ms; default 30 s. */
  readonly paymentWaitMs?: number;
}

/** Routes within the party. */
export const BEGIN_PART = 'local:begin-part';
export const PAY = 'local:pay';
export const QUESTION = 'local:payment-question';
export const ATTEST = 'local:attest';
export const TOLD = 'local:sale-told';

/** Before a reason: it is whoever gave out the card that would not. */
const DECLINED = 'DECLINED ';
const declinedFor = (reason: string) => ({ outcome: 'declined' as const, reason: reason.slice(DECLINED.length) });

const PAYMENT = /^[^/.]{1,48}$/;
const ACKNOWLEDGED = new Uint8Array();
const waitMs = ({ paymentWaitMs }: CounterPolicy) => paymentWaitMs ?? 30_000;

type CounterDecision = Decision<SaleRecord>;
const NOTHING: CounterDecision = { records: [], answer: ACKNOWLEDGED };

export function createCounter(policy: CounterPolicy = {}): Machine<CounterState, CounterInput, SaleRecord> {
  return {
    name: 'delivery-counter',
    initial: () => ({ sales: new Map() }),
    decide: (state, input, env) => decide(state, input, env, policy),
    apply: applySale,
    snapshot: snapshotCounter,
    restore: restoreCounter,
    received,
    fired: ({ id }) => ({ type: 'overdue', payment: id }),
  };
}

function decide(state: CounterState, input: CounterInput, env: Env, policy: CounterPolicy): CounterDecision {
  if (input.type === 'begin') return begin(state, input, env);
  if (input.type === 'told') return NOTHING;
  if (input.type === 'part-ended') return partEnded(state, input, env);
  const sale = state.sales.get(input.payment);
  if (input.type === 'accept') return accept(sale, input, env, policy);
  if (sale === undefined) return NOTHING;
  switch (input.type) {
    case 'not-begun':
      return sale.phase === 'preparing' ? callOff(sale, input.reason, env) : NOTHING;
    case 'ended':
      return ended(sale, input, env);
    case 'placed':
      return placed(sale, input.transaction, env, policy);
    case 'overdue':
      return overdue(sale);
    case 'attested':
      return attested(sale, input, env);
  }
}

/** @throws DeliveryError `ORDER_REFUSED` */
function begin({ sales }: CounterState, input: Extract<CounterInput, { type: 'begin' }>, env: Env): CounterDecision {
  const { payment, order, shares, deadlineMs } = input;
  if (!PAYMENT.test(payment) || sales.has(payment) || shares.length === 0) {
    throw new DeliveryError('ORDER_REFUSED', 'a sale needs a name that no other one has, and something that is sold');
  }
  const parts = shares.map((minor) => ({ minor, accept: null, outcome: null, reason: '' }));
  const sale: Sale = {
    ...{ payment, phase: 'preparing', parts, order, deadlineMs, attestor: null, transaction: '', evidence: null },
    ...{ reason: '', questions: 0 },
  };
  return {
    records: [{ type: 'begun', sale, atMs: env.nowMs }],
    keys: [saleKey(payment)],
    answer: ACKNOWLEDGED,
    send: parts.map((_, part) => ({
      ...errand(sale, `begin-${part}`, { to: BEGIN_PART, type: beginPartType, value: { payment, part } }),
      expiresAtMs: deadlineMs,
    })),
  };
}

/** @throws DeliveryError `ORDER_OVER` when it is off: nothing is paid, and nothing will be */
function accept(
  sale: Sale | undefined,
  { part, accept: digest, attestor }: Extract<CounterInput, { type: 'accept' }>,
  env: Env,
  policy: CounterPolicy,
): CounterDecision {
  const own = sale?.parts[part];
  if (sale === undefined || own === undefined || sale.phase === 'off') {
    throw new DeliveryError('ORDER_OVER', sale?.reason || 'the sale is off');
  }
  if (own.accept !== null) {
    if (!equalBytes(own.accept, digest)) throw new DeliveryError('ACCEPTED_OTHERWISE', 'accepted by another accept');
    return NOTHING;
  }
  if (sale.attestor !== null && sale.attestor !== attestor) {
    throw new DeliveryError('ORDER_REFUSED', 'one payment cannot be settled by two trustees');
  }
  const { payment } = sale;
  const record = { type: 'accepted', payment, part, accept: digest, attestor, atMs: env.nowMs } as const;
  const next = afterSaleRecord(sale, record);
  return {
    records: [record],
    keys: [saleKey(payment)],
    answer: ACKNOWLEDGED,
    ...(next.phase === 'paying' && {
      send: [
        errand(next, 'pay', { to: PAY, type: payType, value: { payment, order: next.order, parts: paidParts(next) } }),
      ],
      timers: [{ id: payment, atMs: env.nowMs + waitMs(policy) }],
    }),
  };
}

const paidParts = ({ parts }: Sale) => parts.map(({ accept: digest, minor }) => ({ accept: digest!, minor }));

/** Whatever the method says: once a transaction was placed, only whoever attests can say that it is void. */
function ended(
  sale: Sale,
  { transaction, declined, reason }: Extract<CounterInput, { type: 'ended' }>,
  env: Env,
): CounterDecision {
  if (sale.phase !== 'paying') return NOTHING;
  if (transaction === '') return callOff(sale, reason, env);
  if (sale.transaction !== '') return NOTHING;
  return askAttestor(sale, transaction, declined ? `${DECLINED}${reason}` : reason);
}

function askAttestor(sale: Sale, transaction: string, reason: string): CounterDecision {
  const { payment, attestor, order } = sale;
  const value = { payment, attestor: attestor!, transaction, order, parts: paidParts(sale) };
  return {
    records: [{ type: 'placed', payment, transaction, reason: reason.slice(0, 100) }],
    keys: [saleKey(payment)],
    answer: ACKNOWLEDGED,
    send: [errand(sale, 'attest', { to: ATTEST, type: attestType, value })],
    clearTimers: [payment],
  };
}

/** The merchant is silent after it was told to charge: it is not waited for. */
function overdue(sale: Sale): CounterDecision {
  if (sale.phase !== 'paying' || sale.transaction !== '') return NOTHING;
  const { payment, questions } = sale;
  return {
    records: [{ type: 'questioned', payment }],
    send: [errand(sale, `question-${questions + 1}`, { to: QUESTION, type: questionType, value: { payment } })],
  };
}

function placed(sale: Sale, transaction: string, env: Env, policy: CounterPolicy): CounterDecision {
  if (sale.phase !== 'paying' || sale.transaction !== '') return NOTHING;
  if (transaction !== '') return askAttestor(sale, transaction, 'MERCHANT_SILENT');
  return { records: [], timers: [{ id: sale.payment, atMs: env.nowMs + waitMs(policy) }] };
}

function attested(
  sale: Sale,
  { paid, evidence }: Extract<CounterInput, { type: 'attested' }>,
  env: Env,
): CounterDecision {
  if (sale.phase !== 'paying') return NOTHING;
  if (!paid) return callOff(sale, sale.reason || 'PAYMENT_VOID', env);
  const { payment } = sale;
  return {
    records: [{ type: 'paid', payment, evidence, atMs: env.nowMs }],
    keys: [saleKey(payment)],
    answer: ACKNOWLEDGED,
    send: [tell(sale, { outcome: 'paid', reason: '', transaction: sale.transaction })],
  };
}

function callOff(sale: Sale, reason: string, env: Env): CounterDecision {
  const { payment } = sale;
  return {
    records: [{ type: 'off', payment, reason: reason.slice(0, 100), atMs: env.nowMs }],
    keys: [saleKey(payment)],
    answer: ACKNOWLEDGED,
    // Nothing is, or can be, charged under any transaction of it.
    send: [
      tell(sale, {
        ...(reason.startsWith(DECLINED) ? declinedFor(reason) : { outcome: 'failed', reason }),
        transaction: '',
      }),
    ],
    clearTimers: [payment],
  };
}

/** One part that is not to be had takes the others with it, as long as nothing is paid. */
function partEnded(
  { sales }: CounterState,
  { reference, outcome, reason }: Extract<CounterInput, { type: 'part-ended' }>,
  env: Env,
): CounterDecision {
  const { payment, part } = partNamed(reference);
  const sale = sales.get(payment);
  if (sale?.parts[part] === undefined || sale.parts[part].outcome !== null) return NOTHING;
  const record = { type: 'part-ended', payment, part, outcome, reason, atMs: env.nowMs } as const;
  const recorded = { records: [record], keys: [saleKey(payment)], answer: ACKNOWLEDGED };
  if (sale.phase !== 'preparing') return recorded;
  const off = callOff(sale, reason, env);
  return { ...off, records: [record, ...off.records] };
}

function tell({ payment }: Sale, { reason, ...said }: Omit<Told, 'payment'>): Outgoing {
  const told: Told = { payment, ...said, reason: reason.slice(0, 100) };
  return { id: `${payment}/told`, to: TOLD, kind: toldType.name, body: encodeShape(toldType, told) };
}

function errand<T>(
  { payment }: Sale,
  step: string,
  { to, type, value }: { readonly to: string; readonly type: MessageType<T>; readonly value: T },
): Outgoing {
  return { id: `${payment}/${step}`, to, kind: type.name, body: encodeShape(type, value) };
}

/** @throws HandselError when an answer is of no use: asked again */
function received({ id, outcome }: Reply): CounterInput {
  const [payment, step] = id.split('/') as [string, string];
  if (outcome.type !== 'answered') {
    const reason = outcome.type === 'refused' ? outcome.code : 'DEADLINE';
    if (step.startsWith('begin-')) return { type: 'not-begun', payment, reason };
    // Not even begun: the payment method knows of no transaction.
    if (step === 'pay') return { type: 'ended', payment, transaction: '', declined: false, reason };
    return { type: 'told' };
  }
  if (step.startsWith('question-')) {
    return { type: 'placed', payment, transaction: decodeShape(placedType, outcome.body).transaction };
  }
  if (step !== 'attest') return { type: 'told' };
  const { outcome: said, evidence } = decodeShape(attestedType, outcome.body);
  return { type: 'attested', payment, paid: said === 'paid', evidence };
}

/**
 * A stand-in for a money module: a party with a journal, keys and a balance of its own behind the payment port of a device. It follows figure 16
 * of US 5,671,280 in what it says to its agent and to the other module; of the notes and the security of a real one it has nothing.
 */
import { decodeCborExact, encodeCborExact } from '../../src/codec/cbor.ts';
import type { CborValue } from '../../src/codec/cbor-value.ts';
import { fromHex, toHex } from '../../src/codec/hex.ts';
import { agreeP256, deriveKey } from '../../src/crypto/agreement.ts';
import {
  compactKeyOf,
  importCompactKey,
  makeCompactKey,
  signCompact,
  verifyCompact,
} from '../../src/crypto/compact-key.ts';
import { open, seal } from '../../src/crypto/sealing.ts';
import type { Decision, Env, Machine } from '../../src/journal/machine.ts';
import type { Amount } from '../../src/money/amount.ts';
import {
  deriveChannelKey,
  openSealedRequest,
  type PortAnswer,
  type PortEnvelope,
  type PortRequest,
  plainPortAnswer,
  readEnvelope,
  readPlainRequest,
  sealPortAnswer,
} from '../../src/trusted/message/payment-port.ts';
import { TrustedError } from '../../src/trusted/message/trusted-error.ts';

interface ModulePayment {
  readonly transaction: string;
  readonly side: 'payer' | 'payee';
  readonly own: Uint8Array;
  /** TA/MM, once both halves are known. */
  readonly channel: Uint8Array | undefined;
  /** MM/MM. */
  readonly session: Uint8Array | undefined;
  readonly scalar: Uint8Array | undefined;
  readonly amount: Amount | undefined;
  readonly initiates: boolean;
  /** `held`: provisionally decremented, or provisionally here. */
  readonly status: 'begun' | 'held' | 'paid' | 'failed';
}

export interface ModuleState {
  balance: bigint;
  readonly payments: Map<string, ModulePayment>;
}

export type ModuleRecord = { readonly type: 'payment'; readonly payment: ModulePayment; readonly balance: bigint };
export type ModuleInput = { readonly type: 'message'; readonly envelope: PortEnvelope };

export interface ModuleOptions {
  readonly balance: bigint;
  /** The module's own key, and that of whoever made the modules: here one for all. */
  readonly scalar: Uint8Array;
  readonly genuine: (x: Uint8Array) => boolean;
  /** For tests of what a broken module leads to. */
  readonly lie?: (answer: PortAnswer, request: PortRequest) => PortAnswer;
}

export const readModuleMessage = (body: Uint8Array): ModuleInput => ({ type: 'message', envelope: readEnvelope(body) });

const label = new TextEncoder().encode('test MM/MM');
const encode = (value: unknown) => encodeCborExact(value as CborValue);
const decode = (bytes: Uint8Array) => decodeCborExact(bytes, { maxBytes: 65_536 }) as unknown;

interface Work {
  readonly state: ModuleState;
  readonly env: Env;
  readonly options: ModuleOptions;
}

interface Done {
  readonly answer: PortAnswer;
  readonly payment: ModulePayment;
  readonly balance?: bigint;
}

export function createMoneyModule(options: ModuleOptions): Machine<ModuleState, ModuleInput, ModuleRecord> {
  return {
    name: 'money-module',
    initial: () => ({ balance: options.balance, payments: new Map() }),
    decide: (state, { envelope }, env) => decide({ state, env, options }, envelope),
    apply(state, { payment, balance }) {
      state.payments.set(payment.transaction, payment);
      state.balance = balance;
    },
    snapshot: ({ balance, payments }) => encode([balance, [...payments.values()]]),
    restore(bytes) {
      const [balance, payments] = decode(bytes) as [bigint, ModulePayment[]];
      return { balance: BigInt(balance), payments: new Map(payments.map((one) => [one.transaction, one])) };
    },
    received: () => {
      throw new TypeError('a module sends nothing by itself');
    },
    fired: () => {
      throw new TypeError('a module sets no timers');
    },
  };
}

function decide(work: Work, envelope: PortEnvelope): Decision<ModuleRecord> {
  const { state, env, options } = work;
  if (envelope.type === 'opening') throw new TrustedError('PAYMENT_REFUSED', 'no network');
  const transaction = toHex(envelope.transaction);
  const known = state.payments.get(transaction);
  let request: PortRequest;
  if (envelope.type === 'plain') request = readPlainRequest(envelope);
  else if (known?.channel === undefined) throw new TrustedError('PAYMENT_REFUSED', 'no channel yet');
  else request = openSealedRequest(envelope, known.channel);
  // Inside the channel nothing plain counts any more.
  if (envelope.type === 'plain' && known?.channel !== undefined && request.type !== 'abort') {
    throw new TrustedError('PAYMENT_REFUSED', 'not sealed');
  }
  const done = answerTo(work, transaction, known, request);
  const { payment, balance = state.balance } = done;
  const answer = options.lie?.(done.answer, request) ?? done.answer;
  const place = { transaction: envelope.transaction, number: envelope.number };
  const { channel } = payment;
  return {
    records: [{ type: 'payment', payment, balance }],
    answer:
      channel === undefined
        ? plainPortAnswer(answer)
        : sealPortAnswer(place, answer, { key: channel, random: env.random }),
  };
}

const failed = (payment: ModulePayment, reason: string): Done => ({
  payment: { ...payment, status: 'failed' },
  answer: { type: 'failed', reason },
});

function answerTo(work: Work, transaction: string, known: ModulePayment | undefined, request: PortRequest): Done {
  const { state, env } = work;
  if (request.type === 'begin' && known === undefined) {
    const { side, contribution, amount } = request;
    const scalar = makeCompactKey(env.random).scalar;
    const payment: ModulePayment = {
      ...{ transaction, side, own: contribution, channel: undefined, session: undefined, scalar, amount },
      ...{ initiates: amount !== undefined, status: 'begun' },
    };
    if (side === 'payee') return { payment, answer: { type: 'noted' } };
    return { payment, answer: { type: 'say', bytes: greet(work, payment) } };
  }
  const payment: ModulePayment = known ?? {
    ...{ transaction, side: 'payee', own: new Uint8Array(), channel: undefined, session: undefined, scalar: undefined },
    ...{ amount: undefined, initiates: false, status: 'failed' },
  };
  const noted = (next: ModulePayment, balance = state.balance): Done => ({
    ...{ payment: next, balance, answer: { type: 'noted' } },
  });
  if (request.type === 'abort' || request.type === 'stop') {
    if (payment.status === 'paid') return { payment, answer: paidOf(payment) };
    const back = payment.status === 'held' && payment.side === 'payer' ? payment.amount!.minor : 0n;
    const undone: ModulePayment = { ...payment, status: 'failed' };
    if (request.type === 'stop') return { ...failed(undone, 'stopped'), balance: state.balance + back };
    return noted(undone, state.balance + back);
  }
  if (payment.status === 'failed') return failed(payment, 'it was given up');
  switch (request.type) {
    case 'query':
      return { payment, answer: payment.status === 'paid' ? paidOf(payment) : { type: 'pending' } };
    case 'commit':
      // The agents have committed: what was provisional here is not any more, whatever the other module could not say.
      return payment.side === 'payee' && payment.status === 'held'
        ? noted(...received(state, payment))
        : noted(payment);
    case 'execute': {
      if (payment.status !== 'held' && payment.status !== 'paid') return failed(payment, 'nothing is held');
      const answer: PortAnswer = { ...paidOf(payment), say: tell(work, payment, ['acknowledged']) };
      return { payment: { ...payment, status: 'paid' }, answer };
    }
    case 'verified':
      return request.correct === 1 ? verified(work, payment) : failed(payment, 'wrong amount');
    case 'hear':
      return hear(work, payment, request.bytes);
    default:
      return failed(payment, `"${request.type}" does not follow`);
  }
}

const paidOf = ({ transaction }: ModulePayment) =>
  ({ type: 'paid', receipt: encode(['receipt', transaction]) }) as const;

const received = (state: ModuleState, payment: ModulePayment): [ModulePayment, bigint] => [
  { ...payment, status: 'paid' },
  state.balance + payment.amount!.minor,
];

/** Who I am, and my part of MM/MM. */
function greet({ options }: Work, payment: ModulePayment): Uint8Array {
  const { x } = compactKeyOf(payment.scalar!);
  const own = compactKeyOf(options.scalar);
  return encode([own.x, x, signCompact(own.privateKey, x)]);
}

function agree({ options }: Work, payment: ModulePayment, greeting: Uint8Array): Uint8Array {
  const [who, x, signature] = decode(greeting) as [Uint8Array, Uint8Array, Uint8Array];
  if (!options.genuine(who) || !verifyCompact(who, x, signature))
    throw new TrustedError('PAYMENT_REFUSED', 'no module');
  const { privateKey } = compactKeyOf(payment.scalar!);
  const secret = agreeP256(privateKey, importCompactKey(x));
  return deriveKey({ secret, salt: fromHex(payment.transaction), info: label, length: 32 });
}

const tell = ({ env }: Work, { session, transaction, side }: ModulePayment, what: unknown) =>
  seal({ key: session!, plaintext: encode(what), associatedData: encode([transaction, side]), random: env.random });

function heard({ session, transaction, side }: ModulePayment, sealed: Uint8Array): readonly unknown[] {
  const other = side === 'payer' ? 'payee' : 'payer';
  return decode(open({ key: session!, sealed, associatedData: encode([transaction, other]) })) as readonly unknown[];
}

function hear(work: Work, payment: ModulePayment, bytes: Uint8Array): Done {
  const { state } = work;
  if (payment.session === undefined) {
    const session = agree(work, payment, bytes);
    const next = { ...payment, session };
    if (payment.side === 'payee') return { payment: next, answer: { type: 'say', bytes: greet(work, payment) } };
    const first = payment.initiates ? [payment.own, payment.amount] : [payment.own];
    return { payment: next, answer: { type: 'say', bytes: tell(work, next, first) } };
  }
  const [what, amount] = heard(payment, bytes) as [Uint8Array | string, Amount | undefined];
  if (payment.channel === undefined) {
    const [payer, payee] = payment.side === 'payer' ? [payment.own, what] : [what, payment.own];
    const key = { transaction: fromHex(payment.transaction), payer: payer as Uint8Array, payee: payee as Uint8Array };
    const next: ModulePayment = { ...payment, channel: deriveChannelKey(key) };
    if (amount !== undefined && !payment.initiates) {
      return { payment: { ...next, amount }, answer: { type: 'verify', amount } };
    }
    return verified(work, next);
  }
  if (what === 'notes')
    return {
      payment: { ...payment, status: 'held' },
      answer: { type: 'prepared', say: tell(work, payment, ['ready']) },
    };
  if (what === 'ready') return { payment, answer: { type: 'prepared' } };
  if (what === 'acknowledged' && payment.status === 'held') {
    const [paid, balance] = received(state, payment);
    return { payment: paid, balance, answer: paidOf(paid) };
  }
  if (payment.status === 'paid') return { payment, answer: paidOf(payment) };
  return failed(payment, `"${what}" does not follow`);
}

/** The amount is agreed: the payee's module acknowledges it, the payer's moves it, provisionally, if there is enough. */
function verified(work: Work, payment: ModulePayment): Done {
  const { state } = work;
  if (payment.side === 'payee') {
    const said = payment.initiates ? [payment.own, payment.amount] : [payment.own];
    return { payment, answer: { type: 'say', bytes: tell(work, payment, said) } };
  }
  const { minor } = payment.amount!;
  if (state.balance < minor) return failed(payment, 'insufficient funds');
  const bytes = tell(work, payment, ['notes']);
  return { payment: { ...payment, status: 'held' }, balance: state.balance - minor, answer: { type: 'say', bytes } };
}

/** A bank as a machine: holds, payments bound to accepts, refunds; everything once, however often it is asked. */
import { decodeCborExact, encodeCbor, encodeCborExact } from '../../../src/codec/cbor.ts';
import type { CborValue } from '../../../src/codec/cbor-value.ts';
import { fromHex, toHex } from '../../../src/codec/hex.ts';
import { decodeShape, linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { orderType } from '../../../src/delivery/message/order.ts';
import { cancelType, commitType, prepareType } from '../../../src/delivery/receiver/errand.ts';
import { newsType } from '../../../src/delivery/sender/news.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import type { Machine, Outgoing } from '../../../src/journal/machine.ts';
import type { Party } from '../../world/simulation.ts';
import { person, receiptType } from '../people.ts';

interface Payment {
  readonly from: string;
  readonly to: string;
  readonly minor: bigint;
  readonly accept: string;
  /** How often it was paid, and paid back. */
  readonly paid: number;
  readonly refunded: number;
}

type BankInput =
  | { readonly type: 'prepare'; readonly order: string; readonly from: string; readonly minor: bigint }
  | {
      readonly type: 'commit';
      readonly order: string;
      readonly accept: Uint8Array;
      readonly to: string;
      readonly minor: bigint;
    }
  | { readonly type: 'cancel'; readonly order: string }
  | { readonly type: 'refund'; readonly order: string }
  | { readonly type: 'none' };

type BankRecord = Exclude<BankInput, { type: 'none' }>;

export interface BankState {
  readonly accounts: Map<string, bigint>;
  readonly holds: Map<string, { readonly from: string; readonly minor: bigint }>;
  readonly cancelled: Set<string>;
  readonly payments: Map<string, Payment>;
}

const DONE = encodeCbor(null);
export const startMinor = 100_000n;

function apply({ accounts, holds, cancelled, payments }: BankState, record: BankRecord): void {
  const move = (account: string, minor: bigint) => accounts.set(account, (accounts.get(account) ?? startMinor) + minor);
  const { order } = record;
  const hold = holds.get(order);
  if (record.type === 'prepare') {
    move(record.from, -record.minor);
    holds.set(order, { from: record.from, minor: record.minor });
  }
  if (record.type === 'commit') {
    const before = payments.get(order);
    holds.delete(order);
    move(record.to, hold!.minor);
    const accept = toHex(linkOf(record.accept));
    payments.set(order, {
      from: hold!.from,
      to: record.to,
      minor: hold!.minor,
      accept,
      paid: (before?.paid ?? 0) + 1,
      refunded: 0,
    });
  }
  if (record.type === 'cancel') {
    cancelled.add(order);
    holds.delete(order);
    if (hold !== undefined) move(hold.from, hold.minor);
  }
  if (record.type === 'refund') {
    const payment = payments.get(order)!;
    move(payment.to, -payment.minor);
    move(payment.from, payment.minor);
    payments.set(order, { ...payment, refunded: payment.refunded + 1 });
  }
}

function decide({ accounts, holds, cancelled, payments }: BankState, input: BankInput) {
  if (input.type === 'none') return { records: [], answer: DONE };
  const { order } = input;
  switch (input.type) {
    case 'prepare':
      if (holds.has(order) || cancelled.has(order) || payments.has(order)) return { records: [], answer: DONE };
      if ((accounts.get(input.from) ?? startMinor) < input.minor) throw new HandselError('FUNDS_LACKING', 'not enough');
      return { records: [input], answer: DONE };
    case 'commit': {
      if (!holds.has(order)) throw new HandselError('NOT_PREPARED', 'nothing is set aside');
      const said = { order: fromHex(order), accept: linkOf(input.accept), payee: input.to };
      const receipt = { ...said, amount: { currency: 'EUR', minor: input.minor } };
      return { records: [input], answer: signMessage(receiptType, receipt, person('bank', 'bank')) };
    }
    case 'cancel':
      return { records: cancelled.has(order) ? [] : [input], answer: DONE };
    case 'refund': {
      const payment = payments.get(order);
      return { records: payment === undefined || payment.refunded > 0 ? [] : [input], answer: DONE };
    }
  }
}

const machine: Machine<BankState, BankInput, BankRecord> = {
  name: 'bank',
  initial: () => ({ accounts: new Map(), holds: new Map(), cancelled: new Set(), payments: new Map() }),
  decide,
  apply,
  snapshot: ({ accounts, holds, cancelled, payments }) =>
    encodeCborExact([[...accounts], [...holds], [...cancelled], [...payments]] as unknown as CborValue),
  restore(bytes) {
    const [accounts, holds, cancelled, payments] = decodeCborExact(bytes) as unknown as [[], [], [], []];
    return {
      accounts: new Map(accounts),
      holds: new Map(holds),
      cancelled: new Set(cancelled),
      payments: new Map(payments),
    };
  },
  received: () => ({ type: 'none' }),
  fired: () => ({ type: 'none' }),
};

/** Customers ask it by `local:settlement`, the shop has refunds made by its news. */
export const bankParty = (): Party<BankState, BankInput, BankRecord> => ({
  machine,
  snapshotEvery: 20,
  arrived: ({ kind, body }: Outgoing, from): BankInput => {
    if (kind === prepareType.name) {
      const { order } = decodeShape(prepareType, body);
      const { price } = readMessage(orderType, order).value;
      return { type: 'prepare', order: toHex(linkOf(order)), from, minor: price.minor };
    }
    if (kind === commitType.name) {
      const { order, accept } = decodeShape(commitType, body);
      const { price, payee } = readMessage(orderType, order).value;
      return { type: 'commit', order: toHex(linkOf(order)), accept, to: payee, minor: price.minor };
    }
    if (kind === cancelType.name) return { type: 'cancel', order: toHex(decodeShape(cancelType, body).order) };
    const news = decodeShape(newsType, body);
    return news.what === 'refund' ? { type: 'refund', order: toHex(news.order) } : { type: 'none' };
  },
});

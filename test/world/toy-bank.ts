/** The smallest machine that can lose or double money: a bank whose transfers to another bank go through the outbox. */
import { decodeCbor, decodeCborExact, encodeCbor, encodeCborExact } from '../../src/codec/cbor.ts';
import { HandselError } from '../../src/handsel-error.ts';
import type { Machine, Outgoing } from '../../src/journal/machine.ts';

export interface BankState {
  balance: number;
  /** Taken from the balance, not yet confirmed by the other bank. */
  readonly leaving: Map<string, number>;
  /** Message id of the order → transfer that must settle before it is answered. */
  readonly orders: Map<string, string>;
  readonly received: Map<string, number>;
  /** How often each transfer was confirmed: once, if the acknowledgement and its effect are one. */
  readonly settled: Map<string, number>;
  ticks: number;
}

export type BankInput =
  | { readonly type: 'order'; readonly order: string; readonly to: string; readonly amount: number }
  | { readonly type: 'credit'; readonly transfer: string; readonly amount: number }
  | { readonly type: 'credited'; readonly transfer: string }
  | { readonly type: 'tick' };

type BankRecord =
  | { readonly type: 'left'; readonly transfer: string; readonly order: string; readonly amount: number }
  | { readonly type: 'came'; readonly transfer: string; readonly amount: number }
  | { readonly type: 'settled'; readonly transfer: string }
  | { readonly type: 'ticked' };

export function toyBank(name: string, balance: number): Machine<BankState, BankInput, BankRecord> {
  return {
    name,
    initial: () => ({
      balance,
      leaving: new Map(),
      orders: new Map(),
      received: new Map(),
      settled: new Map(),
      ticks: 0,
    }),
    decide(state, input, env) {
      if (input.type === 'order') {
        if (state.balance < input.amount) throw new HandselError('FUNDS_INSUFFICIENT', 'not enough money');
        const transfer = `${name}:${input.order}`;
        const body = encodeCbor({ transfer, amount: input.amount });
        return {
          records: [{ type: 'left', transfer, order: input.order, amount: input.amount }],
          keys: [`transfer:${transfer}`],
          send: [{ id: transfer, to: input.to, kind: 'credit', body }],
          timers: [{ id: `tick ${transfer}`, atMs: env.nowMs + 700 }],
        };
      }
      if (input.type === 'credit') {
        return {
          records: [{ type: 'came', transfer: input.transfer, amount: input.amount }],
          answer: encodeCbor({ credited: input.transfer }),
        };
      }
      if (input.type === 'tick') return { records: [{ type: 'ticked' }] };
      const order = [...state.orders].find(([, transfer]) => transfer === input.transfer)?.[0];
      return {
        records: [{ type: 'settled', transfer: input.transfer }],
        answers: order === undefined ? [] : [{ messageId: order, body: encodeCbor({ done: input.transfer }) }],
      };
    },
    apply(state, record) {
      if (record.type === 'ticked') state.ticks++;
      else if (record.type === 'left') {
        state.balance -= record.amount;
        state.leaving.set(record.transfer, record.amount);
        state.orders.set(`person/${record.order}`, record.transfer);
      } else if (record.type === 'came') {
        state.balance += record.amount;
        state.received.set(record.transfer, (state.received.get(record.transfer) ?? 0) + 1);
      } else {
        state.leaving.delete(record.transfer);
        for (const [order, transfer] of state.orders) if (transfer === record.transfer) state.orders.delete(order);
        state.settled.set(record.transfer, (state.settled.get(record.transfer) ?? 0) + 1);
      }
    },
    snapshot: ({ balance: money, leaving, orders, received, settled, ticks }) =>
      encodeCborExact([money, [...leaving], [...orders], [...received], [...settled], ticks]),
    restore(bytes) {
      const [money, leaving, orders, received, settled, ticks] = decodeCborExact(bytes) as unknown as [
        number,
        [string, number][],
        [string, string][],
        [string, number][],
        [string, number][],
        number,
      ];
      return {
        ...{ balance: money, ticks },
        leaving: new Map(leaving),
        orders: new Map(orders),
        received: new Map(received),
        settled: new Map(settled),
      };
    },
    received({ id, outcome }) {
      if (outcome.type !== 'answered') throw new HandselError('CREDIT_NOT_ANSWERED', outcome.type);
      return { type: 'credited', transfer: id };
    },
    fired: () => ({ type: 'tick' }),
  };
}

export function bankInput(message: Outgoing): BankInput {
  const body = decodeCbor(message.body) as { transfer: string; amount: number; to: string };
  if (message.kind === 'order') return { type: 'order', order: message.id, to: body.to, amount: body.amount };
  return { type: 'credit', transfer: body.transfer, amount: body.amount };
}

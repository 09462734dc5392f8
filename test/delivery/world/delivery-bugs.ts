/** Bugs planted between the machines of a delivery and their hosts, each with what it must be found by. */

import type { Purchase, ReceiverRecord } from '../../../src/delivery/receiver/purchase.ts';
import type { Decision, Machine } from '../../../src/journal/machine.ts';
import { lyingJournal } from '../../world/lying-journal.ts';
import type { Party } from '../../world/simulation.ts';
import type { Alterations, ReceiverParty } from './delivery-world.ts';

export interface Bug {
  readonly name: string;
  readonly alter: Alterations;
  /** What must be seen to be wrong, for the right reason. */
  readonly seenAs: RegExp;
}

const believing = { proof: { check: async () => 'paid' as const } };

export const bugs: readonly Bug[] = [
  {
    name: 'the merchant releases K2 without looking at the payment',
    alter: { senderPolicy: believing },
    seenAs: /liar got K2 unpaid/,
  },
  {
    name: 'the trustee releases K2 without looking at the payment',
    alter: { trusteePolicy: believing },
    seenAs: /liar got K2 unpaid/,
  },
  {
    name: 'the customer accepts before the package is whole',
    alter: { receiver: (party) => withPurchases(party, (purchase) => ({ ...purchase, whole: true })) },
    seenAs: /accepted before it was whole/,
  },
  {
    name: 'the customer does not ask the trustee',
    alter: { receiver: (party) => without(party, 'delivery-claim') },
    seenAs: /has not ended/,
  },
  {
    name: 'the customer does not set the money free again',
    alter: { receiver: (party) => without(party, 'delivery-cancel-payment') },
    seenAs: /still set aside/,
  },
  {
    name: 'the customer sets the money free and pays all the same',
    alter: { receiver: abortsLate },
    seenAs: /called unpaid, but is not/,
  },
  {
    name: 'the customer forgets at a restart that it has accepted',
    alter: { receiver: forgetsAccept },
    seenAs: /has not ended|withheld/,
  },
  {
    name: 'the customer answers before the flush',
    alter: { receiver: hasty },
    seenAs: /has not ended|called unpaid, but is not/,
  },
  {
    name: 'the merchant answers before the flush',
    alter: { sender: hasty },
    seenAs: /answers another way|not in the books|ORDER_UNKNOWN without need/,
  },
  {
    name: 'the trustee answers before the flush',
    alter: { trustee: hasty },
    seenAs: /answers another way|refund without need|was not told/,
  },
  {
    name: 'the trustee forgets at a restart what it keeps',
    alter: { trustee: forgetsKeys },
    seenAs: /refund without need|was not told/,
  },
  {
    name: 'the trustee does not tell the merchant what it released',
    alter: { trustee: (party) => without(party, 'delivery-passed-acceptance') },
    seenAs: /the merchant was not told/,
  },
  {
    name: 'the merchant sells twice what was accepted once',
    alter: { sender: sellsAgain },
    seenAs: /in the books 2 times/,
  },
  {
    name: 'the arbiter believes every complaint',
    alter: { arbiter: believes },
    seenAs: /refund for good goods|ruling does not hold/,
  },
  {
    name: 'the arbiter does not wait for the merchant',
    alter: { arbiter: hearsNobody },
    seenAs: /refund without need/,
  },
];

function withMachine<S, I, R>(
  party: Party<S, I, R>,
  change: (machine: Machine<S, I, R>) => Partial<Machine<S, I, R>>,
): Party<S, I, R> {
  return { ...party, machine: { ...party.machine, ...change(party.machine) } };
}

function hasty<S, I, R>(party: Party<S, I, R>): Party<S, I, R> {
  return { ...party, wrapJournal: lyingJournal };
}

/** What is decided, but for messages of one kind. */
function without<S, I, R>(party: Party<S, I, R>, kind: string): Party<S, I, R> {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env): Decision<R> {
      const decision = decide(state, input, env);
      return { ...decision, send: (decision.send ?? []).filter((message) => message.kind !== kind) };
    },
  }));
}

/** Decides as if purchases were other than they are. */
function withPurchases(party: ReceiverParty, change: (purchase: Purchase) => Purchase): ReceiverParty {
  return withMachine(party, ({ decide }) => ({
    decide: ({ purchases, refunds }, input, env) =>
      decide(
        { refunds, purchases: new Map([...purchases].map(([reference, purchase]) => [reference, change(purchase)])) },
        input,
        env,
      ),
  }));
}

/** The deadline ends also what has been accepted. */
function abortsLate(party: ReceiverParty): ReceiverParty {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env): Decision<ReceiverRecord> {
      const decision = decide(state, input, env);
      const accepted = decision.records.find(({ type }) => type === 'accepted');
      if (accepted?.type !== 'accepted') return decision;
      const purchase = state.purchases.get(accepted.reference)!;
      const { clearTimers: _, ...rest } = decision;
      const aborted = decide(
        { refunds: new Map(), purchases: new Map([[accepted.reference, { ...purchase, phase: 'preparing' }]]) },
        { type: 'time', reference: accepted.reference, what: 'deadline' },
        env,
      );
      return {
        ...rest,
        records: [...decision.records, ...aborted.records],
        send: [...(decision.send ?? []), ...(aborted.send ?? [])],
      };
    },
  }));
}

function forgetsAccept(party: ReceiverParty): ReceiverParty {
  return withMachine(party, ({ restore }) => ({
    restore(bytes) {
      const state = restore(bytes);
      for (const [reference, purchase] of state.purchases) {
        if (purchase.phase === 'paying')
          state.purchases.set(reference, { ...purchase, phase: 'preparing', accept: null });
      }
      return state;
    },
  }));
}

function forgetsKeys<S extends { readonly kept: Map<string, unknown> }, I, R>(party: Party<S, I, R>): Party<S, I, R> {
  return withMachine(party, ({ restore }) => ({
    restore(bytes) {
      const state = restore(bytes);
      state.kept.clear();
      return state;
    },
  }));
}

function sellsAgain(party: Parameters<NonNullable<Alterations['sender']>>[0]) {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const forgetful =
        input.type === 'acceptance' || input.type === 'passed-acceptance' ? { ...input, soldFor: undefined } : input;
      const orders = new Map([...state.orders].map(([name, order]) => [name, { ...order, soldFor: null }]));
      const decision = decide({ ...state, orders }, forgetful, env);
      // Under names of their own, or the outbox itself would refuse the second.
      const send = (decision.send ?? []).map((message) => ({ ...message, id: `${message.id} ${input.type}` }));
      return { ...decision, send };
    },
  }));
}

function believes(party: Parameters<NonNullable<Alterations['arbiter']>>[0]) {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      if (input.type !== 'complaint' || input.judged.type !== 'open') return decide(state, input, env);
      const reason = { code: 'DOCUMENTS_CONTRADICT' as const, text: 'The customer says so.' };
      return decide(state, { ...input, judged: { type: 'decided', reason } }, env);
    },
  }));
}

/** Whoever is asked for a key and is not quick has none. */
function hearsNobody(party: Parameters<NonNullable<Alterations['arbiter']>>[0]) {
  return withMachine(party, ({ decide }) => ({
    decide(state, input, env) {
      const decision = decide(state, input, env);
      if (input.type !== 'complaint' || decision.send === undefined) return decision;
      const none = { case: '', productKey: undefined, signer: undefined, bytes: undefined };
      const [opened] = decision.records;
      if (opened?.type !== 'opened') return decision;
      const silent = (['trustee', 'merchant'] as const).map((by) => ({
        ...none,
        type: 'answered' as const,
        by,
        case: opened.case.case,
      }));
      return { ...decision, inputs: silent };
    },
  }));
}

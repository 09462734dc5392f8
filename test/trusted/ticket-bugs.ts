/** Bugs planted in agents: each must be found by some seed of the world of tickets, and seen for what it is. */
import type { Decision } from '../../src/journal/machine.ts';
import type { AgentInput } from '../../src/trusted/agent/agent-machine.ts';
import type { AgentRecord } from '../../src/trusted/agent/agent-record.ts';
import type { AgentState } from '../../src/trusted/agent/agent-state.ts';
import { HOST_ROUTE } from '../../src/trusted/agent/to-host.ts';
import { lyingJournal } from '../world/lying-journal.ts';
import type { Alter } from './ticket-life.ts';
import type { NetworkParty } from './trade.ts';
import type { AgentParty } from './trusted-world.ts';

export interface Bug {
  readonly name: string;
  readonly alter?: Alter;
  readonly alterNetwork?: (party: NetworkParty) => NetworkParty;
  readonly seenAs: RegExp;
  /** A seed that is known to find it. */
  readonly hint?: number;
}

type Decided = Decision<AgentRecord>;

function decided(change: (decision: Decided, state: AgentState, input: AgentInput) => Decided): Alter {
  return (party) => {
    const { machine } = party;
    const decide: typeof machine.decide = (state, input, env) =>
      change(machine.decide(state, input, env), state, input);
    return { ...party, machine: { ...machine, decide } };
  };
}

function applied(change: (record: AgentRecord, state: AgentState) => AgentRecord | undefined): Alter {
  return (party: AgentParty) => {
    const { machine } = party;
    return {
      ...party,
      machine: {
        ...machine,
        apply(state, record) {
          const changed = change(record, state);
          if (changed !== undefined) machine.apply(state, changed);
        },
      },
    };
  };
}

export const bugs: readonly Bug[] = [
  {
    name: 'a giver keeps what it has given',
    alter: applied((record) =>
      record.type === 'committed' ? { ...record, changes: { ...record.changes, removed: [] } } : record,
    ),
    seenAs: /is held by \w+ and/,
  },
  {
    name: 'a voter gives up by itself when the session is lost',
    alter: decided((decision) => {
      const doubts = (decision.timers ?? []).filter(({ id }) => id.startsWith('ask '));
      const closed = doubts.map(({ id }) => ({ type: 'closed', transaction: id.slice(4) }) as const);
      const timers = (decision.timers ?? []).filter((timer) => !doubts.includes(timer));
      return { ...decision, records: [...decision.records, ...closed], timers };
    }),
    seenAs: /is held by nobody/,
    hint: 3,
  },
  {
    name: 'a decider forgets what it has decided as soon as it has said it',
    alter: decided((decision) => {
      const committed = decision.records.flatMap((record) => (record.type === 'committed' ? [record.transaction] : []));
      const closed = committed.map((transaction) => ({ type: 'closed', transaction }) as const);
      return { ...decision, records: [...decision.records, ...closed] };
    }),
    seenAs: /is held by nobody/,
  },
  {
    name: 'a decider says nothing any more when the session is lost',
    alter: decided((decision) => ({
      ...decision,
      send: (decision.send ?? []).filter(({ id }) => !id.startsWith('o/')),
    })),
    seenAs: /decider committed/,
  },
  {
    name: 'a voter never asks',
    alter: decided((decision) => ({
      ...decision,
      timers: (decision.timers ?? []).filter(({ id }) => !id.startsWith('ask ')),
    })),
    seenAs: /voter voted/,
  },
  {
    name: 'an acceptor grants what the holder has not marked yet',
    alter: decided((decision) => {
      const early = decision.records.some(
        (record) =>
          record.type === 'transaction' && record.transaction.legs.some((leg) => leg.type === 'book' && leg.units > 0),
      );
      const granted = (decision.send ?? []).filter(({ to, kind }) => to === HOST_ROUTE && kind === 'granted');
      kept.push(...granted);
      const last = kept.at(-1);
      if (!early || last === undefined) return decision;
      return { ...decision, send: [...(decision.send ?? []), { ...last, id: `early ${earlyCount++}` }] };
    }),
    seenAs: /left, \d+ granted/,
    hint: 2,
  },
  {
    name: 'a holder keeps no marks',
    alter: applied((record) => {
      if (record.type !== 'committed') return record;
      const put = record.changes.put.map((held) => ({
        ...held,
        mark: undefined,
        status: { ...held.status, number: 0 },
      }));
      return { ...record, changes: { ...record.changes, put } };
    }),
    seenAs: /suspects|in the books|granted/,
  },
  {
    name: 'a recertified agent throws its old key away',
    alter: applied((record, state) => {
      if (record.type === 'certified') state.identity = { type: 'new' };
      return record;
    }),
    seenAs: /not at rest/,
    hint: 5,
  },
  {
    name: 'a device remembers only the last head that it presented',
    alter: applied((record, state) => {
      if (record.type === 'presented') state.heads.presented = [];
      return record;
    }),
    seenAs: /taken for a copy/,
    hint: 44,
  },
  {
    name: 'a merchant forgets a payment that is under way when the session is lost',
    alter: decided((decision, state, input) => {
      if (input.type !== 'session' || input.event.type !== 'lost') return decision;
      const talk = state.talks.get(input.id);
      const id = talk?.type === 'selling' ? talk.transaction : undefined;
      if (id === undefined || state.transactions.get(id)?.status !== 'open') return decision;
      const forgotten = [
        { type: 'closed', transaction: id },
        { type: 'dealing-over', transaction: id },
      ] as const;
      return { ...decision, records: [...decision.records, ...forgotten] };
    }),
    seenAs: /still holds/,
  },
  {
    name: 'a merchant does not tell the network that it committed',
    alter: decided((decision) => ({
      ...decision,
      send: (decision.send ?? []).filter(({ kind }) => kind !== 'payment-commit'),
    })),
    seenAs: /still holds|payments under way/,
  },
  {
    name: 'a merchant does not tell the network that it aborted',
    alter: decided((decision) => ({
      ...decision,
      send: (decision.send ?? []).filter(({ kind }) => kind !== 'payment-abort'),
    })),
    seenAs: /payments under way|holds something/,
  },
  {
    name: 'a payer takes the word of its module for nothing',
    alter: applied((record) =>
      record.type === 'committed' && record.receipt !== undefined
        ? { type: 'closed', transaction: record.transaction }
        : record,
    ),
    seenAs: /not bought|bought and not|is held by nobody|not at rest|has \d+, not/,
  },
  {
    name: 'a card network captures what it authorises',
    alterNetwork: (party) => ({
      ...party,
      machine: {
        ...party.machine,
        decide(state, input, env) {
          const decision = party.machine.decide(state, input, env);
          const records = decision.records.map((record) =>
            record.type === 'payment' && record.payment.status === 'authorised'
              ? ({ type: 'payment', payment: { ...record.payment, status: 'captured' } } as const)
              : record,
          );
          return { ...decision, records };
        },
      },
    }),
    seenAs: /still holds/,
  },
  {
    name: 'a journal says that it has flushed before it has',
    alter: (party) => ({ ...party, wrapJournal: lyingJournal }),
    seenAs: /./,
  },
];

const kept: NonNullable<Decided['send']>[number][] = [];
let earlyCount = 0;

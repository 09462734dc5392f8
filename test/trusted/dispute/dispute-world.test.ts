/** Disputes in a life with liars and power cuts: nobody honest ends worse off, whatever the seed, and bugs planted in agents and servers are found. */
import { describe, expect, it, test } from 'vitest';
import type { Decision } from '../../../src/journal/machine.ts';
import type { AgentRecord } from '../../../src/trusted/agent/agent-record.ts';
import type { AgentState } from '../../../src/trusted/agent/agent-state.ts';
import { forEachSeed } from '../../world/for-each-seed.ts';
import type { AgentParty } from '../trusted-world.ts';
import { type DisputeBug, runDisputes } from './dispute-life.ts';

/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 12);
const bugSeeds = 30;
const hourMs = 3_600_000;

type Decided = Decision<AgentRecord>;

const decided =
  (change: (decision: Decided, state: AgentState) => Decided) =>
  (party: AgentParty): AgentParty => {
    const { machine } = party;
    return {
      ...party,
      machine: { ...machine, decide: (state, input, env) => change(machine.decide(state, input, env), state) },
    };
  };

const applied =
  (change: (record: AgentRecord) => AgentRecord | undefined) =>
  (party: AgentParty): AgentParty => {
    const { machine } = party;
    const apply: typeof machine.apply = (state, record) => {
      const changed = change(record);
      if (changed !== undefined) machine.apply(state, changed);
    };
    return { ...party, machine: { ...machine, apply } };
  };

const bugs: readonly DisputeBug[] = [
  {
    name: 'a customer’s agent keeps a ticket good that was paid back',
    alter: applied((record) =>
      record.type === 'closed' &&
      record.changes !== undefined &&
      record.changes.put.some(({ status }) => status.standing === 'revoked')
        ? {
            ...record,
            changes: {
              ...record.changes,
              put: record.changes.put.filter(({ status }) => status.standing !== 'revoked'),
            },
          }
        : record,
    ),
    seenAs: /the ticket good, \d new ones/,
  },
  {
    name: 'a merchant’s agent forgets what it has settled',
    alter: applied((record) => {
      if (record.type !== 'dispute' || record.dispute.type !== 'kept') return record;
      const { side, status } = record.dispute.dispute;
      return side === 'merchant' && (status === 'refunded' || status === 'replaced') ? undefined : record;
    }),
    seenAs: /they say (refunded|replaced) and/,
  },
  {
    name: 'a merchant’s agent does not follow rulings',
    alter: (party, name) =>
      name === 'cheat'
        ? decided((decision) => ({
            ...decision,
            records: decision.records.filter(
              (record) =>
                !(
                  record.type === 'dispute' &&
                  record.dispute.type === 'kept' &&
                  record.dispute.dispute.side === 'merchant' &&
                  record.dispute.dispute.status === 'granted'
                ),
            ),
          }))(party)
        : party,
    seenAs: /the customer is worse off/,
  },
  {
    name: 'a server forgets what a merchant has said',
    alterServer: (party) => {
      const { machine } = party;
      const apply: typeof machine.apply = (state, record) => {
        const forgets =
          record.type === 'dispute' && record.dispute.type === 'case' && record.dispute.case.phase === 'seeing';
        machine.apply(
          state,
          forgets && record.dispute.type === 'case'
            ? { ...record, dispute: { type: 'case', case: { ...record.dispute.case, phase: 'hearing', heard: false } } }
            : record,
        );
      };
      return { ...party, machine: { ...machine, apply } };
    },
    seenAs: /worse off/,
  },
  {
    name: 'a customer’s agent votes and forgets it',
    alter: applied((record) =>
      record.type === 'transaction' &&
      record.transaction.role === 'voter' &&
      record.transaction.legs.some(({ type }) => type === 'dispute')
        ? undefined
        : record,
    ),
    seenAs: /./,
  },
];

describe('disputes in a life with liars and power cuts', () => {
  test(
    '[CITI-E] leave nobody honest worse off, whatever the seed',
    async () => {
      const seen = new Map<string, number>();
      let ran = 0;
      await forEachSeed(seeds, async (seed) => {
        const { ends } = await runDisputes(seed);
        ran++;
        for (const [what, times] of ends) seen.set(what, (seen.get(what) ?? 0) + times);
      });
      if (process.env.HANDSEL_SEEDS !== undefined) console.info(ran, seen);
      if (ran < 12) return;
      const count = (what: RegExp) => [...seen].reduce((sum, [name, times]) => sum + (what.test(name) ? times : 0), 0);
      for (const what of [/: kept/, /: refunded/, /: replaced/, /cheat, late: refunded/, /bob of house, good: kept/]) {
        expect(count(what), String(what)).toBeGreaterThan(0);
      }
    },
    hourMs,
  );
});

describe('a planted bug is found', () => {
  it.each(bugs)(
    'when $name',
    async (bug) => {
      const others: string[] = [];
      for (let seed = 1; seed <= bugSeeds; seed++) {
        const faults = await runDisputes(seed, bug).then(
          () => '',
          (error) => String(error),
        );
        if (bug.seenAs.test(faults)) return;
        if (faults !== '') others.push(`${seed}: ${faults}`);
      }
      expect(others).toEqual([expect.stringMatching(bug.seenAs)]);
    },
    hourMs,
  );
});

/** Credentials in a world of faults: paid for once, held by whoever paid, revoked for everybody; and bugs planted in a party are found. */
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/journal/machine.ts';
import type { AgentRecord } from '../../src/trusted/agent/agent-record.ts';
import { forEachSeed } from '../world/for-each-seed.ts';
import { buildCounty, type Changes, runCredentialLife } from './credential-life.ts';
import type { AgentParty } from './trusted-world.ts';

const county = await buildCounty();
/** More of them with HANDSEL_SEEDS=N in the environment, only one with HANDSEL_SEED. */
const seeds = Number(process.env.HANDSEL_SEEDS ?? 30);
/** Within which each planted bug must be found. */
const bugSeeds = 100;
const hourMs = 3_600_000;

function decided(only: string, change: (decision: Decision<AgentRecord>) => Decision<AgentRecord>): Changes {
  return {
    agent(party: AgentParty, name) {
      if (name !== only && only !== 'everybody') return party;
      const { machine } = party;
      const decide: typeof machine.decide = (state, input, env) => change(machine.decide(state, input, env));
      return { ...party, machine: { ...machine, decide } };
    },
  };
}

const withoutSends = (decision: Decision<AgentRecord>, id: RegExp) => ({
  ...decision,
  send: (decision.send ?? []).filter((message) => !id.test(message.id)),
});

const withRecords = (decision: Decision<AgentRecord>, change: (record: AgentRecord) => AgentRecord) => ({
  ...decision,
  records: decision.records.map(change),
});

const bugs: readonly { readonly name: string; readonly changes: Changes; readonly seenAs: RegExp }[] = [
  {
    name: "an authority's agent does not say that nothing came of an application",
    changes: decided('bureau', (decision) => withoutSends(decision, /^e\/.*\/abort$/)),
    seenAs: /grants are open/,
  },
  {
    name: "an authority's agent does not say that it has issued",
    changes: decided('bureau', (decision) => withoutSends(decision, /^e\/.*\/commit$/)),
    seenAs: /grants are open|paid/,
  },
  {
    name: "an authority's agent does not list what was replaced",
    changes: decided('bureau', (decision) =>
      withRecords(decision, (record) => {
        if (record.type !== 'committed') return record;
        const { listed: _, ...changes } = record.changes;
        return { ...record, changes };
      }),
    ),
    seenAs: /the list of the authority has/,
  },
  {
    name: 'a holder keeps the credential that was revalidated',
    changes: decided('everybody', (decision) =>
      withRecords(decision, (record) =>
        record.type === 'closed' && record.changes !== undefined
          ? { ...record, changes: { ...record.changes, removed: [] } }
          : record,
      ),
    ),
    seenAs: /was revalidated and is held/,
  },
  {
    name: "an authority's server forgets what it was told to take back",
    changes: {
      register(party) {
        const { machine } = party;
        const decide: typeof machine.decide = (state, input, env) => ({
          ...machine.decide(state, input, env),
          send: [],
        });
        return { ...party, machine: { ...machine, decide } };
      },
    },
    seenAs: /orders to the device are open|the list of the authority has/,
  },
  {
    name: 'a holder that voted gives up when the session is lost',
    changes: decided('everybody', (decision) => {
      const doubts = (decision.timers ?? []).filter(({ id }) => id.startsWith('ask '));
      const closed = doubts.map(({ id }) => ({ type: 'closed', transaction: id.slice(4) }) as const);
      const timers = (decision.timers ?? []).filter((timer) => !doubts.includes(timer));
      return { ...decision, records: [...decision.records, ...closed], timers };
    }),
    seenAs: /is held by nobody/,
  },
];

describe('credentials in a world of faults', () => {
  it(
    'are paid for once, held by their owners, and stand the same for everybody, whatever the seed',
    async () => {
      let ran = 0;
      let crashes = 0;
      const seen = new Map<string, number>();
      await forEachSeed(seeds, async (seed, watch) => {
        const run = await runCredentialLife({ seed, county, watch });
        ran++;
        crashes += run.world.crashes;
        for (const [what, times] of run.seen) seen.set(what, (seen.get(what) ?? 0) + times);
      });
      if (process.env.HANDSEL_SEEDS !== undefined) console.info(ran, 'seeds', crashes, 'crashes', seen);
      if (ran < 30) return;
      // Neither too kind nor too cruel a world.
      expect(crashes).toBeGreaterThan(10 * ran);
      for (const what of ['issued', 'revalidated', 'revoked', 'replaced', 'shown', 'undecided']) {
        expect(seen.get(what), what).toBeGreaterThan(ran / 3);
      }
    },
    hourMs,
  );
});

describe('a planted bug', () => {
  for (const { name, changes, seenAs } of bugs) {
    it(
      `is found: ${name}`,
      async () => {
        const found: string[] = [];
        for (let seed = 1; seed <= bugSeeds && found.length === 0; seed++) {
          const fault = await runCredentialLife({ seed, county, changes }).then(() => '', String);
          if (seenAs.test(fault)) found.push(fault);
        }
        expect(found).toHaveLength(1);
      },
      hourMs,
    );
  }
});

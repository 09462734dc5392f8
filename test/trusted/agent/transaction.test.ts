/** Commit and abort (US 5,671,280, figures 7 and 11): at every crash point both have or neither has, and what is undecided resolves itself. */
import { describe, expect, test } from 'vitest';
import type { Journal } from '../../../src/journal/journal.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { isAtRest, type Opera, openOpera, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const about = new Uint8Array([1, 2, 3]);

/** Crashes the machine at one append of its journal, before or after it is flushed. */
interface CrashPoint {
  readonly append: number;
  readonly when: 'before' | 'after';
}

interface Breakable {
  /** Counts from when it is set. */
  plan: CrashPoint | undefined;
  happened: boolean;
}

function breakable(journal: Journal, point: Breakable, crash: () => void): Journal {
  return {
    ...journal,
    async append(entries) {
      const { plan } = point;
      if (plan === undefined) return journal.append(entries);
      point.plan = plan.append > 1 ? { ...plan, append: plan.append - 1 } : undefined;
      if (plan.append > 1) return journal.append(entries);
      point.happened = true;
      if (plan.when === 'after') await journal.append(entries);
      crash();
      return new Promise(() => {});
    },
  };
}

/** Two devices that can be made to crash, beside those of the opera; `cy` holds a ticket. */
async function withTwo() {
  const opera = await openOpera();
  const { trusted } = opera;
  const make = (name: string) => {
    const point: Breakable = { plan: undefined, happened: false };
    const agent: TrustedAgent = trusted.addAgent(name, {
      alter: (party) => ({
        ...party,
        wrapJournal: (journal) => breakable(journal, point, () => agent.machine.crash()),
      }),
    });
    return { agent, point };
  };
  const [cy, di] = [make('cy'), make('di')];
  await trusted.certify(cy.agent, 'customer');
  await trusted.certify(di.agent, 'merchant');
  const ticketId = await opera.issue(cy.agent, sample('event'));
  return { ...opera, cy, di, ticketId };
}

const transferTo = (route: string, ticketId: string): HostCommand => ({
  ...{ type: 'give', matter: 'gift', route, about, check: 0 },
  items: [{ type: 'transfer', ticketId }],
});

const holders = (agents: readonly TrustedAgent[], ticketId: string) =>
  agents.filter((agent) => stateOf(agent).tickets.has(ticketId)).map(({ name }) => name);

/** A device that was switched on again: its host side signs on. */
const reopen = ({ trusted }: Opera, agent: TrustedAgent) => inTime(trusted.world, agent.command({ type: 'opened' }));

describe('a transfer', () => {
  for (const who of ['giver', 'taker'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-F7] is done by both or by neither when the ${who} crashes ${when} any write`, async () => {
        const ends = new Set<string>();
        for (let append = 1; ; append++) {
          const opera = await withTwo();
          const { trusted, cy, di, ticketId, expectCall } = opera;
          await expectCall(di.agent, 'give', { times: 1 });
          const { point } = who === 'giver' ? cy : di;
          point.plan = { append, when };
          const ordered = inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
          await ordered.catch(() => undefined);
          await trusted.run(60_000);
          if (!point.happened) break;
          await reopen(opera, who === 'giver' ? cy.agent : di.agent);
          await trusted.run(1_200_000);
          const found = holders([cy.agent, di.agent], ticketId);
          ends.add(found.join());
          expect(found, `append ${append}`).toHaveLength(1);
          expect([cy.agent, di.agent].map(isAtRest), `append ${append}`).toEqual([true, true]);
          expect(trusted.breaches).toEqual([]);
        }
        // Some crashes come before the decision and some after it.
        expect([...ends].sort()).toEqual(['cy', 'di']);
      });
    }
  }

  test('[CITI-F11] that is broken off leaves both devices exactly as they were', async () => {
    const opera = await withTwo();
    const { trusted, cy, di, ticketId, expectCall } = opera;
    await expectCall(di.agent, 'give');
    const before = [cy, di].map(({ agent }) => agent.machine.snapshotNow());
    // The giver's device is cut off when the vote is on its way.
    trusted.world.observe(({ from, message }) => {
      if (from === 'cy' && message.kind === 'SessionFrame' && message.id.endsWith('/1')) cy.agent.online = false;
    });
    await inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
    await trusted.run(200_000);
    expect(stateOf(cy.agent).transactions.size).toBe(0);
    expect([...stateOf(di.agent).transactions.values()].map(({ status }) => status)).toEqual(['voted']);
    cy.agent.online = true;
    await trusted.run(200_000);
    expect([cy, di].map(({ agent }) => agent.machine.snapshotNow())).toEqual(before);
    expect(holders([cy.agent, di.agent], ticketId)).toEqual(['cy']);
  });
});

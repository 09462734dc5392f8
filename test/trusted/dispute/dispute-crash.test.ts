/** At every crash point of a dispute there is one end of it: the ticket kept, the money back, or a new ticket, and never two of them. */
import { describe, expect, test } from 'vitest';
import { type Breakable, breakable } from '../breakable.ts';
import { isAtRest } from '../opera.ts';
import { logOf, type Shop } from '../shop.ts';
import { type AgentParty, inTime, type TrustedAgent } from '../trusted-world.ts';
import { type Desk, endOf, openDesk, statusOf } from './complaint-desk.ts';

const dayMs = 86_400_000;
type Who = 'customer' | 'merchant' | 'network';

/** A desk at which one party can be made to crash. */
async function fragileDesk(who: Who, point: Breakable): Promise<Desk> {
  const at: { desk?: Shop } = {};
  const fragile = (agentOf: () => TrustedAgent | undefined) => ({
    alter: (party: AgentParty): AgentParty => ({
      ...party,
      wrapJournal: (journal) => breakable(journal, point, () => agentOf()?.machine.crash()),
    }),
  });
  const desk = await openDesk({
    agents: {
      ...(who === 'customer' && { ada: fragile(() => at.desk?.ada) }),
      ...(who === 'merchant' && { house: fragile(() => at.desk?.house) }),
    },
    ...(who === 'network' && {
      wrapNetworkJournal: (journal) => breakable(journal, point, () => at.desk?.network.crash()),
    }),
  });
  at.desk = desk;
  for (const agent of [desk.ada, desk.house]) {
    // Host sides that were switched off sign on again.
    agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
  }
  return desk;
}

const ways = {
  refund: (desk: Desk) => {
    desk.answer = {};
  },
  replacement: (desk: Desk) => {
    desk.answer = {};
    desk.choice = { type: 'replacement' };
  },
  denial: (desk: Desk) => {
    desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
  },
} as const;

const endsOf: Readonly<Record<keyof typeof ways, string>> = {
  refund: 'refunded',
  replacement: 'replaced',
  denial: 'kept',
};

/** Both say the same of it in the end, and each logged once how it was settled. */
async function expectOneEnd(desk: Desk, number: string | undefined, at: string): Promise<string> {
  const { ada, house, bank, trusted } = desk;
  const end = endOf(desk);
  expect(['kept', 'refunded', 'replaced'], `${at}: ${end}`).toContain(end);
  for (const agent of [ada, house]) {
    const entries = await logOf(desk, agent);
    expect(
      entries.filter(({ kind }) => kind === 'refunded'),
      at,
    ).toHaveLength(end === 'refunded' ? 1 : 0);
    const settled = number !== undefined && end !== 'kept';
    if (settled) expect(statusOf(agent, number), `${at}: ${agent.name}`).toBe(end);
    else expect(['refunded', 'replaced'], at).not.toContain(number && statusOf(agent, number));
  }
  expect([ada, house].map(isAtRest), at).toEqual([true, true]);
  expect(bank.faults, at).toEqual([]);
  expect(trusted.breaches, at).toEqual([]);
  return end;
}

describe('a dispute', () => {
  for (const way of ['refund', 'replacement', 'denial'] as const) {
    for (const who of ['customer', 'merchant', 'network'] as const) {
      if (who === 'network' && way !== 'refund') continue;
      for (const when of ['before', 'after'] as const) {
        test(`[CITI-F30] [CITI-F31] [CITI-F32] with a ${way} has one end when the ${who} crashes ${when} any write`, async () => {
          const ends = new Set<string>();
          for (let append = 1; ; append++) {
            const point: Breakable = { plan: undefined, happened: false };
            const desk = await fragileDesk(who, point);
            ways[way](desk);
            point.plan = { append, when };
            const number = await desk.dispute({}, 60_000).catch(() => undefined);
            if (!point.happened) break;
            await desk.trusted.run(3 * dayMs);
            const at = `append ${append}`;
            const first = await expectOneEnd(desk, number, at);
            ends.add(first);
            // Whoever was cut off goes on where it was, and the end is the one that was chosen.
            const known = [...desk.ada.machine.host!.state.disputes.byNumber.keys()].at(-1);
            const status = known && statusOf(desk.ada, known);
            if (known !== undefined && (status === 'open' || status === 'granted')) {
              await inTime(desk.trusted.world, desk.ada.command({ type: 'pursue', number: known })).catch(
                () => undefined,
              );
              await desk.trusted.run(3 * dayMs);
              expect(await expectOneEnd(desk, known, `${at}, pursued`)).toBe(endsOf[way]);
            }
          }
          expect(ends).toContain(endsOf[way]);
        });
      }
    }
  }
});

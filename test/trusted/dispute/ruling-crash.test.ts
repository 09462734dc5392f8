/** Whoever crashes while a dispute is before a trusted server: there is one ruling, it counts once, and it is followed once. */
import { describe, expect, test } from 'vitest';
import { type Breakable, breakable } from '../breakable.ts';
import { isAtRest, noticesOf } from '../opera.ts';
import { concert, heldBy, type Shop } from '../shop.ts';
import { type AgentParty, inTime, type TrustedAgent } from '../trusted-world.ts';
import { type Desk, openDesk, standingOf, statusOf } from './complaint-desk.ts';

const dayMs = 86_400_000;
type Who = 'customer' | 'merchant' | 'server' | 'primary';

async function fragileDesk(who: Who, point: Breakable): Promise<Desk> {
  const at: { desk?: Shop } = {};
  const machineOf = () =>
    ({
      customer: at.desk?.ada.machine,
      merchant: at.desk?.house.machine,
      server: at.desk?.trusted.servers.get('north'),
      primary: at.desk?.trusted.primary,
    })[who];
  const wrapJournal: AgentParty['wrapJournal'] = (journal) => breakable(journal, point, () => machineOf()?.crash());
  const fragile = { alter: (party: AgentParty): AgentParty => ({ ...party, wrapJournal }) };
  const serverName = { server: 'north', primary: 'primary' }[who as string];
  const desk = await openDesk({
    agents: { ...(who === 'customer' && { ada: fragile }), ...(who === 'merchant' && { house: fragile }) },
    server: { disputes: { appealMs: dayMs, hearingMs: dayMs, noticeMs: dayMs } },
    alterServer: (party, name) => (name === serverName ? { ...party, wrapJournal } : party),
  });
  at.desk = desk;
  for (const agent of [desk.ada, desk.house]) {
    agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
  }
  return desk;
}

/** Ada buys a ticket for an evening that is over, which the house denies. */
async function deniedPurchase(desk: Desk): Promise<{ number: string; ticketId: string }> {
  const { ada, house, trusted } = desk;
  const before = heldBy(ada);
  const day = Math.floor(trusted.world.clock.nowMs() / dayMs);
  await desk.sell(house, { merchandise: { type: 'ticket', components: { ...concert, at: (day - 2) * 86_400 } } });
  await desk.buy(ada, house);
  await trusted.run(20_000);
  const ticketId = heldBy(ada).find((id) => !before.includes(id))!;
  desk.answer = { outcome: 'denied', refund: 0, replacement: 0 };
  const number = await desk.dispute({ ticketId, complaint: 'expired' }, 20_000);
  return { number, ticketId };
}

const told = (agent: TrustedAgent) =>
  new Set(noticesOf(agent, 'ruled').map((ruled) => Buffer.from(ruled.case).toString('hex')));

describe('a dispute before a trusted server', () => {
  for (const who of ['customer', 'merchant', 'server', 'primary'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-E] is ruled upon once when the ${who} crashes ${when} any write`, async () => {
        for (let append = 1; append < 60; append++) {
          const point: Breakable = { plan: undefined, happened: false };
          const desk = await fragileDesk(who, point);
          const { ada, house, trusted } = desk;
          const { world } = trusted;
          const { number, ticketId } = await deniedPurchase(desk);
          desk.when(house, (notice) => {
            if (notice.type !== 'heard-in-dispute') return;
            const say = { type: 'state-in-dispute', case: notice.case, stand: 'contests', statement: 'No.' } as const;
            void house.command(say).catch(() => undefined);
          });
          point.plan = { append, when };
          const order = { type: 'escalate', number, route: 'north', statement: 'Help.' } as const;
          await inTime(world, ada.command(order)).catch(() => undefined);
          await trusted.run(4 * dayMs);
          const at = `append ${append}`;
          if (statusOf(ada, number) === 'denied') {
            // It was never sent: said again, it is.
            await inTime(world, ada.command(order)).catch(() => undefined);
            await trusted.run(4 * dayMs);
          }
          expect([told(ada).size, told(house).size], at).toEqual([1, 1]);
          const { cases, ruled } = trusted.servers.get('north')!.host!.state.disputes;
          expect([cases.size, ruled.size], at).toEqual([0, 1]);
          const { standings } = trusted.primary.host!.state.disputes;
          expect(
            [...standings.values()].map(({ lost }) => lost.length),
            at,
          ).toEqual([1]);

          const choice = { type: 'choose', number, choice: { type: 'refund', credential: desk.card } } as const;
          await inTime(world, ada.command(choice)).catch(() => undefined);
          await trusted.run(dayMs);
          if (statusOf(ada, number) === 'ruled') {
            await inTime(world, ada.command(choice)).catch(() => undefined);
            await trusted.run(dayMs);
          }
          expect(
            [ada, house].map((agent) => statusOf(agent, number)),
            at,
          ).toEqual(['refunded', 'refunded']);
          expect(standingOf(ada, ticketId), at).toBe('revoked');
          expect([...desk.bank.payments.values()].map(({ status }) => status).sort(), at).toEqual([
            'captured',
            'refunded',
          ]);
          expect([ada, house].map(isAtRest), at).toEqual([true, true]);
          expect(desk.bank.faults, at).toEqual([]);
          expect(trusted.breaches, at).toEqual([]);
          if (!point.happened) return;
        }
        throw new Error('there is no end of writes');
      });
    }
  }
});

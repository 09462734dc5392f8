/** Money back from money module to money module (US 5,671,280, figure 32, step 1174), also where somebody crashes at any write. */
import { describe, expect, test } from 'vitest';
import { decodeTicketBundle } from '../../../src/trusted/message/ticket-ruling.ts';
import { verifyTicketRuling } from '../../../src/trusted/ruling/verify-ticket-ruling.ts';
import { type Breakable, breakable } from '../breakable.ts';
import { isAtRest, noticesOf } from '../opera.ts';
import { logOf, type Shop, whyFailed } from '../shop.ts';
import { type AgentParty, inTime } from '../trusted-world.ts';
import { type Desk, openDesk, standingOf, statusOf } from './complaint-desk.ts';

const dayMs = 86_400_000;
const modules = { ada: 20_000n, house: 1000n };

const balances = ({ modules: held }: Shop) =>
  Object.fromEntries([...held].map(([name, { host }]) => [name, host!.state.balance]));

async function openModuleDesk(options: Parameters<typeof openDesk>[0] = {}): Promise<Desk> {
  const desk = await openDesk({ modules, payment: { type: 'module', initiator: 'payer' }, ...options });
  expect(balances(desk)).toEqual({ ada: 20_000n - 8900n, house: 1000n + 8900n });
  desk.answer = { replacement: 0 };
  desk.choice = { type: 'refund' } as NonNullable<Desk['choice']>;
  return desk;
}

describe('money back from module to module', () => {
  test('[CITI-F32] [CITI-F30] comes by the way it was paid, and with it the ticket is void', async () => {
    const desk = await openModuleDesk();
    const { ada, house, ticketId, trusted } = desk;
    const number = await desk.dispute();
    expect([ada, house].flatMap(whyFailed)).toEqual([]);
    expect(balances(desk)).toEqual(modules);
    expect(standingOf(ada, ticketId)).toBe('revoked');
    expect([ada, house].map((agent) => statusOf(agent, number))).toEqual(['refunded', 'refunded']);
    for (const agent of [ada, house]) {
      expect((await logOf(desk, agent)).filter(({ kind }) => kind === 'refunded')).toHaveLength(1);
      expect(noticesOf(agent, 'dispute-settled').map(({ how }) => how)).toEqual(['refunded']);
    }
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-E] that was paid is told to a trusted server that is asked for it once more', async () => {
    const desk = await openModuleDesk();
    const { ada, trusted } = desk;
    const number = await desk.dispute();
    // A device that was opened and changed: it wants the money twice.
    const { byNumber } = ada.machine.host!.state.disputes;
    byNumber.set(number, { ...byNumber.get(number)!, status: 'granted', attempts: 1 });
    await desk.tell(ada, { type: 'escalate', number, route: 'north', statement: 'Nothing came.' }, 60_000);
    const { bundle } = noticesOf(ada, 'ruled')[0]!;
    const { reasons, ruling } = verifyTicketRuling(decodeTicketBundle(bundle), { lists: trusted.lists });
    expect(reasons.map(({ code, basis }) => `${code} ${basis}`)).toEqual(['SETTLED_ALREADY stated']);
    expect(ruling).toMatchObject({ outcome: 'dismissed', breaches: ['customer'] });
  });

  for (const who of ['customer', 'merchant'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-F32] has one end when the ${who} crashes ${when} any write`, async () => {
        const ends = new Set<string>();
        for (let append = 1; ; append++) {
          const point: Breakable = { plan: undefined, happened: false };
          const at: { desk?: Shop } = {};
          const fragile = {
            alter: (party: AgentParty): AgentParty => ({
              ...party,
              wrapJournal: (journal) =>
                breakable(journal, point, () => (who === 'customer' ? at.desk?.ada : at.desk?.house)?.machine.crash()),
            }),
          };
          const desk = await openModuleDesk({ agents: who === 'customer' ? { ada: fragile } : { house: fragile } });
          at.desk = desk;
          const { ada, house, trusted, ticketId } = desk;
          for (const agent of [ada, house]) {
            agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
          }
          point.plan = { append, when };
          await desk.dispute().catch(() => undefined);
          if (!point.happened) break;
          await trusted.run(3 * dayMs);
          const settled = () => {
            const good = standingOf(ada, ticketId) === 'good';
            expect(balances(desk), `append ${append}`).toEqual(good ? { ada: 11_100n, house: 9900n } : modules);
            expect([ada, house].map(isAtRest), `append ${append}`).toEqual([true, true]);
            expect(trusted.breaches, `append ${append}`).toEqual([]);
            return good ? 'kept' : 'refunded';
          };
          ends.add(settled());
          const [number] = ada.machine.host!.state.disputes.byNumber.keys();
          if (number !== undefined && ['open', 'granted'].includes(statusOf(ada, number)!)) {
            await inTime(trusted.world, ada.command({ type: 'pursue', number })).catch(() => undefined);
            await trusted.run(3 * dayMs);
            expect(settled(), `append ${append}`).toBe('refunded');
          }
        }
        expect(ends).toContain('refunded');
      });
    }
  }
});

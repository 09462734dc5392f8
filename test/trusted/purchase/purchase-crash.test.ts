/** At every crash point of a purchase both have what they bargained for or neither has, and what is undecided resolves itself (issue's part 4). */
import { describe, expect, test, vi } from 'vitest';
import { type Breakable, breakable } from '../breakable.ts';
import { isAtRest } from '../opera.ts';
import { confirmAll, heldBy, logOf, openShop, type Shop } from '../shop.ts';
import { type AgentParty, inTime, type TrustedAgent } from '../trusted-world.ts';

const dayMs = 86_400_000;
// Some twenty lives each: on a machine with much else to do that takes a while.
vi.setConfig({ testTimeout: 600_000 });

/** A shop in which one party can be made to crash. */
async function fragileShop(who: 'customer' | 'merchant' | 'network', point: Breakable): Promise<Shop> {
  let shop: Shop | undefined;
  const fragile = (agentOf: () => TrustedAgent | undefined) => ({
    alter: (party: AgentParty): AgentParty => ({
      ...party,
      wrapJournal: (journal) => breakable(journal, point, () => agentOf()?.machine.crash()),
    }),
  });
  shop = await openShop({
    agents: {
      ...(who === 'customer' && { ada: fragile(() => shop?.ada) }),
      ...(who === 'merchant' && { house: fragile(() => shop?.house) }),
    },
    ...(who === 'network' && {
      wrapNetworkJournal: (journal) => breakable(journal, point, () => shop?.network.crash()),
    }),
  });
  return shop;
}

describe('a purchase by money modules', () => {
  const modules = { ada: 20_000n, house: 1000n };
  for (const who of ['ada', 'house', 'module of ada', 'module of house'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-F12] is had by both or by neither when ${who} crashes ${when} any write`, async () => {
        const ends = new Set<string>();
        for (let append = 1; ; append++) {
          const point: Breakable = { plan: undefined, happened: false };
          let made: Shop | undefined;
          const agent = who === 'ada' || who === 'house' ? who : undefined;
          const fragile = (party: AgentParty): AgentParty => ({
            ...party,
            wrapJournal: (journal) => breakable(journal, point, () => made?.[agent!].machine.crash()),
          });
          const owner = who.replace('module of ', '');
          const shop = await openShop({
            modules,
            agents: agent === undefined ? {} : { [agent]: { alter: fragile } },
            module: {
              ...(agent === undefined && { of: owner }),
              wrapJournal: (journal) => breakable(journal, point, () => made?.modules.get(owner)?.crash()),
            },
          });
          made = shop;
          const { trusted, ada, house } = shop;
          for (const party of [ada, house]) {
            party.react = (notice) => confirmAll(party, notice);
            party.started = () => void party.command({ type: 'opened' }).catch(() => undefined);
          }
          await shop.sell(house);
          point.plan = { append, when };
          const payment = { type: 'module', initiator: append % 2 === 0 ? 'payer' : 'payee' } as const;
          await shop.buy(ada, house, { payment, moneyFirst: append % 3 === 0 ? 1 : 0 }).catch(() => undefined);
          await trusted.run(60_000);
          if (!point.happened) break;
          await trusted.run(2 * dayMs);
          const at = `append ${append}`;
          const tickets = heldBy(ada);
          const [left, taken] = ['ada', 'house'].map((name) => shop.modules.get(name)!.host!.state.balance);
          ends.add(tickets.length === 1 ? 'bought' : 'not bought');
          const paid = tickets.length === 1 ? 8900n : 0n;
          expect([left, taken], at).toEqual([20_000n - paid, 1000n + paid]);
          for (const [party, kind] of [
            [ada, 'bought'],
            [house, 'sold'],
          ] as const) {
            const logged = (await logOf(shop, party)).filter((entry) => entry.kind === kind);
            expect(logged, at).toHaveLength(tickets.length);
          }
          expect([ada, house].map(isAtRest), at).toEqual([true, true]);
          expect(trusted.breaches, at).toEqual([]);
        }
        expect([...ends]).toContain('bought');
        if (who === 'ada' || who === 'house') expect([...ends]).toContain('not bought');
      });
    }
  }
});

describe('a purchase by card', () => {
  for (const who of ['customer', 'merchant', 'network'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-F12] [CITI-F21] is had by both or by neither when the ${who} crashes ${when} any write`, async () => {
        const ends = new Set<string>();
        for (let append = 1; ; append++) {
          const point: Breakable = { plan: undefined, happened: false };
          const shop = await fragileShop(who, point);
          const { trusted, ada, house, bank } = shop;
          for (const agent of [ada, house]) {
            agent.react = (notice) => confirmAll(agent, notice);
            // Host sides that were switched off sign on again.
            agent.started = () => void agent.command({ type: 'opened' }).catch(() => undefined);
          }
          await shop.sell(house);
          point.plan = { append, when };
          await shop.buy(ada, house).catch(() => undefined);
          await trusted.run(60_000);
          if (!point.happened) break;
          await trusted.run(2 * dayMs);
          const at = `append ${append}`;
          const tickets = heldBy(ada);
          const [payment] = bank.payments.values();
          ends.add(payment?.status === 'captured' ? 'bought' : 'not bought');
          expect(tickets, at).toHaveLength(payment?.status === 'captured' ? 1 : 0);
          expect(payment?.status, at).not.toBe('held');
          for (const [agent, kind] of [
            [ada, 'bought'],
            [house, 'sold'],
          ] as const) {
            const logged = (await logOf(shop, agent)).filter((entry) => entry.kind === kind);
            expect(logged, at).toHaveLength(tickets.length);
          }
          expect([ada, house].map(isAtRest), at).toEqual([true, true]);
          expect(bank.faults, at).toEqual([]);
          expect(trusted.breaches, at).toEqual([]);
        }
        // Some crashes come before the decision and some after it; of the network's none undoes a purchase.
        expect([...ends].sort()).toEqual(who === 'network' ? ['bought'] : ['bought', 'not bought']);
      });
    }
  }

  test('[CITI-F12] is completed without a session when the network speaks after it is lost', async () => {
    const shop = await openShop();
    const { trusted, ada, house, bank } = shop;
    for (const agent of [ada, house]) agent.react = (notice) => confirmAll(agent, notice);
    await shop.sell(house);
    const mend = trusted.world.cut('port:card', 'bank');
    await shop.buy(ada, house);
    await trusted.run(3000);
    ada.machine.crash();
    await trusted.run(1000);
    await inTime(trusted.world, ada.command({ type: 'opened' }));
    mend();
    await trusted.run(dayMs);
    expect(heldBy(ada)).toHaveLength(1);
    expect([...bank.payments.values()].map(({ status }) => status)).toEqual(['captured']);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
  });

  test('[CITI-F12] [CITI-49] is completed with a device that nobody can call: it asks, and says that it has heard', async () => {
    const shop = await openShop({ agents: { ada: { replyTo: undefined } } });
    // Certified and given its card by being called, it is then without an address.
    const { trusted, ada, house, bank } = shop;
    for (const agent of [ada, house]) agent.react = (notice) => confirmAll(agent, notice);
    await shop.sell(house);
    // The merchant's answer that it was paid does not arrive.
    trusted.world.observe(({ from, message }) => {
      if (from === 'house' && message.kind === 'payment-commit') ada.machine.crash();
    });
    await shop.buy(ada, house);
    await trusted.run(2000);
    ada.started = () => void ada.command({ type: 'opened' }).catch(() => undefined);
    ada.machine.crash();
    await trusted.run(dayMs);
    expect([...bank.payments.values()].map(({ status }) => status)).toEqual(['captured']);
    expect(heldBy(ada)).toHaveLength(1);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
  });
});

/**
 * Identity-based payment between money modules, as US 5,671,280 draws it (figure 29, claims 46 and 47): two agents, two modules, each on a host of
 * its own. The modules are stand-ins of the tests.
 */
import { describe, expect, test } from 'vitest';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { type Breakable, breakable } from '../breakable.ts';
import { about, isAtRest, noticesOf, stateOf } from '../opera.ts';
import { logOf, openShop, type Shop, whyFailed } from '../shop.ts';
import { inTime } from '../trusted-world.ts';

const amount = { currency: 'EUR', minor: 4_200n };
const advice = { invoiceReferences: ['2026-17'], customer: 'Ada', day: 20_500, amountPaid: amount };
const held = { ada: 10_000n, house: 1_000n };

async function remit(shop: Shop, initiator: 'payer' | 'payee', require: 0 | 1 = 0): Promise<void> {
  const { trusted, ada, house, card } = shop;
  const untilMs = trusted.world.clock.nowMs() + 86_400_000;
  await inTime(trusted.world, house.command({ type: 'expect', matter: 'till', purpose: 'pay', about, untilMs }));
  for (const agent of [ada, house]) {
    agent.react = (notice) => {
      const asked = ['confirm-credential', 'confirm-payment', 'require-credential'].includes(notice.type);
      if (!asked || !('session' in notice)) return;
      const accept = notice.type === 'require-credential' ? require : 1;
      void agent.command({ type: 'confirm', session: notice.session, accept }).catch(() => undefined);
    };
  }
  const payment = { type: 'module', initiator } as const;
  const order = {
    type: 'remit',
    matter: 'bill',
    route: 'house',
    about,
    amount,
    advice,
    invoices: [],
    payment,
  } as const;
  await inTime(trusted.world, ada.command({ ...order, credential: card }));
  await trusted.run(10_000);
}

const papers = (agent: Shop['ada']) =>
  [...stateOf(agent).tickets.values()]
    .map(({ bytes }) => decodeTicket(bytes).body.components.type)
    .filter((type) => type === 'receipt' || type === 'remittance-advice');

const balances = ({ modules }: Shop) =>
  Object.fromEntries([...modules].map(([name, { host }]) => [name, host!.state.balance]));

describe('an identity-based payment between money modules', () => {
  for (const initiator of ['payer', 'payee'] as const) {
    const ids = initiator === 'payer' ? '[CITI-F29] [CITI-46]' : '[CITI-F29] [CITI-46] [CITI-47]';
    test(`${ids} moves the money and the papers, the amount named by the ${initiator}`, async () => {
      const shop = await openShop({ modules: held });
      const { ada, house, trusted } = shop;
      await remit(shop, initiator, initiator === 'payee' ? 1 : 0);
      expect([ada, house].flatMap(whyFailed)).toEqual([]);
      expect(balances(shop)).toEqual({ ada: 10_000n - 4_200n, house: 1_000n + 4_200n });
      expect([papers(ada), papers(house)]).toEqual([['receipt'], ['remittance-advice']]);
      expect(noticesOf(house, 'confirm-credential')).toHaveLength(initiator === 'payee' ? 1 : 0);
      const entry = (await logOf(shop, ada)).at(-1)!;
      expect(entry.payment).toMatchObject({ way: 'module', amount });
      const seen = entry.before.flatMap(({ ticket }) =>
        ticket.length > 200 ? [decodeTicket(ticket).body.components.type] : [],
      );
      expect(seen).toContain('merchant');
      expect((await logOf(shop, house)).at(-1)!.payment).toMatchObject({ way: 'module', side: 'payee' });
      expect([ada, house].flatMap((agent) => noticesOf(agent, 'over'))).toHaveLength(2);
      expect([ada, house].map(isAtRest)).toEqual([true, true]);
      expect(trusted.breaches).toEqual([]);
    });
  }

  test('[CITI-F29] [CITI-46] of more than the module holds moves nothing, and leaves no paper', async () => {
    const shop = await openShop({ modules: { ada: 4_199n, house: 0n } });
    await remit(shop, 'payer');
    await shop.trusted.run(600_000);
    const { ada, house } = shop;
    expect(whyFailed(ada)).toHaveLength(1);
    expect(balances(shop)).toEqual({ ada: 4_199n, house: 0n });
    expect([...papers(ada), ...papers(house)]).toEqual([]);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
  });
});

describe('between money modules, a payment in which somebody crashes', () => {
  for (const [who, when] of [
    ['ada', 'before'],
    ['ada', 'after'],
    ['house', 'before'],
    ['house', 'after'],
  ] as const) {
    const whose = who === 'ada' ? 'payer' : 'payee';
    test(`[CITI-F29] [CITI-46] moves money and papers or nothing when the ${whose} crashes ${when} any write`, async () => {
      const ends = new Set<number>();
      for (let append = 1; ; append++) {
        const point: Breakable = { plan: undefined, happened: false };
        const shop: Shop = await openShop({
          modules: held,
          agents: {
            [who]: {
              alter: (party) => ({
                ...party,
                wrapJournal: (journal) => breakable(journal, point, () => shop[who].machine.crash()),
              }),
            },
          },
        });
        const { ada, house, trusted } = shop;
        point.plan = { append, when };
        await remit(shop, 'payer').catch(() => undefined);
        await trusted.run(60_000);
        if (!point.happened) break;
        await inTime(trusted.world, shop[who].command({ type: 'opened' }));
        await trusted.run(2 * 86_400_000);
        const paid = papers(house).length;
        expect(balances(shop), `append ${append}`).toEqual({
          ada: 10_000n - 4_200n * BigInt(paid),
          house: 1_000n + 4_200n * BigInt(paid),
        });
        expect(papers(ada).length, `append ${append}`).toBe(paid);
        expect([ada, house].map(isAtRest), `append ${append}`).toEqual([true, true]);
        expect(trusted.breaches).toEqual([]);
        ends.add(paid);
      }
      expect([...ends].sort()).toEqual([0, 1]);
    });
  }
});

/**
 * Purchases paid between money modules (US 5,671,280, figures 12 to 20, claims 1 to 38): what the trusted agents do in it. The modules are
 * stand-ins of the tests, machines of their own with keys and journals of their own.
 */
import { describe, expect, test } from 'vitest';
import type { PaymentChoice } from '../../../src/trusted/agent/talk.ts';
import { isAtRest, noticesOf } from '../opera.ts';
import { confirmAll, heldBy, logOf, openShop, price, type Shop, type ShopOptions, whyFailed } from '../shop.ts';

const modules = { ada: 20_000n, house: 1000n };
const open = (options: ShopOptions = {}) => openShop({ modules, ...options });
const by = (initiator: 'payer' | 'payee'): PaymentChoice => ({ type: 'module', initiator });

const balances = ({ modules: held }: Shop) =>
  Object.fromEntries([...held].map(([name, { host }]) => [name, host!.state.balance]));

function expectNothingHappened(shop: Shop): void {
  const { ada, house, trusted } = shop;
  expect(heldBy(ada)).toEqual([]);
  expect(balances(shop)).toEqual(modules);
  expect([ada, house].map(isAtRest)).toEqual([true, true]);
  expect(trusted.breaches).toEqual([]);
}

describe('a purchase by money modules', () => {
  for (const initiator of ['payer', 'payee'] as const) {
    for (const moneyFirst of [0, 1] as const) {
      const ids = initiator === 'payer' ? '[CITI-2] [CITI-18] [CITI-26]' : '[CITI-3] [CITI-19] [CITI-25]';
      const order = moneyFirst === 1 ? 'the money first' : 'the ticket first';
      const more = moneyFirst === 1 ? '[CITI-38]' : '[CITI-17] [CITI-20] [CITI-24] [CITI-27]';
      test(`${ids} ${more} moves ticket and money, ${order}, the amount named by the ${initiator}’s module and verified by the other’s agent`, async () => {
        const shop = await open();
        const said: string[] = [];
        shop.trusted.world.observe(({ from, message }) => {
          if (/^(payment|Session)/.test(message.kind)) said.push(`${from} ${message.kind}`);
        });
        const { ada, house } = shop;
        /** What the payer's module has left when the merchandise is there. */
        let left = 0n;
        await shop.sell(house);
        house.react = (notice) => confirmAll(house, notice);
        ada.react = (notice) => {
          if (notice.type === 'confirm-merchandise') left = balances(shop).ada!;
          confirmAll(ada, notice);
        };
        await shop.buy(ada, house, { payment: by(initiator), moneyFirst });
        await shop.trusted.run(10_000);
        expect(left).toBe(moneyFirst === 1 ? 20_000n - 8900n : 20_000n);
        expect([ada, house].flatMap(whyFailed)).toEqual([]);
        expect(heldBy(ada)).toHaveLength(1);
        expect(balances(shop)).toEqual({ ada: 20_000n - 8900n, house: 1000n + 8900n });
        expect([ada, house].map(isAtRest)).toEqual([true, true]);
        expect(shop.trusted.breaches).toEqual([]);
        for (const [agent, kind] of [
          [ada, 'bought'],
          [house, 'sold'],
        ] as const) {
          const entries = await logOf(shop, agent);
          const entry = entries.find((one) => one.kind === kind);
          expect(entry?.payment).toMatchObject({ way: 'module', amount: price });
          expect(entry?.payment?.receipt?.length).toBeGreaterThan(0);
          expect(noticesOf(agent, 'paid')).toHaveLength(1);
          expect(noticesOf(agent, 'over')).toHaveLength(1);
        }
        // Whose agent was asked whether the amount is right, and that the money was ready before or after the ticket was there.
        const verifier = initiator === 'payer' ? 'house' : 'ada';
        expect(said.filter((one) => one.endsWith('payment-verified'))).toEqual([`${verifier} payment-verified`]);
        expect(noticesOf(ada, 'confirm-merchandise')).toHaveLength(1);
        const executed = said.indexOf('ada payment-execute');
        expect(executed).toBeGreaterThan(said.indexOf(`${verifier} payment-verified`));
      });
    }
  }

  test('[CITI-F12] of more than the module holds is given up by all four', async () => {
    const shop = await open({ modules: { ada: 8899n, house: 0n } });
    await shop.purchase({ buy: { payment: by('payer') } });
    const { ada, house } = shop;
    expect(whyFailed(ada)).toEqual(['insufficient funds']);
    expect(whyFailed(house)).toEqual(['given up: insufficient funds']);
    expect(heldBy(ada)).toEqual([]);
    expect(balances(shop)).toEqual({ ada: 8899n, house: 0n });
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
  });

  for (const initiator of ['payer', 'payee'] as const) {
    test(`[CITI-F12] is given up when the ${initiator}’s module names another amount than was agreed`, async () => {
      const shop = await open({
        module: {
          of: initiator === 'payer' ? 'house' : 'ada',
          // What this module heard is not what the agents agreed on.
          lie: (answer) => (answer.type === 'verify' ? { ...answer, amount: { ...price, minor: 1n } } : answer),
        },
      });
      await shop.purchase({ buy: { payment: by(initiator) } });
      expect([shop.ada, shop.house].map((agent) => whyFailed(agent).length)).toEqual([1, 1]);
      expectNothingHappened(shop);
    });
  }

  test('[CITI-48] is provisional until the own module says that it has paid', async () => {
    const shop = await open();
    const { ada, trusted } = shop;
    const mend = trusted.world.cut('port:money-ada', 'ada');
    mend();
    let cut: (() => void) | undefined;
    trusted.world.observe(({ from, message }) => {
      if (from === 'ada' && message.kind === 'payment-execute') cut ??= trusted.world.cut('port:money-ada', 'ada');
    });
    await shop.purchase({ buy: { payment: by('payer') } });
    expect(shop.modules.get('ada')!.host!.state.balance).toBe(20_000n - 8900n);
    expect(heldBy(ada)).toEqual([]);
    expect(noticesOf(ada, 'received')).toEqual([]);
    cut!();
    await trusted.run(60_000);
    expect(heldBy(ada)).toHaveLength(1);
    expect(balances(shop)).toEqual({ ada: 20_000n - 8900n, house: 1000n + 8900n });
  });

  test('[CITI-F12] is given up when there is no module', async () => {
    const shop = await openShop();
    await shop.purchase({ buy: { payment: undefined } as never });
    const { ada, trusted } = shop;
    const { session } = noticesOf(ada, 'choose-payment')[0]!;
    const paying = ada.command({ type: 'pay', session, payment: by('payer') });
    await expect(Promise.race([paying, trusted.run(1000).then(() => paying)])).rejects.toMatchObject({
      code: 'COMMAND_UNTIMELY',
    });
    confirmAll(ada, noticesOf(ada, 'confirm-merchandise')[0]!);
  });
});

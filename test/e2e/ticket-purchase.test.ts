/**
 * A ticket bought by card through the real parties: two people's devices, an authority that issues the card, the opera's device, the
 * card network, the operator whose acquirer it asks, and the card's issuer, each a process (US 5,671,280, figures 12, 14, 15 and 21).
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askOwnParty } from '../../src/cli/own-party.ts';
import type { TicketView } from '../../src/party/device/ticket-view.ts';
import type { OperatorAccounts } from '../../src/party/operator/operator-accounts.ts';
import { startTicketTown, type TicketTown, TOWN, until } from './ticket-town.ts';

let town: TicketTown;
beforeAll(async () => {
  town = await startTicketTown({ only: [...TOWN, 'north', 'south', 'cards'] });
  expect(town.handsel('credentials', 'record', join(town.home, 'bureau/people/ada.json')).code).toBe(0);
  const code = town.handsel('credentials', 'visit', 'ada', 'credit card').out.trim();
  const acquired = town.handsel('credentials', 'acquire', 'credit card', '--from', 'bureau', '--code', code);
  expect([acquired.code, acquired.err]).toEqual([0, '']);
}, 120_000);
afterAll(() => town.close(), 60_000);

/** What stands for the opera at its bank, in minor units of euros. */
async function taken(): Promise<bigint> {
  const accounts = await askOwnParty<OperatorAccounts>('operator', join(town.home, 'north'), {
    ...{ method: 'GET', path: '/operator/accounts' },
  });
  const own = accounts.acquirer.accounts.filter(({ account }) => account.includes('opera') && account.includes('EUR'));
  return own.reduce((sum, { balance }) => sum + BigInt(balance), 0n);
}
const ofType = async (type: string): Promise<readonly TicketView[]> =>
  (await town.tickets('ada')).filter((ticket) => ticket.type === type);
const buy = (sku: string, max: string, ...more: string[]) =>
  town.handsel('tickets', 'buy', sku, '--from', 'opera', '--max', max, '--json', ...more);
const codeOf = ({ err }: { readonly err: string }) => JSON.parse(err).error.code;

describe('a ticket', () => {
  test('[CITI-F12] [CITI-F21] is delivered and paid by card: it is what was offered, and the opera’s bank has the money', async () => {
    expect(town.handsel('tickets', 'offers', '--from', 'opera').out).toContain('flute');
    const bought = buy('flute', '90EUR');
    expect([bought.code, bought.err]).toEqual([0, '']);
    expect(JSON.parse(bought.out)).toMatchObject({
      ...{ type: 'event', issuer: 'Handsel Opera', standing: 'good', remaining: 1 },
      fields: { event: 'The Magic Flute', price: '89.00 EUR', seat: 'unreserved' },
    });
    await until(async () => (await taken()) === 8900n);
    // It opens the door like any other.
    const [ticket] = await ofType('event');
    expect(town.handsel('tickets', 'present', ticket!.id, '--at', 'door').code).toBe(0);
  });

  test('[CITI-F12] is not paid when it costs more than was said, when nobody sells it, and when there is no card', async () => {
    const before = await taken();
    expect(codeOf(buy('flute', '88EUR'))).toBe('PRICE_ABOVE_LIMIT');
    expect(codeOf(buy('unicorn', '88EUR'))).toBe('OFFER_UNKNOWN');
    expect(codeOf(buy('live-radio', '5EUR', '--device', 'ben'))).toBe('CARD_UNKNOWN');
    expect(await taken()).toBe(before);
    expect(await ofType('communications')).toEqual([]);
  });

  test('[CITI-F21] is not delivered when the issuer declines: the card may pay 200 EUR a day', async () => {
    expect(buy('flute', '90EUR').code).toBe(0);
    const declined = buy('flute', '90EUR');
    expect(codeOf(declined)).toBe('NOT_DONE');
    expect(await ofType('event')).toHaveLength(2);
    await until(async () => (await taken()) === 17_800n);
  });

  test('[CITI-F12] is bought by both or by neither when a device dies in the middle, whichever it is', async () => {
    for (const victim of ['opera', 'ada']) {
      const before = { money: await taken(), tickets: (await ofType('communications')).length };
      const buying = town.owner('ada').post('/buy', { sku: 'live-radio', from: 'opera', max: '5EUR' });
      buying.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, victim === 'ada' ? 60 : 90));
      await town.kill(victim);
      await town.start(victim);
      await buying.catch(() => undefined);
      // Undecided resolves itself; then what was paid is what is there.
      await until(async () => {
        const gained = BigInt((await ofType('communications')).length - before.tickets);
        return (await taken()) - before.money === gained * 500n;
      }, 2400);
    }
  }, 180_000);
});

/**
 * Paid, and no ticket came: the merchant's agent has committed, and its owner keeps it from telling (US 5,671,280, "Disputes"). Between agents, a
 * trusted server, a card network, a bank and whoever knows what was paid, each with its own journal.
 */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { decodeTicketBundle } from '../../../src/trusted/message/ticket-ruling.ts';
import { verifyTicketRuling } from '../../../src/trusted/ruling/verify-ticket-ruling.ts';
import { decodePaymentQuestion, encodePaymentFact } from '../../../src/trusted/server/ask-payments.ts';
import { isAtRest, noticesOf, stateOf } from '../opera.ts';
import { heldBy } from '../shop.ts';
import { type Desk, openDesk, statusOf } from './complaint-desk.ts';

const dayMs = 86_400_000;

/** Ada has paid once more, and from then on the house is cut off from her, and perhaps from the server. */
async function unheardPurchase(
  from: readonly string[],
): Promise<{ desk: Desk; transaction: string; mend: () => void }> {
  const desk = await openDesk({ server: { disputes: { payments: 'ledger', appealMs: dayMs, hearingMs: 2 * dayMs } } });
  const { ada, house, trusted, bank } = desk;
  const { world } = trusted;
  world.addServer('ledger', ({ body }) => {
    const { transaction } = decodePaymentQuestion(body);
    return encodePaymentFact(bank.taken(toHex(transaction)) > 0n ? 'paid' : 'not-paid');
  });
  const mends: (() => void)[] = [];
  desk.when(house, ({ type }) => {
    // Only once: what is paid back later is heard of.
    if (type !== 'paid' || mends.length > 0) return;
    for (const other of from) mends.push(world.cut('house', other), world.cut(other, 'house'));
  });
  await desk.sell(house);
  await desk.buy(ada, house);
  await trusted.run(600_000);
  const [transaction] = [...stateOf(ada).transactions.values()].filter(({ status }) => status === 'voted');
  return {
    ...{ desk, transaction: transaction!.id },
    mend() {
      for (const end of mends) end();
    },
  };
}

async function complain(desk: Desk, transaction: string): Promise<string> {
  const { ada } = desk;
  await desk.tell(ada, {
    ...{ type: 'dispute', matter: 'd', route: 'house', about: new Uint8Array(), transaction, check: 0 },
    ...{ complaint: 'not-delivered', statement: 'Nothing came.' },
  });
  const { number } = noticesOf(ada, 'disputing').at(-1)!;
  await desk.trusted.run(8 * dayMs);
  await desk.tell(ada, { type: 'escalate', number, route: 'north', statement: 'Nothing came.' }, 3 * dayMs);
  return number;
}

const ruledIn = ({ ada, trusted }: Desk) => {
  const { ruling, reasons } = verifyTicketRuling(decodeTicketBundle(noticesOf(ada, 'ruled').at(-1)!.bundle), {
    lists: trusted.lists,
  });
  return { ruling, reasons: reasons.map(({ code, basis }) => `${code} ${basis}`) };
};

describe('a purchase of which the customer does not hear', () => {
  test('[CITI-E] brings its ticket with the ruling, when the merchant’s agent shows it to the server', async () => {
    const { desk, transaction, mend } = await unheardPurchase(['ada']);
    const { ada, house, trusted } = desk;
    expect(heldBy(ada)).toHaveLength(1);
    await complain(desk, transaction);
    expect(ruledIn(desk)).toMatchObject({
      reasons: ['TICKET_SHOWN shown'],
      ruling: { outcome: 'released', breaches: [] },
    });
    // Its owner was not asked: the agent has it in its books.
    expect(noticesOf(house, 'heard-in-dispute')).toEqual([]);
    expect(heldBy(ada)).toHaveLength(2);
    expect(stateOf(ada).transactions.size).toBe(0);
    mend();
    await trusted.run(3 * dayMs);
    expect(heldBy(ada)).toHaveLength(2);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-E] is paid back by a merchant that is silent to everybody, when it can be reached again', async () => {
    const { desk, transaction, mend } = await unheardPurchase(['ada', 'north']);
    const { ada, house, trusted, bank, card } = desk;
    const number = await complain(desk, transaction);
    expect(ruledIn(desk)).toMatchObject({
      reasons: ['NEVER_DELIVERED stated'],
      ruling: { outcome: 'refund', breaches: ['merchant'], refund: { minor: 8900n } },
    });
    await trusted.run(2 * dayMs);
    mend();
    // The ticket may come first now: then there is nothing to pay back; else the money comes, and the ticket does not.
    const choose = { type: 'choose', number, choice: { type: 'refund', credential: card } } as const;
    await desk.tell(ada, choose, 3 * dayMs).catch(() => trusted.run(3 * dayMs));
    const delivered = heldBy(ada).length === 2;
    const paid = bank.taken(transaction) > 0n;
    expect(delivered).toBe(paid);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect(['refunded', 'ruled']).toContain(statusOf(ada, number));
  });

  test('[CITI-E] and of which nothing was paid is dismissed, by the word of whoever pays', async () => {
    const { desk, transaction } = await unheardPurchase(['ada', 'north', 'port:card']);
    await complain(desk, transaction);
    expect(ruledIn(desk)).toMatchObject({
      reasons: ['NOT_PAID stated'],
      ruling: { outcome: 'dismissed', breaches: [] },
    });
    expect(heldBy(desk.ada)).toHaveLength(1);
  });

  test('[CITI-F30] can be disputed only by an agent that has voted and has not heard', async () => {
    const desk = await openDesk();
    const { ada } = desk;
    const said = { complaint: 'not-delivered', statement: 'Nothing came.', check: 0 } as const;
    const order = { ...said, type: 'dispute', matter: 'd', route: 'house', about: new Uint8Array() } as const;
    const { transaction } = stateOf(ada).tickets.get(desk.ticketId)!.payment!;
    await expect(desk.tell(ada, { ...order, transaction })).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    await expect(desk.tell(ada, { ...order, ticketId: desk.ticketId })).rejects.toMatchObject({
      code: 'COMMAND_UNTIMELY',
    });
  });

  test('[CITI-F30] that the merchant’s agent can still tell of needs no ruling', async () => {
    const { desk, transaction, mend } = await unheardPurchase(['ada']);
    const { ada, trusted } = desk;
    mend();
    const order = {
      type: 'dispute',
      matter: 'd',
      route: 'house',
      about: new Uint8Array(),
      transaction,
      check: 0,
    } as const;
    await desk.tell(ada, { ...order, complaint: 'not-delivered', statement: 'Nothing came.' }).catch(() => undefined);
    await trusted.run(2 * dayMs);
    expect(heldBy(ada)).toHaveLength(2);
  });
});

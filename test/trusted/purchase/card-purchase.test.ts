/**
 * A purchase paid by card (US 5,671,280, figures 12, 14, 15 and 21), between a customer's and a merchant's device, a card network and a bank, each
 * with its own keys and journal, over the real wire codec; with every branch on which the figures abort.
 */
import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/codec/hex.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { readPaymentOrder } from '../../../src/trusted/message/payment-order.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { certifiedOf, isAtRest, noticesOf, stateOf } from '../opera.ts';
import {
  cardNumber,
  concert,
  confirmAll,
  heldBy,
  logOf,
  openShop,
  price,
  type Shop,
  selection,
  toldTo,
  whyFailed,
} from '../shop.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

/** Neither has anything of the other's, nothing is open, and the bank holds nothing. */
function expectNothingHappened(shop: Shop): void {
  const { ada, house, bank, trusted } = shop;
  expect(heldBy(ada)).toEqual([]);
  expect([...bank.payments.values()].filter(({ status }) => status !== 'released')).toEqual([]);
  expect([ada, house].map(isAtRest)).toEqual([true, true]);
  expect(bank.faults).toEqual([]);
  expect(trusted.breaches).toEqual([]);
  for (const agent of [ada, house]) expect(noticesOf(agent, 'paid')).toEqual([]);
}

/** Host sides that say yes, but for what a test makes them say. */
function answerWith(agent: TrustedAgent, type: 'confirm-credential' | 'confirm-merchandise', accept: 0 | 1): void {
  const before = agent.react;
  agent.react = (notice) => {
    if (notice.type !== type) return before(notice);
    void agent.command({ type: 'confirm', session: notice.session, accept }).catch(() => undefined);
  };
}

async function trade(shop: Shop, options: Parameters<Shop['purchase']>[0] = {}): Promise<void> {
  await shop.sell(shop.house, options.sell);
  await shop.buy(shop.ada, shop.house, options.buy);
  await shop.trusted.run(options.forMs ?? 10_000);
}

const sayYes = (shop: Shop) => {
  for (const agent of [shop.ada, shop.house]) agent.react = (notice) => confirmAll(agent, notice);
};

describe('a purchase by card', () => {
  test('[CITI-F12] [CITI-F21] [CITI-39] [CITI-41] gives the ticket to one and the money to the other', async () => {
    const shop = await openShop();
    await shop.purchase();
    const { ada, house, bank } = shop;
    expect([ada, house].flatMap(whyFailed)).toEqual([]);
    const [ticketId] = heldBy(ada);
    const ticket = decodeTicket(stateOf(ada).tickets.get(ticketId!)!.bytes);
    expect(ticket.body).toMatchObject({
      issuerName: 'Deutsche Oper Berlin',
      components: { ...selection.fields, price },
    });
    expect(ticket.receiver).toBe(certifiedOf(ada).certificate.agentId);
    expect([...bank.payments.values()]).toEqual([expect.objectContaining({ card: cardNumber, minor: 8900n })]);
    expect([...bank.payments.values()][0]?.status).toBe('captured');
    for (const [agent, side] of [
      [ada, 'payer'],
      [house, 'payee'],
    ] as const) {
      expect(noticesOf(agent, 'paid')).toEqual([expect.objectContaining({ side, way: 'card', amount: price })]);
      expect(noticesOf(agent, 'over')).toHaveLength(1);
      expect(isAtRest(agent)).toBe(true);
    }
    expect(bank.faults).toEqual([]);
  });

  test('[CITI-40] [CITI-42] [CITI-45] is logged by both for good, with the ticket, the amount, the signed order and the receipt', async () => {
    const shop = await openShop();
    await shop.purchase();
    const { ada, house, trusted } = shop;
    const [ticketId] = heldBy(ada);
    // What is committed stays: both devices lose their power, and a late abort is of no use.
    for (const agent of [ada, house]) agent.machine.crash();
    await trusted.run(5000);
    for (const [agent, kind] of [
      [ada, 'bought'],
      [house, 'sold'],
    ] as const) {
      const entry = (await logOf(shop, agent)).find((one) => one.kind === kind)!;
      expect(entry.after.map(({ ticketId: id }) => id)).toEqual([ticketId]);
      expect(entry.payment).toMatchObject({ amount: price, way: 'card', transaction: entry.transaction });
      expect(entry.payment?.receipt?.length).toBeGreaterThan(10);
      const order = readPaymentOrder(entry.payment!.order!);
      expect(order).toMatchObject({ amount: price, ticketId: fromHex(ticketId!) });
      expect(order.payer.agentId).toBe(certifiedOf(ada).certificate.agentId);
      expect(toHex(order.transaction)).toBe(entry.transaction);
    }
    const found = await inTime(trusted.world, house.machine.host!.readByKey(`paid ${ticketId}`));
    expect(found.some((record) => record.type === 'logged' && record.entry.kind === 'sold')).toBe(true);
    expect(stateOf(ada).tickets.get(ticketId!)?.payment).toMatchObject({ side: 'payer', amount: price });
    expect(heldBy(ada)).toEqual([ticketId]);
  });

  test('[CITI-F14] [CITI-44] shows in whose name the merchant sells, and goes on when the customer has confirmed it', async () => {
    const shop = await openShop();
    const { ada } = shop;
    await trade(shop);
    const [asked] = noticesOf(ada, 'confirm-credential');
    expect(asked?.credential).toMatchObject({ issuerName: 'Vägverket' });
    expect(noticesOf(ada, 'confirm-merchandise')).toEqual([]);
    sayYes(shop);
    await inTime(shop.trusted.world, ada.command({ type: 'confirm', session: asked!.session, accept: 1 }));
    await shop.trusted.run(10_000);
    expect(heldBy(ada)).toHaveLength(1);
  });

  test('[CITI-F14] [CITI-F12] ends when the customer does not know the merchant', async () => {
    const shop = await openShop();
    sayYes(shop);
    answerWith(shop.ada, 'confirm-credential', 0);
    await trade(shop);
    expect(whyFailed(shop.ada)).toEqual(['the credential was not confirmed']);
    expect(whyFailed(shop.house)).toHaveLength(1);
    expectNothingHappened(shop);
  });

  test('[CITI-F14] ends when the merchant has no credential, or one that is none for selling', async () => {
    for (const [alter, why] of [
      [(agent: TrustedAgent) => stateOf(agent).tickets.clear(), 'no credential'],
      [
        (agent: TrustedAgent) => {
          const [held] = stateOf(agent).tickets.values();
          stateOf(agent).tickets.set(held!.id, { ...held!, bytes: stolen });
        },
        'TICKET_INVALID',
      ],
    ] as const) {
      const shop = await openShop();
      // A credential that was issued to somebody else.
      const other = await shop.addMerchant('other');
      stolen = [...stateOf(other).tickets.values()][0]!.bytes;
      sayYes(shop);
      alter(shop.house);
      await trade(shop);
      expect(whyFailed(shop.ada)).toEqual([why]);
      expectNothingHappened(shop);
    }
  });

  test('[CITI-F14] ends when the issuer of the merchant’s credential is untrusted', async () => {
    const shop = await openShop();
    const { trusted, authority, ada } = shop;
    const { agentId } = certifiedOf(authority).certificate;
    const change = { type: 'distrust', party: { type: 'agent', agentId } } as const;
    await inTime(trusted.world, trusted.server('primary').command({ type: 'change-lists', change }));
    await inTime(trusted.world, ada.command({ type: 'fetch-lists', route: 'primary' }));
    await trusted.run(5000);
    sayYes(shop);
    await trade(shop);
    expect(whyFailed(ada)).toEqual(['TICKET_INVALID']);
    expectNothingHappened(shop);
  });

  test('[CITI-F14] checks the customer’s credential where the merchant wants one', async () => {
    const shop = await openShop();
    const licence = await shop.issueTo(shop.ada, sample('licence'));
    shop.ada.notices.length = 0;
    sayYes(shop);
    await trade(shop, { sell: { wantsCredential: 1 }, buy: { credential: licence } });
    const [asked] = noticesOf(shop.house, 'confirm-credential');
    expect(asked?.credential.ticketId).toBe(licence);
    expect(heldBy(shop.ada)).toHaveLength(1);
  });

  test.each([
    ['none is to be shown', {}, 1, 'the merchant wants a credential'],
    ['the merchant does not accept it', { shown: 'licence' }, 0, 'refused: the credential was not confirmed'],
    ['it is no credential', { shown: 'event' }, 1, 'refused: TICKET_INVALID'],
  ] as const)('[CITI-F14] ends where the customer has to show a credential and %s', async (_, options, accept, why) => {
    const shop = await openShop();
    const { ada, house } = shop;
    let credential: string | undefined;
    if ('shown' in options && options.shown === 'licence') credential = await shop.issueTo(ada, sample('licence'));
    if ('shown' in options && options.shown === 'event') {
      await shop.purchase();
      [credential] = heldBy(ada);
    }
    const before = heldBy(ada);
    for (const agent of [ada, house]) agent.notices.length = 0;
    sayYes(shop);
    answerWith(house, 'confirm-credential', accept);
    await trade(shop, { sell: { wantsCredential: 1 }, buy: credential === undefined ? {} : { credential } });
    expect(whyFailed(ada)).toEqual([why]);
    expect(heldBy(ada)).toEqual(before);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
  });
});

let stolen: Uint8Array;

describe('the merchandise', () => {
  const other = { ...concert, seat: 'Loge 1, Platz 1' };

  /** What the merchandise server sends, one after the other. */
  function serve(shop: Shop, sent: readonly ('right' | 'wrong' | 'none' | 'dear')[]) {
    const { house } = shop;
    const asked: number[] = [];
    const confirm = house.react;
    house.react = (notice) => {
      confirm(notice);
      if (notice.type !== 'fetch-merchandise') return;
      asked.push(notice.attempt);
      const kind = sent[notice.attempt - 1];
      const components = { right: concert, wrong: other, dear: { ...concert, price: { ...price, minor: 9900n } } };
      const merchandise =
        kind === 'none' || kind === undefined
          ? ({ type: 'none', reason: 'sold out' } as const)
          : ({ type: 'ticket', components: components[kind] } as const);
      void house.command({ type: 'merchandise', session: notice.session, merchandise }).catch(() => undefined);
    };
    return asked;
  }

  test.each([
    [['right'], 1],
    [['wrong', 'right'], 2],
    [['none', 'dear', 'right'], 3],
  ] as const)('[CITI-F12] is fetched until it is the right one: %j', async (sent, tries) => {
    const shop = await openShop();
    sayYes(shop);
    const asked = serve(shop, sent);
    await trade(shop, { sell: { merchandise: undefined } as never });
    expect(asked).toHaveLength(tries);
    expect(heldBy(shop.ada)).toHaveLength(1);
  });

  test('[CITI-F12] that is wrong three times ends the purchase', async () => {
    const shop = await openShop();
    sayYes(shop);
    const asked = serve(shop, ['wrong', 'none', 'dear', 'right']);
    await trade(shop, { sell: { merchandise: undefined } as never });
    expect(asked).toEqual([1, 2, 3]);
    expect(whyFailed(shop.ada)).toEqual(['refused: MERCHANDISE_WRONG']);
    expect(whyFailed(shop.house)).toEqual(['MERCHANDISE_WRONG']);
    expectNothingHappened(shop);
  });

  test('[CITI-F12] of which both sides were told different things is not sold', async () => {
    for (const buy of [
      { price: { ...price, minor: 8000n } },
      { selection: { type: 'event', fields: { event: concert.event } } as const },
    ]) {
      const shop = await openShop();
      sayYes(shop);
      await trade(shop, { buy });
      expect(whyFailed(shop.ada)).toEqual(['refused: MERCHANDISE_WRONG']);
      expectNothingHappened(shop);
    }
  });

  test('[CITI-F15] [CITI-34] that is not what was selected is refused by the customer’s agent itself', async () => {
    const shop = await openShop();
    const { house, ada } = shop;
    sayYes(shop);
    const confirm = house.react;
    house.react = (notice) => {
      confirm(notice);
      if (notice.type !== 'fetch-merchandise') return;
      // A merchant's device that was opened and changed: it takes the wrong thing for the right one.
      const { talks } = stateOf(house);
      const talk = talks.get(notice.session);
      if (talk?.type !== 'selling') return;
      talks.set(talk.session, {
        ...talk,
        sale: { ...talk.sale, selection: { type: 'event', fields: { seat: other.seat } } },
      });
      const merchandise = { type: 'ticket', components: other } as const;
      void house.command({ type: 'merchandise', session: notice.session, merchandise }).catch(() => undefined);
    };
    await trade(shop, { sell: { merchandise: undefined } as never });
    expect(whyFailed(ada)).toEqual(['MERCHANDISE_WRONG']);
    expect(noticesOf(ada, 'confirm-merchandise')).toEqual([]);
    expectNothingHappened(shop);
  });

  test('[CITI-F15] that the purchaser does not confirm is dropped, and nothing is paid', async () => {
    const shop = await openShop();
    sayYes(shop);
    answerWith(shop.ada, 'confirm-merchandise', 0);
    await trade(shop);
    expect(whyFailed(shop.ada)).toEqual(['the merchandise was not confirmed']);
    expect(whyFailed(shop.house)).toEqual(['given up: the merchandise was not confirmed']);
    expectNothingHappened(shop);
  });

  test('[CITI-F15] [CITI-48] is held provisionally: the host side sees what it is, and can do nothing with it before it is paid', async () => {
    const shop = await openShop();
    const { ada, house, trusted } = shop;
    sayYes(shop);
    const confirm = ada.react;
    ada.react = (notice) => {
      if (notice.type !== 'confirm-merchandise') confirm(notice);
    };
    const radio = { ...sample('communications'), price };
    const fields = { channel: radio.channel };
    await trade(shop, {
      sell: { merchandise: { type: 'ticket', components: radio }, selection: { type: 'communications', fields } },
      buy: { selection: { type: 'communications', fields } },
    });
    const [shown] = noticesOf(ada, 'confirm-merchandise');
    expect(shown?.price).toEqual(price);
    const { ticketId } = shown!.ticket;
    expect(heldBy(ada, 'communications')).toEqual([]);
    const commands: readonly HostCommand[] = [
      { type: 'open-merchandise', ticketId },
      { type: 'present', matter: 'p', route: 'house', about: new Uint8Array(), ticketId, check: 0 },
      {
        ...{ type: 'give', matter: 'g', route: 'house', about: new Uint8Array(), check: 0 },
        items: [{ type: 'transfer', ticketId }],
      },
    ];
    for (const command of commands) {
      await expect(inTime(trusted.world, ada.command(command))).rejects.toMatchObject({ code: 'TICKET_UNKNOWN' });
    }
    // The keys are in nothing that the host side was ever told.
    const keys = radio.decryptionKeys.map(toHex);
    expect(keys.filter((key) => toldTo(ada).includes(key))).toEqual([]);

    await inTime(trusted.world, ada.command({ type: 'confirm', session: shown!.session, accept: 1 }));
    await trusted.run(10_000);
    expect(heldBy(ada, 'communications')).toEqual([ticketId]);
    expect(keys.filter((key) => toldTo(ada).includes(key))).toEqual(keys);
    expect(whyFailed(house)).toEqual([]);
  });
});

describe('the card', () => {
  test('[CITI-F21] that is not authorised ends the purchase for both', async () => {
    const shop = await openShop({ limit: 8899n });
    await shop.purchase();
    expect(whyFailed(shop.ada)).toEqual(['not paid: declined']);
    expect(whyFailed(shop.house)).toEqual(['declined']);
    expectNothingHappened(shop);
  });

  test('[CITI-F21] is chosen once the merchandise is there, if it was not before', async () => {
    const shop = await openShop();
    const { ada, trusted } = shop;
    await shop.purchase({ buy: { payment: undefined } as never });
    const [asked] = noticesOf(ada, 'choose-payment');
    expect(asked?.price).toEqual(price);
    expect(heldBy(ada)).toEqual([]);
    const payment = { type: 'card', ticketId: shop.card } as const;
    await inTime(trusted.world, ada.command({ type: 'pay', session: asked!.session, payment }));
    await trusted.run(10_000);
    expect(heldBy(ada)).toHaveLength(1);
  });

  test('[CITI-F21] has to be a card that this agent holds and that is good today', async () => {
    const shop = await openShop();
    const { ada, trusted } = shop;
    const licence = await shop.issueTo(ada, sample('licence'));
    const old = await shop.issueTo(ada, { ...sample('card'), expiresDay: 1 });
    await shop.purchase({ buy: { payment: undefined } as never });
    const { session } = noticesOf(ada, 'choose-payment')[0]!;
    for (const [ticketId, code] of [
      [licence, 'TICKET_INVALID'],
      [old, 'TICKET_INACTIVE'],
      ['0'.repeat(32), 'TICKET_UNKNOWN'],
    ] as const) {
      const payment = { type: 'card', ticketId } as const;
      await expect(inTime(trusted.world, ada.command({ type: 'pay', session, payment }))).rejects.toMatchObject({
        code,
      });
    }
    const payment = { type: 'card', ticketId: shop.card } as const;
    await inTime(trusted.world, ada.command({ type: 'pay', session, payment }));
    await trusted.run(10_000);
    expect(heldBy(ada)).toHaveLength(1);
  });

  test('[CITI-F21] [CITI-39] of another agent is refused by the merchant’s agent: it is compared with the certificate in the session', async () => {
    const shop = await openShop();
    const { ada, house } = shop;
    const bob = await shop.addCustomer('bob');
    // Bob's device was opened and given a copy of Ada's card.
    const held = stateOf(ada).tickets.get(shop.card)!;
    stateOf(bob).tickets.set(shop.card, held);
    for (const agent of [bob, house]) agent.react = (notice) => confirmAll(agent, notice);
    await shop.sell(house);
    await shop.buy(bob, house);
    await shop.trusted.run(10_000);
    expect(whyFailed(bob)).toEqual(['not paid: TICKET_INVALID']);
    expect(heldBy(bob)).toEqual([]);
    expectNothingHappened(shop);
    expect(shop.network.host!.state.number).toBe(0);
  });

  test('[CITI-F21] is not taken by a merchant who takes none', async () => {
    const shop = await openShop();
    await shop.purchase({ sell: { ways: ['module'] } });
    expect(whyFailed(shop.ada)).toEqual(['not paid: PAYMENT_REFUSED']);
    expectNothingHappened(shop);
  });

  test('[CITI-F21] whose bank does not answer in time is not charged, whatever the bank says later', async () => {
    const shop = await openShop();
    const { trusted } = shop;
    const mend = trusted.world.cut('port:card', 'bank');
    await shop.purchase({ forMs: 600_000 });
    expect(whyFailed(shop.ada)).toHaveLength(1);
    mend();
    await trusted.run(600_000);
    expectNothingHappened(shop);
  });

  test('[CITI-F21] number is in nothing that any host side is told or carries in clear', async () => {
    const shop = await openShop();
    const digits = Buffer.from(cardNumber);
    const seen: string[] = [];
    shop.trusted.world.observe(({ from, message, result }) => {
      const bodies = [message.body, result.type === 'answered' ? result.body : new Uint8Array()];
      if (from !== 'port:card' && bodies.some((body) => Buffer.from(body).includes(digits))) seen.push(message.kind);
    });
    await shop.purchase();
    expect(heldBy(shop.ada)).toHaveLength(1);
    expect(seen).toEqual([]);
  });

  test('[CITI-F21] network that forgets what it authorised is in the merchant’s log', async () => {
    const shop = await openShop();
    const { trusted, network, house } = shop;
    trusted.world.observe(({ message }) => {
      if (message.kind !== 'payment-authorise') return;
      const { payments } = network.host!.state;
      for (const [id, payment] of payments) payments.set(id, { ...payment, status: 'undone' });
    });
    await shop.purchase();
    const entry = (await logOf(shop, house)).find(({ kind }) => kind === 'failed');
    expect(entry?.note).toContain('PAYMENT_REFUSED');
    expect(heldBy(shop.ada)).toHaveLength(1);
    expect(isAtRest(house)).toBe(true);
  });
});

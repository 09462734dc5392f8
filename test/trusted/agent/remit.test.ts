/** Identity-based payment (US 5,671,280, figure 29, claims 46 and 47): payer, payee, card network and bank, each with keys and a journal of its own. */
import { describe, expect, it, test } from 'vitest';
import type { LogEntry } from '../../../src/trusted/agent/agent-record.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import type { Components } from '../../../src/trusted/ticket/components.ts';
import { ada, CARD, CARD_NUMBER, fieldsOf, heldOf, LICENCE, openBureau } from '../bureau.ts';
import { about, certifiedOf, isAtRest, noticesOf, receivedBy, stateOf } from '../opera.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const SUBJECT = '640531-1';
const DAY_MS = 86_400_000;
const amount = { currency: 'EUR', minor: 4_200n };
const advice = { invoiceReferences: ['2026-17'], customer: 'Ada Nyström', day: 20_500, amountPaid: amount };
const whys = (agent: TrustedAgent) => noticesOf(agent, 'failed').map(({ why }) => why);

type Remit = Extract<HostCommand, { type: 'remit' }>;

/** What the payee's host side says to each question; `undefined` is silence. */
interface Says {
  readonly require: 0 | 1;
  readonly credential: 0 | 1 | undefined;
  readonly payment: 0 | 1 | undefined;
}

async function market(says: Partial<Says> = {}) {
  const world = await openBureau();
  const { trusted, cy, bank, acquire, visit } = world;
  const house = await world.addTill();
  const { require = 0, credential = 1, payment = 1 } = { payment: 1, credential: 1, ...says } as Says;
  await acquire(cy, CARD, { code: await visit(SUBJECT, CARD) });
  await acquire(cy, LICENCE, { code: await visit(SUBJECT, LICENCE) });
  bank.limits.set(CARD_NUMBER, 10_000n);
  const [card, licence] = receivedBy(cy);
  const untilMs = trusted.world.clock.nowMs() + 100 * DAY_MS;
  await inTime(trusted.world, house.command({ type: 'expect', matter: 'till', purpose: 'pay', about, untilMs }));
  house.react = (notice) => {
    const accept =
      notice.type === 'require-credential'
        ? require
        : notice.type === 'confirm-credential'
          ? 'credential' in says
            ? says.credential
            : credential
          : notice.type === 'confirm-payment'
            ? 'payment' in says
              ? says.payment
              : payment
            : undefined;
    if (accept === undefined || !('session' in notice)) return;
    void house.command({ type: 'confirm', session: notice.session, accept }).catch(() => undefined);
  };
  const remit = async (given: Partial<Remit> = {}, forMs = 5000) => {
    const order = { type: 'remit', matter: 'bill', route: 'till', about, amount, advice, invoices: [] } as const;
    await inTime(trusted.world, cy.command({ ...order, payment: { type: 'card', ticketId: card! }, ...given }));
    await trusted.run(forMs);
  };
  const papers = (agent: TrustedAgent) =>
    [...stateOf(agent).tickets.values()]
      .map(({ bytes }) => decodeTicket(bytes).body.components)
      .filter(({ type }) => type === 'receipt' || type === 'remittance-advice');
  const logOf = async (agent: TrustedAgent): Promise<readonly LogEntry[]> => {
    const records = await inTime(trusted.world, agent.machine.host!.readByKey('log'));
    return records.flatMap((record) => (record.type === 'logged' ? [record.entry] : []));
  };
  const before = bank.payments.size;
  const moved = () => [...bank.payments.values()].slice(before).filter(({ status }) => status === 'captured');
  return { ...world, house, card: card!, licence: licence!, remit, papers, logOf, moved };
}

describe('an identity-based payment', () => {
  test('[CITI-F29] [CITI-46] moves the money when the payee is whom it should be; both keep credential, payment and papers', async () => {
    const { trusted, cy, house, remit, papers, logOf, moved } = await market();
    await remit();

    // The payee's credential was shown to the payer's owner before anything else.
    expect(noticesOf(cy, 'confirm-credential').at(-1)?.credential).toMatchObject({ issuerName: 'Vägverket' });
    expect(fieldsOf(noticesOf(cy, 'confirm-credential').at(-1)!.credential)).toMatchObject({ type: 'merchant' });
    expect(noticesOf(house, 'require-credential')).toHaveLength(1);
    expect(noticesOf(house, 'confirm-payment')[0]).toMatchObject({ amount, references: ['2026-17'], later: 0 });
    expect(moved()).toMatchObject([{ minor: 4_200n }]);
    expect(papers(cy)).toMatchObject([{ type: 'receipt', amountPaid: amount, invoiceReferences: ['2026-17'] }]);
    expect(papers(house)).toMatchObject([{ type: 'remittance-advice', amountPaid: amount, customer: 'Ada Nyström' }]);
    expect(noticesOf(cy, 'paid').at(-1)).toMatchObject({ side: 'payer', amount });
    expect(noticesOf(house, 'paid').at(-1)).toMatchObject({ side: 'payee', amount });

    const last = (await logOf(cy)).at(-1)!;
    expect(last.payment).toMatchObject({ amount, side: 'payer' });
    const seen = last.before.map(({ ticket }) => decodeOr(ticket)?.body.components.type);
    expect(seen).toContain('merchant');
    expect((await logOf(house)).at(-1)!.payment).toMatchObject({ amount, side: 'payee' });
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F29] [CITI-47] shows the payer, too, where the payee wants that, and no more of it than was chosen', async () => {
    const { cy, house, licence, remit, logOf, moved } = await market({ require: 1 });
    await remit({ credential: licence, fields: ['over 18'] });
    const [asked] = noticesOf(house, 'confirm-credential');
    expect(asked?.credential.ticketId).toBe(licence);
    expect(fieldsOf(asked!.credential).claims).toEqual({ 'over 18': true });
    expect(
      JSON.stringify(house.notices, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toContain(ada.name);
    expect(moved()).toHaveLength(1);
    const image = (await logOf(house)).at(-1)!.before.find(({ ticketId }) => ticketId === licence);
    expect(image).toBeDefined();
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
  });

  test('[CITI-F29] may be just an amount, without any bill', async () => {
    const { cy, house, card, remit, papers, moved, trusted } = await market();
    const order = { type: 'remit', matter: 'gift', route: 'till', about, amount, invoices: [] } as const;
    await inTime(trusted.world, cy.command({ ...order, payment: { type: 'card', ticketId: card } }));
    await trusted.run(5000);
    expect(moved()).toHaveLength(1);
    expect(papers(house)).toEqual([]);
    expect(papers(cy)).toMatchObject([{ type: 'receipt', invoiceReferences: [] }]);
    await expect(remit({ advice: { ...advice, amountPaid: { currency: 'EUR', minor: 1n } } })).rejects.toMatchObject({
      code: 'COMMAND_UNTIMELY',
    });
  });

  test('[CITI-F29] may be left to a bank: then the payee has the signed advice, and nothing was charged', async () => {
    const { cy, house, remit, papers, moved, trusted } = await market();
    await remit({ payment: { type: 'later' } });
    expect(noticesOf(house, 'confirm-payment')[0]).toMatchObject({ later: 1 });
    expect(papers(house)).toMatchObject([{ type: 'remittance-advice', amountPaid: amount }]);
    expect(papers(cy)).toEqual([]);
    expect(moved()).toEqual([]);
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
    const order = { type: 'remit', matter: 'x', route: 'till', about, amount, invoices: [] } as const;
    const vague = inTime(trusted.world, cy.command({ ...order, payment: { type: 'later' } }));
    await expect(vague).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
  });

  test('[CITI-F29] pays the invoices of the payee and of nobody else', async () => {
    const { cy, house, ada: other, give, remit, moved } = await market();
    const invoice = (vendor: string): Components => ({
      ...{ type: 'invoice', number: '2026-17', day: 20_500, orderReferences: ['17'], vendor, amount },
    });
    await give(house, cy, [{ type: 'issue', components: invoice('house') }]);
    await give(other, cy, [{ type: 'issue', components: invoice('house') }]);
    const [theirs, forged] = heldOf(cy, 'invoice').map(({ ticketId }) => ticketId);
    await remit({ invoices: [forged!] });
    expect(whys(cy)).toEqual(['TICKET_INVALID']);
    expect(moved()).toEqual([]);
    await remit({ invoices: [theirs!] });
    expect(moved()).toHaveLength(1);
    await expect(remit({ invoices: ['0'.repeat(32)] })).rejects.toMatchObject({ code: 'TICKET_UNKNOWN' });
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
  });
});

describe('nothing is paid, and nothing kept', () => {
  const nothing = async ({ cy, house, moved, papers, held, trusted }: Awaited<ReturnType<typeof market>>) => {
    expect(moved()).toEqual([]);
    expect(held()).toBe(0);
    expect([...papers(cy), ...papers(house)]).toEqual([]);
    await trusted.run(600_000);
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  };

  test('[CITI-F29] [CITI-46] when the payer does not accept the credential of the payee', async () => {
    const world = await market();
    const { cy, house } = world;
    cy.react = (notice) => {
      if (notice.type === 'confirm-credential')
        void cy.command({ type: 'confirm', session: notice.session, accept: 0 });
    };
    await world.remit();
    expect([whys(cy), whys(house)]).toEqual([['the credential was not confirmed'], ['the payer has left']]);
    await nothing(world);
  });

  test('[CITI-F29] [CITI-46] when the payee has no credential, or one that was revoked', async () => {
    const world = await market();
    const { cy, house, authority, remit, trusted, bob, licence } = world;
    const merchant = [...stateOf(house).tickets.keys()][0]!;
    await inTime(trusted.world, authority.command({ type: 'set-standing', ticketId: merchant, standing: 'revoked' }));
    const issuer = certifiedOf(authority).certificate.agentId;
    await inTime(trusted.world, cy.command({ type: 'fetch-standings', issuer, route: 'authority' }));
    await trusted.run(2000);
    await remit();
    expect(whys(cy)).toEqual(['TICKET_INACTIVE']);
    const untilMs = trusted.world.clock.nowMs() + DAY_MS;
    await inTime(trusted.world, bob.command({ type: 'expect', matter: 'till', purpose: 'pay', about, untilMs }));
    await remit({ route: 'bob' });
    expect(whys(cy).at(-1)).toBe('no credential');
    expect(licence).toBeDefined();
    await nothing(world);
  });

  test('[CITI-F29] [CITI-47] when the payer has no credential to show, or the payee does not accept it', async () => {
    const none = await market({ require: 1 });
    await none.remit();
    expect(whys(none.cy)).toEqual(['the payee wants a credential']);
    await nothing(none);
    const denied = await market({ require: 1, credential: 0 });
    await denied.remit({ credential: denied.licence, fields: ['name'] });
    expect(whys(denied.cy)).toEqual(['refused: the credential was not confirmed']);
    await nothing(denied);
  });

  test('[CITI-F29] [CITI-47] when the credential of the payer was revoked', async () => {
    const world = await market({ require: 1 });
    const { house, clerk, licence, bureauId, trusted, remit, cy } = world;
    await clerk({ type: 'set-standing', ticketId: licence, standing: 'revoked' });
    await trusted.run(2000);
    await inTime(trusted.world, house.command({ type: 'fetch-standings', issuer: bureauId, route: 'bureau' }));
    await trusted.run(2000);
    await remit({ credential: licence, fields: ['name'] });
    expect(whys(cy)).toEqual(['refused: TICKET_INACTIVE']);
    await nothing(world);
  });

  test('[CITI-F29] when the payee does not confirm the amount, or says nothing at all', async () => {
    const denied = await market({ payment: 0 });
    await denied.remit();
    expect(whys(denied.cy)).toEqual(['refused: not confirmed']);
    await nothing(denied);
    const silent = await market({ payment: undefined });
    await silent.remit({}, 600_000);
    expect(whys(silent.house)).toEqual(['not confirmed in time']);
    expect(whys(silent.cy)).toHaveLength(1);
    await nothing(silent);
  });

  test('[CITI-F29] [CITI-46] when the money does not move', async () => {
    const world = await market();
    const { cy, house, bank, remit } = world;
    bank.limits.set(CARD_NUMBER, 4_199n);
    await remit();
    expect([whys(cy), whys(house)]).toEqual([['not paid'], ['not paid: declined']]);
    await nothing(world);
  });

  it('when nobody said that somebody would pay', async () => {
    const world = await market();
    await world.remit({ route: 'ada' });
    expect(whys(world.cy)).toEqual(['SESSION_DENIED']);
    await nothing(world);
  });
});

describe('a payment in which somebody crashes', () => {
  for (const [payment, who, when] of [
    ['card', 'cy', 'before'],
    ['card', 'cy', 'after'],
    ['card', 'till', 'before'],
    ['card', 'till', 'after'],
    ['later', 'cy', 'before'],
    ['later', 'cy', 'after'],
    ['later', 'till', 'before'],
    ['later', 'till', 'after'],
  ] as const) {
    const whose = who === 'cy' ? 'payer' : 'payee';
    test(`[CITI-F29] [CITI-46] (${payment}) is done by both or by neither when the ${whose} crashes ${when} any write`, async () => {
      const ends = new Set<number>();
      for (let append = 1; ; append++) {
        const { trusted, cy, house, card, remit, papers, moved, held, points } = await market();
        points[who].plan = { append, when };
        await remit(
          { payment: payment === 'card' ? { type: 'card', ticketId: card } : { type: 'later' } },
          60_000,
        ).catch(() => undefined);
        await trusted.run(60_000);
        if (!points[who].happened) break;
        await inTime(trusted.world, (who === 'cy' ? cy : house).command({ type: 'opened' }));
        await trusted.run(DAY_MS);
        expect([cy, house].map(isAtRest), `append ${append}`).toEqual([true, true]);
        const advised = papers(house).length;
        expect(held(), `append ${append}`).toBe(0);
        if (payment === 'card')
          expect([papers(cy).length, moved().length], `append ${append}`).toEqual([advised, advised]);
        ends.add(advised);
        expect(trusted.breaches).toEqual([]);
      }
      expect([...ends].sort()).toEqual([0, 1]);
    });
  }
});

function decodeOr(ticket: Uint8Array) {
  try {
    return decodeTicket(ticket);
  } catch {
    return undefined;
  }
}

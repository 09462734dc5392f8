/** A ticket that is used up step by step, topped up by its issuer in the transaction in which that is paid: holder, issuer, card network and bank. */
import { describe, expect, it, test } from 'vitest';
import { compactKeyOf } from '../../../src/crypto/compact-key.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { isMarkGenuine, readMark } from '../../../src/trusted/ticket/status.ts';
import { signCode, writeCode } from '../../../src/trusted/ticket/ticket-code.ts';
import { CARD, CARD_NUMBER, openBureau } from '../bureau.ts';
import { about, certifiedOf, isAtRest, noticesOf, receivedBy, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const SUBJECT = '640531-1';
const DAY_MS = 86_400_000;
const radio = { ...sample('communications'), decryptionKeys: [] };
const price = { currency: 'EUR', minor: 500n };
const units = 1800;

async function station({ payment = 1 }: { readonly payment?: 0 | 1 } = {}) {
  const world = await openBureau();
  const { trusted, cy, bank, acquire, visit } = world;
  const house = await world.addTill();
  await acquire(cy, CARD, { code: await visit(SUBJECT, CARD) });
  bank.limits.set(CARD_NUMBER, 10_000n);
  const [card] = receivedBy(cy);
  const untilMs = trusted.world.clock.nowMs() + 100 * DAY_MS;
  const expects = (agent: TrustedAgent, purpose: 'give' | 'pay') =>
    inTime(trusted.world, agent.command({ type: 'expect', matter: purpose, purpose, about, untilMs }));
  await expects(house, 'pay');
  await expects(cy, 'give');
  const give = async (from: TrustedAgent, components: typeof radio | ReturnType<typeof sample<'event'>>) => {
    const before = receivedBy(cy).length;
    const items = [{ type: 'issue', components }] as const;
    await inTime(trusted.world, from.command({ type: 'give', matter: 'give', route: 'cy', about, items, check: 0 }));
    await trusted.run(5000);
    return receivedBy(cy)[before]!;
  };
  const ticketId = await give(house, radio);
  house.react = (notice) => {
    if (notice.type !== 'require-credential' && notice.type !== 'confirm-payment') return;
    const accept = notice.type === 'confirm-payment' ? payment : 0;
    void house.command({ type: 'confirm', session: notice.session, accept }).catch(() => undefined);
  };
  const topUp = async (given: Partial<Extract<HostCommand, { type: 'remit' }>> = {}, forMs = 5000) => {
    const order = { type: 'remit', matter: 'more', route: 'till', about, amount: price, invoices: [] } as const;
    const pay = { payment: { type: 'card', ticketId: card! }, topUp: { ticketId, units } } as const;
    await inTime(trusted.world, cy.command({ ...order, ...pay, ...given }));
    await trusted.run(forMs);
  };
  const before = bank.payments.size;
  const paid = () => [...bank.payments.values()].slice(before).filter(({ status }) => status === 'captured').length;
  const left = () => stateOf(cy).tickets.get(ticketId)!.status.remaining!;
  const refusal = (attempt: Promise<unknown>) =>
    attempt.then(
      () => 'done',
      ({ code }: { readonly code: string }) => code,
    );
  return { ...world, house, another: world.house, ticketId, give, topUp, paid, left, refusal };
}

describe('a top-up', () => {
  test('[CITI-F24] [CITI-F29] raises what is left by what was paid for, under its issuer’s signature, again and again', async () => {
    const { cy, house, ticketId, topUp, paid, left, trusted } = await station();
    await topUp();
    expect([left(), paid()]).toEqual([radio.timePurchased + units, 1]);
    expect(noticesOf(house, 'confirm-payment')[0]).toMatchObject({ amount: price, raise: { units } });
    expect(noticesOf(house, 'granted').at(-1)).toMatchObject({ ticketId, units: -units });
    const mark = readMark(stateOf(cy).tickets.get(ticketId)!.mark!);
    expect([isMarkGenuine(mark), mark.acceptor.agentId]).toEqual([true, certifiedOf(house).certificate.agentId]);
    expect(stateOf(house).books.get(ticketId)?.status).toMatchObject({ remaining: left(), number: mark.number });
    await topUp();
    expect([left(), paid()]).toEqual([radio.timePurchased + 2 * units, 2]);
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F24] changes nothing and costs nothing when its issuer does not agree to the price', async () => {
    const { cy, house, topUp, paid, left } = await station({ payment: 0 });
    await topUp();
    expect([left(), paid()]).toEqual([radio.timePurchased, 0]);
    expect(noticesOf(cy, 'failed').at(-1)?.why).toBe('refused: not confirmed');
    expect([cy, house].map(isAtRest)).toEqual([true, true]);
  });

  it('is not asked for what is not used up, what is not held, what a bank would pay later', async () => {
    const { give, house, topUp, paid, refusal } = await station();
    const event = await give(house, sample('event'));
    expect(await refusal(topUp({ topUp: { ticketId: event, units } }))).toBe('TICKET_INVALID');
    expect(await refusal(topUp({ topUp: { ticketId: 'ab'.repeat(16), units } }))).toBe('TICKET_UNKNOWN');
    const advice = { invoiceReferences: ['1'], customer: 'Cy', day: 20_500, amountPaid: price };
    expect(await refusal(topUp({ payment: { type: 'later' }, advice }))).toBe('COMMAND_UNTIMELY');
    expect(await refusal(topUp({ topUp: { ticketId: event, units: 0xffff_ffff } }))).toBe('TICKET_INVALID');
    expect(paid()).toBe(0);
  });

  it('is refused by whoever did not issue the ticket', async () => {
    const { another, give, topUp, paid, cy } = await station();
    const foreign = await give(another, radio);
    await topUp({ topUp: { ticketId: foreign, units } });
    expect(noticesOf(cy, 'failed').at(-1)?.why).toMatch(/TICKET_INVALID|only its issuer/);
    expect(paid()).toBe(0);
  });
});

describe('a top-up in which somebody crashes', () => {
  for (const [who, when] of [
    ['cy', 'before'],
    ['cy', 'after'],
    ['till', 'before'],
    ['till', 'after'],
  ] as const) {
    const whose = who === 'cy' ? 'holder' : 'issuer';
    test(`[CITI-F24] [CITI-F29] is paid and raised, or neither, when the ${whose} crashes ${when} any write`, async () => {
      const ends = new Set<number>();
      for (let append = 1; ; append++) {
        const { trusted, cy, house, topUp, paid, left, held, points, ticketId } = await station();
        points[who].plan = { append, when };
        await topUp({}, 60_000).catch(() => undefined);
        await trusted.run(60_000);
        if (!points[who].happened) break;
        await inTime(trusted.world, (who === 'cy' ? cy : house).command({ type: 'opened' }));
        await trusted.run(DAY_MS);
        expect([cy, house].map(isAtRest), `append ${append}`).toEqual([true, true]);
        expect([held(), left()], `append ${append}`).toEqual([0, radio.timePurchased + paid() * units]);
        const receipts = [...stateOf(cy).tickets.values()].filter(
          ({ bytes }) => decodeTicket(bytes).body.components.type === 'receipt',
        );
        expect(receipts.length, `append ${append}`).toBe(paid());
        expect(stateOf(house).books.get(ticketId)?.status.remaining ?? radio.timePurchased).toBe(left());
        expect(trusted.breaches).toEqual([]);
        ends.add(paid());
      }
      expect([...ends].sort()).toEqual([0, 1]);
    });
  }
});

describe('value that was used up at its issuer', () => {
  /** A code of the ticket as an opened device makes it, with any mark. */
  function codeOf({ cy, ticketId, trusted }: Awaited<ReturnType<typeof station>>): Uint8Array {
    const { certificate, scalar } = certifiedOf(cy);
    const { bytes } = stateOf(cy).tickets.get(ticketId)!;
    const fromS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const claims = { ticket: bytes, holder: certificate, fromS, untilS: fromS + 60, paper: 0 };
    return writeCode(signCode(claims, compactKeyOf(scalar).privateKey));
  }

  it('does not come back with a top-up, whatever somebody else’s merchant’s device has marked since', async () => {
    const world = await station();
    const { cy, house, another, ticketId, topUp, paid, left, trusted } = world;
    const scan = { type: 'scan', matter: 'scan', code: codeOf(world), units: 3000, paperTaken: 1 } as const;
    await inTime(trusted.world, house.command(scan));
    const untilMs = trusted.world.clock.nowMs() + DAY_MS;
    await inTime(trusted.world, another.command({ type: 'expect', matter: 'p', purpose: 'present', about, untilMs }));
    another.react = (notice) => {
      if (notice.type === 'presented') {
        void another.command({ type: 'use', session: notice.session, units: 0, last: 1 }).catch(() => undefined);
      }
    };
    const presenting = { type: 'present', matter: 'p', route: another.name, about, ticketId, check: 0 } as const;
    await inTime(trusted.world, cy.command(presenting));
    await trusted.run(5000);
    expect(stateOf(cy).tickets.get(ticketId)?.status.number).toBeGreaterThan(1);
    await topUp();
    expect(paid()).toBe(0);
    expect(left()).toBe(radio.timePurchased);
    expect(stateOf(house).books.get(ticketId)?.status.remaining).toBe(radio.timePurchased - 3000);
  });

  it('cannot be used while it is being topped up', async () => {
    const world = await station();
    const { house, ticketId, topUp, paid, left, trusted } = world;
    const { react } = house;
    house.react = (notice) => {
      if (notice.type === 'confirm-payment') {
        const scan = { type: 'scan', matter: 'scan', code: codeOf(world), units: 3000, paperTaken: 1 } as const;
        void house.command(scan).catch(() => undefined);
      }
      react(notice);
    };
    await topUp();
    expect(noticesOf(house, 'turned-away').map(({ reason }) => reason)).toEqual(['in-use']);
    expect(noticesOf(house, 'let-in')).toEqual([]);
    expect([left(), paid()]).toEqual([radio.timePurchased + units, 1]);
    expect(stateOf(house).books.get(ticketId)?.status.remaining).toBe(radio.timePurchased + units);
    expect(trusted.breaches).toEqual([]);
  });
});

/**
 * Disputes before a trusted server (US 5,671,280, "Disputes" and function 224): customer, merchant, servers, card network and bank each with its own
 * keys and journal, over the real wire codec. Where evidence decides nobody is asked; where only eyes can tell, a person decides.
 */
import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import { decodeTicketBundle } from '../../../src/trusted/message/ticket-ruling.ts';
import { verifyTicketRuling } from '../../../src/trusted/ruling/verify-ticket-ruling.ts';
import type { PersonsDecision } from '../../../src/trusted/server/rule-dispute.ts';
import type { ServerCommand } from '../../../src/trusted/server/server-machine.ts';
import { certifiedOf, isAtRest, noticesOf, stateOf } from '../opera.ts';
import { concert, heldBy, whyFailed } from '../shop.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';
import { type CommandOf, type Desk, endOf, openDesk, statusOf, takenFrom } from './complaint-desk.ts';

const dayMs = 86_400_000;

type Ruled = Extract<HostNotice, { type: 'ruled' }>;
const ruledFor = (agent: TrustedAgent) => noticesOf(agent, 'ruled');
const casesAt = ({ trusted }: Desk) => trusted.servers.get('north')!.host!.state.disputes;

const escalate = (desk: Desk, number: string, forMs = 60_000) =>
  desk.tell(desk.ada, { type: 'escalate', number, route: 'north', statement: 'The merchant does not help.' }, forMs);

/** What the house says when it is heard. */
function stating(desk: Desk, stand: CommandOf<'state-in-dispute'>['stand'] | undefined): void {
  desk.when(desk.house, (notice) => {
    if (notice.type !== 'heard-in-dispute' || stand === undefined) return;
    const command = { type: 'state-in-dispute', case: notice.case, stand, statement: 'All is well.' } as const;
    void desk.house.command(command).catch(() => undefined);
  });
}

async function decide(desk: Desk, decision: Partial<PersonsDecision>): Promise<void> {
  const [of] = [...casesAt(desk).cases.values()].filter(({ phase }) => phase === 'seeing' || phase === 'appealed');
  const command: ServerCommand = {
    type: 'decide-dispute',
    decision: {
      ...{ case: of!.case, person: 'Judge Dee', outcome: 'refund', breach: true },
      ...{ text: 'The pillar is there.', seen: 'A photograph of seat 7 in row 12, taken on the evening.' },
      ...decision,
    },
  };
  await inTime(desk.trusted.world, desk.trusted.server('north').command(command));
  await desk.trusted.run(60_000);
}

/** By anybody with the primary keys, from the bundle alone. */
function verified({ trusted }: Desk, { bundle }: Ruled) {
  const { ruling, reasons } = verifyTicketRuling(decodeTicketBundle(bundle), { lists: trusted.lists });
  return { ruling, reasons: reasons.map(({ code, basis }) => `${code} ${basis}`) };
}

const denied = { outcome: 'denied', refund: 0, replacement: 0 } as const;

async function deniedDispute(desk: Desk): Promise<string> {
  desk.answer = denied;
  return desk.dispute();
}

/** Each says its piece, and both hear the same ruling. */
function rulingOf(desk: Desk): Ruled {
  const [hers, theirs] = [desk.ada, desk.house].map((agent) => ruledFor(agent).at(-1)!);
  expect(theirs?.case).toEqual(hers!.case);
  expect(decodeTicketBundle(theirs!.bundle).ruling).toEqual(decodeTicketBundle(hers!.bundle).ruling);
  return hers!;
}

describe('a dispute that the merchant denied', () => {
  test('[CITI-E] is decided by a person where only eyes can tell, who is named with what was seen, and followed when it is final', async () => {
    const desk = await openDesk();
    const { ada, house, trusted } = desk;
    stating(desk, 'contests');
    const number = await deniedDispute(desk);
    await escalate(desk, number);
    expect(noticesOf(house, 'heard-in-dispute')).toHaveLength(1);
    expect([...casesAt(desk).cases.values()].map(({ phase }) => phase)).toEqual(['seeing']);
    await decide(desk, {});

    const ruled = rulingOf(desk);
    const { ruling, reasons } = verified(desk, ruled);
    expect(reasons).toEqual(['MERCHANT_DENIED shown', 'SEEN_BY_A_PERSON stated']);
    expect(ruling).toMatchObject({
      ...{ outcome: 'refund', breaches: ['merchant'], person: 'Judge Dee', organisation: 'Deutsche Oper Berlin' },
      seen: 'A photograph of seat 7 in row 12, taken on the evening.',
      customer: certifiedOf(ada).certificate.agentId,
      merchant: certifiedOf(house).certificate.agentId,
    });
    expect(statusOf(ada, number)).toBe('ruled');

    // Before it is final nobody has to follow it.
    const collect = () =>
      desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: desk.card } }, 60_000);
    await collect();
    expect(endOf(desk)).toBe('kept');
    await trusted.run(15 * dayMs);
    // Then the merchant's agent does, though its host side still says no.
    await collect();
    expect(endOf(desk)).toBe('refunded');
    expect([ada, house].map((agent) => statusOf(agent, number))).toEqual(['refunded', 'refunded']);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect(casesAt(desk).cases.size).toBe(0);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-E] ends with new merchandise, or with nothing, if the person says so', async () => {
    for (const [outcome, breach, end] of [
      ['replacement', true, 'replaced'],
      ['dismissed', false, 'kept'],
    ] as const) {
      const desk = await openDesk();
      stating(desk, 'contests');
      const number = await deniedDispute(desk);
      await escalate(desk, number);
      await decide(desk, { outcome, breach });
      const { ruling } = verified(desk, rulingOf(desk));
      expect(ruling).toMatchObject({ outcome, breaches: breach ? ['merchant'] : [] });
      await desk.trusted.run(15 * dayMs);
      await desk
        .tell(desk.ada, { type: 'choose', number, choice: { type: 'replacement' } }, 60_000)
        .catch(() => undefined);
      expect(endOf(desk)).toBe(end);
      // A complaint that a person found wrong in good faith is held against nobody.
      expect(casesAt(desk).falseComplaints.size).toBe(0);
    }
  });

  test('[CITI-E] is decided without a person when the merchant agrees after all', async () => {
    const desk = await openDesk();
    stating(desk, 'concedes');
    const number = await deniedDispute(desk);
    await escalate(desk, number);
    const { ruling, reasons } = verified(desk, rulingOf(desk));
    expect(reasons).toEqual(['MERCHANT_DENIED shown', 'MERCHANT_CONCEDES shown']);
    expect(ruling).toMatchObject({ outcome: 'refund', breaches: [] });
  });

  test('[CITI-E] is not heard before it was denied, or the merchant’s time to answer is over', async () => {
    const desk = await openDesk();
    const { ada } = desk;
    const number = await desk.dispute();
    await expect(escalate(desk, number)).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    // A device that was opened and changed does not get further: the server looks itself.
    const { byNumber } = stateOf(ada).disputes;
    byNumber.set(number, { ...byNumber.get(number)!, status: 'denied' });
    await escalate(desk, number);
    expect(whyFailed(ada)).toEqual(['COMPLAINT_UNFIT']);
    expect(casesAt(desk).cases.size).toBe(0);
  });
});

describe('evidence', () => {
  /** A ticket for an evening that was over when it was sold. */
  const lastWeek = { ...concert, at: concert.at - 7 * 86_400 };

  async function boughtLate(): Promise<{ desk: Desk; ticketId: string }> {
    const desk = await openDesk();
    const before = heldBy(desk.ada);
    const day = Math.floor(desk.trusted.world.clock.nowMs() / dayMs);
    const components = { ...lastWeek, at: (day - 3) * 86_400 };
    await desk.sell(desk.house, { merchandise: { type: 'ticket', components } });
    await desk.buy(desk.ada, desk.house);
    await desk.trusted.run(20_000);
    const ticketId = heldBy(desk.ada).find((id) => !before.includes(id))!;
    return { desk, ticketId };
  }

  test('[CITI-E] decides when the ticket’s day was over as it was sold', async () => {
    const { desk, ticketId } = await boughtLate();
    stating(desk, 'contests');
    desk.answer = denied;
    const number = await desk.dispute({ ticketId, complaint: 'expired', statement: 'It was last week.' });
    await escalate(desk, number);
    const { ruling, reasons } = verified(desk, rulingOf(desk));
    expect(reasons).toEqual(['MERCHANT_DENIED shown', 'EXPIRED_WHEN_SOLD shown']);
    expect(ruling).toMatchObject({ outcome: 'refund', breaches: ['merchant'], refund: { minor: 8900n } });
    expect(ruling.person).toBeUndefined();
  });

  test('[CITI-E] decides at once when it disproves the complaint, and too many of those are heard no more for a while', async () => {
    const desk = await openDesk({ server: { disputes: { appealMs: dayMs } } });
    const { ada, house, trusted } = desk;
    desk.answer = denied;
    const day = Math.floor(trusted.world.clock.nowMs() / dayMs);
    for (let i = 0; i < 4; i++) {
      await desk.sell(house, { merchandise: { type: 'ticket', components: { ...concert, at: (day + 30) * 86_400 } } });
      const before = heldBy(ada);
      await desk.buy(ada, house);
      await trusted.run(20_000);
      const ticketId = heldBy(ada).find((id) => !before.includes(id))!;
      const number = await desk.dispute({ ticketId, complaint: 'expired' });
      await escalate(desk, number, 1.5 * dayMs);
      if (i === 3) {
        expect(whyFailed(ada)).toEqual(['COMPLAINT_REFUSED']);
        expect(statusOf(ada, number)).toBe('denied');
        continue;
      }
      const ruled = ruledFor(ada).at(-1)!;
      const { ruling, reasons } = verified(desk, ruled);
      expect(reasons).toEqual(['IN_TIME_WHEN_SOLD shown']);
      expect(ruling).toMatchObject({ outcome: 'dismissed', breaches: ['customer'] });
    }
    // Nobody asked the merchant, and nothing happened to what the customer holds; half a year later it is heard again.
    expect(noticesOf(house, 'heard-in-dispute')).toEqual([]);
    expect(heldBy(ada)).toHaveLength(5);
    await trusted.run(181 * dayMs);
    const number = [...stateOf(ada).disputes.byNumber.keys()].at(-1)!;
    await desk.tell(ada, { type: 'recertify', route: 'north' });
    await escalate(desk, number);
    expect(ruledFor(ada)).toHaveLength(4);
  });

  test('[CITI-E] decides when the merchant has paid back already, and it is a false complaint', async () => {
    const desk = await openDesk();
    const { ada } = desk;
    desk.answer = {};
    const number = await desk.dispute();
    expect(endOf(desk)).toBe('refunded');
    // A device that was opened and changed: it wants the money twice, and hides the mark on the ticket.
    const { byNumber } = stateOf(ada).disputes;
    byNumber.set(number, { ...byNumber.get(number)!, status: 'granted', attempts: 1 });
    await escalate(desk, number);
    const { ruling, reasons } = verified(desk, rulingOf(desk));
    expect(reasons).toEqual(['SETTLED_ALREADY shown']);
    expect(ruling).toMatchObject({ outcome: 'dismissed', breaches: ['customer'] });
    expect(noticesOf(desk.house, 'heard-in-dispute')).toEqual([]);
    await desk.trusted.run(15 * dayMs);
    expect([...casesAt(desk).falseComplaints.values()].map(({ length }) => length)).toEqual([1]);
    expect(takenFrom(desk)).toBe(0n);
  });
});

describe('a merchant that says nothing', () => {
  test('[CITI-E] to the customer and to the server has lost, and pays when it can be reached again', async () => {
    const desk = await openDesk();
    const { ada, house, trusted } = desk;
    house.online = false;
    const number = await desk.dispute({}, 8 * dayMs);
    expect(noticesOf(ada, 'dispute-overdue')).toHaveLength(1);
    await escalate(desk, number, 6 * dayMs);
    expect(ruledFor(ada)).toEqual([]);
    await trusted.run(2 * dayMs);
    const [ruled] = ruledFor(ada);
    const { ruling, reasons } = verified(desk, ruled!);
    expect(reasons).toEqual(['MERCHANT_SILENT stated']);
    expect(ruling).toMatchObject({ outcome: 'refund', breaches: ['merchant'] });
    await trusted.run(15 * dayMs);
    house.online = true;
    desk.answer = denied;
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: desk.card } }, dayMs);
    expect(endOf(desk)).toBe('refunded');
  });
});

describe('an appeal', () => {
  test('[CITI-E] of the merchant stops the ruling, and a person decides once more and for good', async () => {
    const desk = await openDesk();
    const { ada, house, trusted } = desk;
    stating(desk, 'contests');
    const number = await deniedDispute(desk);
    await escalate(desk, number);
    await decide(desk, {});
    const appeal = {
      type: 'appeal',
      number,
      route: 'north',
      statement: 'The photograph shows another house.',
    } as const;
    await desk.tell(house, appeal, 20 * dayMs);
    expect(noticesOf(house, 'disputed')).toHaveLength(1);
    // Two weeks are over, and it is not final.
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: desk.card } }, 60_000);
    await decide(desk, {
      person: 'Judge Bao',
      outcome: 'dismissed',
      breach: true,
      text: 'The photograph is of another house.',
    });
    const { ruling, reasons } = verified(desk, rulingOf(desk));
    expect(reasons).toEqual(['MERCHANT_DENIED shown', 'APPEALED shown', 'SEEN_BY_A_PERSON stated']);
    expect(ruling).toMatchObject({ outcome: 'dismissed', breaches: ['customer'], person: 'Judge Bao' });
    expect(ruling.finalAtMs).toBe(ruling.atMs);
    await trusted.run(dayMs);
    expect(endOf(desk)).toBe('kept');
    expect(casesAt(desk).cases.size).toBe(0);
    // A ruling that is final is not appealed again.
    await expect(desk.tell(house, appeal)).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
  });

  test('[CITI-E] of somebody else, or a second one, is refused', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    stating(desk, 'contests');
    const number = await deniedDispute(desk);
    await escalate(desk, number);
    await decide(desk, { outcome: 'dismissed', breach: false });
    const appeal = { type: 'appeal', number, route: 'north', statement: 'Look again.' } as const;
    await desk.tell(ada, appeal, dayMs);
    expect([...casesAt(desk).cases.values()].map(({ phase }) => phase)).toEqual(['appealed']);
    await desk.tell(house, appeal, dayMs);
    expect([...casesAt(desk).cases.values()].map(({ phase }) => phase)).toEqual(['appealed']);
    await decide(desk, {});
    expect(rulingOf(desk)).toMatchObject({ outcome: 'refund' });
  });
});

describe('standing', () => {
  const policy = { lostLimit: 2, noticeMs: 10 * dayMs };

  async function lose(desk: Desk): Promise<void> {
    const { ada, house, trusted } = desk;
    const before = heldBy(ada);
    const day = Math.floor(trusted.world.clock.nowMs() / dayMs);
    await desk.sell(house, { merchandise: { type: 'ticket', components: { ...concert, at: (day - 2) * 86_400 } } });
    await desk.buy(ada, house);
    await trusted.run(20_000);
    const ticketId = heldBy(ada).find((id) => !before.includes(id))!;
    const number = await desk.dispute({ ticketId, complaint: 'expired' });
    await escalate(desk, number, 15 * dayMs);
  }

  const listed = ({ trusted, house }: Desk) => {
    const { agents, organisations } = trusted.primary.host!.state.lists.untrusted;
    return [agents.has(certifiedOf(house).certificate.agentId), organisations.has('Deutsche Oper Berlin')];
  };

  test('[CITI-E] is lost by a merchant that loses too many disputes, after a notice, and everybody’s agent hears of it', async () => {
    const desk = await openDesk({ server: { disputes: policy } });
    const { trusted, ada, house } = desk;
    desk.answer = denied;
    stating(desk, 'contests');
    await lose(desk);
    const { standings } = trusted.primary.host!.state.disputes;
    expect([...standings.values()].map(({ lost, noticeUntilMs }) => [lost.length, noticeUntilMs])).toEqual([
      [1, undefined],
    ]);
    await lose(desk);
    expect([...standings.values()][0]!.noticeUntilMs).toBeGreaterThan(trusted.world.clock.nowMs());
    expect(listed(desk)).toEqual([false, false]);
    await trusted.run(11 * dayMs);
    expect(listed(desk)).toEqual([true, true]);
    await trusted.run(dayMs);
    await desk.tell(ada, { type: 'fetch-lists', route: 'north' });
    await desk.sell(house);
    await desk.buy(ada, house);
    await trusted.run(10_000);
    expect(whyFailed(ada).at(-1)).toBe('PARTY_UNTRUSTED');
    // Who bought from it before can still go to it with what was ruled, and is paid back.
    for (const { number } of ruledFor(ada)) {
      await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: desk.card } }, 60_000);
      expect(statusOf(ada, number)).toBe('refunded');
    }
    // And complain anew.
    const number = await desk.dispute();
    expect(statusOf(ada, number)).toBe('denied');
  });

  test('[CITI-E] is kept when a person pardons, or when what was lost is long ago', async () => {
    const desk = await openDesk({ server: { disputes: { ...policy, lostWithinMs: 20 * dayMs } } });
    const { trusted, house } = desk;
    desk.answer = denied;
    stating(desk, 'contests');
    await lose(desk);
    await trusted.run(10 * dayMs);
    await lose(desk);
    const { standings } = trusted.primary.host!.state.disputes;
    expect([...standings.values()].map(({ lost }) => lost.length)).toEqual([1]);
    await lose(desk);
    expect([...standings.values()][0]!.noticeUntilMs).toBeDefined();
    const { agentId } = certifiedOf(house).certificate;
    await inTime(trusted.world, trusted.server('primary').command({ type: 'pardon', agentId }));
    await trusted.run(30 * dayMs);
    expect(listed(desk)).toEqual([false, false]);
  });

  test('[CITI-E] is lost at once by a merchant that does not follow a final ruling', async () => {
    const desk = await openDesk({
      server: { disputes: { ...policy, lostLimit: 5, appealMs: dayMs, hearingMs: dayMs, noticeMs: dayMs } },
    });
    const { trusted, ada, house } = desk;
    stating(desk, 'contests');
    const number = await deniedDispute(desk);
    await escalate(desk, number);
    await decide(desk, {});
    await trusted.run(2 * dayMs);
    // Its owner pulls the plug whenever the customer's agent comes.
    house.online = false;
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: desk.card } }, dayMs);
    await escalate(desk, number, 1.5 * dayMs);
    const { ruling, reasons } = verified(desk, ruledFor(ada).at(-1)!);
    expect(reasons).toEqual(['MERCHANT_DENIED shown', 'NOT_FOLLOWED stated']);
    expect(ruling).toMatchObject({ outcome: 'refund', breaches: ['merchant'] });
    house.online = true;
    await trusted.run(3 * dayMs);
    expect(listed(desk)).toEqual([true, true]);
    expect(toHex(ruling.number)).toBe(number);
  });
});

/**
 * A dispute with the merchant (US 5,671,280, figures 30 to 32) between a customer's and a merchant's device, a card network and a bank, each with
 * its own keys and journal, over the real wire codec; with every branch of the figures.
 */
import { describe, expect, test } from 'vitest';
import { claimType } from '../../../src/trusted/message/dispute.ts';
import { readDocument } from '../../../src/trusted/message/signed-document.ts';
import { certifiedOf, isAtRest, noticesOf, stateOf } from '../opera.ts';
import { concert, heldBy, logOf, price, whyFailed } from '../shop.ts';
import { type Desk, endOf, openDesk, otherSeat, standingOf, statusOf, takenFrom } from './complaint-desk.ts';

function expectPeace({ ada, house, bank, trusted }: Desk): void {
  expect([ada, house].map(isAtRest)).toEqual([true, true]);
  expect([stateOf(ada), stateOf(house)].map(({ dealings }) => dealings.size)).toEqual([0, 0]);
  expect(bank.faults).toEqual([]);
  expect(trusted.breaches).toEqual([]);
}

const answersTo = (desk: Desk) =>
  noticesOf(desk.ada, 'dispute-answered').map(({ outcome, reason }) => [outcome, reason]);

const notesIn = async (desk: Desk, agent: Desk['ada']) =>
  (await logOf(desk, agent))
    .filter(({ kind }) => kind === 'disputed')
    .map(({ note }) => note!.replace(/^dispute \w+ /, ''));

describe('a dispute', () => {
  test('[CITI-F30] is shown to the merchant with ticket, claim and payment, after the customer has seen whose agent it is', async () => {
    const desk = await openDesk();
    const { ada, house, ticketId } = desk;
    const number = await desk.dispute({}, 5000);
    expect(noticesOf(ada, 'confirm-credential')).toHaveLength(1);
    expect(noticesOf(house, 'disputed')).toEqual([
      expect.objectContaining({
        ...{ number, about: 'defective', statement: 'The seat is behind a pillar.', paid: price },
        peer: certifiedOf(ada).certificate.agentId,
        ticket: expect.objectContaining({ ticketId, standing: 'good', issuerName: 'Deutsche Oper Berlin' }),
      }),
    ]);
    // The claim is signed by the customer's agent, from what it holds.
    const claim = readDocument(claimType, stateOf(house).disputes.byNumber.get(number)!.claim);
    expect(claim.by.certificate).toEqual(certifiedOf(ada).certificate);
    expect(claim.value.payment).toMatchObject({ way: 'card', amount: price });
    expect(claim.value.ticket).toEqual(stateOf(ada).tickets.get(ticketId)!.bytes);
  });

  test('[CITI-F30] goes no further when the customer does not confirm the merchant’s credential', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    ada.react = (notice) => {
      if (notice.type !== 'confirm-credential') return;
      void ada.command({ type: 'confirm', session: notice.session, accept: 0 });
    };
    await desk.dispute({}, 5000);
    expect(whyFailed(ada)).toEqual(['the credential was not confirmed']);
    expect(noticesOf(house, 'disputed')).toEqual([]);
  });

  test('[CITI-F30] [CITI-F31] that is denied is committed to both logs, one after the other, and everything stays as it was', async () => {
    const desk = await openDesk();
    const { ada, house, ticketId } = desk;
    desk.answer = { outcome: 'denied', reason: 'There is no pillar.', refund: 0, replacement: 0 };
    const number = await desk.dispute();
    expect(answersTo(desk)).toEqual([['denied', 'There is no pillar.']]);
    expect([ada, house].map((agent) => statusOf(agent, number))).toEqual(['denied', 'denied']);
    expect(await notesIn(desk, ada)).toEqual(['(defective): opened', '(defective): denied: There is no pillar.']);
    expect(await notesIn(desk, house)).toEqual([
      '(defective): opened: The seat is behind a pillar.',
      '(defective): denied: There is no pillar.',
      '(defective): acknowledged',
    ]);
    // With the date by both clocks, and the ticket it was about.
    const entry = (await logOf(desk, ada)).findLast(({ kind }) => kind === 'disputed')!;
    expect(entry.peerClockMs).toBeGreaterThan(0);
    expect(entry.before.map((image) => image.ticketId)).toEqual([ticketId]);
    expect(endOf(desk)).toBe('kept');
    expectPeace(desk);
    // Disputed again it is told the same, and nobody is asked again.
    await desk.tell(ada, { type: 'pursue', number, route: 'house' });
    expect(answersTo(desk)).toHaveLength(2);
    expect(noticesOf(house, 'disputed')).toHaveLength(1);
    expectPeace(desk);
  });

  test('[CITI-F30] about an invalid ticket is told so by the merchant’s agent itself, and is over', async () => {
    const desk = await openDesk();
    const { ada, house, ticketId } = desk;
    // A device that was opened and changed: it shows somebody else's ticket.
    const bob = await desk.addCustomer('bob');
    const untilMs = desk.trusted.world.clock.nowMs() + 86_400_000;
    await desk.tell(bob, { type: 'expect', matter: 'gift', purpose: 'give', untilMs });
    const items = [{ type: 'issue', components: otherSeat }] as const;
    await desk.tell(house, { type: 'give', matter: 'gift', route: 'bob', about: new Uint8Array(), items, check: 0 });
    const [his] = stateOf(bob).tickets.values();
    stateOf(ada).tickets.set(ticketId, { ...stateOf(ada).tickets.get(ticketId)!, bytes: his!.bytes });
    const number = await desk.dispute({ check: 0 }, 5000);
    expect(answersTo(desk).map(([outcome]) => outcome)).toEqual(['ticket-invalid']);
    expect([ada, house].map((agent) => statusOf(agent, number))).toEqual(['denied', 'denied']);
    expect(noticesOf(house, 'disputed')).toEqual([]);
    expect(takenFrom(desk)).toBe(8900n);
  });

  test('[CITI-F30] about another merchant’s ticket is none of this one’s', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    const other = await desk.addMerchant('other');
    await desk.dispute({ route: 'other', check: 0 }, 5000);
    expect(whyFailed(ada)).toEqual(['SESSION_DENIED']);
    const untilMs = desk.trusted.world.clock.nowMs() + 86_400_000;
    await desk.tell(other, { type: 'expect', matter: 'd', purpose: 'dispute', untilMs });
    const [number] = stateOf(ada).disputes.byNumber.keys();
    await desk.tell(ada, { type: 'pursue', number: number!, route: 'other' });
    expect(whyFailed(ada)).toEqual(['SESSION_DENIED', 'another agent answers there']);
    expect(noticesOf(other, 'disputed')).toEqual([]);
    expect(noticesOf(house, 'disputed')).toEqual([]);
  });
});

describe('money back', () => {
  test('[CITI-F32] [CITI-F30] [CITI-F21] comes by the way it was paid, and with it the ticket is void everywhere', async () => {
    const desk = await openDesk();
    const { ada, house, bank, ticketId } = desk;
    desk.answer = {};
    const number = await desk.dispute();
    expect(answersTo(desk)).toEqual([['granted', 'sorry']]);
    expect(endOf(desk)).toBe('refunded');
    expect([...bank.payments.values()].map(({ status }) => status)).toEqual(['refunded']);
    expect([ada, house].map((agent) => statusOf(agent, number))).toEqual(['refunded', 'refunded']);
    expect(standingOf(ada, ticketId)).toBe('revoked');
    expect(stateOf(house).books.get(ticketId)?.status.standing).toBe('revoked');
    expect(noticesOf(house, 'taken-back').map((notice) => notice.ticketId)).toEqual([ticketId]);
    for (const agent of [ada, house]) {
      expect((await logOf(desk, agent)).filter(({ kind }) => kind === 'refunded')).toHaveLength(1);
      expect(noticesOf(agent, 'dispute-settled').map(({ how }) => how)).toEqual(['refunded']);
    }
    expectPeace(desk);
    await expect(
      desk.tell(ada, {
        ...{ type: 'present', matter: 'p', route: 'house', ticketId, check: 0 },
        about: new Uint8Array(),
      }),
    ).rejects.toMatchObject({ code: 'TICKET_INACTIVE' });
  });

  test('[CITI-F32] that the network does not authorise leaves everything as it was, and can be asked for again', async () => {
    const desk = await openDesk();
    const { ada, card } = desk;
    desk.answer = {};
    desk.choice = undefined;
    const number = await desk.dispute();
    // To another card than it came from.
    const other = await desk.issueTo(ada, {
      ...(await import('../ticket/samples.ts')).sample('card'),
      number: '4000000000000010',
    });
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: other } });
    expect(whyFailed(ada)).toEqual(['not paid: another card']);
    expect(endOf(desk)).toBe('kept');
    expectPeace(desk);
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: card } });
    expect(endOf(desk)).toBe('refunded');
    expectPeace(desk);
  });

  test('[CITI-F32] is paid once, whoever asks again and however often', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    desk.answer = {};
    const number = await desk.dispute();
    await expect(
      desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: desk.card } }),
    ).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    await expect(desk.tell(ada, { type: 'pursue', number })).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    const again = await desk.dispute();
    expect(again).not.toBe(number);
    expect(answersTo(desk).map(([outcome]) => outcome)).toEqual(['granted', 'settled']);
    expect(noticesOf(house, 'disputed')).toHaveLength(1);
    expect(takenFrom(desk)).toBe(0n);
    expectPeace(desk);
  });

  test('is not given while a code of the ticket may still let somebody in', async () => {
    const desk = await openDesk();
    const { ada, ticketId, card } = desk;
    desk.answer = {};
    desk.choice = undefined;
    await desk.tell(ada, { type: 'show-code', matter: 'c', ticketId, paper: 0, forS: 300 });
    const number = await desk.dispute();
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: card } });
    expect(whyFailed(ada)).toEqual(['TICKET_INACTIVE']);
    expect(endOf(desk)).toBe('kept');
    await desk.trusted.run(600_000);
    await desk.tell(ada, { type: 'choose', number, choice: { type: 'refund', credential: card } });
    expect(endOf(desk)).toBe('refunded');
  });
});

describe('new merchandise', () => {
  test('[CITI-F30] [CITI-F32] takes the place of the old in one step', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    desk.answer = {};
    desk.choice = { type: 'replacement' };
    const number = await desk.dispute();
    expect(noticesOf(ada, 'confirm-replacement')).toHaveLength(1);
    expect(endOf(desk)).toBe('replaced');
    expect([ada, house].map((agent) => statusOf(agent, number))).toEqual(['replaced', 'replaced']);
    expect(heldBy(ada)).toHaveLength(2);
    expectPeace(desk);
    // And is no ground for a refund as well.
    await desk.dispute();
    expect(answersTo(desk).map(([outcome]) => outcome)).toEqual(['granted', 'settled']);
    expect(takenFrom(desk)).toBe(8900n);
  });

  test('[CITI-F30] that is not the right one is asked for twice more', async () => {
    const desk = await openDesk();
    desk.answer = {};
    desk.choice = { type: 'replacement' };
    const other = { ...concert, event: 'Tosca' };
    const dear = { ...otherSeat, price: { ...price, minor: 9900n } };
    desk.replacements = [other, dear, otherSeat].map((components) => ({ type: 'ticket', components }));
    await desk.dispute();
    expect(noticesOf(desk.house, 'fetch-replacement').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(endOf(desk)).toBe('replaced');
  });

  test('[CITI-F30] [CITI-F32] that is unavailable leads to a refund', async () => {
    for (const replacements of [[], Array(3).fill({ type: 'ticket', components: { ...concert, event: 'Tosca' } })]) {
      const desk = await openDesk();
      desk.answer = {};
      desk.choice = { type: 'replacement' };
      desk.replacements = replacements;
      desk.when(desk.ada, (notice) => {
        if (notice.type !== 'dispute-answered' || notice.outcome !== 'unavailable') return;
        desk.choice = { type: 'refund', credential: desk.card };
      });
      await desk.dispute();
      expect(answersTo(desk).map(([outcome]) => outcome)).toEqual(['granted', 'unavailable']);
      expect(endOf(desk)).toBe('refunded');
      expectPeace(desk);
    }
  });

  test('[CITI-F30] that the customer does not want changes nothing, and it may choose again', async () => {
    const desk = await openDesk();
    desk.answer = {};
    desk.choice = { type: 'replacement' };
    desk.accept = 0;
    desk.when(desk.ada, ({ type }) => {
      if (type === 'failed') desk.choice = { type: 'refund', credential: desk.card };
    });
    await desk.dispute();
    expect(whyFailed(desk.ada)).toEqual(['the new merchandise was not confirmed']);
    expect(endOf(desk)).toBe('refunded');
    expectPeace(desk);
  });

  test('is refused when only a refund was offered, and the other way round', async () => {
    const desk = await openDesk();
    desk.answer = { refund: 0 };
    desk.choice = undefined;
    const number = await desk.dispute();
    const choose = (type: 'refund' | 'replacement') =>
      desk.tell(desk.ada, {
        ...{ type: 'choose', number },
        choice: type === 'refund' ? { type, credential: desk.card } : { type },
      });
    await expect(choose('refund')).rejects.toMatchObject({ code: 'COMMAND_UNTIMELY' });
    await choose('replacement');
    expect(endOf(desk)).toBe('replaced');
  });
});

describe('a merchant that takes its time', () => {
  test('[CITI-F30] is asked again until it answers', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    const number = await desk.dispute({}, 3_600_000);
    expect(noticesOf(ada, 'dispute-noted').length).toBeGreaterThan(1);
    expect(statusOf(ada, number)).toBe('open');
    expect(noticesOf(house, 'disputed')).toHaveLength(1);
    await desk.tell(
      house,
      { type: 'answer-dispute', number, outcome: 'granted', reason: 'late', refund: 1, replacement: 0 },
      86_400_000,
    );
    expect(answersTo(desk)).toEqual([['granted', 'late']]);
    expect(endOf(desk)).toBe('refunded');
    expectPeace(desk);
  });

  test('[CITI-F30] or cannot be reached is overdue after a week', async () => {
    const desk = await openDesk();
    const { ada, house } = desk;
    house.online = false;
    const number = await desk.dispute({}, 6 * 86_400_000);
    expect(noticesOf(ada, 'dispute-overdue')).toEqual([]);
    await desk.trusted.run(2 * 86_400_000);
    expect(noticesOf(ada, 'dispute-overdue').map((notice) => notice.number)).toEqual([number]);
    expect(endOf(desk)).toBe('kept');
  });
});

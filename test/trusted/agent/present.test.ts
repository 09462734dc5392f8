/** Tickets presented for services and used up, over sessions between agents on hosts of their own (US 5,671,280, figures 23 and 24). */
import { describe, expect, it, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { dayOf } from '../../../src/trusted/message/day.ts';
import { encodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { firstStatus } from '../../../src/trusted/ticket/status.ts';
import { ticketIdOf } from '../../../src/trusted/ticket/ticket.ts';
import { newAgent, newPrimary, newServer } from '../hierarchy.ts';
import { isAtRest, noticesOf, type Opera, openOpera, receivedBy, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { issue as issueTicket } from '../ticket/ticket-fixture.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const useOf = (session: string, units: number, last: 0 | 1): HostCommand => ({ type: 'use', session, units, last });
const statusOf = (agent: TrustedAgent, ticketId: string) => stateOf(agent).tickets.get(ticketId)!.status;
const booked = (agent: TrustedAgent, ticketId: string) => stateOf(agent).books.get(ticketId)?.status;

/** The acceptor's host side takes off so much as soon as it may. */
const uses = (acceptor: TrustedAgent, units: number, last: 0 | 1) => {
  acceptor.react = (notice) => {
    if (notice.type === 'presented') void acceptor.command(useOf(notice.session, units, last));
  };
};
const useNow = async ({ trusted, house }: Opera, units: number, last: 0 | 1 = 0) => {
  const { session } = noticesOf(house, 'presented').at(-1)!;
  await inTime(trusted.world, house.command(useOf(session, units, last)));
  await trusted.run(2000);
};

describe('an event ticket', () => {
  test('[CITI-F23] is checked, marked in use, admitted once, and worth nothing afterwards', async () => {
    const { trusted, house, ada, issue, present } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    uses(house, 1, 1);
    await present(ada, house, ticketId);

    expect(noticesOf(house, 'presented')[0]?.ticket).toMatchObject({
      ticketId,
      issuerName: 'Deutsche Oper Berlin',
      standing: 'good',
    });
    expect(
      noticesOf(ada, 'marked').map(({ standing, remaining, inUseUntilS }) => [standing, remaining, inUseUntilS > 0]),
    ).toEqual([
      ['good', 1, true],
      ['used', 0, false],
    ]);
    expect(noticesOf(house, 'granted').map(({ units }) => units)).toEqual([0, 1]);
    expect(statusOf(ada, ticketId)).toEqual({ standing: 'used', remaining: 0, inUseUntilS: 0, number: 2 });
    expect(booked(house, ticketId)).toEqual(statusOf(ada, ticketId));
    expect([ada, house].map(isAtRest)).toEqual([true, true]);

    const again: HostCommand = {
      type: 'present',
      matter: 'again',
      route: 'house',
      about: new Uint8Array(),
      ticketId,
      check: 0,
    };
    await expect(inTime(trusted.world, ada.command(again))).rejects.toMatchObject({ code: 'TICKET_INACTIVE' });
    expect(trusted.breaches).toEqual([]);
  });

  it('is not granted before the holder has kept the mark', async () => {
    const { house, ada, issue, present, trusted } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    const seen: string[] = [];
    ada.react = ({ type }) => seen.push(`ada ${type}`);
    house.react = (notice) => {
      seen.push(`house ${notice.type}`);
      if (notice.type === 'presented') void house.command(useOf(notice.session, 1, 1));
    };
    await present(ada, house, ticketId);
    expect(seen.filter((line) => /marked|granted/.test(line))).toEqual([
      'ada marked',
      'house granted',
      'ada marked',
      'house granted',
    ]);
    expect(trusted.breaches).toEqual([]);
  });

  it('of another holder or an issuer that nobody knows is refused', async () => {
    const { trusted, house, ada, bob, issue, present } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    // Bob's device was opened and given what is not his.
    stateOf(bob).tickets.set(ticketId, stateOf(ada).tickets.get(ticketId)!);
    await present(bob, house, ticketId);
    expect(noticesOf(bob, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INVALID']);
    expect(noticesOf(house, 'presented')).toEqual([]);
    // Ada's made one in the name of a house that no server of this system has certified.
    const { identity } = stateOf(ada);
    const { agentId, expiresDay } =
      identity.type === 'certified' ? identity.certificate : { agentId: 0, expiresDay: 0 };
    const server = newServer({ primary: newPrimary(1, systemRandom), serverId: 1, random: systemRandom });
    const impostor = newAgent({ server, serial: 1, random: systemRandom, kind: 'merchant' });
    const forged = issueTicket({
      ...{ issuer: impostor, components: sample('event'), issuedOnDay: dayOf(trusted.world.clock.nowMs()) },
      receiver: { id: agentId, certificate: { expiresDay } },
    });
    const bytes = encodeTicket(forged);
    const status = firstStatus(sample('event'));
    stateOf(ada).tickets.set(ticketIdOf(forged), { id: ticketIdOf(forged), bytes, status, mark: undefined });
    await present(ada, house, ticketIdOf(forged));
    expect(noticesOf(ada, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INVALID']);
    expect([house, ada, bob].map(isAtRest)).toEqual([true, true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  it('is refused with a status that is better than the one in the books, and the log says who showed it', async () => {
    const { trusted, house, ada, issue, present } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    const asNew = stateOf(ada).tickets.get(ticketId)!;
    uses(house, 1, 1);
    await present(ada, house, ticketId);
    stateOf(ada).tickets.set(ticketId, asNew);
    await present(ada, house, ticketId);
    expect(noticesOf(ada, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INVALID']);
    expect(noticesOf(house, 'granted').map(({ units }) => units)).toEqual([0, 1]);
    const logged = await inTime(trusted.world, house.machine.host!.readByKey('log'));
    const suspicions = logged.flatMap((record) =>
      record.type === 'logged' && record.entry.kind === 'suspicion' ? [record.entry] : [],
    );
    expect(suspicions.map(({ note }) => note)).toEqual([
      `ticket ${ticketId} is shown with mark 0, and was marked 2 here`,
    ]);
  });
});

describe('a communications ticket', () => {
  test('[CITI-F24] is used up step by step, each step written by both sides, until nothing is left', async () => {
    const opera = await openOpera();
    const { trusted, house, ada, issue, present } = opera;
    const ticketId = await issue(ada, sample('communications'));
    await present(ada, house, ticketId);
    const remaining = () => [statusOf(ada, ticketId).remaining, booked(house, ticketId)?.remaining];
    expect(remaining()).toEqual([3600, 3600]);
    await useNow(opera, 600);
    expect(remaining()).toEqual([3000, 3000]);
    // Long pauses: the session lives on.
    await trusted.run(600_000);
    await useNow(opera, 1000);
    expect(remaining()).toEqual([2000, 2000]);
    expect(statusOf(ada, ticketId).inUseUntilS).toBeGreaterThan(0);
    await useNow(opera, 9000);
    expect(remaining()).toEqual([0, 0]);
    expect(noticesOf(house, 'granted').map(({ units }) => units)).toEqual([0, 600, 1000, 2000]);
    expect(statusOf(ada, ticketId)).toMatchObject({ standing: 'used', inUseUntilS: 0 });
    expect(noticesOf(ada, 'over')).toHaveLength(1);
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  it('with value left can be presented again, and taken by another acceptor at what is left', async () => {
    const opera = await openOpera();
    const { trusted, authority, house, ada, bob, issue, present, give } = opera;
    const ticketId = await issue(ada, sample('communications'));
    uses(house, 600, 1);
    await present(ada, house, ticketId);
    await present(ada, house, ticketId);
    expect(statusOf(ada, ticketId)).toMatchObject({ standing: 'good', remaining: 2400, inUseUntilS: 0 });
    await give(ada, bob, [{ type: 'transfer', ticketId }]);
    expect(statusOf(bob, ticketId).remaining).toBe(2400);
    uses(authority, 400, 1);
    await present(bob, authority, ticketId);
    expect(statusOf(bob, ticketId).remaining).toBe(2000);
    expect(trusted.breaches).toEqual([]);
  });

  it('is in use for a time: nobody else gets it meanwhile, and it is free again when the acceptor is gone', async () => {
    const { trusted, house, ada, issue, present } = await openOpera();
    const ticketId = await issue(ada, sample('communications'));
    await present(ada, house, ticketId);
    house.machine.crash();
    await trusted.run(300_000);
    const again: HostCommand = {
      type: 'present',
      matter: 'again',
      route: 'house',
      about: new Uint8Array([1, 2, 3]),
      ticketId,
      check: 0,
    };
    await expect(inTime(trusted.world, ada.command(again))).rejects.toMatchObject({ code: 'TICKET_INACTIVE' });
    await trusted.run(3_600_000);
    uses(house, 100, 1);
    await present(ada, house, ticketId);
    expect(statusOf(ada, ticketId)).toMatchObject({ remaining: 3500, inUseUntilS: 0 });
    expect([ada, house].map(isAtRest)).toEqual([true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  it('is topped up by its issuer only', async () => {
    const opera = await openOpera();
    const { trusted, authority, house, ada, issue, present, expectCall } = opera;
    const ticketId = await issue(ada, sample('communications'));
    await present(ada, house, ticketId);
    await useNow(opera, -1800, 1);
    expect(statusOf(ada, ticketId)).toMatchObject({ remaining: 5400, standing: 'good' });
    expect(booked(house, ticketId)?.remaining).toBe(5400);
    await expectCall(authority, 'present', { times: 1 });
    await present(ada, authority, ticketId);
    const { session } = noticesOf(authority, 'presented')[0]!;
    await expect(inTime(trusted.world, authority.command(useOf(session, -1, 1)))).rejects.toMatchObject({
      code: 'COMMAND_UNTIMELY',
    });
  });
});

describe("the acceptor's merchant credential", () => {
  it('is checked before the ticket is shown, if the holder wants it', async () => {
    const { trusted, house, ada, bob, issue, present } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    await present(ada, house, ticketId, { check: 1 });
    const [asked] = noticesOf(ada, 'confirm-credential');
    expect(asked?.credential.issuerName).toBe('Vägverket');
    expect(noticesOf(house, 'presented')).toEqual([]);
    uses(house, 1, 1);
    await inTime(trusted.world, ada.command({ type: 'confirm', session: asked!.session, accept: 1 }));
    await trusted.run(5000);
    expect(statusOf(ada, ticketId).standing).toBe('used');

    const other = await issue(ada, sample('event'));
    await present(ada, bob, other, { check: 1 });
    expect(noticesOf(ada, 'failed').map(({ why }) => why)).toEqual(['no credential']);
    expect(statusOf(ada, other).number).toBe(0);
  });

  it('may be a credential of the caller too, presented like any ticket', async () => {
    const { trusted, authority, house, bob, give, present } = await openOpera();
    await give(authority, bob, [{ type: 'issue', components: sample('licence') }]);
    const [licence] = receivedBy(bob);
    uses(house, 0, 1);
    await present(bob, house, licence!);
    expect(statusOf(bob, licence!)).toMatchObject({ standing: 'good', inUseUntilS: 0, number: 2 });
    expect(trusted.breaches).toEqual([]);
  });
});

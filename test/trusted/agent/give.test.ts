/** Tickets issued and signed over between agents, each a machine on a host of its own (US 5,671,280, figure 25). */
import { describe, expect, it, test } from 'vitest';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { sectionsOf } from '../../../src/trusted/ticket/ticket.ts';
import { isAtRest, noticesOf, openOpera, receivedBy, stateOf } from '../opera.ts';
import { sample, samples } from '../ticket/samples.ts';
import { inTime } from '../trusted-world.ts';

describe('tickets given', () => {
  test('[CITI-F25] belong to the receiver alone, and history and sender signatures have grown', async () => {
    const { trusted, house, ada, bob, give, issue } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    await give(ada, bob, [{ type: 'transfer', ticketId }]);
    await give(bob, house, [{ type: 'transfer', ticketId }]);

    expect(receivedBy(bob)).toEqual([ticketId]);
    expect(stateOf(ada).tickets.size + stateOf(bob).tickets.size).toBe(0);
    const sections = sectionsOf(decodeTicket(stateOf(house).tickets.get(ticketId)!.bytes));
    const ids = [ada, bob].map((agent) => {
      const { identity } = stateOf(agent);
      return identity.type === 'certified' ? identity.certificate.agentId : 0;
    });
    expect(sections.transferHistory.senderIds).toEqual(ids);
    expect(sections.senderSignatures).toHaveLength(2);
    expect(sections.identifier.issuer.name).toBe('Deutsche Oper Berlin');
    expect(sections.components).toEqual(sample('event'));
    expect(noticesOf(ada, 'given')).toEqual([{ type: 'given', matter: 'give', ticketIds: [ticketId] }]);
    expect([house, ada, bob].map(isAtRest)).toEqual([true, true, true]);
    expect(trusted.breaches).toEqual([]);
  });

  test('[CITI-F2] may be of every kind of the figure, issued by whoever may, and several at a time', async () => {
    const { trusted, authority, house, ada, give } = await openOpera();
    const credentials = samples.filter(({ type }) => ['licence', 'corporate-seal', 'card'].includes(type));
    const goods = samples.filter(
      ({ type }) => !['licence', 'corporate-seal', 'card', 'merchant', 'authority'].includes(type),
    );
    await give(
      authority,
      ada,
      credentials.map((components) => ({ type: 'issue', components })),
    );
    await give(
      house,
      ada,
      goods.map((components) => ({ type: 'issue', components })),
    );
    const held = [...stateOf(ada).tickets.values()].map(({ bytes }) => decodeTicket(bytes).body.components);
    expect(held).toEqual([...credentials, ...goods]);
    expect(trusted.breaches).toEqual([]);
  });

  it('are refused when their issuer may not issue them, and nothing has changed', async () => {
    const { ada, bob, house, give } = await openOpera();
    await give(house, ada, [{ type: 'issue', components: sample('licence') }]);
    await give(ada, bob, [{ type: 'issue', components: sample('event') }]);
    expect(noticesOf(house, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INVALID']);
    expect(noticesOf(ada, 'failed').map(({ why }) => why)).toEqual(['refused: TICKET_INVALID']);
    expect(stateOf(ada).tickets.size + stateOf(bob).tickets.size).toBe(0);
    expect([house, ada, bob].map(isAtRest)).toEqual([true, true, true]);
  });

  it('go only to an agent whose host side expects them, for that matter, that often and that long', async () => {
    const { trusted, house, ada, expectCall } = await openOpera({ server: { pace: { pullMs: 30 * 86_400_000 } } });
    const order = (matter: Uint8Array): HostCommand => ({
      ...{ type: 'give', matter: 'gift', route: 'ada', about: matter, check: 0 },
      items: [{ type: 'issue', components: sample('event') }],
    });
    const outcome = async (matter: number) => {
      house.notices.length = 0;
      await inTime(trusted.world, house.command(order(new Uint8Array([matter, 2, 3]))));
      await trusted.run(5000);
      return house.notices.map((notice) => (notice.type === 'failed' ? notice.why : notice.type));
    };
    expect(await outcome(1)).toEqual(['SESSION_DENIED']);
    await expectCall(ada, 'present');
    expect(await outcome(1)).toEqual(['SESSION_DENIED']);
    await expectCall(ada, 'give', { times: 2 });
    expect(await outcome(7)).toEqual(['SESSION_DENIED']);
    expect(await outcome(1)).toEqual(['given', 'over']);
    expect(await outcome(1)).toEqual(['given', 'over']);
    expect(await outcome(1)).toEqual(['SESSION_DENIED']);
    await expectCall(ada, 'give');
    expect(await outcome(1)).toEqual(['given', 'over']);
    await trusted.run(366 * 86_400_000);
    expect(await outcome(1)).not.toContain('given');
  });

  it('that are not held, are under way or in use cannot be given', async () => {
    const { trusted, house, ada, bob, issue, present, give } = await openOpera();
    const ticketId = await issue(ada, sample('event'));
    const order = (id: string) =>
      ada.command({
        ...{ type: 'give', matter: 'gift', route: 'bob', about: new Uint8Array(), check: 0 },
        items: [{ type: 'transfer', ticketId: id }],
      });
    const refused = (code: string) => ({ code });
    await expect(inTime(trusted.world, order('0'.repeat(32)))).rejects.toMatchObject(refused('TICKET_UNKNOWN'));
    await present(ada, house, ticketId);
    await expect(inTime(trusted.world, order(ticketId))).rejects.toMatchObject(refused('TICKET_INACTIVE'));
    const other = await issue(ada, sample('event'));
    await give(ada, bob, [
      { type: 'transfer', ticketId: other },
      { type: 'transfer', ticketId: other },
    ]);
    expect(noticesOf(ada, 'failed').map(({ why }) => why)).toContain('TICKET_UNDER_WAY');
    expect(stateOf(ada).tickets.has(other)).toBe(true);
  });
});

describe('a credential checked before tickets are given', () => {
  const setUp = async () => {
    const opera = await openOpera();
    const ticketId = await opera.issue(opera.ada, sample('event'));
    await opera.give(opera.authority, opera.bob, [{ type: 'issue', components: sample('licence') }]);
    const [licence] = receivedBy(opera.bob);
    return { ...opera, ticketId, licence: licence! };
  };
  const transfer = async (
    { trusted, ada, bob, ticketId, licence, expectCall }: Awaited<ReturnType<typeof setUp>>,
    show: boolean,
  ) => {
    await expectCall(bob, 'give', { times: 1, ...(show ? { credential: licence } : {}) });
    const items = [{ type: 'transfer', ticketId }] as const;
    const command = {
      type: 'give',
      matter: 'gift',
      route: 'bob',
      about: new Uint8Array([1, 2, 3]),
      items,
      check: 1,
    } as const;
    await inTime(trusted.world, ada.command(command));
    await trusted.run(5000);
  };

  it('is shown to the giver, whose word it waits for', async () => {
    const opera = await setUp();
    await transfer(opera, true);
    const [asked] = noticesOf(opera.ada, 'confirm-credential');
    expect(asked?.credential.ticketId).toBe(opera.licence);
    expect(stateOf(opera.bob).tickets.has(opera.ticketId)).toBe(false);
    await inTime(opera.trusted.world, opera.ada.command({ type: 'confirm', session: asked!.session, accept: 1 }));
    await opera.trusted.run(5000);
    expect(stateOf(opera.bob).tickets.has(opera.ticketId)).toBe(true);
    expect(opera.trusted.breaches).toEqual([]);
  });

  it('keeps the ticket where it is when the giver says no, or nothing is shown', async () => {
    const opera = await setUp();
    await transfer(opera, false);
    expect(noticesOf(opera.ada, 'failed').map(({ why }) => why)).toEqual(['no credential']);
    await transfer(opera, true);
    const [asked] = noticesOf(opera.ada, 'confirm-credential');
    await inTime(opera.trusted.world, opera.ada.command({ type: 'confirm', session: asked!.session, accept: 0 }));
    await opera.trusted.run(5000);
    expect(stateOf(opera.ada).tickets.has(opera.ticketId)).toBe(true);
    expect(stateOf(opera.bob).tickets.has(opera.ticketId)).toBe(false);
    await opera.trusted.run(600_000);
    expect([opera.ada, opera.bob].map(isAtRest)).toEqual([true, true]);
  });
});

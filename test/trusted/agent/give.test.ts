/** Tickets issued and signed over between agents, each a machine on a host of its own (US 5,671,280, figure 25). */
import { describe, expect, it } from 'vitest';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { sectionsOf } from '../../../src/trusted/ticket/ticket.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, openTrustedWorld, type TrustedAgent, type TrustedWorld } from '../trusted-world.ts';

const about = new Uint8Array([1, 2, 3]);
const soon = (trusted: TrustedWorld) => trusted.world.clock.nowMs() + 3_600_000;
const received = ({ notices }: TrustedAgent) =>
  notices.flatMap((notice: HostNotice) =>
    notice.type === 'received' ? notice.tickets.map(({ ticketId }) => ticketId) : [],
  );

async function opera() {
  const trusted = await openTrustedWorld({ seed: 1 });
  const [authority, merchant, ada, bob] = ['authority', 'merchant', 'ada', 'bob'].map((name) => trusted.addAgent(name));
  await trusted.certify(authority!, 'authority');
  await trusted.certify(merchant!, 'merchant');
  await trusted.certify(ada!, 'customer');
  await trusted.certify(bob!, 'customer');
  const give = async (from: TrustedAgent, to: TrustedAgent, items: Parameters<typeof order>[1], check: 0 | 1 = 0) => {
    await inTime(
      trusted.world,
      to.command({ type: 'expect', matter: 'gift', purpose: 'give', about, times: 1, untilMs: soon(trusted) }),
    );
    await inTime(trusted.world, from.command(order(to, items, check)));
    await trusted.run(5000);
  };
  const order = (
    to: TrustedAgent,
    items: Extract<Parameters<TrustedAgent['command']>[0], { type: 'give' }>['items'],
    check: 0 | 1,
  ) => ({ type: 'give', matter: 'gift', route: to.name, about, items, check }) as const;
  await inTime(trusted.world, authority!.command({ type: 'name-yourself', components: sample('authority') }));
  await give(authority!, merchant!, [{ type: 'issue', components: sample('merchant') }]);
  return { trusted, authority: authority!, merchant: merchant!, ada: ada!, bob: bob!, give };
}

describe('a ticket', () => {
  it('issued to one agent and given to another is held by the last one only, with its whole history', async () => {
    const { trusted, merchant, ada, bob, give } = await opera();
    expect(trusted.breaches).toEqual([]);
    await give(merchant, ada, [{ type: 'issue', components: sample('event') }]);
    const [ticketId] = received(ada);
    await give(ada, bob, [{ type: 'transfer', ticketId: ticketId! }]);
    expect(received(bob)).toEqual([ticketId]);
    expect(ada.machine.host!.state.tickets.size).toBe(0);
    const sections = sectionsOf(decodeTicket(bob.machine.host!.state.tickets.get(ticketId!)!.bytes));
    expect(sections.identifier.issuer.name).toBe('Deutsche Oper Berlin');
    expect(sections.transferHistory.senderIds).toHaveLength(1);
    expect(bob.machine.host!.state.sessions.size + ada.machine.host!.state.sessions.size).toBe(0);
    expect(ada.machine.host!.state.transactions.size).toBe(0);
    expect(trusted.breaches).toEqual([]);
  });
});

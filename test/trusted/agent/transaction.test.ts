/** Commit and abort (US 5,671,280, figures 7 and 11): at every crash point both have or neither has, and what is undecided resolves itself. */
import { describe, expect, it, test } from 'vitest';
import { fromHex } from '../../../src/codec/hex.ts';
import { compactKeyOf } from '../../../src/crypto/compact-key.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import type { HostCommand } from '../../../src/trusted/agent/host-command.ts';
import { encodeTrustedMessage } from '../../../src/trusted/message/envelope.ts';
import { sealStatement } from '../../../src/trusted/message/statement.ts';
import { decodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { holderOf } from '../../../src/trusted/ticket/ticket.ts';
import { type Breakable, breakable } from '../breakable.ts';
import { certifiedOf, isAtRest, noticesOf, type Opera, openOpera, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';

const about = new Uint8Array([1, 2, 3]);

/** Two devices that can be made to crash, beside those of the opera; `cy` holds a ticket. */
async function withTwo() {
  const opera = await openOpera();
  const { trusted } = opera;
  const make = (name: string) => {
    const point: Breakable = { plan: undefined, happened: false };
    const agent: TrustedAgent = trusted.addAgent(name, {
      alter: (party) => ({
        ...party,
        wrapJournal: (journal) => breakable(journal, point, () => agent.machine.crash()),
      }),
    });
    return { agent, point };
  };
  const [cy, di] = [make('cy'), make('di')];
  await trusted.certify(cy.agent, 'customer');
  await trusted.certify(di.agent, 'merchant');
  const ticketId = await opera.issue(cy.agent, sample('event'));
  return { ...opera, cy, di, ticketId };
}

const transferTo = (route: string, ticketId: string): HostCommand => ({
  ...{ type: 'give', matter: 'gift', route, about, check: 0 },
  items: [{ type: 'transfer', ticketId }],
});

const idOf = (agent: TrustedAgent) => certifiedOf(agent).certificate.agentId;

const holders = (agents: readonly TrustedAgent[], ticketId: string) =>
  agents.filter((agent) => stateOf(agent).tickets.has(ticketId)).map(({ name }) => name);

/** A device that was switched on again: its host side signs on. */
const reopen = ({ trusted }: Opera, agent: TrustedAgent) => inTime(trusted.world, agent.command({ type: 'opened' }));

describe('a transfer', () => {
  for (const who of ['giver', 'taker'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-F7] is done by both or by neither when the ${who} crashes ${when} any write`, async () => {
        const ends = new Set<string>();
        for (let append = 1; ; append++) {
          const opera = await withTwo();
          const { trusted, cy, di, ticketId, expectCall } = opera;
          await expectCall(di.agent, 'give', { times: 1 });
          const { point } = who === 'giver' ? cy : di;
          point.plan = { append, when };
          const ordered = inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
          await ordered.catch(() => undefined);
          await trusted.run(60_000);
          if (!point.happened) break;
          await reopen(opera, who === 'giver' ? cy.agent : di.agent);
          await trusted.run(1_200_000);
          const found = holders([cy.agent, di.agent], ticketId);
          ends.add(found.join());
          expect(found, `append ${append}`).toHaveLength(1);
          expect([cy.agent, di.agent].map(isAtRest), `append ${append}`).toEqual([true, true]);
          expect(trusted.breaches).toEqual([]);
        }
        // Some crashes come before the decision and some after it.
        expect([...ends].sort()).toEqual(['cy', 'di']);
      });
    }
  }

  test('[CITI-F11] that is broken off leaves both devices exactly as they were', async () => {
    const opera = await withTwo();
    const { trusted, cy, di, ticketId, expectCall } = opera;
    await expectCall(di.agent, 'give');
    const before = [cy, di].map(({ agent }) => agent.machine.snapshotNow());
    // The giver's device is cut off when the vote is on its way.
    trusted.world.observe(({ from, message }) => {
      if (from === 'cy' && message.kind === 'SessionFrame' && message.id.endsWith('/1')) cy.agent.online = false;
    });
    await inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
    await trusted.run(200_000);
    expect(stateOf(cy.agent).transactions.size).toBe(0);
    expect([...stateOf(di.agent).transactions.values()].map(({ status }) => status)).toEqual(['voted']);
    cy.agent.online = true;
    await trusted.run(200_000);
    expect([cy, di].map(({ agent }) => agent.machine.snapshotNow())).toEqual(before);
    expect(holders([cy.agent, di.agent], ticketId)).toEqual(['cy']);
  });

  it('whose giver is away after its decision reaches the taker whenever the giver is back', async () => {
    const opera = await withTwo();
    const { trusted, cy, di, ticketId, expectCall } = opera;
    await expectCall(di.agent, 'give');
    // The giver has heard the vote and commits; nothing of that leaves the device for a month, and the taker restarts meanwhile.
    cy.agent.react = ({ type }) => {
      if (type === 'given') cy.agent.online = false;
    };
    await inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
    await trusted.run(2000);
    const statuses = ({ agent }: typeof cy) => [...stateOf(agent).transactions.values()].map(({ status }) => status);
    expect([cy, di].map(statuses)).toEqual([['committed'], ['voted']]);
    expect(holders([cy.agent, di.agent], ticketId)).toEqual([]);
    di.agent.machine.crash();
    await trusted.run(30 * 86_400_000);
    cy.agent.online = true;
    await trusted.run(2 * 86_400_000);
    expect(holders([cy.agent, di.agent], ticketId)).toEqual(['di']);
    expect([cy.agent, di.agent].map(isAtRest)).toEqual([true, true]);
  });

  it('whose giver is gone for ever after the vote leaves the taker with nothing that it could use', async () => {
    const opera = await withTwo();
    const { trusted, cy, di, ticketId, expectCall, present, house } = opera;
    await expectCall(di.agent, 'give');
    trusted.world.observe(({ from, message }) => {
      if (from === 'cy' && message.kind === 'SessionFrame' && message.id.endsWith('/1')) cy.agent.online = false;
    });
    await inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
    await trusted.run(30 * 86_400_000);
    const [undecided] = [...stateOf(di.agent).transactions.values()];
    expect(undecided).toMatchObject({ role: 'voter', status: 'voted' });
    // It asks ever less often: no more than some twenty times in the first month, then daily.
    expect(undecided!.asked).toBeLessThan(50);
    expect(noticesOf(di.agent, 'undecided')).toHaveLength(1);
    expect(holders([di.agent], ticketId)).toEqual([]);
    await expect(present(di.agent, house, ticketId)).rejects.toMatchObject({ code: 'TICKET_UNKNOWN' });
    const [leg] = undecided!.legs;
    const held = leg?.type === 'take' && leg.ticket.type === 'transfer' ? decodeTicket(leg.ticket.held) : undefined;
    expect(holderOf(held!)).not.toBe(idOf(di.agent));
  });

  it('is not ended by the word of an agent that has no part in it', async () => {
    const opera = await withTwo();
    const { trusted, house, cy, di, ticketId, expectCall } = opera;
    await expectCall(di.agent, 'give');
    trusted.world.observe(({ from, message }) => {
      if (from === 'cy' && message.kind === 'SessionFrame' && message.id.endsWith('/1')) cy.agent.online = false;
    });
    await inTime(trusted.world, cy.agent.command(transferTo('di', ticketId)));
    await trusted.run(200_000);
    const [id] = [...stateOf(di.agent).transactions.keys()];
    const [liar, victim] = [house, di.agent].map((agent) => certifiedOf(agent));
    for (const outcome of ['aborted', 'committed'] as const) {
      const sealed = sealStatement({
        statement: { type: 'outcome', transaction: fromHex(id!), outcome, deeds: [] },
        by: { certificate: liar!.certificate, privateKey: compactKeyOf(liar!.scalar).privateKey },
        ...{ to: victim!.certificate, random: systemRandom },
      });
      const body = encodeTrustedMessage({ type: 'statement', sealed });
      void trusted.world.send('house', { id: `lie ${outcome}`, to: 'di', kind: 'TrustedStatement', body });
      await trusted.run(1000);
      expect(stateOf(di.agent).transactions.get(id!)?.status).toBe('voted');
    }
    cy.agent.online = true;
    await trusted.run(86_400_000);
    expect(holders([cy.agent, di.agent], ticketId)).toEqual(['cy']);
    expect([cy.agent, di.agent].map(isAtRest)).toEqual([true, true]);
  });
});

describe('a presentation', () => {
  for (const who of ['holder', 'acceptor'] as const) {
    for (const when of ['before', 'after'] as const) {
      test(`[CITI-F24] is granted as often as the holder's ticket says when the ${who} crashes ${when} any write`, async () => {
        const ends = new Set<string>();
        for (let append = 1; ; append++) {
          const opera = await withTwo();
          const { trusted, cy, di, ticketId, expectCall } = opera;
          await expectCall(di.agent, 'present', { times: 1 });
          di.agent.react = (notice) => {
            if (notice.type === 'presented') {
              void di.agent.command({ type: 'use', session: notice.session, units: 1, last: 1 }).catch(() => undefined);
            }
          };
          const { point, agent } = who === 'holder' ? cy : di;
          point.plan = { append, when };
          const command = { type: 'present', matter: 'door', route: 'di', about, ticketId, check: 0 } as const;
          await inTime(trusted.world, cy.agent.command(command)).catch(() => undefined);
          await trusted.run(60_000);
          if (!point.happened) break;
          await reopen(opera, agent);
          await trusted.run(2 * 86_400_000);
          const status = stateOf(cy.agent).tickets.get(ticketId)!.status;
          const granted = noticesOf(di.agent, 'granted').filter(({ units }) => units > 0);
          ends.add(status.standing);
          // The host side hears everything at least once: what it is told again is the same grant.
          expect(new Set(granted.map(({ session }) => session)).size, `append ${append}`).toBe(
            status.standing === 'used' ? 1 : 0,
          );
          expect(stateOf(di.agent).books.get(ticketId)?.status.number ?? 0, `append ${append}`).toBe(status.number);
          expect([cy.agent, di.agent].map(isAtRest), `append ${append}`).toEqual([true, true]);
          expect(trusted.breaches).toEqual([]);
        }
        expect([...ends].sort()).toEqual(['good', 'used']);
      });
    }
  }
});

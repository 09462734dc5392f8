/**
 * Disputes about tickets through the real parties: agency with the primary trusted server, an ordinary one, and devices of an opera and of a person,
 * each a process with its own key and store, talking over TLS; the commands a person types (US 5,671,280, figures 30 and 31).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DisputeView } from '../../src/party/device/dispute-desk.ts';
import { event, startTicketTown, type TicketTown, until } from './ticket-town.ts';

let town: TicketTown;
beforeAll(async () => {
  town = await startTicketTown();
}, 120_000);
afterAll(() => town.close());

/** The facts that a command says, and its exit code. */
function said<T = DisputeView>(...args: string[]): T {
  const { code, out, err } = town.handsel(...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
  return JSON.parse(out) as T;
}

const statusOf = async (dispute: string) => (await town.owner('ada').get<DisputeView>(`/disputes/${dispute}`)).status;

describe('a dispute about a ticket', () => {
  test('[CITI-F30] is opened, answered and ended with a new ticket by what people type', async () => {
    const ticket = await town.issue('ada', event);
    const opened = said(
      'dispute',
      'open',
      `ticket:${ticket.slice(0, 12)}`,
      '--with',
      'opera',
      '--statement',
      'A pillar.',
    );
    expect(opened).toMatchObject({ side: 'customer', status: 'open', about: 'defective', ticket });
    const [seen] = said<DisputeView[]>('dispute', 'show', '--kind', 'ticket', '--merchant', 'opera');
    expect(seen).toMatchObject({ dispute: opened.dispute, side: 'merchant', statement: 'A pillar.' });

    const file = join(town.folder, 'other-seat.json');
    writeFileSync(file, JSON.stringify({ ...event, seat: 'Reihe 3, Platz 1' }));
    const name = `dispute:${opened.dispute}`;
    const answer = ['--merchant', 'opera', '--grant', 'replacement', '--replacement', file, '--statement', 'Sorry.'];
    expect(said('dispute', 'answer', name, ...answer)).toMatchObject({ status: 'granted', offered: ['replacement'] });
    await until(async () => (await statusOf(opened.dispute)) === 'granted', 3000);
    said('dispute', 'choose', name, '--what', 'replacement');
    await until(async () => (await statusOf(opened.dispute)) === 'replaced');
    const tickets = await town.tickets('ada');
    expect(tickets.map(({ standing, fields }) => `${standing} ${fields.seat}`).sort()).toEqual([
      'good Reihe 3, Platz 1',
      `revoked ${event.seat}`,
    ]);
    expect(town.handsel('dispute', 'show', name).out).toContain('replaced, with merchant');
  }, 120_000);

  test('[CITI-F30] [CITI-F31] [CITI-E] that is denied goes before the trusted server, whose ruling anybody can check offline', async () => {
    const ticket = await town.issue('ada', event);
    const order = ['--with', 'opera', '--statement', 'I do not like it.'];
    const { dispute } = said('dispute', 'open', `ticket:${ticket}`, ...order);
    said('dispute', 'answer', `dispute:${dispute}`, '--merchant', 'opera', '--statement', 'Nobody asked you to.');
    await until(async () => (await statusOf(dispute)) === 'denied', 3000);
    said('dispute', 'escalate', `dispute:${dispute}`, '--statement', 'Help.');
    await until(async () => (await statusOf(dispute)) === 'ruled');
    const file = join(town.folder, 'ruling.bundle');
    // It was given away, not sold: there is nothing to pay back.
    const ruled = said<{ outcome: string; reasons: { code: string; basis: string }[] }>(
      ...['dispute', 'ruling', `dispute:${dispute}`, '--out', file],
    );
    expect(ruled).toMatchObject({ outcome: 'dismissed', reasons: [{ code: 'NOT_PAID', basis: 'shown' }] });
    expect(town.handsel('verify-ruling', file)).toMatchObject({
      code: 0,
      out: expect.stringContaining('right  dismissed'),
    });
    const bundle = readFileSync(file);
    bundle[bundle.length >> 1]! ^= 1;
    writeFileSync(file, bundle);
    expect(town.handsel('verify-ruling', file).code).not.toBe(0);
    // The merchant has heard it, too; nothing waits for a person.
    await until(async () => {
      const theirs = await town.owner('opera').get<DisputeView>(`/disputes/${dispute}`);
      return theirs.ruling?.outcome === 'dismissed';
    });
    expect(
      said<unknown[]>('dispute', 'show', '--kind', 'ticket', '--arbiter', join(town.home, 'registry')),
    ).toHaveLength(1);
  }, 120_000);
});

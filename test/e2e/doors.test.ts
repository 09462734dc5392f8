/**
 * Whatever a door must not let in, as its people try it on the command line, with all that could tell it switched off: forged, altered, expired, duplicated,
 * transferred-away, void and taken-back tickets, new codes of them, and tickets of issuers that nobody trusts. And how a door hears of the last ones.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromBase45, toBase45 } from '../../src/codec/base45.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import type { DoorAnswer } from '../../src/party/device/door-desk.ts';
import { encodeTicket } from '../../src/trusted/ticket/compact-ticket.ts';
import type { Components } from '../../src/trusted/ticket/components.ts';
import { lettersOfCode, signCode, writeCode } from '../../src/trusted/ticket/ticket-code.ts';
import { newAgent, newPrimary, newServer } from '../trusted/hierarchy.ts';
import { sample } from '../trusted/ticket/samples.ts';
import { issue } from '../trusted/ticket/ticket-fixture.ts';
import { event, startTicketTown, type TicketTown, TOWN, until } from './ticket-town.ts';

/** Those without which a door has nobody to ask. */
const OTHERS = TOWN.filter((name) => !['door', 'ada', 'ben'].includes(name));

let town: TicketTown;
/** Tickets of the opera that are ben's, and the number of its device. */
let of: { readonly ben: readonly string[]; readonly opera: string };
beforeAll(async () => {
  town = await startTicketTown({
    // Seconds, in place of a quarter of an hour and a day.
    alter: ({ door }) => (door === undefined ? {} : { door: { ...door, refreshMinutes: 0.1, listsHours: 0.004 } }),
  });
}, 120_000);
afterAll(() => town.close(), 60_000);

interface Shown {
  readonly letters: string;
}
function show(id: string, device = 'ada'): string {
  const { code, out, err } = town.handsel('tickets', 'show', id, '--device', device, '--json');
  if (code !== 0) throw new Error(err);
  return (JSON.parse(out) as Shown).letters;
}
/** What the door says: `in`, or why not. */
function check(letters: string): string {
  const { code, out } = town.handsel('gate', 'check', letters, '--json');
  const { letIn, reason } = JSON.parse(out) as DoorAnswer;
  expect(code).toBe(letIn ? 0 : 1);
  return letIn ? 'in' : reason!;
}
/** A copy of the device's disk that somebody kept; gives what puts it back, while the device is switched off. */
async function keptDisk(device: string): Promise<() => void> {
  const [journals, copy] = [join(town.home, device, 'journals'), join(town.folder, `${device}-copy`)];
  await town.stop(device);
  cpSync(journals, copy, { recursive: true });
  await town.start(device);
  return () => {
    rmSync(journals, { recursive: true });
    cpSync(copy, journals, { recursive: true });
  };
}

describe('a door without a network', () => {
  let good: string;
  let tickets: Record<'expired' | 'given' | 'used' | 'back', string>;
  beforeAll(async () => {
    good = await town.issue('ada', event);
    tickets = {
      expired: await town.issue('ada', { ...event, at: '2020-05-04T17:30:00Z' }),
      given: await town.issue('ada', event),
      used: await town.issue('ada', event),
      back: await town.issue('ada', event),
    };
    const { number } = await town.owner('opera').get<{ readonly number: string }>('/device');
    of = { ben: [await town.issue('ben', event), await town.issue('ben', event)], opera: number };
    const putBack = await keptDisk('ada');
    expect(town.handsel('tickets', 'transfer', tickets.given, '--to', 'ben').code).toBe(0);
    expect(town.handsel('tickets', 'present', tickets.used, '--at', 'door').code).toBe(0);
    expect(check(show(tickets.given, 'ben'))).toBe('in');
    expect(town.handsel('tickets', 'take-back', tickets.back).code).toBe(0);
    expect(town.handsel('gate', 'refresh').code).toBe(0);
    for (const name of [...OTHERS, 'ada']) await town.stop(name);
    // It shows what it had before, and nobody is there who could tell it better.
    putBack();
    await town.start('ada');
  }, 120_000);

  test('[CITI-F23] refuses what was altered, in whichever place, and what is no code', () => {
    const letters = show(good);
    const bytes = fromBase45(letters.slice(4));
    const said = new Set<string>();
    for (const at of [5, 60, 200, bytes.length - 40, bytes.length - 3]) {
      const altered = bytes.slice();
      altered[at]! ^= 1;
      said.add(check(`HT1:${toBase45(altered)}`));
    }
    expect(said.has('in')).toBe(false);
    expect([...said].every((reason) => ['unreadable', 'forged', 'altered', 'not-the-holder'].includes(reason))).toBe(
      true,
    );
    expect(check(letters.slice(0, -30))).toBe('unreadable');
    expect(check(`HTREF1:${good.toUpperCase()}`)).toBe('reference');
    // And what was not altered it takes, once.
    expect([check(letters), check(letters), check(show(good))]).toEqual(['in', 'duplicate', 'duplicate']);
  }, 60_000);

  test('[CITI-F23] refuses a ticket that somebody made under keys of his own, rightly signed in itself', () => {
    const today = Math.floor(Date.now() / 86_400_000);
    const primary = newPrimary(1, systemRandom);
    const server = newServer({ primary, serverId: 1, random: systemRandom, expiresDay: today + 100 });
    const agent = (serial: number, kind: 'merchant' | 'customer') =>
      newAgent({ server, serial, random: systemRandom, kind, expiresDay: today + 60 });
    const [issuer, receiver] = [agent(2, 'merchant'), agent(4, 'customer')];
    const components: Components = { ...sample('event'), at: Math.floor(Date.now() / 1000) + 3600 };
    const ticket = encodeTicket(issue({ issuer, receiver, components, issuedOnDay: today }));
    const nowS = Math.floor(Date.now() / 1000);
    const claims = { ticket, holder: receiver.certificate, fromS: nowS, untilS: nowS + 60, paper: 0 };
    const letters = lettersOfCode(writeCode(signCode(claims, receiver.key.privateKey)));
    expect(['untrusted-issuer', 'forged']).toContain(check(letters));
  });

  test('[CITI-F23] refuses what is over, and new codes of what is void: used, given away, taken back', () => {
    const reasons = Object.entries(tickets).map(([name, id]) => [name, check(show(id))]);
    expect(Object.fromEntries(reasons)).toEqual({
      ...{ expired: 'expired', given: 'transferred-away', used: 'duplicate', back: 'revoked' },
    });
    // The one to whom it was given was let in; his copy of the code is worth nothing.
    expect(check(show(tickets.given, 'ben'))).toBe('duplicate');
  }, 60_000);

  test('lets nobody in for a scanner that read nothing, also by its exit code', () => {
    expect(town.handsel('gate', 'check', '')).toMatchObject({ code: 1, err: expect.stringContaining('CODE_EMPTY') });
    // Standard input that ends before a code came.
    expect(town.handsel('gate', 'check')).toMatchObject({ code: 1, out: '' });
  });

  test('says that its lists are too old when it has met nobody for too long', async () => {
    await until(() => town.handsel('gate', 'status').out.includes('too old'), 60);
    const { err, out } = town.handsel('gate', 'check', show(good));
    expect([err, out]).toEqual([expect.stringContaining('too old'), expect.stringContaining('duplicate')]);
  }, 60_000);
});

describe('a door with a network', () => {
  test('[CITI-F5] [CITI-F6] hears by itself whom nobody trusts any more, and refuses their tickets from then on', async () => {
    expect(check(show(of.ben[0]!, 'ben'))).toBe('in');
    await town.start('agency');
    const told = town.handsel('agency', 'distrust', of.opera, '--config', join(town.home, 'agency'), '--json');
    expect(JSON.parse(told.out).devices).toContain(of.opera);
    // The server for devices asks the primary one when it is started, and every ten minutes.
    await town.start('registry');
    await until(() => /untrusted version [1-9]/.test(town.handsel('gate', 'status').out), 200);
    expect(check(show(of.ben[1]!, 'ben'))).toBe('untrusted-issuer');
    expect(town.handsel('gate', 'status').out).not.toContain('too old');
  }, 120_000);
});

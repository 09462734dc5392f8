/** Codes at doors without a network: who is let in, who is not, and what each is told (US 5,671,280, figures 23 and 24, with a code for the session). */
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../../../src/codec/hex.ts';
import { compactKeyOf } from '../../../src/crypto/compact-key.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { dayOf } from '../../../src/trusted/message/day.ts';
import { encodeTicket } from '../../../src/trusted/ticket/compact-ticket.ts';
import { doorReasons, wordsOfReason } from '../../../src/trusted/ticket/door-reason.ts';
import { signMark, writeMark } from '../../../src/trusted/ticket/status.ts';
import { readCode, signCode, writeCode } from '../../../src/trusted/ticket/ticket-code.ts';
import { newAgent, newPrimary, newServer } from '../hierarchy.ts';
import { certifiedOf, noticesOf, receivedBy, stateOf } from '../opera.ts';
import { sample } from '../ticket/samples.ts';
import { issue as issueTicket } from '../ticket/ticket-fixture.ts';
import { inTime, type TrustedAgent } from '../trusted-world.ts';
import { idOf, openDoors, radio } from './doors.ts';

/** What an opened device can do: a code of any ticket, signed with the device's key. */
function forgeCode(by: TrustedAgent, ticket: Uint8Array, nowMs: number, from = 0): Uint8Array {
  const { certificate, scalar } = certifiedOf(by);
  const fromS = Math.floor(nowMs / 1000) + from;
  const claims = { ticket, holder: certificate, fromS, untilS: fromS + 60, paper: 0 };
  return writeCode(signCode(claims, compactKeyOf(scalar).privateKey));
}

describe('a code of a ticket', () => {
  it('lets its holder in once, at a door that nobody told of the ticket before', async () => {
    const { ada, east, issue, code, scan, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    east.online = false;
    const shown = await code(ada, ticketId);
    expect(await scan(east, shown)).toEqual({ said: 'let in', units: 1, remaining: 0 });
    expect(await scan(east, shown)).toMatchObject({ said: 'duplicate' });
    // A newly made one for the same ticket.
    expect(await scan(east, await code(ada, ticketId))).toMatchObject({ said: 'duplicate' });
    const { why } = await scan(east, await code(ada, ticketId));
    expect(why).toMatch(/^let in at 20\d\d-.*Z, shown by device 1-\d+$/);
    expect(trusted.breaches).toEqual([]);
  });

  it('is worth nothing a minute later, before its time, and at a door that it is not for', async () => {
    const { ada, east, west, issue, code, scan, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    const photographed = await code(ada, ticketId);
    const forEast = await code(ada, ticketId, { door: idOf(east) });
    expect((await scan(west, forEast)).said).toBe('another-door');
    await trusted.run(100_000);
    expect((await scan(east, photographed)).said).toBe('stale-code');
    const ticket = readCode(photographed).ticket;
    expect((await scan(east, forgeCode(ada, ticket, trusted.world.clock.nowMs(), 600))).said).toBe('early-code');
    expect((await scan(east, await code(ada, ticketId, { door: idOf(east) }))).said).toBe('let in');
  });

  it('keeps its ticket in use: it is neither given away nor presented until the code has run out', async () => {
    const { ada, bob, east, issue, code, command, refusal, give, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    await code(ada, ticketId);
    const about = new Uint8Array();
    const items = [{ type: 'transfer', ticketId }] as const;
    const giving = { type: 'give', matter: 'm', route: 'bob', about, items, check: 0 } as const;
    expect(await refusal(command(ada, giving))).toBe('TICKET_INACTIVE');
    const presenting = { type: 'present', matter: 'p', route: east.name, about, ticketId, check: 0 } as const;
    expect(await refusal(command(ada, presenting))).toBe('TICKET_INACTIVE');
    await trusted.run(61_000);
    await give(ada, bob, [...items]);
    expect(receivedBy(bob)).toEqual([ticketId]);
  });

  it('is never made of what holds a key or a card number, nor of what does not fit', async () => {
    const { ada, authority, issue, code, give, refusal } = await openDoors();
    for (const type of ['decryption', 'communications'] as const) {
      expect(await refusal(code(ada, await issue(ada, sample(type)))), type).toBe('TICKET_UNSHOWABLE');
    }
    const large = { ...sample('licence'), picture: new Uint8Array(4000) };
    await give(authority, ada, [{ type: 'issue', components: sample('card') }]);
    await give(authority, ada, [{ type: 'issue', components: large }]);
    for (const id of receivedBy(ada).slice(-2)) expect(await refusal(code(ada, id))).toBe('TICKET_UNSHOWABLE');
  });

  it('on paper counts for long, keeps the ticket in use for as long, and is not taken by a door that takes none', async () => {
    const { ada, east, west, issue, code, scan, refusal, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    const paper = await code(ada, ticketId, { paper: 1, forS: 30 * 86_400 });
    expect(await refusal(code(ada, ticketId))).toBe('TICKET_INACTIVE');
    await trusted.run(20 * 86_400_000);
    expect((await scan(west, paper, { paperTaken: 0 })).said).toBe('paper-not-taken');
    expect((await scan(east, paper)).said).toBe('let in');
    // A copy of the paper.
    expect((await scan(east, paper)).said).toBe('duplicate');
    await trusted.run(11 * 86_400_000);
    expect((await scan(west, paper)).said).toBe('stale-code');
  });

  it('is used up step by step where the ticket is, and the books go on where the code cannot know', async () => {
    const { ada, east, issue, code, scan } = await openDoors();
    const ticketId = await issue(ada, radio);
    const shown = await code(ada, ticketId);
    expect(await scan(east, shown, { units: 1000 })).toEqual({ said: 'let in', units: 1000, remaining: 2600 });
    expect(await scan(east, shown, { units: 2000 })).toEqual({ said: 'let in', units: 2000, remaining: 600 });
    expect(await scan(east, shown, { units: 2000 })).toEqual({ said: 'let in', units: 600, remaining: 0 });
    expect((await scan(east, shown)).said).toBe('duplicate');
  });

  it('and a session afterwards go on from one another: the holder gets the mark it had not heard of', async () => {
    const { ada, east, issue, code, scan, present, trusted } = await openDoors();
    const ticketId = await issue(ada, radio);
    await scan(east, await code(ada, ticketId), { units: 1000 });
    expect(stateOf(ada).tickets.get(ticketId)?.status.remaining).toBe(3600);
    await trusted.run(61_000);
    east.react = (notice) => {
      if (notice.type === 'presented') void east.command({ type: 'use', session: notice.session, units: 100, last: 1 });
    };
    await present(ada, east, ticketId);
    expect(stateOf(ada).tickets.get(ticketId)?.status.remaining).toBe(2500);
    expect(trusted.breaches).toEqual([]);
  });
});

describe('what is wrong is told apart for the person at the door', () => {
  it('what is no code, a made-up ticket, and one that was changed', async () => {
    const { ada, east, issue, code, scan, trusted } = await openDoors();
    const nowMs = trusted.world.clock.nowMs();
    expect((await scan(east, utf8('hello'))).said).toBe('unreadable');
    const ticketId = await issue(ada, sample('event'));
    const genuine = readCode(await code(ada, ticketId));
    const changed = genuine.ticket.slice();
    // A letter of the seat.
    const at = Buffer.from(changed).indexOf('Reihe 12') + 6;
    changed[at] = '3'.charCodeAt(0);
    expect((await scan(east, forgeCode(ada, changed, nowMs))).said).toBe('forged');
    // A door that has met the issuer says it better.
    expect((await scan(east, writeCode(genuine))).said).toBe('let in');
    expect((await scan(east, forgeCode(ada, changed, nowMs))).said).toBe('altered');

    const server = newServer({ primary: newPrimary(1, systemRandom), serverId: 1, random: systemRandom });
    const impostor = newAgent({ server, serial: 1, random: systemRandom, kind: 'merchant' });
    const { certificate } = certifiedOf(ada);
    const forged = issueTicket({
      ...{ issuer: impostor, components: sample('event'), issuedOnDay: dayOf(nowMs) },
      receiver: { id: idOf(ada), certificate },
    });
    expect((await scan(east, forgeCode(ada, encodeTicket(forged), nowMs))).said).toBe('forged');
  });

  it('a ticket of another device, with and without a genuine proof', async () => {
    const { ada, bob, east, issue, code, scan, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    const genuine = readCode(await code(ada, ticketId));
    const nowMs = trusted.world.clock.nowMs();
    expect((await scan(east, forgeCode(bob, genuine.ticket, nowMs))).said).toBe('not-the-holder');
    const { scalar } = certifiedOf(bob);
    const signedByBob = writeCode(signCode(genuine, compactKeyOf(scalar).privateKey));
    expect((await scan(east, signedByBob)).said).toBe('not-the-holder');
    const later = writeCode({ ...genuine, untilS: genuine.untilS + 3600 });
    expect((await scan(east, later)).said).toBe('not-the-holder');
  });

  it('a ticket that was transferred away, once the door has seen it with the next holder', async () => {
    const { ada, bob, east, issue, code, scan, give, trusted, command } = await openDoors();
    const ticketId = await issue(ada, radio);
    const old = stateOf(ada).tickets.get(ticketId)!.bytes;
    await give(ada, bob, [{ type: 'transfer', ticketId }]);
    const nowMs = () => trusted.world.clock.nowMs();
    expect((await scan(east, await code(bob, ticketId), { units: 60 })).said).toBe('let in');
    const again = await scan(east, forgeCode(ada, old, nowMs()), { units: 60 });
    expect(again).toMatchObject({ said: 'transferred-away' });
    // In a session, too.
    stateOf(ada).tickets.set(ticketId, { ...stateOf(bob).tickets.get(ticketId)!, bytes: old });
    const about = new Uint8Array([1, 2, 3]);
    await command(east, { type: 'expect', matter: 'present', purpose: 'present', untilMs: nowMs() + 600_000 });
    await trusted.run(61_000);
    await command(ada, { type: 'present', matter: 'p', route: 'east', about, ticketId, check: 0 });
    await trusted.run(3000);
    expect(noticesOf(east, 'turned-away').at(-1)?.reason).toBe('transferred-away');
    expect(noticesOf(ada, 'failed').at(-1)?.why).toBe('refused: TICKET_INACTIVE');
  });

  it('a ticket that its issuer took back, once the door has heard of it; nobody else can take it back', async () => {
    const { ada, house, east, west, issue, code, scan, command, refusal, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    const back = { type: 'take-back', matter: 'refund', ticketId, counted: 1 } as const;
    expect(await refusal(command(ada, back))).toBe('COMMAND_UNTIMELY');
    await command(west, back);
    await command(house, back);
    await trusted.run(100);
    const [byWest, byHouse] = [west, house].map((one) => noticesOf(one, 'taken-back')[0]!.mark);
    await command(east, { type: 'learn', entries: [{ mark: byWest! }] });
    const shown = await code(ada, ticketId);
    expect((await scan(west, shown)).said).toBe('let in');
    await command(east, { type: 'learn', entries: [{ mark: byHouse! }] });
    expect((await scan(east, shown)).said).toBe('revoked');
    // The holder hears of it, too, and then makes no more codes.
    expect(await refusal(command(ada, { type: 'take-mark', matter: 'm', mark: byWest! }))).toMatch(/TICKET_INVALID/);
    await command(ada, { type: 'take-mark', matter: 'm', mark: byHouse! });
    expect(await refusal(code(ada, ticketId))).toBe('TICKET_INACTIVE');
  });

  it('an issuer, and a holder, on the list of the untrusted', async () => {
    const { ada, bob, house, east, issue, code, scan, trusted, command } = await openDoors();
    const [first, second] = [await issue(ada, sample('event')), await issue(bob, sample('event'))];
    const distrust = async (agentId: number) => {
      const change = { type: 'distrust', party: { type: 'agent', agentId } } as const;
      await inTime(trusted.world, trusted.server('primary').command({ type: 'change-lists', change }));
      await command(east, { type: 'fetch-lists', route: 'primary' });
      await trusted.run(1000);
    };
    await distrust(idOf(ada));
    expect((await scan(east, await code(ada, first))).said).toBe('untrusted-holder');
    expect((await scan(east, await code(bob, second))).said).toBe('let in');
    await distrust(idOf(house));
    expect((await scan(east, await code(bob, second))).said).toBe('untrusted-issuer');
  });

  it('credentials that have run out, and what is used up elsewhere', async () => {
    const { ada, house, authority, east, issue, code, scan, give, present, trusted } = await openDoors();
    const today = dayOf(trusted.world.clock.nowMs());
    await give(authority, ada, [
      {
        type: 'issue',
        components: { ...sample('licence'), picture: utf8('p'), signature: utf8('s'), expiresDay: today },
      },
    ]);
    const licence = receivedBy(ada)[0]!;
    expect((await scan(east, await code(ada, licence), { units: 0 })).said).toBe('let in');
    const ticket = stateOf(ada).tickets.get(licence)!.bytes;
    await trusted.run(86_400_000);
    expect((await scan(east, forgeCode(ada, ticket, trusted.world.clock.nowMs()))).said).toBe('expired');

    const used = await issue(ada, sample('event'));
    house.react = (notice) => {
      if (notice.type === 'presented') void house.command({ type: 'use', session: notice.session, units: 1, last: 1 });
    };
    await present(ada, house, used);
    const { bytes, mark } = stateOf(ada).tickets.get(used)!;
    const { certificate, scalar } = certifiedOf(ada);
    const fromS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const claims = { ticket: bytes, mark: mark!, holder: certificate, fromS, untilS: fromS + 60, paper: 0 };
    const honest = writeCode(signCode(claims, compactKeyOf(scalar).privateKey));
    expect((await scan(east, honest)).said).toBe('used');
  });

  it('each with a sentence of its own', async () => {
    expect(new Set(doorReasons.map(wordsOfReason)).size).toBe(doorReasons.length);
  });
});

describe('the holder hears of marks made for its codes', () => {
  it('and takes no other: not before a code was shown, not for another ticket, none that is not genuine', async () => {
    const { ada, bob, east, issue, code, scan, command, refusal, trusted } = await openDoors();
    const [first, second] = [await issue(ada, sample('event')), await issue(ada, sample('event'))];
    const shown = await code(ada, first);
    await scan(east, shown);
    const { unheard } = stateOf(east).books.get(first)!;
    expect(await refusal(command(bob, { type: 'take-mark', matter: 'm', mark: unheard! }))).toBe('TICKET_UNKNOWN');
    const broken = unheard!.slice();
    broken[broken.length - 1]! ^= 1;
    expect(await refusal(command(ada, { type: 'take-mark', matter: 'm', mark: broken }))).toBe('TICKET_INVALID');
    await command(ada, { type: 'take-mark', matter: 'm', mark: unheard! });
    expect(stateOf(ada).tickets.get(first)?.status).toMatchObject({ standing: 'used', remaining: 0 });

    // Somebody who may accept tickets marks one that was never shown.
    const { certificate, scalar } = certifiedOf(east);
    const atS = Math.floor(trusted.world.clock.nowMs() / 1000);
    const claims = {
      ticketId: fromHex(second),
      number: 1,
      standing: 'used',
      remaining: 0,
      inUseUntilS: 0,
      atS,
    } as const;
    const spite = writeMark(signMark(claims, { certificate, privateKey: compactKeyOf(scalar).privateKey }));
    expect(await refusal(command(ada, { type: 'take-mark', matter: 'm', mark: spite }))).toBe('TICKET_INVALID');
    expect(stateOf(ada).tickets.get(second)?.status.standing).toBe('good');
  });

  it('a door that was switched off in between has its books again', async () => {
    const { ada, east, issue, code, scan, scans, trusted } = await openDoors();
    const ticketId = await issue(ada, sample('event'));
    const shown = await code(ada, ticketId);
    expect((await scan(east, shown)).said).toBe('let in');
    east.machine.crash();
    await trusted.run(5000);
    expect((await scan(east, shown)).said).toBe('duplicate');
    expect(await scans(east)).toHaveLength(1);
  });
});

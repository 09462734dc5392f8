/**
 * Tickets through the real parties: agency with the primary trusted server, an ordinary one, and devices of an authority, a merchant, a door and
 * two people, each a process with its own key and store, talking over TLS (US 5,671,280, figures 2, 5 to 11 and 23 to 25).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ShownCode } from '../../src/party/device/device-desk.ts';
import type { DoorAnswer } from '../../src/party/device/door-desk.ts';
import type { SectionsView, TicketView } from '../../src/party/device/ticket-view.ts';
import {
  event,
  film,
  licence,
  papers,
  radio,
  seal,
  startTicketTown,
  type TicketTown,
  train,
  until,
} from './ticket-town.ts';

let town: TicketTown;
beforeAll(async () => {
  town = await startTicketTown();
}, 120_000);
afterAll(() => town.close());

type Detail = TicketView & { readonly sections: SectionsView };
const detail = (device: string, id: string) => town.owner(device).get<Detail>(`/tickets/${id}`);
const show = (device: string, id: string, options: object = { forS: 60 }) =>
  town.owner(device).post<ShownCode>(`/tickets/${id}/show`, options);
const check = (code: string, units?: number) =>
  town.owner('door').post<DoorAnswer>('/scan', { code, ...(units !== undefined && { units }) });
const codeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'done',
    (error: { readonly code: string }) => error.code,
  );

describe('a ticket', () => {
  test('[CITI-F2] [CITI-7] [CITI-8] [CITI-9] [CITI-10] [CITI-11] [CITI-12] of each of the six kinds reaches its owner with six sections and every field of the text', async () => {
    const kinds: Record<string, string> = {};
    const given = { event, transportation: train, communications: radio, decryption: film, ...papers };
    for (const [type, components] of Object.entries(given)) {
      const id = await town.issue('ada', components);
      const { kind, fields, sections, ...ticket } = await detail('ada', id);
      kinds[kind] = type;
      const secret = ['decryptionKey', 'decryptionKeys'];
      const expected = Object.keys(components).filter((field) => field !== 'type' && !secret.includes(field));
      // Components; what opens something is for agents only.
      expect(Object.keys(fields).sort(), type).toEqual(expected.sort());
      // Identifier: the merchant's name from its credential, and when that expires; the receiver; the type.
      expect(ticket).toMatchObject({ type, issuer: 'Handsel Opera', issuerExpires: expect.stringMatching(/^20/) });
      expect(sections.receiver.number).toMatch(/^1-\d+$/);
      // Issuer Signature, Issuer Certificate, Transfer History, Sender Signatures.
      expect(sections.issuerSignature).toMatch(/^[0-9a-f]{128}$/);
      expect(sections.issuerCertificate).toMatchObject({ kind: 'merchant', server: 1, primary: 1 });
      expect([sections.transferHistory, sections.senderSignatures]).toEqual([[], []]);
    }
    for (const components of [licence, seal]) {
      const { tickets } = await town.owner('bureau').post<{ readonly tickets: readonly string[] }>('/issue', {
        ...{ tickets: [components], to: 'ada' },
      });
      await until(async () => (await town.tickets('ada')).some(({ id }) => id === tickets[0]));
      const { kind, fields, issuer, sections } = await detail('ada', tickets[0]!);
      kinds[kind] = components.type;
      const expected = Object.keys(components).filter((field) => field !== 'type');
      expect(Object.keys(fields).sort(), components.type).toEqual(expected.sort());
      expect([issuer, sections.issuerCertificate.kind]).toEqual(['Bureau of Credentials', 'authority']);
    }
    expect(Object.keys(kinds).sort()).toEqual(
      ['communications', 'credential', 'decryption', 'event', 'physical-object', 'transportation'].sort(),
    );
    const shown = town.handsel('tickets', 'list');
    expect(shown.out.split('\n').filter((line) => line.includes('good'))).not.toHaveLength(0);

    // Values as they were written down.
    const opera = (await town.tickets('ada')).find(({ type }) => type === 'event')!;
    expect(opera.fields).toEqual({ ...event, type: undefined, price: '89.00 EUR' });
    expect(opera).toMatchObject({ standing: 'good', remaining: 1, transfers: 0 });
    const licenceView = (await town.tickets('ada')).find(({ type }) => type === 'licence')!;
    expect(licenceView.fields).toMatchObject({
      picture: '900 bytes',
      signature: '300 bytes',
      expiresDay: '2030-01-01',
    });
  }, 60_000);

  test('[CITI-F25] goes to another person with history and signature, and is the first one’s no more; also when the device of either dies', async () => {
    const id = await town.issue('ada', event);
    expect(await codeOf(town.owner('ada').post('/transfer', { tickets: [id], to: 'nobody' }))).toBe('DEVICE_UNKNOWN');
    const { code, out } = town.handsel('tickets', 'transfer', id.slice(0, 10), '--to', 'ben');
    expect([code, out]).toEqual([0, `${id.slice(0, 8)}  is ben's now\n`]);
    await until(async () => (await town.tickets('ben')).some((ticket) => ticket.id === id));
    expect((await town.tickets('ada')).map((ticket) => ticket.id)).not.toContain(id);
    const { sections, transfers } = await detail('ben', id);
    const [first] = sections.transferHistory;
    expect(transfers).toBe(1);
    expect(first).toMatchObject({ sender: sections.receiver.number, senderCertificate: { kind: 'customer' } });
    expect(sections.senderSignatures).toEqual([expect.stringMatching(/^[0-9a-f]{128}$/)]);

    // The receiver's device is off: nothing moves, and after it comes back the ticket is one person's only.
    await town.kill('ada');
    const lost = codeOf(town.owner('ben').post('/transfer', { tickets: [id], to: 'ada' }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await town.start('ada');
    await lost;
    await until(async () => {
      const holders = await Promise.all(
        ['ada', 'ben'].map(async (one) => (await town.tickets(one)).filter((t) => t.id === id)),
      );
      return holders.flat().length === 1;
    });
  }, 60_000);

  test('[CITI-F25] with its credential check: who shows none gets nothing, who shows one does', async () => {
    const id = await town.issue('ada', event);
    expect(await codeOf(town.owner('ada').post('/transfer', { tickets: [id], to: 'ben', check: true }))).toBe(
      'NOT_DONE',
    );
    expect((await town.tickets('ada')).some((ticket) => ticket.id === id)).toBe(true);
    // The door has its merchant credential.
    await town.owner('ada').post('/transfer', { tickets: [id], to: 'door', check: true });
    expect((await town.tickets('ada')).some((ticket) => ticket.id === id)).toBe(false);
  });
});

describe('a door', () => {
  test('[CITI-F23] [CITI-F24] admits once in a session, in use meanwhile, and marks the ticket of the holder used', async () => {
    const id = await town.issue('ada', event);
    const { code, out } = town.handsel('tickets', 'present', id, '--at', 'door', '--check');
    expect([code, out]).toEqual([0, 'presented at door: Die Zauberflöte is used, 0 left\n']);
    expect(await detail('ada', id)).toMatchObject({ standing: 'used', remaining: 0 });
    const again = town.handsel('tickets', 'present', id, '--at', 'door', '--json');
    expect(JSON.parse(again.err).error.code).toBe('TICKET_INACTIVE');
    const { events } = await town.owner('door').get<{ readonly events: readonly DoorAnswer[] }>('/door');
    expect(events.find(({ ticket }) => ticket?.id === id)).toMatchObject({ letIn: true, how: 'session' });
  });

  test('[CITI-F24] takes what is used up step by step, and the holder knows what is left', async () => {
    const id = await town.issue('ada', radio);
    await town.owner('ada').post('/present', { ticket: id, to: 'door' });
    expect(await detail('ada', id)).toMatchObject({ standing: 'good', remaining: 3599 });
    await town.owner('ada').post('/present', { ticket: id, to: 'door' });
    expect(await detail('ada', id)).toMatchObject({ remaining: 3598 });
  });

  test('[CITI-F23] checks a code without any network, tells duplicates, and its mark reaches the holder when it is refreshed', async () => {
    const id = await town.issue('ada', event);
    for (const name of ['agency', 'registry', 'bureau', 'opera']) await town.stop(name);
    const { letters } = await show('ada', id);
    const shown = town.handsel('gate', 'check', letters);
    expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/^IN {3}Die Zauberflöte, device 1-\d+\n$/)]);
    const twice = town.handsel('gate', 'check', letters);
    expect([twice.code, twice.out]).toEqual([
      1,
      expect.stringContaining('With this ticket somebody was let in already.'),
    ]);
    // The books are the journal's: a door that dies and comes back knows.
    await town.kill('door');
    await town.start('door');
    expect(await check(letters)).toMatchObject({ letIn: false, reason: 'duplicate' });
    expect(await detail('ada', id)).toMatchObject({ standing: 'good' });
    await town.start('agency');
    await town.start('registry', 'bureau', 'opera');
    await until(async () => {
      town.handsel('tickets', 'refresh');
      return (await detail('ada', id)).standing === 'used';
    });
  }, 90_000);

  test('refuses what its issuer took back once it is refreshed, and what only names a ticket', async () => {
    const id = await town.issue('ada', event);
    expect(await check(`HTREF1:${id.toUpperCase()}`)).toMatchObject({ letIn: false, reason: 'reference' });
    expect(await check('HELLO')).toMatchObject({ letIn: false, reason: 'unreadable' });
    const { letters } = await show('ada', id);
    expect(town.handsel('tickets', 'take-back', id).code).toBe(0);
    expect(town.handsel('gate', 'refresh').code).toBe(0);
    expect(await check(letters)).toMatchObject({ letIn: false, reason: 'revoked' });
    expect(town.handsel('tickets', 'take-back', 'ff'.repeat(16)).err).toContain('TICKET_UNKNOWN');
  });

  test('writes what it let in, with proofs, and a merge finds that each was good for it', async () => {
    const id = await town.issue('ben', event);
    await check((await show('ben', id)).letters);
    const file = join(town.folder, 'door.scans');
    expect(town.handsel('gate', 'export', '--out', file).code).toBe(0);
    const merged = town.handsel('gate', 'merge', file, '--json');
    expect(merged.code).toBe(0);
    expect(JSON.parse(merged.out)).toMatchObject({ doubles: [], worthless: [] });
    writeFileSync(join(town.folder, 'nonsense'), 'nonsense');
    expect(town.handsel('gate', 'merge', join(town.folder, 'nonsense')).err).toContain('SCANS_UNREADABLE');
    expect(readFileSync(file).includes(Buffer.from('Zauberflöte'))).toBe(true);
  });
});

describe('an authority', () => {
  test('[CITI-F26] [CITI-C] issues to whom its clerk has seen, from its own data base, once a code, and renews by its rules', async () => {
    const person = join(town.folder, 'person.json');
    const fields = { name: 'Ada Nyström', address: 'Göteborg', birthDay: '2001-05-31' };
    writeFileSync(person, JSON.stringify({ subject: 'ada', fields }));
    expect(town.handsel('credentials', 'record', person).code).toBe(0);
    const visit = () => town.handsel('credentials', 'visit', 'ada', "driver's licence").out.trim();
    const acquire = (code: string, ...more: string[]) =>
      town.handsel('credentials', 'acquire', "driver's licence", '--from', 'bureau', '--code', code, '--json', ...more);
    expect(acquire('00'.repeat(13)).err).toContain('NOT_DONE');
    const code = visit();
    const acquired = acquire(code);
    expect([acquired.code, acquired.err]).toEqual([0, '']);
    expect(JSON.parse(acquired.out)).toMatchObject({
      ...{ type: 'attestation', issuer: 'Bureau of Credentials', standing: 'good' },
      fields: { title: "driver's licence", claims: { ...fields, 'over 18': true } },
    });
    // The code is used up, for everybody.
    expect(acquire(code).err).toContain('NOT_DONE');
    expect(acquire(code, '--device', 'ben').err).toContain('NOT_DONE');
    const { id } = JSON.parse(acquired.out) as TicketView;
    // Both know it after they were ended without warning.
    for (const name of ['bureau', 'ada']) {
      await town.kill(name);
      await town.start(name);
    }
    expect((await town.tickets('ada')).some((ticket) => ticket.id === id)).toBe(true);
    expect(town.handsel('credentials', 'issued').out).toContain(`${id}  good       driver's licence, of ada`);
    // Too early: it is good for a year.
    expect(town.handsel('credentials', 'renew', id, '--at', 'bureau').err).toContain('NOT_DONE');
    expect(town.handsel('credentials', 'revoke', id).code).toBe(0);
    expect(town.handsel('credentials', 'issued').out).toContain(`${id}  revoked`);
    expect(town.handsel('credentials', 'visit', 'nobody', "driver's licence").err).toContain('COMMAND_UNTIMELY');
  }, 90_000);
});

describe('devices', () => {
  test('[CITI-F5] [CITI-F6] are numbered and certified by their server when they are first switched on, and never by the same token again', async () => {
    for (const [name, kind] of [
      ['bureau', 'authority'],
      ['opera', 'merchant'],
      ['door', 'merchant'],
      ['ada', 'customer'],
    ] as const) {
      const device = await town.owner(name).get<{ readonly number: string; readonly kind: string }>('/device');
      expect(device).toMatchObject({ kind, number: expect.stringMatching(/^1-[1-9]\d*$/) });
    }
    const numbers = await Promise.all(
      ['bureau', 'opera', 'door', 'ada', 'ben'].map(async (name) => {
        const { number } = await town.owner(name).get<{ readonly number: string }>('/device');
        return number;
      }),
    );
    expect(new Set(numbers).size).toBe(5);
    // What introduced them is used up, at both ends.
    expect(() => readFileSync(join(town.home, 'ada/trusted/token'))).toThrow('ENOENT');
    expect(() => readFileSync(join(town.home, 'registry/trusted/enrolments/ada.json'))).toThrow('ENOENT');
    expect(() => readFileSync(join(town.home, 'agency/trusted/enrolments/registry.json'))).toThrow('ENOENT');
  });

  test('[CITI-F8] meet their server, which counts their logs: refreshed again and again, also after a restart', async () => {
    for (let round = 0; round < 2; round++) {
      const { serverFailed, certificateExpires } = await town
        .owner('ada')
        .post<{ readonly serverFailed?: string; readonly certificateExpires: string }>('/refresh');
      expect([serverFailed, certificateExpires > '2026']).toEqual([undefined, true]);
      await town.kill('ada');
      await town.start('ada');
    }
  });

  test('do not open with a wrong PIN, and after five of them not with the right one', async () => {
    await town.stop('ben');
    const pin = join(town.home, 'ben/pin');
    const right = readFileSync(pin, 'utf8');
    writeFileSync(pin, '000000x\n');
    for (let i = 0; i < 5; i++) {
      const { code, err } = town.runDevice('ben');
      expect([code, err]).toEqual([1, expect.stringContaining('PIN_WRONG')]);
    }
    writeFileSync(pin, right);
    expect(town.runDevice('ben').err).toContain('DEVICE_LOCKED');
  }, 60_000);
});

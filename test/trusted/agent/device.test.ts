/** Transaction devices as their owners have them: opened with a PIN, in real time, on SQLite, with a host side that keeps all it ever sees. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import { makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { systemClock } from '../../../src/journal/clock.ts';
import type { Courier } from '../../../src/journal/courier.ts';
import { openHost } from '../../../src/journal/host.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { openSqliteJournal } from '../../../src/journal/sqlite-journal.ts';
import { openDevice, type TransactionDevice } from '../../../src/trusted/agent/device.ts';
import {
  createDeviceFile,
  type DeviceFile,
  maxPinTries,
  openDeviceFile,
  recoverDeviceFile,
} from '../../../src/trusted/agent/device-file.ts';
import type { HostNotice } from '../../../src/trusted/agent/to-host.ts';
import type { AgentKind } from '../../../src/trusted/message/certificate.ts';
import { foundingLists } from '../../../src/trusted/message/trust-lists.ts';
import { answerAtServer } from '../../../src/trusted/server/server-endpoint.ts';
import { createTrustedServer, type ServerOptions } from '../../../src/trusted/server/server-machine.ts';
import { sample } from '../ticket/samples.ts';

const cost = { logN: 4 };
const quiet = { info() {}, warn() {}, error: (detail: object) => console.error(detail) };
const random = systemRandom;

function fileInMemory(): DeviceFile & { content: Uint8Array | undefined } {
  const file = {
    content: undefined as Uint8Array | undefined,
    read: async () => file.content,
    write: async (content: Uint8Array) => {
      file.content = content;
    },
  };
  return file;
}

function fileOnDisk(path: string): DeviceFile {
  return {
    read: () =>
      readFile(path).then(
        (bytes) => new Uint8Array(bytes),
        () => undefined,
      ),
    write: (content) => writeFile(path, content),
  };
}

const codeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'opened',
    (error: HandselError) => error.code,
  );

describe("a device's file", () => {
  it('opens with the PIN, and after five wrong ones with the recovery code only', async () => {
    const file = fileInMemory();
    const { journalKey, recoveryCode } = await createDeviceFile({ file, pin: '4711', random, cost });
    const open = (pin: string) => openDeviceFile({ file, pin });
    expect(await open('4711')).toEqual(journalKey);
    for (let wrong = 1; wrong < maxPinTries; wrong++) expect(await codeOf(open('0000'))).toBe('PIN_WRONG');
    expect(await open('4711')).toEqual(journalKey);
    for (let wrong = 1; wrong <= maxPinTries; wrong++) expect(await codeOf(open('0000'))).toBe('PIN_WRONG');
    expect(await codeOf(open('4711'))).toBe('DEVICE_LOCKED');
    const recover = (code: string) => recoverDeviceFile({ file, recoveryCode: code, newPin: '12345', random, cost });
    expect(await codeOf(recover('AAAAA-AAAAA-AAAAA-AAAAA-AAAAA'))).toBe('PIN_WRONG');
    await recover(` ${recoveryCode.toLowerCase()}\n`);
    expect(await open('12345')).toEqual(journalKey);
    expect(await codeOf(open('4711'))).toBe('PIN_WRONG');
  });

  it('counts a try before it is made: switching off in between gives none back', async () => {
    const file = fileInMemory();
    await createDeviceFile({ file, pin: '4711', random, cost });
    let writes = 0;
    const cut: DeviceFile = {
      read: file.read,
      write: async (content) => {
        // Power is cut after the first write of each try.
        if (++writes % 2 === 1) await file.write(content);
        else throw new Error('switched off');
      },
    };
    for (let i = 0; i < maxPinTries; i++) {
      writes = 0;
      await openDeviceFile({ file: cut, pin: '4711' }).catch(() => undefined);
    }
    expect(await codeOf(openDeviceFile({ file, pin: '4711' }))).toBe('DEVICE_LOCKED');
  });

  it('holds neither key nor PIN, is not made twice, and is refused when damaged', async () => {
    const file = fileInMemory();
    const { journalKey } = await createDeviceFile({ file, pin: '4711471147', random, cost });
    const seen = Buffer.from(file.content!).toString('latin1');
    expect(seen).not.toContain('4711471147');
    expect(seen).not.toContain(Buffer.from(journalKey).toString('latin1'));
    expect(await codeOf(createDeviceFile({ file, pin: '4711', random, cost }))).toBe('DEVICE_FILE_DAMAGED');
    expect(await codeOf(createDeviceFile({ file: fileInMemory(), pin: '123', random, cost }))).toBe('PIN_WRONG');
    file.content = utf8('nonsense');
    expect(await codeOf(openDeviceFile({ file, pin: '4711' }))).toBe('DEVICE_FILE_DAMAGED');
    expect(await codeOf(openDeviceFile({ file: fileInMemory(), pin: '4711' }))).toBe('DEVICE_FILE_DAMAGED');
  });
});

describe('devices in use', () => {
  let folder: string;
  let closing: (() => Promise<unknown>)[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'handsel-device-'));
    closing = [];
  });
  afterEach(async () => {
    for (const close of closing) await close();
    await rm(folder, { recursive: true });
  });

  async function openTown() {
    const doors = new Map<string, (body: Uint8Array) => Promise<Uint8Array>>();
    /** All that passes through host sides. */
    const seen: Uint8Array[] = [];
    const courier: Courier = {
      async deliver({ to, body }) {
        seen.push(body);
        try {
          const answer = await doors.get(to)!(body);
          seen.push(answer);
          return { type: 'answered', body: answer };
        } catch (error) {
          if (!(error instanceof HandselError)) throw error;
          return { type: 'refused', code: error.code, detail: error.message };
        }
      },
    };
    const common = { clock: systemClock(), random, courier, log: quiet };
    const primaryKey = makeCompactKey(random);
    const lists = foundingLists([{ primaryId: 1, publicKey: primaryKey.x, fromDay: 0 }]);
    const openServer = async (name: string, role: ServerOptions['role']) => {
      const machine = createTrustedServer({ foundingLists: lists, role });
      const host = await openHost({ ...common, machine, journal: createMemoryJournal() });
      doors.set(name, (body) => answerAtServer(host, body));
      closing.push(() => host.close());
      return host;
    };
    const primary = await openServer('primary', { type: 'primary', primaryId: 1, scalar: primaryKey.scalar });
    const north = await openServer('north', { type: 'ordinary', primary: 'primary' });
    const token = random(32);
    await primary.submit({ type: 'command', command: { type: 'announce', token } });
    await north.submit({ type: 'command', command: { type: 'initialise', token } });
    await until(() => north.state.identity.type === 'certified');

    const open = async (name: string, pin = '4711') => {
      const notices: HostNotice[] = [];
      const device: TransactionDevice = await openDevice({
        ...common,
        ...{ foundingLists: lists, replyTo: name, pin, file: fileOnDisk(join(folder, `${name}.key`)) },
        openJournal: () => openSqliteJournal({ file: join(folder, `${name}.db`) }),
        toHost: (notice) => notices.push(notice),
      });
      doors.set(name, device.arrived);
      closing.push(() => device.close());
      return { device, notices };
    };
    const make = async (name: string, kind: AgentKind) => {
      await createDeviceFile({ file: fileOnDisk(join(folder, `${name}.key`)), pin: '4711', random, cost });
      const { device, notices } = await open(name);
      const agentToken = random(16);
      await north.submit({ type: 'command', command: { type: 'announce', token: agentToken, kind } });
      await device.command({ type: 'initialise', route: 'north', token: agentToken });
      await until(() => notices.some(({ type }) => type === 'certified'));
      return { device, notices };
    };
    return { make, open, seen };
  }

  async function until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 500 && !holds(); i++) await sleep(10);
    expect(holds()).toBe(true);
  }
  const about = new Uint8Array();
  const expectCall = ({ device }: { device: TransactionDevice }, purpose: 'give' | 'present') =>
    device.command({ type: 'expect', matter: purpose, purpose, untilMs: Date.now() + 60_000 });

  it('have host sides that carry and keep everything, and find no key and no ticket in it', async () => {
    const { make, open, seen } = await openTown();
    const [authority, house, ada, bob] = [
      await make('authority', 'authority'),
      await make('house', 'merchant'),
      await make('ada', 'customer'),
      await make('bob', 'customer'),
    ];
    await authority.device.command({ type: 'name-yourself', components: sample('authority') });
    await expectCall(house, 'give');
    const credential = [{ type: 'issue', components: sample('merchant') }] as const;
    await authority.device.command({ type: 'give', matter: 'm', route: 'house', about, items: credential, check: 0 });
    await until(() => house.notices.some(({ type }) => type === 'received'));
    await expectCall(ada, 'give');
    const goods = [sample('decryption'), sample('communications'), sample('event')].map((components) => ({
      type: 'issue' as const,
      components,
    }));
    await house.device.command({ type: 'give', matter: 'm', route: 'ada', about, items: goods, check: 0 });
    await until(() => ada.device.tickets().length === 3);
    await expectCall(bob, 'give');
    const [film] = ada.device.tickets();
    await ada.device.command({
      ...{ type: 'give', matter: 'm', route: 'bob', about, check: 0 },
      items: [{ type: 'transfer', ticketId: film!.ticketId }],
    });
    await until(() => bob.device.tickets().length === 1);
    await until(() => ada.notices.filter(({ type }) => type === 'over').length === 1);

    // The device is switched off and on; a wrong PIN does not open it.
    await bob.device.close();
    expect(await codeOf(open('bob', '0000'))).toBe('PIN_WRONG');
    const again = await open('bob');
    expect(again.device.tickets().map(({ ticketId }) => ticketId)).toEqual([film!.ticketId]);
    expect((await again.device.log(10)).map(({ kind, ticketIds }) => [kind, ticketIds])).toEqual([
      ['certified', []],
      ['received', [film!.ticketId]],
    ]);

    const decryption = sample('decryption').decryptionKey;
    const secrets: [string, Uint8Array][] = [
      ['decryption key', decryption],
      ['decryption key of the channel', sample('communications').decryptionKeys[1]!],
      ['seat', utf8(sample('event').seat)],
      ['title', utf8('Metropolis')],
      ['name', utf8('Deutsche Oper')],
    ];
    const files = await Promise.all(
      ['ada', 'bob', 'house'].flatMap((name) => ['db', 'key'].map((end) => readFile(join(folder, `${name}.${end}`)))),
    );
    const logs = await Promise.all(
      ['ada', 'bob', 'house'].map((name) => readFile(join(folder, `${name}.db-wal`)).catch(() => Buffer.alloc(0))),
    );
    const carried = Buffer.concat([...seen, ...files, ...logs]).toString('hex');
    for (const [what, secret] of secrets) expect(carried.includes(toHex(secret)), what).toBe(false);
    // To Host itself tells about tickets, but never what opens the goods.
    const told = [...ada.notices, ...bob.notices, ...house.notices]
      .map((notice) => JSON.stringify(notice, (_, value) => (value instanceof Uint8Array ? toHex(value) : value)))
      .join();
    expect(told).toContain(toHex(utf8('Metropolis')));
    expect(told).not.toContain(toHex(decryption));
    expect(
      JSON.stringify(ada.device.tickets(), (_, value) => (value instanceof Uint8Array ? toHex(value) : value)),
    ).not.toContain(toHex(decryption));
  });

  it('refuse commands that are none, and tell who commands them', async () => {
    const { make } = await openTown();
    const { device } = await make('ada', 'customer');
    const odd = [
      { type: 'give', matter: '', route: 'x', about, items: [], check: 0 },
      { type: 'present', matter: 'm', route: 'x', about, ticketId: 'short', check: 0 },
      { type: 'use', session: '0'.repeat(32), units: 1.5, last: 0 },
      { type: 'recertify', route: 'x'.repeat(301) },
    ];
    for (const command of odd)
      expect(await codeOf(device.command(command as never)), command.type).toBe('MESSAGE_INVALID');
    expect(await codeOf(device.command({ type: 'use', session: '0'.repeat(32), units: 1, last: 0 }))).toBe(
      'COMMAND_UNTIMELY',
    );
    expect(await codeOf(device.arrived(random(50)))).toMatch(/CBOR_MALFORMED|MESSAGE_INVALID/);
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { provisionIn, temporaryFolder } from '../party/network/network-fixture.ts';
import { handsel, killAll } from './handsel-process.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const north = join(home, 'north/party.json');

beforeAll(async () => {
  await provisionIn(home);
});
afterEach(killAll);
afterAll(remove);

test.each(['SIGTERM', 'SIGINT'] as const)('a party says where it listens and ends cleanly at %s', async (signal) => {
  const { child, said, ended, listening } = handsel('run', 'operator', '--config', north);
  await listening;
  expect(said.out).toMatch(/^operator north listens at https:\/\/127\.0\.0\.1:\d+\n$/);
  child.kill(signal);
  expect(await ended).toMatchObject({ code: 0, signal: null });
});

test('a party that was killed starts again from what it had', async () => {
  const first = handsel('run', 'operator', '--config', north, '--json');
  await first.listening;
  expect(JSON.parse(first.said.out)).toMatchObject({ party: 'operator', name: 'north' });
  first.child.kill('SIGKILL');
  await first.ended;
  const second = handsel('run', 'operator', '--config', north);
  await second.listening;
  second.child.kill('SIGTERM');
  expect(await second.ended).toMatchObject({ code: 0 });
});

test('a configuration that is missing or wrong is named, and nothing starts', async () => {
  expect(await handsel('run', 'operator', '--config', join(folder, 'none.json')).ended).toMatchObject({ code: 1 });
  const wrong = join(folder, 'wrong.json');
  writeFileSync(wrong, readFileSync(north, 'utf8').replace('"brand"', '"brnad"'));
  const { code, err, out } = await handsel('run', 'operator', '--config', wrong).ended;
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain('CONFIGURATION_INVALID');
  expect(err).toContain('brnad');
});

test('a configuration of another kind of party is said in one line, with the command that fits', async () => {
  const { code, err } = await handsel('run', 'merchant', '--config', north).ended;
  expect(code).toBe(1);
  expect(err.split('\n')[0]).toBe(
    `handsel: ${north} is an operator's configuration: handsel run operator --config ${north} (CONFIGURATION_INVALID)`,
  );
  const folder = await handsel('run', 'merchant', '--config', join(home, 'north')).ended;
  expect(folder.err).toContain("an operator's configuration");
});

test('a kind of party that does not exist is complained of before anything that is missing', async () => {
  const { code, err } = await handsel('run', 'nonsense').ended;
  expect(code).toBe(2);
  expect(err).toContain("'nonsense'");
  expect(err).not.toContain('--config');
  expect((await handsel('run', 'operator').ended).err).toContain('--config');
});

test('a private key that does not belong to the chain, and a chain that is none, are named', async () => {
  const key = join(home, 'north/gateway/signature-key.pem');
  const chain = join(home, 'north/gateway/signature.pem');
  const [keyBefore, chainBefore] = [readFileSync(key), readFileSync(chain)];
  try {
    writeFileSync(key, readFileSync(join(home, 'north/gateway/encryption-key.pem')));
    const foreign = await handsel('run', 'operator', '--config', north).ended;
    expect(foreign.code).toBe(1);
    for (const file of [key, chain]) expect(foreign.err).toContain(file);
    writeFileSync(chain, 'no chain');
    const none = await handsel('run', 'operator', '--config', north).ended;
    expect(none.code).toBe(1);
    expect(none.err).toContain(chain);
  } finally {
    writeFileSync(key, keyBefore);
    writeFileSync(chain, chainBefore);
  }
});

test('a port that is taken ends the start, though journals were open already', async () => {
  const { port } = JSON.parse(readFileSync(north, 'utf8')).listen;
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', () => resolve()));
  try {
    const { code, err } = await handsel('run', 'operator', '--config', north).ended;
    expect(code).toBe(1);
    expect(err).toContain('EADDRINUSE');
    expect(err).toContain('--base-port');
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
});

test('operator close says when the batch is settled, and takes the folder for the configuration in it', async () => {
  const running = handsel('run', 'operator', '--config', join(home, 'north'));
  await running.listening;
  const { code, out } = await handsel('operator', 'close', '--config', join(home, 'north')).ended;
  expect([code, out]).toEqual([0, expect.stringContaining('900 s after its last charge')]);
  const json = await handsel('operator', 'close', '--config', north, '--json').ended;
  expect(JSON.parse(json.out)).toEqual({ closed: true, reversalSeconds: 900 });
});

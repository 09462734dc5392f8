import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../party/network/network-fixture.ts';
import { handsel, killAll } from './handsel-process.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const kept = join(home, 'customer/password');

beforeAll(async () => {
  await handsel('start', '--no-sale', '--home', home).printed('All parties stay up');
});
afterAll(() => {
  killAll();
  remove();
});

test('a merchant is paid by the name this network knows it by', async () => {
  const pay = (merchant: string) =>
    handsel('wallet', 'pay', merchant, 'emoji-order', '--max', '3EUR', '--home', home, '--json').ended;
  const { code, out, err } = await pay('atlas');
  expect([code, err]).toEqual([0, '']);
  expect(JSON.parse(out).status).toBe('delivered');
  for (const nobody of ['nobody', 'market']) {
    const refused = await pay(nobody);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.err).error).toMatchObject({
      code: 'SELLER_UNKNOWN',
      message: expect.stringContaining('atlas, lexicon'),
    });
  }
});

test('a peer that cannot be reached is named by its URL', async () => {
  const args = ['wallet', 'pay', 'https://127.0.0.1:1', 'emoji-order', '--max', '3EUR', '--home', home];
  const { code, err } = await handsel(...args).ended;
  expect(code).toBe(1);
  expect(err).toContain('https://127.0.0.1:1: nobody listens there (PEER_UNREACHABLE)');
});

test('a network that runs already is said to, and goes on', async () => {
  const { code, err } = await handsel('start', '--once', '--home', home).ended;
  expect(code).toBe(1);
  expect(err).toContain('NETWORK_RUNNING');
  expect((await handsel('agent', 'status', '--home', home).ended).code).toBe(0);
});

test('a new password goes into the file that held the old one, and agents are sent with it', async () => {
  const next = join(folder, 'next');
  writeFileSync(next, 'a password of mine\n');
  const change = () => handsel('wallet', 'password', '--home', home, '--new-password-file', next).ended;
  expect((await change()).out).toContain(`${kept} holds the new one now`);
  expect(readFileSync(kept, 'utf8')).toBe('a password of mine\n');
  const send = ['agent', 'send', '--want', 'emoji', '--max', '3EUR', '--no-wait', '--home', home];
  expect((await handsel(...send).ended).code).toBe(0);

  const other = join(folder, 'other');
  writeFileSync(other, 'the wrong one\n');
  const { code, err } = await handsel(...send, '--password-file', other).ended;
  expect(code).toBe(1);
  expect(err).toContain(`The password came from ${other}.`);
});

test('a password file that held something else is left alone', async () => {
  const [present, next] = [join(folder, 'present'), join(folder, 'later')];
  writeFileSync(present, readFileSync(kept));
  writeFileSync(next, 'yet another one\n');
  writeFileSync(kept, 'not the password\n');
  const files = ['--password-file', present, '--new-password-file', next];
  const { code, out } = await handsel('wallet', 'password', '--home', home, ...files).ended;
  expect([code, out]).toEqual([0, 'the wallet password is changed\n']);
  expect(readFileSync(kept, 'utf8')).toBe('not the password\n');
});

test('a home that is a file, and one where nothing is, are told apart from a station that is away', async () => {
  const asked = (place: string) => handsel('agent', 'status', '--home', place, '--json').ended;
  const [file, nothing] = await Promise.all([asked(kept), asked(join(folder, 'nowhere'))]);
  expect([file.code, JSON.parse(file.err).error.code]).toEqual([1, 'FOLDER_IS_FILE']);
  expect([nothing.code, JSON.parse(nothing.err).error.code]).toEqual([1, 'NETWORK_MISSING']);
});

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { temporaryFolder } from '../party/network/network-fixture.ts';
import { handsel, killAll } from './handsel-process.ts';

const { folder, remove } = temporaryFolder();

afterEach(killAll);
afterAll(remove);

test('start --once makes a network, sells, prints the receipt as its last line, and ends; so it does again', async () => {
  const trace = join(folder, 'trace');
  for (const wanted of [[], ['--want', 'time zones', '--max', '4.00EUR']]) {
    const args = ['start', '--once', '--home', join(folder, 'started'), '--trace', trace, ...wanted];
    const { code, out, err } = await handsel(...args).ended;
    expect([code, err]).toEqual([0, '']);
    const receipt = JSON.parse(out.trimEnd().split('\n').at(-1)!);
    expect(receipt.beaten.length).toBeGreaterThan(0);
    expect(readFileSync(receipt.bought.items[0].file).length).toBeGreaterThan(100);
    const steps = [
      'Step I:',
      'payment-start',
      'Step II:',
      'PReq',
      'AuthReq',
      'Step III:',
      'completion-notice',
      'bought',
    ];
    const places = steps.map((step) => out.indexOf(step));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(receipt.deposits).toEqual([
      expect.objectContaining({
        merchant: 'atlas',
        purchases: 200,
        spent: '0.08 USD',
        paid: '0.08 USD',
        rate: '1.087',
      }),
    ]);
    const [{ transaction, charged }] = receipt.deposits;
    for (const told of [
      '199 purchases more over HTTP',
      'no bank heard of one',
      `customer  ${transaction}  200 purchases for 0.08 USD, at 1.087: ${charged} charged`,
      `south     ${transaction}  ${charged} withdrawn from the customer`,
      `north     ${transaction}  0.08 USD deposited to the merchant`,
      `atlas     ${transaction}  200 purchases, paid 0.08 USD`,
      'south     paid north 0.08 USD, net',
      'no bank owes another anything',
    ]) {
      expect(out).toContain(told);
    }
  }
  expect(readdirSync(trace).some((file) => file.endsWith('-customer-atlas-PInitReq.der'))).toBe(true);
});

test('start says what it could not buy, and fails', async () => {
  const args = [
    'start',
    '--once',
    '--home',
    join(folder, 'started'),
    '--want',
    'unicorns',
    '--proposals',
    '200ms',
    '--by',
    '600ms',
    '--json',
  ];
  const { code, out, err } = await handsel(...args).ended;
  expect([code, out]).toEqual([1, '']);
  const lines = err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.at(-1).error.code).toBe('NOTHING_BOUGHT');
  expect(lines[0].progress).toContain('agency');
});

test('a password file that does not open the wallet is named', async () => {
  const file = join(folder, 'started/customer/password');
  const before = readFileSync(file);
  writeFileSync(file, 'not the password\n');
  const { code, err } = await handsel('start', '--once', '--home', join(folder, 'started')).ended;
  writeFileSync(file, before);
  expect(code).toBe(1);
  expect(err).toContain(`the password in ${file} does not open the wallet (CRYPTOGRAPHIC_FAILURE)`);
});

test('start stays up after the sale, and ends cleanly when told to', async () => {
  const { child, said, ended, printed } = handsel('start', '--home', join(folder, 'started'));
  await printed('All parties stay up');
  expect(said.out).toContain('bought');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, signal: null });
});

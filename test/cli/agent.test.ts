/** `handsel agent` against a station that answers as told: exit codes, warnings before sending, and what programs read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { agentCommand } from '../../src/cli/agent.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { serveControl } from '../../src/party/customer/control.ts';
import type { AgentView, Station } from '../../src/party/customer/station.ts';
import { silentLog } from '../../src/transport/log.ts';
import type { RunningServer } from '../../src/transport/server.ts';
import { temporaryFolder } from '../party/network/network-fixture.ts';

const { folder: home, remove } = temporaryFolder();
const rows = [
  { name: 'agent', description: 'agents', options: ['json', 'home'], load: async () => agentCommand() },
] as const;
const payment = { payment: 'p', status: 'delivered', product: 'Emoji', merchant: 'atlas', price: '0.53 EUR' } as const;
const done: AgentView = {
  ...{ mandate: 'mandate', state: 'done', agent: 'done', want: 'emoji', max: '3.00 EUR', budget: '3.00 EUR', count: 3 },
  ...{ bought: 2, spent: '1.06 EUR', setAside: '0.00 EUR', committed: '1.06 EUR', recalled: false, waiting: [] },
  ...{ expires: '2030-01-01T00:00:00.000Z', proposals: 2, offers: 9, payments: [payment], local: false },
  ...{ reason: 'bought 2 of 3: the budget has 0.10 EUR left', warnings: ['no offer had foo'] },
};
let view = done;
const acts: string[] = [];
const station = {
  check: async ({ barred }: { barred: string[] }) => {
    acts.push('check');
    return barred.map((name) => `nobody knows ${name}`);
  },
  send: async () => {
    acts.push('send');
    return 'mandate';
  },
  status: async () => view,
  approve: async (given: string) => `${given} in full`,
  reject: async (given: string) => `${given} in full`,
  recall: async (given: string) => `${given} in full`,
  bought: async () => ({ purchases: [], totals: ['1.06 EUR'], purses: [] }),
} as unknown as Station;
let control: RunningServer;

beforeAll(async () => {
  mkdirSync(join(home, 'customer'));
  writeFileSync(join(home, 'customer/party.json'), '{}');
  writeFileSync(join(home, 'customer/password'), 'secret\n');
  const file = join(home, 'customer/control.json');
  control = await serveControl({ station, listen: { host: '127.0.0.1', port: 0 }, file, log: silentLog() });
});
afterAll(async () => {
  await control.close();
  remove();
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  acts.length = 0;
  view = done;
});

async function agent(...args: string[]) {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const code = await runCommandLine(['agent', ...args, '--home', home], rows);
  const said = (written: typeof out) => written.mock.calls.map(([text]) => String(text)).join('');
  return { code, out: said(out), err: said(err) };
}
const emoji = ['send', '--want', 'emoji', '--max', '3EUR'];

test('an agent that bought some of what it might is a success, and says why it is not more', async () => {
  const { code, out } = await agent(...emoji);
  expect([code, acts]).toEqual([0, ['send']]);
  expect(out).toContain('bought 2 of 3: the budget has 0.10 EUR left\nwarning: no offer had foo');
});

test('nothing bought, or the wrong goods, is no success', async () => {
  view = {
    ...done,
    warnings: [],
    state: 'failed',
    payments: [],
    bought: 0,
    reason: 'the purse food has 0.47 EUR left',
  };
  expect(await agent(...emoji)).toMatchObject({
    code: 1,
    out: 'nothing was bought: the purse food has 0.47 EUR left\n',
  });
  process.exitCode = undefined;
  vi.restoreAllMocks();
  view = { ...done, payments: [{ ...payment, status: 'undeliverable' }] };
  expect((await agent(...emoji)).code).toBe(1);
});

test('limits on merchants nobody knows are warned of before the agent is sent, and in what programs read', async () => {
  const { err, out } = await agent(...emoji, '--not', 'atlsa', '--json');
  expect(acts).toEqual(['check', 'send']);
  expect(err.indexOf('warning: nobody knows atlsa')).toBeLessThan(err.indexOf('is on its way'));
  const progress = err
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).progress);
  expect(progress[0]).toBe('warning: nobody knows atlsa');
  expect(JSON.parse(out)).toMatchObject({ goesOn: false, warnings: ['nobody knows atlsa', 'no offer had foo'] });
  vi.restoreAllMocks();
  const sent = await agent(...emoji, '--not', 'atlsa', '--json', '--no-wait');
  expect(JSON.parse(sent.out)).toEqual({ mandate: 'mandate', warnings: ['nobody knows atlsa'] });
});

test('a shortened identity is answered with the whole one; purchases are told to people and programs', async () => {
  expect((await agent('recall', 'ab')).out).toBe('agent ab in full is called back: it pays nothing new\n');
  vi.restoreAllMocks();
  const { out } = await agent('reject', 'cd');
  expect(out).toContain('payment cd in full is not made\nthe agent may find another merchant');
  vi.restoreAllMocks();
  expect((await agent('purchases')).out).toBe('nothing was bought yet\ntotal  1.06 EUR\n');
  vi.restoreAllMocks();
  expect(JSON.parse((await agent('purchases', '--json')).out)).toEqual({
    purchases: [],
    totals: ['1.06 EUR'],
    purses: [],
  });
});

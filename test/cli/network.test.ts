import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { networkCommand } from '../../src/cli/network.ts';
import { temporaryFolder } from '../party/network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

async function init(...args: string[]): Promise<string> {
  let output = '';
  const command = networkCommand((text) => {
    output += text;
  });
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync(['init', ...args], { from: 'user' });
  return output;
}

test('parties are told with their URLs, also those on other machines, and whether ports could be tried', async () => {
  const home = join(folder, 'several');
  const text = await init(
    '--home',
    home,
    '--host',
    '192.0.2.10',
    '--at',
    'north=192.0.2.20',
    '--at',
    'market=mart.example',
  );
  expect(text).toMatch(/agency +agency +https:\/\/192\.0\.2\.10:/);
  expect(text).toMatch(/north +operator +https:\/\/192\.0\.2\.20:/);
  expect(text).toMatch(/market +market +https:\/\/mart\.example:/);
  expect(text).toContain('not an address of this machine');
  const again = await init('--home', home);
  expect(again).toContain('There is a network already');
  expect(again).not.toContain('It stays as it was');
  expect(await init('--home', home, '--host', '127.0.0.1')).toContain('It stays as it was');
});

test.each([
  [['--host', 'no host']],
  [['--host', 'https://192.0.2.10']],
  [['--at', 'nobody=192.0.2.20']],
  [['--at', 'north']],
  [['--base-port', '70000']],
])('refuses %j before anything is made', async (options) => {
  const refused = init('--home', join(folder, 'none'), ...options);
  await expect(refused).rejects.toMatchObject({ code: 'commander.invalidArgument' });
});

/** The options of `agent send`: what is out of bounds is refused in their own words, with exit code 2, before anybody is asked. */
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { agentCommand } from '../../src/cli/agent.ts';
import { addSendOptions, misfitOf, orderOf, type SendOptions } from '../../src/cli/agent-options.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { agentOrderSchema } from '../../src/party/customer/agent-order.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

function optionsOf(...args: string[]): SendOptions {
  const command = addSendOptions(new Command('send'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(['--max', '3EUR', ...args], { from: 'user' }).opts<SendOptions>();
}
const refused = (args: readonly string[], words: string) =>
  expect(() => optionsOf(...args)).toThrow(expect.objectContaining({ message: expect.stringContaining(words) }));

test.each([
  [
    ['--quantity', '10001'],
    "option '--quantity <n>' argument '10001' is invalid. write a whole number from 1 to 10,000",
  ],
  [['--quantity', '0'], 'from 1 to 10,000'],
  [['--count', '1001'], 'from 1 to 1,000'],
  [['--rounds', '101'], 'from 1 to 100'],
  [['--by', '99ms'], 'a time from 100ms to 30d'],
  [['--by', '31d'], 'a time from 100ms to 30d'],
  [['--by', 'soon'], 'a time from 100ms to 30d'],
  [['--valid', '999ms'], 'a time from 1s to 60d'],
  [['--proposals', '10ms'], 'a time from 50ms to 1d'],
  [['--prefer', 'price=1001'], 'a weight from 0 to 1,000'],
  [['--worth', 'licence=MIT:101'], 'a worth from 0 to 100'],
  [['--want', 'a '.repeat(17)], 'at most 16 words'],
  [['--want', 'x'.repeat(81)], 'at most 80 characters'],
  [['--from', 'x'.repeat(101)], 'at most 100 characters'],
  [['--not', ' '], 'the name of a merchant'],
])('%j is refused: %s', (args, words) => refused(args, words));

test('what the options take the station takes too, to the very ends', () => {
  for (const args of [
    ['--quantity', '1', '--count', '1', '--rounds', '1', '--by', '100ms', '--valid', '1s', '--proposals', '50ms'],
    ['--quantity', '10000', '--count', '1000', '--rounds', '100', '--by', '30d', '--valid', '60d', '--proposals', '1d'],
    ['--want', `${'a '.repeat(15)}${'x'.repeat(80)}`, '--prefer', 'price=1000', '--worth', 'licence=MIT:100'],
  ]) {
    const order = agentOrderSchema.safeParse(orderOf(optionsOf('--category', 'Data', ...args), 'password'));
    expect(order.error?.issues ?? []).toEqual([]);
  }
});

test('license is understood as licence, wherever an attribute is named', () => {
  const options = optionsOf(
    '--must',
    'license=MIT',
    '--must',
    'licence=CC0-1.0',
    '--prefer',
    'License=5',
    '--worth',
    'license=MIT:9',
  );
  expect(options).toMatchObject({
    must: { licence: ['MIT', 'CC0-1.0'] },
    prefer: { licence: 5 },
    worth: { licence: { MIT: 9 } },
  });
  const order = agentOrderSchema.parse({ max: '3EUR', password: 'p', mustHaves: { license: ['MIT'] } });
  expect(order.mustHaves).toEqual({ licence: ['MIT'] });
});

test.each([
  [[], 'say what is wanted: --want, --category or --must'],
  [['--want', 'x', '--proposals', '9s', '--by', '2s'], '--proposals cannot be longer than --by'],
  [['--want', 'x', '--budget', '5USD'], 'options --budget and --max must be in the same currency'],
  [['--want', 'x', '--purse', 'food=5USD'], 'options --purse and --max must be in the same currency'],
  [['--want', 'x', '--purse', 'food=5EUR', '--budget', '5EUR'], undefined],
])('%j: %s', (args, words) => {
  const misfit = misfitOf(optionsOf(...args));
  if (words === undefined) expect(misfit).toBeUndefined();
  else expect(misfit).toContain(words);
});

describe('the command', () => {
  const rows = [
    { name: 'agent', description: 'agents', options: ['json', 'home'], load: async () => agentCommand() },
  ] as const;

  test('options that do not go together are a matter of usage: exit code 2, also for programs', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(await runCommandLine(['agent', 'send', '--max', '3EUR', '--json'], rows)).toBe(2);
    const { error } = JSON.parse(written.mock.calls.map(([text]) => text).join(''));
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('say what is wanted') });
  });

  test('its help names the usual attributes, the bounds, and what a local agent needs', async () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect(await runCommandLine(['agent', 'send', '--help'], rows)).toBe(0);
    const help = written.mock.calls
      .map(([text]) => text)
      .join('')
      .replace(/\s+/g, ' ');
    for (const words of ['licence SPDX', 'mediaType', '1 to 10,000', '100ms to 30d', 'still needs the market']) {
      expect(help).toContain(words);
    }
  });
});

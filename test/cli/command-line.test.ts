/** The command line as a whole: finding commands, options of the whole program, and what errors look like to people and programs. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { asCalled, programCalled } from '../../src/cli/called-as.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { type CommandRow, commandTable } from '../../src/cli/command-table.ts';
import { type GlobalOptions, homeFolder } from '../../src/cli/global-options.ts';
import { HandselError } from '../../src/handsel-error.ts';

const bin = fileURLToPath(new URL('../../bin/handsel.mjs', import.meta.url));

function handsel(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** One command that keeps the options it was run with, and one that must not be loaded. */
function rows(seen: GlobalOptions[], action: () => void = () => {}): readonly CommandRow[] {
  return [
    {
      name: 'sell',
      description: 'sell',
      options: ['json', 'home', 'trace'],
      load: async () =>
        new Command('sell').addCommand(
          new Command('now').option('--json', 'own').action((options: GlobalOptions) => {
            seen.push(options);
            action();
          }),
        ),
    },
    {
      name: 'buy',
      description: 'buy',
      options: [],
      load: async () => {
        throw new Error('loaded without being asked for');
      },
    },
  ];
}

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe('options of the whole program', () => {
  test('mean the same before and after the name of a command', async () => {
    const seen: GlobalOptions[] = [];
    const before = ['--json', '--home', 'there', '--trace', 'messages', 'sell', 'now'];
    const after = ['sell', 'now', '--trace', 'messages', '--json', '--home', 'there'];
    expect(await runCommandLine(before, rows(seen))).toBe(0);
    expect(await runCommandLine(after, rows(seen))).toBe(0);
    const all = { json: true, home: 'there', trace: 'messages' };
    expect(seen).toEqual([all, all]);
  });

  test('the home is --home, else HANDSEL_HOME, else .handsel in the project', () => {
    expect(homeFolder({ home: 'here' }, { HANDSEL_HOME: '/there' })).toBe('here');
    expect(homeFolder({}, { HANDSEL_HOME: '/there' })).toBe('/there');
    expect(homeFolder({}, {})).toBe(fileURLToPath(new URL('../../.handsel', import.meta.url)));
  });
});

describe('exit codes', () => {
  const failing = async (error: unknown, ...args: string[]) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = await runCommandLine(
      ['sell', 'now', ...args],
      rows([], () => {
        throw error;
      }),
    );
    return { code, text: written.mock.calls.map(([text]) => text).join('') };
  };

  test('a refusal is 1 and tells its code and what to do', async () => {
    const { code, text } = await failing(new HandselError('AMOUNT_MALFORMED', 'not an amount: 3 beans'));
    expect(code).toBe(1);
    expect(text).toBe('handsel: not an amount: 3 beans (AMOUNT_MALFORMED)\n  Write amounts as 12.50EUR.\n');
  });

  test('with --json the same is one JSON object', async () => {
    const { code, text } = await failing(new HandselError('AMOUNT_MALFORMED', 'no amount'), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(text)).toEqual({
      error: { code: 'AMOUNT_MALFORMED', message: 'no amount', advice: 'Write amounts as 12.50EUR.' },
    });
  });

  test('a mistake of our own is 70 and asks to be reported, without a stack unless debugging', async () => {
    const { code, text } = await failing(new TypeError('x is not a function'));
    expect(code).toBe(70);
    expect(text).toContain('UNEXPECTED');
    expect(text).not.toContain('command-line.test.ts');
    vi.stubEnv('HANDSEL_DEBUG', '1');
    expect((await failing(new TypeError('x is not a function'))).text).toContain('command-line.test.ts');
    vi.unstubAllEnvs();
  });
});

describe('the program', () => {
  test('every row of the table loads the command it names', async () => {
    const names = await Promise.all(commandTable.map(async ({ load }) => (await load()).name()));
    expect(names).toEqual(commandTable.map(({ name }) => name));
  });

  test('lists every command and exits 0 when asked for help or for nothing', async () => {
    const [asked, bare, word] = await Promise.all([handsel('--help'), handsel(), handsel('help')]);
    for (const { code, stdout } of [asked, bare, word]) {
      expect(code).toBe(0);
      for (const { name } of commandTable) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    }
  });

  test('says its version', async () => {
    const { code, stdout } = await handsel('--version');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test('help reaches the commands below, and a group of commands alone shows its help', async () => {
    const [send, option, agent] = await Promise.all([
      handsel('help', 'agent', 'send'),
      handsel('agent', 'send', '--help'),
      handsel('agent'),
    ]);
    expect(send).toEqual(option);
    expect(send.stdout).toContain('--want');
    expect([agent.code, agent.stderr]).toEqual([0, '']);
    expect(agent.stdout).toContain('Usage: handsel agent');
  });

  test('with --json standard error is JSON also when the command line is not understood', async () => {
    for (const args of [
      ['fly', '--json'],
      ['agent', 'send', '--json'],
      ['run', 'nonsense', '--json'],
    ]) {
      const { code, stdout, stderr } = await handsel(...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(JSON.parse(stderr).error.code).toBe('USAGE');
    }
  });

  test('exits 2 on a command or an option it does not know', async () => {
    const [command, option] = await Promise.all([handsel('fly'), handsel('inspect', '--loud', bin)]);
    expect(command.code).toBe(2);
    expect(command.stderr).toContain("unknown command 'fly'");
    expect(option.code).toBe(2);
  });

  test('exits 1 and says what to do when a file is missing', async () => {
    const { code, stdout, stderr } = await handsel('inspect', 'no-such-file', '--json');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'ENOENT', advice: expect.stringContaining('path') });
  });
});

describe('commands in what is printed', () => {
  const byNpm = { npm_package_name: 'handsel', npm_lifecycle_event: 'handsel' };

  test('are given as the program was called', () => {
    expect(programCalled({})).toBe('handsel');
    expect(programCalled(byNpm)).toBe('npm run -s handsel --');
    expect(programCalled({ ...byNpm, npm_package_name: 'a shop of somebody else' })).toBe('handsel');
    expect(programCalled({ ...byNpm, npm_lifecycle_event: 'test' })).toBe('handsel');
    const text = 'Usage: handsel [options]; try `handsel agent send`, not handsel agents; handsel: no';
    expect(asCalled(text, 'handsel')).toBe(text);
    expect(asCalled(text, 'H')).toBe('Usage: H [options]; try `H agent send`, not handsel agents; handsel: no');
  });

  test('are known all of them', () => {
    for (const { name } of commandTable) expect(asCalled(`handsel ${name}`, 'H')).toBe(`H ${name}`);
  });

  test('stand so in help and in advice of a program that npm started', async () => {
    const env = { ...process.env, ...byNpm };
    const ask = (...args: string[]) =>
      new Promise<string>((resolve) => {
        execFile(process.execPath, [bin, ...args], { env }, (_, stdout, stderr) => resolve(stdout + stderr));
      });
    const [help, error] = await Promise.all([ask('wallet', '--help'), ask('wallet', 'show', '--home', '/nonexistent')]);
    expect(help).toContain('$ npm run -s handsel -- wallet show');
    expect(error).toContain('NETWORK_MISSING');
    expect(error).toContain('`npm run -s handsel -- network init --home DIR`');
  });
});

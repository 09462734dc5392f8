/** Reads the command line: finds the command, loads it alone, runs it, and turns what goes wrong into words and an exit code. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { asCalled } from './called-as.ts';
import { type CommandRow, commandTable } from './command-table.ts';
import { addGlobalOptions, globalOptionNames, handDown } from './global-options.ts';
import { passwordSource } from './password-source.ts';
import { reportError, reportUsage, USAGE } from './report-error.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 refused or failed, the error says why; 2 the command line cannot be understood;
3 another process has taken over what this one ran; 70 a mistake in Handsel itself. HANDSEL_DEBUG=1 shows where an error comes from.`;

/** What commander ends with when a command that only groups others was given none of them. */
const HELP_SHOWN = 'commander.help';

/** Runs one command line and resolves to its exit code; never throws. */
export async function runCommandLine(args: readonly string[], rows = commandTable): Promise<number> {
  try {
    const words = helpAsOption(args).map(amountAsArgument);
    const program = await buildProgram(words, rows);
    await program.parseAsync(words, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const json = args.includes('--json');
    if (error instanceof CommanderError) {
      // Commander has printed help, version or what it did not understand already; to programs we say it.
      const helped = error.exitCode === 0 || error.code === HELP_SHOWN;
      if (!helped && json) process.stderr.write(reportUsage(error.message));
      return helped ? 0 : USAGE;
    }
    const { text, exitCode } = reportError(error, {
      json,
      debug: process.env.HANDSEL_DEBUG !== undefined,
      passwordFrom: passwordSource(),
    });
    process.stderr.write(text);
    return exitCode;
  }
}

/** `help agent send` means `agent send --help`, at any depth; nothing at all means `--help`. */
function helpAsOption(args: readonly string[]): readonly string[] {
  if (args.length === 0) return ['--help'];
  return args[0] === 'help' && args.length > 1 ? [...args.slice(1), '--help'] : args;
}

/** An amount below zero is no option: with a space before it the command reads it, and says that it has to be above zero. */
function amountAsArgument(word: string): string {
  return /^-\d[\d.]* ?[A-Z]{3}$/.test(word) ? ` ${word}` : word;
}

async function buildProgram(args: readonly string[], rows: readonly CommandRow[]): Promise<Command> {
  const program = new Command('handsel')
    .description('Software agents that buy and sell for people, safely.')
    .version(versionOf(), '--version', 'print the version')
    .enablePositionalOptions()
    .addHelpText('after', EXIT_CODES);
  addGlobalOptions(program, globalOptionNames);
  program.hook('preAction', (_, command) => handDown(program, command));
  const asked = askedCommand(program, args);
  for (const row of rows) {
    const command = row.name === asked ? await row.load() : new Command(row.name);
    if (command.description() === '') command.description(row.description);
    addToLeaves(command, row);
    program.addCommand(command);
  }
  refuseByThrowing(program, { silently: args.includes('--json') });
  return program;
}

function versionOf(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

/** The first word that is neither an option nor an option's value; after `help`, the one that follows it. */
function askedCommand(program: Command, args: readonly string[]): string | undefined {
  const withValue = new Set(program.options.filter((option) => option.required).map((option) => option.long));
  const words = args.filter((arg, i) => !arg.startsWith('-') && !withValue.has(args[i - 1]));
  return words[0] === 'help' ? words[1] : words[0];
}

function addToLeaves(command: Command, row: CommandRow): void {
  if (command.commands.length === 0) addGlobalOptions(command, row.options);
  for (const child of command.commands) addToLeaves(child, row);
}

const USAGE_HINT = '(add --help to see how it is used)\n';

/** Commander would end the process by itself: what it wants to end with is for `runCommandLine` to decide. */
function refuseByThrowing(command: Command, how: { readonly silently: boolean }): void {
  const toStdout = (text: string) => void process.stdout.write(asCalled(text));
  command.exitOverride().configureOutput({
    writeOut: toStdout,
    // Besides errors only help comes this way, where a command was named that has others below it: it is no error.
    writeErr: toStdout,
    outputError(text) {
      if (!how.silently) process.stderr.write(`${asCalled(text)}${USAGE_HINT}`);
    },
  });
  for (const child of command.commands) refuseByThrowing(child, how);
}

/** Reads the command line: finds the command, loads it alone, runs it, and turns what goes wrong into words and an exit code. */
import { Command, CommanderError } from 'commander';
import { type CommandRow, commandTable } from './command-table.ts';
import { addGlobalOptions, globalOptionNames, handDown } from './global-options.ts';
import { reportError, reportUsage, USAGE } from './report-error.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 refused or failed, the error says why; 2 the command line cannot be understood;
70 a mistake in Handsel itself. HANDSEL_DEBUG=1 shows where an error comes from.`;

/** Runs one command line and resolves to its exit code; never throws. */
export async function runCommandLine(args: readonly string[], rows = commandTable): Promise<number> {
  try {
    const program = await buildProgram(args, rows);
    await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const json = args.includes('--json');
    if (error instanceof CommanderError) {
      // Commander has printed help, version or what it did not understand already; to programs we say it.
      if (error.exitCode !== 0 && json) process.stderr.write(reportUsage(error.message));
      return error.exitCode === 0 ? 0 : USAGE;
    }
    const { text, exitCode } = reportError(error, {
      json,
      debug: process.env.HANDSEL_DEBUG !== undefined,
    });
    process.stderr.write(text);
    return exitCode;
  }
}

async function buildProgram(args: readonly string[], rows: readonly CommandRow[]): Promise<Command> {
  const program = new Command('handsel')
    .description('Software agents that buy and sell for people, safely.')
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

/** Commander would end the process by itself: what it wants to end with is for `runCommandLine` to decide. */
function refuseByThrowing(command: Command, how: { readonly silently: boolean }): void {
  command.exitOverride().showHelpAfterError('(add --help to see how it is used)');
  if (how.silently) command.configureOutput({ outputError: () => undefined });
  for (const child of command.commands) refuseByThrowing(child, how);
}

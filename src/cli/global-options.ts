/** The options that mean the same on every command, given before or after its name. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';

export type GlobalOption = 'json' | 'home' | 'trace';

/** What a command finds among its own options, wherever on the line they stood. */
export interface GlobalOptions {
  readonly json?: true;
  readonly home?: string;
  readonly trace?: string;
}

const makers: Readonly<Record<GlobalOption, () => Option>> = {
  json: () => new Option('--json', 'print JSON for programs; errors too, on standard error'),
  home: () =>
    new Option('--home <dir>', 'where stores, keys and purchases are kept (default: $HANDSEL_HOME or .handsel)'),
  trace: () => new Option('--trace <dir>', 'write every message the parties exchange there, one file each'),
};

export const globalOptionNames = Object.keys(makers) as readonly GlobalOption[];

/** Adds the options to a command, leaving alone those it declares itself. */
export function addGlobalOptions(command: Command, names: readonly GlobalOption[]): void {
  const declared = new Set(command.options.map((option) => option.attributeName()));
  for (const name of names) if (!declared.has(name)) command.addOption(makers[name]());
}

/** Hands what stood before the command's name to the command itself, so that each reads its own options only. */
export function handDown(program: Command, command: Command): void {
  const given: Readonly<Record<string, unknown>> = program.opts();
  const own: Readonly<Record<string, unknown>> = command.opts();
  for (const name of globalOptionNames) {
    if (own[name] === undefined && given[name] !== undefined) command.setOptionValue(name, given[name]);
  }
}

/** The folder of a person's stores: `--home`, else `HANDSEL_HOME`, else `.handsel` in the project. */
export function homeFolder(options: GlobalOptions, environment: NodeJS.ProcessEnv = process.env): string {
  const named = options.home ?? environment.HANDSEL_HOME;
  if (named !== undefined && named !== '') return named;
  return join(fileURLToPath(new URL('../../', import.meta.url)), '.handsel');
}

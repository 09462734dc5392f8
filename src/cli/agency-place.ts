/** Where an agency is and how its keys are opened: the options that every command of `handsel agency` shares. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { systemRandom } from '../crypto/random.ts';
import { systemClock } from '../journal/clock.ts';
import type { AgencyDirectory } from '../party/trusted/agency-directory.ts';
import { AgencyError } from '../set/authority/agency-error.ts';
import { asCalled } from './called-as.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';

export interface PlaceOptions extends GlobalOptions {
  readonly directory?: string;
  readonly passwordFile?: string;
}

export type Write = (text: string) => void;

export function withPlace(command: Command): Command {
  return command
    .option('--directory <dir>', "the agency's own folder (default: `agency` in the home folder)")
    .option('--password-file <file>', 'its first line is the password that seals the private keys')
    .option('--json', 'print one JSON object');
}

/** @throws AgencyError `AGENCY_PASSWORD_INVALID` for an empty password file */
export function placeOf(options: PlaceOptions): AgencyDirectory {
  const directory = options.directory ?? join(homeFolder(options), 'agency');
  const place = { directory, clock: systemClock(), random: systemRandom };
  if (options.passwordFile === undefined) return place;
  const password = readFileSync(options.passwordFile, 'utf8').split(/\r?\n/)[0] ?? '';
  if (password.length < 8) {
    throw new AgencyError('AGENCY_PASSWORD_INVALID', 'the first line of the password file has less than 8 characters');
  }
  return { ...place, password };
}

/** One JSON object for programs, or lines for people. */
export function show(write: Write, json: true | undefined, facts: object, lines: readonly string[]): void {
  write(json ? `${JSON.stringify(facts)}\n` : asCalled(lines.map((line) => `${line}\n`).join('')));
}

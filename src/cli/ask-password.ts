/** The wallet password: from a file or the environment where a program gives it, else asked at the terminal without showing it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandselError } from '../handsel-error.ts';
import type { GlobalOptions } from './global-options.ts';
import { notePasswordSource } from './password-source.ts';
import { stationFolder } from './station-client.ts';

export interface PasswordOptions extends GlobalOptions {
  readonly passwordFile?: string;
}

const ENTER = '\r';
const LINE = '\n';
const INTERRUPT = '\u0003';
const BACKSPACE = new Set(['\u007f', '\b']);

/** Where the network keeps the password of its demonstration's wallet. */
export const keptPasswordFile = (options: GlobalOptions) => join(stationFolder(options), 'password');

function firstLine(file: string): string {
  return readFileSync(file, 'utf8').split(/\r?\n/)[0] ?? '';
}

/**
 * `--password-file`, then HANDSEL_PASSWORD, then (where `fallback` allows) the file the demonstration network keeps it in, then
 * the terminal. @throws HandselError `PASSWORD_NEEDED` where there is nobody to ask
 */
export async function askPassword(
  options: PasswordOptions,
  also: { readonly question: string; readonly fallback: boolean },
): Promise<string> {
  const { HANDSEL_PASSWORD: given } = process.env;
  const kept = keptPasswordFile(options);
  if (options.passwordFile === undefined && given !== undefined) {
    notePasswordSource('HANDSEL_PASSWORD');
    return given;
  }
  if (options.passwordFile !== undefined || (also.fallback && existsSync(kept))) {
    const file = options.passwordFile ?? kept;
    notePasswordSource(file);
    return firstLine(file);
  }
  const typed = await typedPassword(also.question, '--password-file FILE, HANDSEL_PASSWORD, or a terminal');
  notePasswordSource('the terminal');
  return typed;
}

/** A password that is to be: nothing that holds the present one is asked. @throws HandselError `PASSWORD_NEEDED` */
export async function askNewPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) return firstLine(file);
  return typedPassword('New wallet password: ', '--new-password-file FILE, or a terminal');
}

async function typedPassword(question: string, ways: string): Promise<string> {
  if (process.stdin.isTTY) return readHidden(question);
  throw new HandselError('PASSWORD_NEEDED', `the wallet password is needed: ${ways}`);
}

function readHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true).setEncoding('utf8').resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (act: () => void) => {
      stdin.setRawMode(false).pause().off('data', hear);
      stderr.write('\n');
      act();
    };
    const hear = (keys: string) => {
      for (const key of keys) {
        if (key === ENTER || key === LINE) return end(() => resolve(typed));
        if (key === INTERRUPT) return end(() => reject(new HandselError('INTERRUPTED', 'no password was given')));
        typed = BACKSPACE.has(key) ? typed.slice(0, -1) : typed + key;
      }
    };
    stdin.on('data', hear);
  });
}

/** The wallet password: from a file or the environment where a program gives it, else asked at the terminal without showing it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandselError } from '../handsel-error.ts';
import type { GlobalOptions } from './global-options.ts';
import { stationFolder } from './station-client.ts';

export interface PasswordOptions extends GlobalOptions {
  readonly passwordFile?: string;
}

const ENTER = '\r';
const LINE = '\n';
const INTERRUPT = '\u0003';
const BACKSPACE = new Set(['\u007f', '\b']);

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
) {
  if (options.passwordFile !== undefined) return firstLine(options.passwordFile);
  if (process.env.HANDSEL_PASSWORD !== undefined) return process.env.HANDSEL_PASSWORD;
  const kept = join(stationFolder(options), 'password');
  if (also.fallback && existsSync(kept)) return firstLine(kept);
  if (!process.stdin.isTTY) {
    throw new HandselError(
      'PASSWORD_NEEDED',
      'the wallet password is needed: --password-file FILE, HANDSEL_PASSWORD, or a terminal',
    );
  }
  return readHidden(also.question);
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

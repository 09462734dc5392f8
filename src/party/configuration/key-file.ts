/** A secret key of 32 bytes in a file of its own: 64 hexadecimal digits, so that it can be made with any tool and told from damage. */
import { readFileSync } from 'node:fs';
import { fromHex, toHex } from '../../codec/hex.ts';
import { ConfigurationError } from './configuration.ts';

export const KEY_LENGTH = 32;

/** @throws ConfigurationError, which never repeats what the file holds. */
export function readKeyFile(file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${file}: does it exist, and may this user read it?`, cause);
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw new ConfigurationError(`${file} does not hold 64 hexadecimal digits`);
  return fromHex(text);
}

export function keyFileText(key: Uint8Array): string {
  return `${toHex(key)}\n`;
}

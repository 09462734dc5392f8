/**
 * Stands in for `src/deposit/customer/temporary-key.ts` in most seeds: the keys are ready-made, and opened once. A transaction has the same
 * keys and chains in every seed; no two transactions have the same.
 */
import { utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import * as real from '../../../src/deposit/customer/temporary-key.ts';

export type { OpenedKey, TemporaryKey } from '../../../src/deposit/customer/temporary-key.ts';

const made = new Map<string, real.TemporaryKey>();
const opened = new Map<string, real.OpenedKey>();

export function makeTemporaryKey(options: Parameters<typeof real.makeTemporaryKey>[0]): real.TemporaryKey {
  const name = nameOf(options);
  let key = made.get(name);
  if (key === undefined) {
    let draws = 0;
    const random = (length: number) => sha256(utf8(`${name} ${draws++}`)).slice(0, length);
    key = real.makeTemporaryKey({ ...options, random });
    made.set(name, key);
  }
  return key;
}

export function openTemporaryKey(options: Parameters<typeof real.openTemporaryKey>[0]): real.OpenedKey {
  const name = `${nameOf(options)} ${latin1(options.sealed)}`;
  let key = opened.get(name);
  if (key === undefined) {
    key = real.openTemporaryKey(options);
    opened.set(name, key);
  }
  return key;
}

const nameOf = ({ transaction, storageKey }: { readonly transaction: string; readonly storageKey: Uint8Array }) =>
  `customer of ${transaction} ${latin1(storageKey)}`;
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

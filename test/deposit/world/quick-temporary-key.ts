/** Stands in for `src/deposit/customer/temporary-key.ts` in most seeds: a sealed key is opened once, and the same object is the same key. */

import * as real from '../../../src/deposit/customer/temporary-key.ts';

export type { OpenedKey, TemporaryKey } from '../../../src/deposit/customer/temporary-key.ts';
export const { makeTemporaryKey } = real;

const MOST_REMEMBERED = 1024;
const opened = new Map<string, real.OpenedKey>();

export function openTemporaryKey(options: Parameters<typeof real.openTemporaryKey>[0]): real.OpenedKey {
  const { sealed, transaction, storageKey } = options;
  const name = `${transaction} ${latin1(storageKey)}${latin1(sealed)}`;
  let key = opened.get(name);
  if (key === undefined) {
    key = real.openTemporaryKey(options);
    if (opened.size >= MOST_REMEMBERED) opened.clear();
    opened.set(name, key);
  }
  return key;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

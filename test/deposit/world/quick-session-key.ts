/** Stands in for `src/deposit/merchant/session-key.ts` in most seeds: a sealed key is opened once, and the same object is the same key. */
import type { KeyObject } from 'node:crypto';
import * as real from '../../../src/deposit/merchant/session-key.ts';

export type { SessionKey } from '../../../src/deposit/merchant/session-key.ts';
export const { makeSessionKey } = real;

const MOST_REMEMBERED = 1024;
const opened = new Map<string, KeyObject>();

export function openSessionKey(options: Parameters<typeof real.openSessionKey>[0]): KeyObject {
  const { sealed, transaction, storageKey } = options;
  const name = `${transaction} ${latin1(storageKey)}${latin1(sealed)}`;
  let key = opened.get(name);
  if (key === undefined) {
    key = real.openSessionKey(options);
    if (opened.size >= MOST_REMEMBERED) opened.clear();
    opened.set(name, key);
  }
  return key;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

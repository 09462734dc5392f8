/** Stands in for `src/deposit/merchant/session-key.ts` in most seeds, as `quick-temporary-key.ts` does for customers. */
import type { KeyObject } from 'node:crypto';
import { utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import * as real from '../../../src/deposit/merchant/session-key.ts';

export type { SessionKey } from '../../../src/deposit/merchant/session-key.ts';

const made = new Map<string, real.SessionKey>();
const opened = new Map<string, KeyObject>();

export function makeSessionKey(options: Parameters<typeof real.makeSessionKey>[0]): real.SessionKey {
  const name = nameOf(options);
  let key = made.get(name);
  if (key === undefined) {
    let draws = 0;
    const random = (length: number) => sha256(utf8(`${name} ${draws++}`)).slice(0, length);
    key = real.makeSessionKey({ ...options, random });
    made.set(name, key);
  }
  return key;
}

export function openSessionKey(options: Parameters<typeof real.openSessionKey>[0]): KeyObject {
  const name = `${nameOf(options)} ${latin1(options.sealed)}`;
  let key = opened.get(name);
  if (key === undefined) {
    key = real.openSessionKey(options);
    opened.set(name, key);
  }
  return key;
}

const nameOf = ({ transaction, storageKey }: { readonly transaction: string; readonly storageKey: Uint8Array }) =>
  `merchant of ${transaction} ${latin1(storageKey)}`;
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

/** Private keys of hosted agents: kept in the journal only sealed under the platform's own key. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { utf8 } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal } from '../../crypto/sealing.ts';

const binding = (agent: string) => utf8(`handsel agent key ${agent}`);

export function sealAgentKey(options: {
  readonly platformKey: Uint8Array;
  readonly agent: string;
  readonly privateKey: KeyObject;
  readonly random: Random;
}): Uint8Array {
  return seal({
    key: options.platformKey,
    plaintext: new Uint8Array(options.privateKey.export({ format: 'der', type: 'pkcs8' })),
    associatedData: binding(options.agent),
    random: options.random,
  });
}

/** @throws CryptographicError when the platform key is another one or the agent's name was exchanged */
export function openAgentKey(options: {
  readonly platformKey: Uint8Array;
  readonly agent: string;
  readonly sealed: Uint8Array;
}): KeyObject {
  const der = open({ key: options.platformKey, sealed: options.sealed, associatedData: binding(options.agent) });
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
}

/** Opened keys by agent: a cache of this process, never written anywhere. */
export interface KeyRing {
  keyOf(agent: string, sealed: Uint8Array): KeyObject;
}

const MAX_OPENED = 10_000;

export function createKeyRing(platformKey: Uint8Array): KeyRing {
  const opened = new Map<string, { readonly sealed: Uint8Array; readonly key: KeyObject }>();
  return {
    keyOf(agent, sealed) {
      const known = opened.get(agent);
      if (known?.sealed === sealed) return known.key;
      if (opened.size >= MAX_OPENED) opened.clear();
      const key = openAgentKey({ platformKey, agent, sealed });
      opened.set(agent, { sealed, key });
      return key;
    },
  };
}

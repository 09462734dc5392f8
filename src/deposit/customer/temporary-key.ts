/**
 * What a transaction's customer alone has: the temporary key (ERI-E) and the seed of its hash chains. Both are kept only sealed under the
 * storage key of the device; chains are made again from the seed.
 */
import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal } from '../../crypto/sealing.ts';
import { CryptographicError } from '../../handsel-error.ts';

export interface TemporaryKey {
  /** Uncompressed P-256 point. */
  readonly point: Uint8Array;
  readonly sealed: Uint8Array;
}

export interface OpenedKey {
  readonly privateKey: KeyObject;
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

const SCALAR_LENGTH = 32;
const SEED_LENGTH = 32;
/** One random number in 2³² is no scalar of the curve. */
const TRIES = 8;

const binding = (transaction: string) => utf8(`handsel deposit of the customer ${transaction}`);

/** @throws CryptographicError when the randomness gives no key */
export function makeTemporaryKey(options: {
  readonly transaction: string;
  readonly storageKey: Uint8Array;
  readonly random: Random;
}): TemporaryKey {
  const { transaction, storageKey: key, random } = options;
  for (let tries = 0; tries < TRIES; tries++) {
    const scalar = random(SCALAR_LENGTH);
    const point = pointOf(scalar);
    if (point === undefined) continue;
    const plaintext = concatBytes(scalar, random(SEED_LENGTH));
    return { point, sealed: seal({ key, plaintext, associatedData: binding(transaction), random }) };
  }
  throw new CryptographicError(new Error('the randomness gives no P-256 key'));
}

function pointOf(scalar: Uint8Array): Uint8Array | undefined {
  const pair = createECDH('prime256v1');
  try {
    pair.setPrivateKey(scalar);
  } catch {
    return undefined;
  }
  return new Uint8Array(pair.getPublicKey());
}

/** @throws CryptographicError for another storage key or another transaction's key */
export function openTemporaryKey(options: {
  readonly transaction: string;
  readonly storageKey: Uint8Array;
  readonly sealed: Uint8Array;
}): OpenedKey {
  const { transaction, storageKey: key, sealed } = options;
  const secrets = open({ key, sealed, associatedData: binding(transaction) });
  return {
    privateKey: createPrivateKey({
      key: Buffer.from(secrets.subarray(0, SCALAR_LENGTH)),
      format: 'raw-private',
      asymmetricKeyType: 'ec',
      namedCurve: 'P-256',
    }),
    seed: secrets.slice(SCALAR_LENGTH),
  };
}

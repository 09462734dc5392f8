/**
 * The merchant's temporary key of a transaction (ERI-E): made for it, kept as a scalar sealed under the merchant's storage key, since
 * state and journal hold it for as long as the session lasts.
 */
import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';
import { utf8 } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal } from '../../crypto/sealing.ts';
import { CryptographicError } from '../../handsel-error.ts';

export interface SessionKey {
  /** Uncompressed P-256 point: 65 bytes. */
  readonly point: Uint8Array;
  /** 60 bytes. */
  readonly sealed: Uint8Array;
}

/** One random number in 2³² is no scalar of the curve. */
const TRIES = 8;

/** @throws CryptographicError when the randomness gives no key */
export function makeSessionKey(options: {
  readonly transaction: string;
  readonly storageKey: Uint8Array;
  readonly random: Random;
}): SessionKey {
  const { transaction, storageKey, random } = options;
  for (let tries = 0; tries < TRIES; tries++) {
    const scalar = random(32);
    const pair = createECDH('prime256v1');
    try {
      pair.setPrivateKey(scalar);
    } catch {
      continue;
    }
    return {
      point: new Uint8Array(pair.getPublicKey()),
      sealed: seal({ key: storageKey, plaintext: scalar, associatedData: purposeOf(transaction), random }),
    };
  }
  throw new CryptographicError(new Error('the randomness gives no P-256 key'));
}

/** @throws CryptographicError for another storage key or another transaction */
export function openSessionKey(options: {
  readonly transaction: string;
  readonly storageKey: Uint8Array;
  readonly sealed: Uint8Array;
}): KeyObject {
  const { transaction, storageKey, sealed } = options;
  const scalar = open({ key: storageKey, sealed, associatedData: purposeOf(transaction) });
  return createPrivateKey({
    key: Buffer.from(scalar),
    format: 'raw-private',
    asymmetricKeyType: 'ec',
    namedCurve: 'P-256',
  });
}

const purposeOf = (transaction: string) => utf8(`Handsel deposit key ${transaction}`);

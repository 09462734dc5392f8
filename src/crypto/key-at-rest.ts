/**
 * Secrets at rest under a password: scrypt (RFC 7914) makes the key, AES-256-GCM seals.
 * The parameters travel with the sealed bytes, bounded on reading so that a hostile file cannot ask for endless work.
 */
import { scryptSync } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { utf8 } from '../codec/hex.ts';
import { CryptographicError } from '../handsel-error.ts';
import type { Random } from './random.ts';
import { open, SEALING_KEY_LENGTH, seal } from './sealing.ts';

export interface ScryptCost {
  /** CPU and memory cost, a power of two as its logarithm: 15 is about 50 ms and 32 MiB. */
  readonly logN: number;
}

const DEFAULT_COST: ScryptCost = { logN: 15 };
const BLOCK_SIZE = 8;
const SALT_LENGTH = 16;
const MAX_LOG_N = 18;

function passwordKey(password: string, salt: Uint8Array, logN: number): Uint8Array {
  const N = 2 ** logN;
  return new Uint8Array(
    scryptSync(password.normalize('NFKC'), salt, SEALING_KEY_LENGTH, {
      N,
      r: BLOCK_SIZE,
      p: 1,
      maxmem: 256 * N * BLOCK_SIZE,
    }),
  );
}

/** `purpose` is bound as associated data: what was sealed as one thing does not open as another. */
export function sealAtRest(options: {
  readonly secret: Uint8Array;
  readonly password: string;
  readonly purpose: string;
  readonly random: Random;
  readonly cost?: ScryptCost;
}): Uint8Array {
  const { logN } = options.cost ?? DEFAULT_COST;
  const salt = options.random(SALT_LENGTH);
  const key = passwordKey(options.password, salt, logN);
  const sealed = seal({
    key,
    plaintext: options.secret,
    associatedData: utf8(options.purpose),
    random: options.random,
  });
  return encodeCbor(['scrypt', logN, salt, sealed]);
}

/** @throws CryptographicError for a wrong password and for damaged bytes alike. */
export function openAtRest(options: {
  readonly sealed: Uint8Array;
  readonly password: string;
  readonly purpose: string;
}): Uint8Array {
  try {
    const parts = decodeCbor(options.sealed);
    if (!Array.isArray(parts) || parts.length !== 4) throw new Error('not a sealed secret');
    const [kdf, logN, salt, sealed] = parts;
    if (kdf !== 'scrypt' || typeof logN !== 'number' || !Number.isInteger(logN) || logN < 1 || logN > MAX_LOG_N) {
      throw new Error('unknown or excessive key derivation');
    }
    if (!(salt instanceof Uint8Array) || !(sealed instanceof Uint8Array)) throw new Error('not a sealed secret');
    return open({ key: passwordKey(options.password, salt, logN), sealed, associatedData: utf8(options.purpose) });
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

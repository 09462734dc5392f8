/** Stands in for `src/trusted/ticket/told-key.ts` beside `quick-compact-key.ts`: a signature tells its key outright, and the bit is always 0. */
import { equalBytes } from '../../../src/codec/hex.ts';
import type { RecoveryBit } from '../../../src/crypto/recover-key.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import type * as real from '../../../src/trusted/ticket/told-key.ts';
import { COMPACT_KEY_LENGTH, verifyCompact } from './quick-compact-key.ts';

export function keyOfBit({ data, signature, bit }: Parameters<typeof real.keyOfBit>[0]): Uint8Array {
  const x = signature.slice(0, COMPACT_KEY_LENGTH);
  if (bit === 1 || !verifyCompact(x, data, signature)) {
    throw new CryptographicError(new Error('no key follows from the signature'));
  }
  return x;
}

export function bitOfKey({ x, ...signed }: Parameters<typeof real.bitOfKey>[0]): RecoveryBit {
  if (equalBytes(keyOfBit({ ...signed, bit: 0 }), x)) return 0;
  throw new CryptographicError(new Error('the signature is not of that key'));
}

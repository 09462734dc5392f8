/** Stands in for `src/crypto/recover-key.ts` beside `quick-compact-key.ts`: a signature tells its key outright. */
import { equalBytes } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import type { RecoveryBit } from '../../../src/crypto/recover-key.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';

export type { RecoveryBit } from '../../../src/crypto/recover-key.ts';

interface Signed {
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

export function recoverKey({ data, signature, bit }: Signed & { readonly bit: RecoveryBit }): Uint8Array {
  const x = signature.slice(0, 32);
  if (bit === 1 || !equalBytes(signature.subarray(32), sha256(x, data))) {
    throw new CryptographicError(new Error('no key follows from the signature'));
  }
  return x;
}

export function recoveryBitOf({ x, ...signed }: Signed & { readonly x: Uint8Array }): RecoveryBit {
  if (equalBytes(recoverKey({ ...signed, bit: 0 }), x)) return 0;
  throw new CryptographicError(new Error('the signature is not of that key'));
}

/** Private keys of P-256 as numbers: drawn so that all are equally likely. */
import { toHex } from '../codec/hex.ts';
import type { Random } from './random.ts';

export const SCALAR_LENGTH = 32;

/** The order of the curve's group (FIPS 186-5, SP 800-186 section 3.2.1.3). */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A new private key (FIPS 186-5, appendix A.2.2): what lies outside the range, about once in 2^32 draws, is drawn again. */
export function drawScalar(random: Random): Uint8Array {
  for (;;) {
    const scalar = random(SCALAR_LENGTH);
    if (isScalar(scalar)) return scalar;
  }
}

export function isScalar(bytes: Uint8Array): boolean {
  if (bytes.length !== SCALAR_LENGTH) return false;
  const value = scalarValue(bytes);
  return value > 0n && value < P256_ORDER;
}

export const scalarValue = (scalar: Uint8Array): bigint => BigInt(`0x${toHex(scalar)}`);

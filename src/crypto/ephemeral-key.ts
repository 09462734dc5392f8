/**
 * Ephemeral keys for one agreement over P-256 (SP 800-56A rev. 3 section 6.1.2.2), drawn from a machine's own randomness. Apart from `agreement.ts`,
 * which has key objects: of a key that lives for two messages, making those and reading the other side's costs more than the agreement.
 */
import { createECDH } from 'node:crypto';
import { CryptographicError } from '../handsel-error.ts';
import { drawScalar } from './p256-scalar.ts';
import type { Random } from './random.ts';

/** An uncompressed point: 04 ‖ x ‖ y. */
export const POINT_LENGTH = 65;
const UNCOMPRESSED = 4;

export interface EphemeralKey {
  /** The public half, 65 bytes. */
  readonly point: Uint8Array;
  /** The raw shared secret: 32 bytes, never used as a key before a derivation. @throws CryptographicError for what is no point of the curve */
  agree(point: Uint8Array): Uint8Array;
}

export function makeEphemeralKey(random: Random): EphemeralKey {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(drawScalar(random));
  return {
    point: new Uint8Array(ecdh.getPublicKey()),
    agree(point) {
      try {
        if (point.length !== POINT_LENGTH || point[0] !== UNCOMPRESSED) throw new Error('not an uncompressed point');
        return new Uint8Array(ecdh.computeSecret(point));
      } catch (cause) {
        throw new CryptographicError(cause);
      }
    },
  };
}

/** Stands in for `src/crypto/ephemeral-key.ts`: two agree on a hash of both points, which nobody works out but by calling this with one's own. */
import { sha256 } from '../../../src/crypto/digest.ts';
import * as real from '../../../src/crypto/ephemeral-key.ts';
import type { Random } from '../../../src/crypto/random.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';

export type { EphemeralKey } from '../../../src/crypto/ephemeral-key.ts';
export const { POINT_LENGTH } = real;

const UNCOMPRESSED = 4;

export function makeEphemeralKey(random: Random): real.EphemeralKey {
  const point = new Uint8Array(POINT_LENGTH);
  point[0] = UNCOMPRESSED;
  point.set(sha256(random(32)), 1);
  return {
    point,
    agree(other) {
      if (other.length !== POINT_LENGTH || other[0] !== UNCOMPRESSED) {
        throw new CryptographicError(new Error('not an uncompressed point'));
      }
      return Buffer.compare(point, other) < 0 ? sha256(point, other) : sha256(other, point);
    },
  };
}

/**
 * Paths validated before, so that the signatures of a chain are verified once and not at every message. A hit still asks what may
 * have changed: the time and revocation. The least recently used path makes room for a new one.
 */
import { toHex } from '../codec/hex.ts';
import type { Certificate } from './certificate.ts';
import type { ValidatedPath } from './path.ts';
import type { Purpose } from './purpose.ts';

export interface PathRequest {
  readonly leaf: Certificate;
  /** Certificates that came along, in any order; may be empty when the path is in the cache already. */
  readonly pool: readonly Certificate[];
  readonly purpose: Purpose;
  readonly atMs: number;
}

export interface PathCache<P extends ValidatedPath> {
  /** @throws PkiError as the rules given to `createPathCache` do. A refusal is never cached. */
  validate(request: PathRequest): P;
  readonly size: number;
  clear(): void;
}

export interface PathCacheOptions<P extends ValidatedPath> {
  readonly maxEntries: number;
  /** The full validation, signatures and all. */
  readonly validate: (request: PathRequest) => P;
  /** Throws when a path that was valid once is not at this time. */
  readonly recheck: (path: P, request: PathRequest) => void;
}

export function createPathCache<P extends ValidatedPath>(options: PathCacheOptions<P>): PathCache<P> {
  const { maxEntries, validate, recheck } = options;
  const paths = new Map<string, P>();

  return {
    validate(request) {
      // The thumb covers all that was signed: a copy with another signature finds the path whose signature was verified.
      const key = `${request.purpose}:${toHex(request.leaf.thumb)}`;
      const known = paths.get(key);
      if (known !== undefined) {
        recheck(known, request);
        paths.delete(key);
        paths.set(key, known);
        return known;
      }
      const path = validate(request);
      paths.set(key, path);
      if (paths.size > maxEntries) paths.delete(paths.keys().next().value!);
      return path;
    },
    get size() {
      return paths.size;
    },
    clear: () => paths.clear(),
  };
}

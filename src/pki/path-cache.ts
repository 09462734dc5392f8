/**
 * Paths validated before, so that the signatures of a chain are verified once and not at every message. Each time, found or not,
 * what may have changed is asked again: the time and revocation. The least recently used path makes room for a new one.
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
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface PathCache<R extends PathRequest> {
  /** @throws PkiError as the rules given to `createPathCache` do. A refusal is never cached. */
  validate(request: R): ValidatedPath;
  readonly size: number;
}

export interface PathCacheOptions<R extends PathRequest> {
  readonly maxEntries: number;
  /** Whatever of the request beside leaf and purpose decides whether a path is valid. */
  readonly contextOf?: (request: R) => string;
  /** The full validation, signatures and all. */
  readonly validate: (request: R) => ValidatedPath;
  /** Throws when the path is not valid at this time, or no longer. */
  readonly recheck: (path: ValidatedPath, request: R) => void;
}

export function createPathCache<R extends PathRequest>(options: PathCacheOptions<R>): PathCache<R> {
  const { maxEntries, contextOf = () => '', validate, recheck } = options;
  const paths = new Map<string, ValidatedPath>();

  return {
    validate(request) {
      // The thumb covers all that was signed: a copy with another signature finds the path whose signature was verified.
      const key = `${toHex(request.leaf.thumb)}:${request.purpose}:${contextOf(request)}`;
      const known = paths.get(key);
      const path = known ?? validate(request);
      recheck(path, request);
      paths.delete(key);
      paths.set(key, path);
      if (paths.size > maxEntries) paths.delete(paths.keys().next().value!);
      return path;
    },
    get size() {
      return paths.size;
    },
  };
}

/** Comparison of secrets and of anything an attacker could probe byte by byte. */
import { timingSafeEqual } from 'node:crypto';

/** True when both are the same bytes; the time taken depends on the lengths only, which are never secret here. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

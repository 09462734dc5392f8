/**
 * The newest verified revocation list of each issuer, and the answer to "is this certificate revoked?".
 * An issuer's list that is missing or older than the local maximum age answers `unknown`, which refuses: what is current is not
 * left to whoever sends the lists (notes on SET, fix 18).
 */
import { toHex } from '../codec/hex.ts';
import type { Certificate } from './certificate.ts';
import { type Name, sameName } from './name.ts';
import type { RevocationCheck, RevocationStatus } from './path.ts';
import { PkiError } from './pki-error.ts';
import type { RevocationList } from './revocation-list.ts';
import { verifySigned } from './signed.ts';

export interface RevocationStore extends RevocationCheck {
  /**
   * Takes a list after verifying that `issuer`, whose own path the caller has validated, signed it.
   * @returns false when a list at least as new is held already
   * @throws PkiError `PKI_CRL_SIGNATURE`
   */
  add(list: RevocationList, issuer: Certificate): boolean;
  /** The newest list held under an issuer's name. */
  newest(issuer: Name): RevocationList | undefined;
  /** Until when a list may be relied on: its own next update, or the local maximum age if that is sooner. */
  currentUntilMs(list: RevocationList): number;
}

export interface RevocationStoreOptions {
  readonly maxAgeMs: number;
  /** How far the issuer's clock may be ahead of ours. */
  readonly clockSkewMs?: number;
}

export function createRevocationStore(options: RevocationStoreOptions): RevocationStore {
  const { maxAgeMs, clockSkewMs = 300_000 } = options;
  const held = new Map<string, RevocationList>();

  function currentUntilMs(list: RevocationList): number {
    return Math.min(list.nextUpdate.getTime(), list.thisUpdate.getTime() + maxAgeMs);
  }

  function status(certificate: Certificate, issuer: Certificate, atMs: number): RevocationStatus {
    const list = held.get(keyOf(issuer));
    if (list === undefined) return 'unknown';
    // A revocation is final: it counts even from a list that is no longer current.
    if (list.revoked.has(certificate.serial)) return 'revoked';
    const begun = list.thisUpdate.getTime() <= atMs + clockSkewMs;
    return begun && atMs <= currentUntilMs(list) ? 'good' : 'unknown';
  }

  function add(list: RevocationList, issuer: Certificate): boolean {
    if (!sameName(list.issuer, issuer.subject) || !issuer.keyUsage?.has('cRLSign')) {
      throw new PkiError('PKI_CRL_SIGNATURE', 'revocation list is not from the issuer given');
    }
    const key = keyOf(issuer);
    const before = held.get(key);
    if (before !== undefined && before.number >= list.number) return false;
    if (!verifySigned(list, issuer.publicKey)) {
      throw new PkiError('PKI_CRL_SIGNATURE', 'revocation list is not signed by its issuer');
    }
    held.set(key, list);
    return true;
  }

  return {
    add,
    status,
    currentUntilMs,
    newest: (issuer) =>
      [...held.values()]
        .filter((list) => sameName(list.issuer, issuer))
        .reduce<RevocationList | undefined>((a, b) => (a === undefined || b.number > a.number ? b : a), undefined),
  };
}

const keys = new WeakMap<Certificate, string>();

/** Name and key together, so that a CA that took another's name cannot answer for it. Made once, it is asked for at every message. */
function keyOf(issuer: Certificate): string {
  const known = keys.get(issuer);
  if (known !== undefined) return known;
  const key = `${toHex(issuer.subject.der)}:${toHex(issuer.publicKeyDer)}`;
  keys.set(issuer, key);
  return key;
}

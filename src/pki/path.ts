/**
 * Certification path validation (RFC 5280 section 6.1): from a certificate up to one of the trusted anchors. Stricter than the
 * standard in four ways: the anchor's own validity counts, CA certificates must carry keyUsage, self-issued certificates
 * count for path length, and extended key usages of a CA bind everything below it.
 */
import { matchesAuthorityKey } from './authority-key.ts';
import { type Certificate, sameCertificate } from './certificate.ts';
import { unknownCritical } from './extension.ts';
import { sameName } from './name.ts';
import { checkNameConstraints } from './name-constraints.ts';
import { PkiError } from './pki-error.ts';
import { type Purpose, requirePurpose } from './purpose.ts';
import { verifySigned } from './signed.ts';
import * as standard from './standard-extensions.ts';

export const MAX_PATH_LENGTH = 8;
const MAX_POOL = 64;
const UNDERSTOOD = [
  standard.basicConstraints.id,
  standard.keyUsage.id,
  standard.extendedKeyUsage.id,
  standard.nameConstraints.id,
  standard.subjectAltName.id,
  standard.certificatePolicies.id,
];

export type RevocationStatus = 'good' | 'revoked' | 'unknown';

export interface RevocationCheck {
  /** Whether `issuer` has revoked `certificate`; `unknown` (no list, or one too old) refuses just as `revoked` does. */
  status(certificate: Certificate, issuer: Certificate, atMs: number): RevocationStatus;
}

export interface PathOptions {
  /** The certificate itself first, then each one's issuer; the anchor at the end may be left out. */
  readonly chain: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly purpose: Purpose;
  /** Left out only where there is nothing to ask, e.g. under a station's own agent authority. */
  readonly revocation?: RevocationCheck;
  /** Further critical extensions that the caller itself honours. */
  readonly understood?: readonly string[];
}

export interface ValidatedPath {
  readonly leaf: Certificate;
  /** From the leaf up to and including the anchor. */
  readonly chain: readonly Certificate[];
  readonly anchor: Certificate;
  /** The time in which every certificate of the path is valid, both ends included. */
  readonly validFromMs: number;
  readonly validUntilMs: number;
}

/** @throws PkiError saying which rule failed. Whoever answers a peer wraps it in a CryptographicError. */
export function validatePath(options: PathOptions): ValidatedPath {
  const chain = completeChain(options.chain, options.anchors);
  const anchor = chain.at(-1)!;
  const understood = new Set([...UNDERSTOOD, ...(options.understood ?? [])]);

  // Section 6.1.3, for each certificate from the anchor down to the leaf.
  for (let index = chain.length - 1; index >= 0; index -= 1) {
    const certificate = chain[index]!;
    const unknown = unknownCritical(certificate.extensions, understood);
    if (unknown.length > 0) {
      throw new PkiError('PKI_CRITICAL_EXTENSION', `critical extension not understood: ${unknown[0]}`);
    }
    const issuer = chain[index + 1] ?? certificate;
    requireIssued(certificate, issuer);
    for (const above of chain.slice(index + 1)) checkNameConstraints(above.extensions, certificate);
    if (index > 0) requireAuthority(certificate, index - 1);
  }
  requirePurpose(chain, options.purpose);

  const path: ValidatedPath = {
    leaf: chain[0]!,
    chain,
    anchor,
    validFromMs: Math.max(...chain.map((certificate) => certificate.notBefore.getTime())),
    validUntilMs: Math.min(...chain.map((certificate) => certificate.notAfter.getTime())),
  };
  recheckPath(path, options.atMs, options.revocation);
  return path;
}

/** What can change about a path once validated, and costs little to ask again: the time and revocation. */
export function recheckPath(path: ValidatedPath, atMs: number, revocation?: RevocationCheck): void {
  if (atMs < path.validFromMs) throw new PkiError('PKI_NOT_YET_VALID', 'a certificate of the path is not valid yet');
  if (atMs > path.validUntilMs) throw new PkiError('PKI_EXPIRED', 'a certificate of the path has expired');
  if (revocation === undefined) return;
  // Asked at every message, so without making anything.
  for (let index = 0; index < path.chain.length - 1; index++) {
    const status = revocation.status(path.chain[index]!, path.chain[index + 1]!, atMs);
    if (status === 'revoked') throw new PkiError('PKI_REVOKED', 'a certificate of the path is revoked');
    if (status === 'unknown') throw new PkiError('PKI_REVOCATION_UNKNOWN', 'no current revocation list of an issuer');
  }
}

/**
 * Orders the issuers of `leaf` out of a bag of certificates, as CMS carries them: each step takes the first whose name, serial
 * and key fit. What cannot be completed is left as it is, for `validatePath` to refuse.
 */
export function collectChain(leaf: Certificate, pool: readonly Certificate[]): readonly Certificate[] {
  if (pool.length > MAX_POOL) throw new PkiError('PKI_PATH_TOO_LONG', `more than ${MAX_POOL} certificates`);
  const chain = [leaf];
  while (chain.length <= MAX_PATH_LENGTH) {
    const below = chain.at(-1)!;
    if (sameName(below.issuer, below.subject)) break;
    const issuer = pool.find(
      (candidate) => mayHaveIssued(candidate, below) && verifySigned(below, candidate.publicKey),
    );
    if (issuer === undefined) break;
    chain.push(issuer);
  }
  return chain;
}

function completeChain(given: readonly Certificate[], anchors: readonly Certificate[]): readonly Certificate[] {
  const last = given.at(-1);
  if (last === undefined) throw new PkiError('PKI_PATH_UNTRUSTED', 'no certificate given');
  if (given.length > MAX_PATH_LENGTH) {
    throw new PkiError('PKI_PATH_TOO_LONG', `more than ${MAX_PATH_LENGTH} certificates in the path`);
  }
  if (given.length > 1 && anchors.some((anchor) => sameCertificate(anchor, last))) return given;
  const anchor = anchors.find((candidate) => mayHaveIssued(candidate, last));
  if (anchor === undefined) throw new PkiError('PKI_PATH_UNTRUSTED', 'path does not end at a trusted anchor');
  return [...given, anchor];
}

function mayHaveIssued(issuer: Certificate, certificate: Certificate): boolean {
  return sameName(issuer.subject, certificate.issuer) && matchesAuthorityKey(certificate, issuer);
}

function requireIssued(certificate: Certificate, issuer: Certificate): void {
  if (!sameName(issuer.subject, certificate.issuer)) {
    throw new PkiError('PKI_PATH_UNTRUSTED', 'a certificate names another issuer than the next in the path');
  }
  if (!matchesAuthorityKey(certificate, issuer)) {
    throw new PkiError('PKI_AUTHORITY_KEY', 'authority key identifier names another certificate of the issuer');
  }
  if (!verifySigned(certificate, issuer.publicKey)) {
    throw new PkiError('PKI_SIGNATURE_INVALID', 'a certificate is not signed by its issuer');
  }
}

/** Sections 4.2.1.3 and 4.2.1.9. `below` counts the CA certificates between this one and the leaf. */
function requireAuthority(certificate: Certificate, below: number): void {
  if (!certificate.ca) throw new PkiError('PKI_NOT_A_CA', 'a certificate of the path is issued by one that is no CA');
  if (!certificate.keyUsage?.has('keyCertSign')) {
    throw new PkiError('PKI_KEY_USAGE', 'a CA key of the path may not sign certificates');
  }
  if (certificate.pathLength !== undefined && below > certificate.pathLength) {
    throw new PkiError('PKI_PATH_LENGTH', 'more CA certificates in the path than one of them allows');
  }
}

/**
 * SET's rules for a certification path over those of X.509 (notes on SET, "Path validation"): who may issue what, one brand all the
 * way down, private keys used in their time, issuers named by serial, and the chain of root keys.
 */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { readExtension } from '../../pki/extension.ts';
import { nameAttribute } from '../../pki/name.ts';
import { type RevocationCheck, type ValidatedPath, validatePath } from '../../pki/path.ts';
import { PkiError } from '../../pki/pki-error.ts';
import type { Purpose } from '../../pki/purpose.ts';
import { authorityKeyIdentifier, certificatePolicies, privateKeyUsagePeriod } from '../../pki/standard-extensions.ts';
import {
  type CertificateType,
  certificateType,
  hashedRootKey,
  SET_ROOT_POLICY,
  understoodSetExtensions,
} from './certificate-extensions.ts';

export interface SetPathOptions {
  /** Leaf first; the root at the end may be left out. */
  readonly chain: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly atMs: number;
  readonly brandId: string;
  readonly holder: CertificateType;
  readonly purpose: Purpose;
  readonly revocation?: RevocationCheck;
}

/** What a certificate of each type may issue. An acquirer is no CA, it is a mark on a merchant or gateway. */
const issues: Readonly<Record<CertificateType, readonly CertificateType[]>> = {
  card: [],
  merchant: [],
  gateway: [],
  acquirer: [],
  cardholderCa: ['card'],
  merchantCa: ['merchant', 'acquirer'],
  gatewayCa: ['gateway', 'acquirer'],
  geopoliticalCa: ['cardholderCa', 'merchantCa', 'gatewayCa'],
  brandCa: ['geopoliticalCa', 'cardholderCa', 'merchantCa', 'gatewayCa'],
  rootCa: ['brandCa'],
};

/** @throws PkiError saying which rule failed; whoever answers a peer wraps it in a CryptographicError (fix 12). */
export function validateSetPath(options: SetPathOptions): ValidatedPath {
  const { chain, roots, atMs, brandId, holder, purpose, revocation } = options;
  const path = validatePath({
    chain,
    anchors: roots,
    atMs,
    purpose,
    understood: understoodSetExtensions,
    ...(revocation && { revocation }),
  });

  const holderTypes = typesOf(path.leaf);
  if (!holderTypes.has(holder)) {
    throw new PkiError('PKI_SET_TYPE', `certificate is not for a ${holder}`);
  }
  if (!typesOf(path.anchor).has('rootCa')) throw new PkiError('PKI_SET_TYPE', 'path does not end at a SET root');

  for (const [index, certificate] of path.chain.slice(0, -1).entries()) {
    const issuer = path.chain[index + 1]!;
    requirePermitted(certificate, issuer);
    requireBrand(certificate, brandId);
    requireNamedIssuer(certificate);
    requirePolicy(certificate);
    // An issuer's key may sign only in its own period, which ends long before the certificate does.
    requireKeyInUse(issuer, certificate.notBefore.getTime());
  }
  if (purpose !== 'signature') return path;
  requireKeyInUse(path.leaf, atMs);
  const keyUntilMs = readExtension(path.leaf.extensions, privateKeyUsagePeriod)?.notAfter?.getTime();
  return keyUntilMs === undefined ? path : { ...path, validUntilMs: Math.min(path.validUntilMs, keyUntilMs) };
}

/** What the holder is; empty when the certificate does not say. */
export function typesOf(certificate: Certificate): ReadonlySet<CertificateType> {
  return readExtension(certificate.extensions, certificateType) ?? new Set();
}

function requirePermitted(certificate: Certificate, issuer: Certificate): void {
  const types = [...typesOf(certificate)];
  const permitted = new Set([...typesOf(issuer)].flatMap((type) => issues[type]));
  if (types.length === 0 || !types.every((type) => permitted.has(type))) {
    throw new PkiError('PKI_SET_TYPE', `issuer may not issue a certificate for ${types.join(', ') || 'nobody'}`);
  }
  // What issues nothing must not be a CA for X.509 either, or it could issue what knows nothing of SET.
  if (certificate.ca !== types.some((type) => issues[type].length > 0)) {
    throw new PkiError('PKI_SET_TYPE', 'certificate type and basic constraints contradict each other');
  }
  if (certificate.extensions.has(hashedRootKey.id)) {
    throw new PkiError('PKI_SET_TYPE', 'only a root carries the hash of the next root key');
  }
}

/** Below the root the organization is the brand. */
function requireBrand(certificate: Certificate, brandId: string): void {
  if (nameAttribute(certificate.subject, 'O') !== brandId) {
    throw new PkiError('PKI_SET_BRAND', 'a certificate of the path is of another brand');
  }
}

function requireNamedIssuer(certificate: Certificate): void {
  const named = readExtension(certificate.extensions, authorityKeyIdentifier);
  if (named?.issuer === undefined || named.serial === undefined || named.keyIdentifier !== undefined) {
    throw new PkiError('PKI_AUTHORITY_KEY', 'SET names the issuer by name and serial, and only so');
  }
}

function requirePolicy(certificate: Certificate): void {
  const policies = readExtension(certificate.extensions, certificatePolicies) ?? [];
  if (!policies.some(({ policy }) => policy === SET_ROOT_POLICY)) {
    throw new PkiError('PKI_SET_POLICY', 'a certificate of the path is not issued under the SET root policy');
  }
}

function requireKeyInUse(certificate: Certificate, atMs: number): void {
  const period = readExtension(certificate.extensions, privateKeyUsagePeriod);
  const begun = period?.notBefore === undefined || atMs >= period.notBefore.getTime();
  const over = period?.notAfter !== undefined && atMs > period.notAfter.getTime();
  if (!begun || over) throw new PkiError('PKI_KEY_PERIOD', 'a private key signed outside its usage period');
}

/**
 * Whether `next` is the root that follows `current`: self-signed, valid now, and of the key whose hash `current` carries.
 * @throws PkiError `PKI_SET_ROOT`
 */
export function requireNextRoot(current: Certificate, next: Certificate, atMs: number): void {
  const expected = readExtension(current.extensions, hashedRootKey)?.rootKeyThumb;
  if (expected === undefined || !equalBytes(expected, sha256(next.publicKeyDer))) {
    throw new PkiError('PKI_SET_ROOT', 'the new root is not of the key announced by the present one');
  }
  if (!typesOf(next).has('rootCa') || !next.extensions.has(hashedRootKey.id)) {
    throw new PkiError('PKI_SET_ROOT', 'the new root is no SET root');
  }
  validatePath({
    chain: [next],
    anchors: [next],
    atMs,
    purpose: 'certificate-signing',
    understood: understoodSetExtensions,
  });
}

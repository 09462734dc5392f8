/**
 * The agency, the trusted third party: its authorities with their keys, and a record of what they have issued. The SET hierarchy
 * is root → brand → (geopolitical) → cardholder, merchant and gateway CA; the communication hierarchy stands apart from it (KPN-7).
 */
import type { KeyObject } from 'node:crypto';
import { toHex } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import type { KeyPair } from '../../crypto/signature.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { formatName } from '../../pki/name.ts';
import { publicKeyHash } from '../../pki/public-key.ts';
import { AgencyError } from './agency-error.ts';
import type { Authority, AuthorityRole } from './authority.ts';

export type IssuedKind = 'cardholder' | 'merchant' | 'gateway' | 'communication' | 'agent-authority';

export interface Issued {
  readonly kind: IssuedKind;
  readonly authorityId: string;
  readonly serial: bigint;
  readonly subject: string;
  readonly notAfterMs: number;
  /** The brand, or undefined in the communication hierarchy. */
  readonly brandId: string | undefined;
  /** SHA-256 of the SubjectPublicKeyInfo in hexadecimal. */
  readonly keyHash: string;
}

export interface BrandOptions {
  /** The organization in every certificate of the brand, e.g. `ACME`: letters, digits, `-` and `_`. */
  readonly brandId: string;
  /** ISO 3166-1 alpha-2 */
  readonly country: string;
  /** Name of a region whose geopolitical CA stands between the brand and its CAs. */
  readonly region?: string;
}

export interface AgencyClock {
  nowMs(): number;
}

export interface Agency {
  readonly organization: string;
  readonly country: string;
  readonly brands: readonly BrandOptions[];
  readonly clock: AgencyClock;
  readonly random: Random;
  readonly authorities: Map<string, Authority>;
  /** By brand and key: no brand certifies a key twice (fix 10). */
  readonly issued: Map<string, Issued>;
  /** Of the last BrandCRLIdentifier of each brand. */
  readonly identifierSequences: Map<string, bigint>;
  generation: number;
  /** The key whose hash the present root announces. */
  nextRootKeys: KeyPair;
}

/** The authority of the present generation in a role. @throws AgencyError `AGENCY_AUTHORITY_UNKNOWN` */
export function authorityFor(agency: Agency, role: AuthorityRole, brandId?: string): Authority {
  const found = [...agency.authorities.values()].filter(
    (authority) => authority.role === role && (brandId === undefined || authority.brandId === brandId),
  );
  const newest = found.reduce<Authority | undefined>(
    (best, next) => (best === undefined || next.generation > best.generation ? next : best),
    undefined,
  );
  if (newest === undefined) {
    throw new AgencyError(
      'AGENCY_AUTHORITY_UNKNOWN',
      `the agency has no ${role}${brandId ? ` for brand ${brandId}` : ''}`,
    );
  }
  return newest;
}

/** An authority's certificate and those above it, root last. */
export function chainOf(agency: Agency, authority: Authority): readonly Certificate[] {
  const above = authority.issuerId === undefined ? undefined : agency.authorities.get(authority.issuerId);
  return [authority.certificate, ...(above === undefined ? [] : chainOf(agency, above))];
}

/** Before anything is signed. @throws AgencyError `AGENCY_KEY_REUSED` when the brand has certified the key before (fix 10). */
export function requireFreshKey(agency: Agency, authority: Authority, publicKey: KeyObject): void {
  if (agency.issued.has(issuedKey(authority.brandId, toHex(publicKeyHash(publicKey))))) {
    throw new AgencyError('AGENCY_KEY_REUSED', 'this key has a certificate already: make a new one');
  }
}

export function recordIssued(agency: Agency, kind: IssuedKind, authority: Authority, certificate: Certificate): void {
  const keyHash = toHex(publicKeyHash(certificate.publicKey));
  agency.issued.set(issuedKey(authority.brandId, keyHash), {
    kind,
    authorityId: authority.id,
    brandId: authority.brandId,
    serial: certificate.serial,
    subject: formatName(certificate.subject),
    notAfterMs: certificate.notAfter.getTime(),
    keyHash,
  });
}

export function issuedKey(brandId: string | undefined, keyHash: string): string {
  return `${brandId ?? ''}:${keyHash}`;
}

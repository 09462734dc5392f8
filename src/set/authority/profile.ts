/** The certificate profiles of the SET hierarchy (notes on SET, "Hierarchy" and "Extensions"): who carries which extensions, and how long. */
import type { KeyObject } from 'node:crypto';
import { wholeSeconds } from '../../pki/certificate.ts';
import { type Extension, makeExtension } from '../../pki/extension.ts';
import { publicKeyHash } from '../../pki/public-key.ts';
import { basicConstraints, type KeyUsage, keyUsage, privateKeyUsagePeriod } from '../../pki/standard-extensions.ts';
import { type CertificateType, certificateType, hashedRootKey, setPolicy } from '../message/certificate-extensions.ts';
import type { AuthorityRole } from './authority.ts';

const YEAR = 365 * 86_400_000;

interface Lifetime {
  readonly certificateMs: number;
  /** How long the private key signs certificates: shorter, so that what it signs last can live out its time. */
  readonly keyMs: number;
}

const CA_LIFETIME: Lifetime = { certificateMs: 7 * YEAR, keyMs: 5 * YEAR };

export const lifetimes: Readonly<Record<AuthorityRole, Lifetime>> = {
  root: { certificateMs: 25 * YEAR, keyMs: 10 * YEAR },
  brand: { certificateMs: 15 * YEAR, keyMs: 5 * YEAR },
  geopolitical: { certificateMs: 10 * YEAR, keyMs: 5 * YEAR },
  'cardholder-ca': CA_LIFETIME,
  'merchant-ca': CA_LIFETIME,
  'gateway-ca': CA_LIFETIME,
  'communication-root': { certificateMs: 25 * YEAR, keyMs: 10 * YEAR },
  'communication-ca': { certificateMs: 10 * YEAR, keyMs: 5 * YEAR },
};
export const CARDHOLDER_LIFETIME_MS = 2 * YEAR;
export const MERCHANT_LIFETIME_MS = YEAR;
export const GATEWAY_LIFETIME_MS = YEAR;

export function rootProfile(nextRootKey: KeyObject, notBeforeMs: number): readonly Extension[] {
  return [
    ...authorityProfile(['rootCa'], 'root', notBeforeMs),
    makeExtension(hashedRootKey, { rootKeyThumb: publicKeyHash(nextRootKey) }),
  ];
}

/** A CA's signing certificate. `pathLength` counts the CAs that may stand below it. */
export function authorityProfile(
  types: readonly CertificateType[],
  role: AuthorityRole,
  notBeforeMs: number,
  pathLength?: number,
): readonly Extension[] {
  return [
    makeExtension(basicConstraints, { ca: true, ...(pathLength !== undefined && { pathLength }) }),
    // digitalSignature: a CA also answers its applicants with signed messages.
    makeExtension(keyUsage, new Set<KeyUsage>(['digitalSignature', 'keyCertSign', 'cRLSign'])),
    makeExtension(certificateType, new Set(types)),
    keyPeriod(notBeforeMs, lifetimes[role].keyMs),
    ...(types.includes('rootCa') ? [] : [setPolicy()]),
  ];
}

/** A CA's certificate for what applicants seal to it. It must not sign anything. */
export function authorityEncryptionProfile(types: readonly CertificateType[]): readonly Extension[] {
  return [
    makeExtension(basicConstraints, { ca: true }),
    makeExtension(keyUsage, new Set<KeyUsage>(['keyAgreement'])),
    makeExtension(certificateType, new Set(types)),
    setPolicy(),
  ];
}

export function holderProfile(
  type: CertificateType,
  use: 'signature' | 'encryption',
  further: readonly Extension[] = [],
): readonly Extension[] {
  // The suite is P-256, so what is sealed to a holder is sealed by key agreement (RFC 5753), never by encipherment of a key.
  const usages: readonly KeyUsage[] = use === 'signature' ? ['digitalSignature'] : ['keyAgreement'];
  return [
    makeExtension(basicConstraints, { ca: false }),
    makeExtension(keyUsage, new Set(usages)),
    makeExtension(certificateType, new Set([type])),
    setPolicy(),
    ...further,
  ];
}

function keyPeriod(notBeforeMs: number, lengthMs: number): Extension {
  return makeExtension(privateKeyUsagePeriod, {
    notBefore: wholeSeconds(new Date(notBeforeMs)),
    notAfter: wholeSeconds(new Date(notBeforeMs + lengthMs)),
  });
}

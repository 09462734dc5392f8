/** One certification authority of the agency: its name and keys, what it has revoked, and how it signs a certificate. */
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import { identifyIssuer } from '../../pki/authority-key.ts';
import { type Certificate, createCertificate, randomSerial, wholeSeconds } from '../../pki/certificate.ts';
import type { Extension } from '../../pki/extension.ts';
import type { Name } from '../../pki/name.ts';
import type { Revocation } from '../../pki/revocation-list.ts';

export type AuthorityRole =
  | 'root'
  | 'brand'
  | 'geopolitical'
  | 'cardholder-ca'
  | 'merchant-ca'
  | 'gateway-ca'
  | 'communication-root'
  | 'communication-ca';

export interface Authority {
  /** Unique in the agency, and fit for a file name, e.g. `root-1` or `acme.merchant-ca-1`. */
  readonly id: string;
  readonly role: AuthorityRole;
  readonly brandId: string | undefined;
  /** Grows with each root: authorities of one generation stand under the root of that generation. */
  readonly generation: number;
  /** The authority above; undefined for a root. */
  readonly issuerId: string | undefined;
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
  /** SET's CAs of end entities also receive sealed requests: a key apart from the signing key. */
  readonly encryption: { readonly certificate: Certificate; readonly privateKey: KeyObject } | undefined;
  /** Of the last list made; the next one is higher. */
  crlNumber: bigint;
  revoked: readonly Revocation[];
}

export interface IssueOptions {
  readonly issuer: Pick<Authority, 'certificate' | 'privateKey'> | undefined;
  readonly subject: Name;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly lifetimeMs: number;
  readonly extensions: readonly Extension[];
  readonly random: Random;
}

/** Signs a certificate that ends no later than its issuer's; AKI is added here, the rest of the profile is the caller's. */
export function issueUnder(
  options: IssueOptions & { readonly issuer: Pick<Authority, 'certificate' | 'privateKey'> },
): Certificate {
  const { issuer, subject, publicKey, notBeforeMs, lifetimeMs, extensions, random } = options;
  const untilMs = Math.min(notBeforeMs + lifetimeMs, issuer.certificate.notAfter.getTime());
  return createCertificate(
    {
      serial: randomSerial(random),
      issuer: issuer.certificate.subject,
      subject,
      notBefore: wholeSeconds(new Date(notBeforeMs)),
      notAfter: wholeSeconds(new Date(untilMs)),
      publicKey,
      extensions: [identifyIssuer(issuer.certificate), ...extensions],
    },
    issuer.privateKey,
  );
}

export type AuthorityPlace = Pick<Authority, 'id' | 'role' | 'brandId' | 'generation'>;

/** A root: signed by itself. `keys` are given where an earlier root has announced them. */
export function createRoot(
  place: AuthorityPlace,
  options: Omit<IssueOptions, 'issuer' | 'publicKey'> & { readonly keys?: ReturnType<typeof generateP256> },
): Authority {
  const { keys = generateP256(), subject, notBeforeMs, lifetimeMs, extensions, random } = options;
  const certificate = createCertificate(
    {
      serial: randomSerial(random),
      issuer: subject,
      subject,
      notBefore: wholeSeconds(new Date(notBeforeMs)),
      notAfter: wholeSeconds(new Date(notBeforeMs + lifetimeMs)),
      publicKey: keys.publicKey,
      extensions,
    },
    keys.privateKey,
  );
  const { privateKey } = keys;
  return { ...place, issuerId: undefined, certificate, privateKey, encryption: undefined, crlNumber: 0n, revoked: [] };
}

/** An authority below another. `encryptionExtensions` are given when it also receives sealed requests. */
export function createAuthority(
  place: AuthorityPlace,
  options: Omit<IssueOptions, 'issuer' | 'publicKey'> & {
    readonly issuer: Authority;
    readonly encryptionExtensions?: readonly Extension[];
  },
): Authority {
  const { issuer, encryptionExtensions } = options;
  const { publicKey, privateKey } = generateP256();
  const certificate = issueUnder({ ...options, publicKey });
  const base = { ...place, issuerId: issuer.id, certificate, privateKey, crlNumber: 0n, revoked: [] };
  if (encryptionExtensions === undefined) return { ...base, encryption: undefined };
  const sealing = generateP256();
  const sealed = issueUnder({ ...options, publicKey: sealing.publicKey, extensions: encryptionExtensions });
  return { ...base, encryption: { certificate: sealed, privateKey: sealing.privateKey } };
}

/** Certificate revocation lists, version 2 (RFC 5280 section 5): complete lists of one CA about its own certificates. */
import type { KeyObject } from 'node:crypto';
import {
  decodeDer,
  encodeDer,
  enumerated,
  explicit,
  integer,
  optional,
  sequence,
  sequenceOf,
  smallInteger,
  time,
} from '../codec/der.ts';
import { sha256 } from '../crypto/digest.ts';
import { identifyIssuer } from './authority-key.ts';
import type { Certificate } from './certificate.ts';
import { extensionsType, indexExtensions, makeExtension, readExtension, unknownCritical } from './extension.ts';
import { type Name, nameType } from './name.ts';
import { PkiError } from './pki-error.ts';
import {
  readSigned,
  requireSameAlgorithm,
  type Signed,
  signatureAlgorithm,
  signatureAlgorithmType,
  signTbs,
} from './signed.ts';
import { authorityKeyIdentifier, crlNumber } from './standard-extensions.ts';

/** A list of some thirty thousand entries; a CA that needs more is split (SET's geopolitical CAs). */
export const MAX_REVOCATION_LIST_BYTES = 1_048_576;
const VERSION_2 = 1;
/** What this reader honours when critical. Delta lists and lists for a part of the certificates are refused. */
const UNDERSTOOD = new Set([crlNumber.id, authorityKeyIdentifier.id]);

const reasonType = enumerated({
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
});
const reasonKind = { id: '2.5.29.21', critical: false, type: reasonType };
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'cACompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'certificateHold'
  | 'privilegeWithdrawn';

const entryType = sequence({ serial: integer(), revokedAt: time(), extensions: optional(extensionsType) });
const listType = sequence({
  version: smallInteger({ min: VERSION_2, max: VERSION_2 }),
  signature: signatureAlgorithmType,
  issuer: nameType,
  thisUpdate: time(),
  nextUpdate: time(),
  revoked: optional(sequenceOf(entryType, { min: 1, max: 50_000 })),
  extensions: explicit(0, extensionsType),
});

export interface Revocation {
  readonly serial: bigint;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

export interface RevocationList extends Signed {
  readonly issuer: Name;
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: ReadonlyMap<bigint, Revocation>;
  /** Serial of the issuer's certificate that verifies it, where the list names one (SET's form of key identifier). */
  readonly issuerSerial: bigint | undefined;
  /** SHA-256 of the signed part. */
  readonly thumb: Uint8Array;
}

export interface RevocationListContent {
  readonly number: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: readonly Revocation[];
}

export function createRevocationList(
  content: RevocationListContent,
  issuer: Certificate,
  issuerKey: KeyObject,
): RevocationList {
  const entries = content.revoked.map(({ serial, revokedAt, reason }) => ({
    serial,
    revokedAt,
    // Section 5.3.1: "unspecified" is said by leaving the extension out.
    ...(reason !== 'unspecified' && { extensions: [makeExtension(reasonKind, reason)] }),
  }));
  const tbs = encodeDer(listType, {
    version: VERSION_2,
    signature: signatureAlgorithm,
    issuer: issuer.subject,
    thisUpdate: content.thisUpdate,
    nextUpdate: content.nextUpdate,
    ...(entries.length > 0 && { revoked: entries }),
    extensions: [identifyIssuer(issuer), makeExtension(crlNumber, content.number)],
  });
  return readRevocationList(signTbs(tbs, issuerKey));
}

/** Reads a list without verifying it. @throws DerError or PkiError on anything but a complete version 2 list. */
export function readRevocationList(der: Uint8Array): RevocationList {
  const signed = readSigned(der, MAX_REVOCATION_LIST_BYTES);
  const content = decodeDer(listType, signed.tbs, { maxBytes: MAX_REVOCATION_LIST_BYTES });
  requireSameAlgorithm(content.signature, signed);

  const extensions = indexExtensions(content.extensions);
  requireUnderstood(unknownCritical(extensions, UNDERSTOOD));
  const number = readExtension(extensions, crlNumber);
  if (number === undefined) throw new PkiError('PKI_CRL_INVALID', 'revocation list has no number');

  const revoked = new Map<bigint, Revocation>();
  for (const entry of content.revoked ?? []) {
    const own = indexExtensions(entry.extensions ?? []);
    requireUnderstood(unknownCritical(own, new Set([reasonKind.id])));
    const reason = readExtension(own, reasonKind) ?? 'unspecified';
    revoked.set(entry.serial, { serial: entry.serial, revokedAt: entry.revokedAt, reason });
  }
  const { issuer, thisUpdate, nextUpdate } = content;
  const issuerSerial = readExtension(extensions, authorityKeyIdentifier)?.serial;
  return { ...signed, issuer, number, thisUpdate, nextUpdate, revoked, issuerSerial, thumb: sha256(signed.tbs) };
}

function requireUnderstood(unknown: readonly string[]): void {
  if (unknown.length > 0) {
    throw new PkiError('PKI_CRL_EXTENSION', `revocation list has a critical extension not understood: ${unknown[0]}`);
  }
}

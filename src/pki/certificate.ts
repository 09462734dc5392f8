/** X.509 version 3 certificates (RFC 5280 section 4.1): making, signing and reading them. */
import type { KeyObject } from 'node:crypto';
import { any, decodeDer, encodeDer, explicit, integer, optional, sequence, smallInteger, time } from '../codec/der.ts';
import { equalBytes, toHex } from '../codec/hex.ts';
import { sha256 } from '../crypto/digest.ts';
import type { Random } from '../crypto/random.ts';
import { type Extension, type Extensions, extensionsType, indexExtensions, readExtension } from './extension.ts';
import type { GeneralName } from './general-name.ts';
import { type Name, nameType, sameName } from './name.ts';
import { PkiError } from './pki-error.ts';
import { readPublicKey, writePublicKey } from './public-key.ts';
import {
  readSigned,
  requireSameAlgorithm,
  type Signed,
  signatureAlgorithm,
  signatureAlgorithmType,
  signTbs,
} from './signed.ts';
import * as standard from './standard-extensions.ts';

export const MAX_CERTIFICATE_BYTES = 16384;
const VERSION_3 = 2;
/** RFC 5280 section 4.1.2.2: at most 20 octets, and positive. */
const MAX_SERIAL = 2n ** 159n - 1n;

/** UniqueIdentifiers ([1], [2]) are not part of the schema: SET leaves them out and so does everything here. */
const tbsType = sequence({
  version: explicit(0, smallInteger({ min: VERSION_3, max: VERSION_3 })),
  serial: integer({ min: 1n, max: MAX_SERIAL }),
  signature: signatureAlgorithmType,
  issuer: nameType,
  validity: sequence({ notBefore: time(), notAfter: time() }),
  subject: nameType,
  publicKey: any(),
  extensions: optional(explicit(3, extensionsType)),
});

export interface Certificate extends Signed {
  readonly serial: bigint;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly publicKeyDer: Uint8Array;
  readonly extensions: Extensions;
  /** SHA-256 of the signed part: SET's thumbprint. */
  readonly thumb: Uint8Array;
  readonly ca: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: ReadonlySet<standard.KeyUsage> | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltNames: readonly GeneralName[];
}

export interface CertificateContent {
  readonly serial: bigint;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
}

/** Signs a certificate with the issuer's P-256 key, and reads it back so that nothing unreadable is ever issued. */
export function createCertificate(content: CertificateContent, issuerKey: KeyObject): Certificate {
  const { serial, issuer, subject, notBefore, notAfter, extensions } = content;
  if (notAfter.getTime() <= notBefore.getTime()) {
    throw new PkiError('PKI_VALIDITY_EMPTY', 'certificate would end before it begins');
  }
  indexExtensions(extensions);
  const tbs = encodeDer(tbsType, {
    version: VERSION_3,
    serial,
    signature: signatureAlgorithm,
    issuer,
    validity: { notBefore: wholeSeconds(notBefore), notAfter: wholeSeconds(notAfter) },
    subject,
    publicKey: writePublicKey(content.publicKey),
    ...(extensions.length > 0 && { extensions }),
  });
  return readCertificate(signTbs(tbs, issuerKey));
}

/**
 * Reads one certificate; nothing is verified, that is what `path.ts` is for.
 * @throws DerError or PkiError on anything but a strictly encoded version 3 certificate with a key of an allowed kind.
 */
export function readCertificate(der: Uint8Array): Certificate {
  const signed = readSigned(der, MAX_CERTIFICATE_BYTES);
  const content = decodeDer(tbsType, signed.tbs, { maxBytes: MAX_CERTIFICATE_BYTES });
  requireSameAlgorithm(content.signature, signed);

  const extensions = indexExtensions(content.extensions ?? []);
  const constraints = readExtension(extensions, standard.basicConstraints);
  if (constraints?.pathLength !== undefined && !constraints.ca) {
    throw new PkiError('PKI_EXTENSION_INVALID', 'path length is given for a certificate that is no CA');
  }

  return {
    ...signed,
    serial: content.serial,
    issuer: content.issuer,
    subject: content.subject,
    notBefore: content.validity.notBefore,
    notAfter: content.validity.notAfter,
    publicKey: readPublicKey(content.publicKey),
    publicKeyDer: content.publicKey,
    extensions,
    thumb: sha256(signed.tbs),
    ca: constraints?.ca ?? false,
    pathLength: constraints?.pathLength,
    keyUsage: readExtension(extensions, standard.keyUsage),
    extendedKeyUsage: readExtension(extensions, standard.extendedKeyUsage),
    subjectAltNames: readExtension(extensions, standard.subjectAltName) ?? [],
  };
}

export function isSelfIssued(certificate: Certificate): boolean {
  return sameName(certificate.issuer, certificate.subject);
}

export function sameCertificate(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.der, b.der);
}

/** A serial of 126 unpredictable bits and one set above them, so that it is positive and always of one length. */
export function randomSerial(random: Random): bigint {
  const highest = 1n << 126n;
  return highest | (BigInt(`0x${toHex(random(16))}`) & (highest - 1n));
}

/** X.509 time has no fractions of a second. */
export function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

/**
 * BrandCRLIdentifier (notes on SET, "CRL, BCI"): the brand's signed list of the revocation lists everybody must hold before relying
 * on certificates of that brand. A list left out by whoever sends them is thereby noticed.
 */
import type { KeyObject } from 'node:crypto';
import {
  decodeDer,
  encodeDer,
  generalizedTime,
  implicit,
  integer,
  optional,
  sequence,
  sequenceOf,
  smallInteger,
  visibleString,
} from '../../codec/der.ts';
import { sha256 } from '../../crypto/digest.ts';
import { identifyIssuer } from '../../pki/authority-key.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { extensionsType, indexExtensions, readExtension, unknownCritical } from '../../pki/extension.ts';
import { type Name, nameType } from '../../pki/name.ts';
import { readSigned, type Signed, signTbs, verifySigned } from '../../pki/signed.ts';
import { authorityKeyIdentifier } from '../../pki/standard-extensions.ts';
import { SetError } from './set-error.ts';

const MAX_BYTES = 65_536;
const MAX_LISTS = 256;

const shape = sequence({
  version: smallInteger({ min: 0, max: 0 }),
  sequenceNumber: integer({ min: 0n, max: 2n ** 64n - 1n }),
  brandId: visibleString({ min: 1, max: 40 }),
  notBefore: generalizedTime(),
  notAfter: generalizedTime(),
  lists: optional(
    implicit(0, sequenceOf(sequence({ issuer: nameType, number: integer({ min: 0n }) }), { min: 1, max: MAX_LISTS })),
  ),
  extensions: optional(implicit(1, extensionsType)),
});

export interface ListedRevocationList {
  readonly issuer: Name;
  /** The CRL number that must be held, or a later one. */
  readonly number: bigint;
}

export interface BrandCrlIdentifierContent {
  readonly sequenceNumber: bigint;
  readonly brandId: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly lists: readonly ListedRevocationList[];
}

export interface BrandCrlIdentifier extends BrandCrlIdentifierContent, Signed {
  /** SHA-256 of the signed part. */
  readonly thumb: Uint8Array;
  /** Serial of the brand CA's certificate that verifies it. */
  readonly signerSerial: bigint;
}

export function createBrandCrlIdentifier(
  content: BrandCrlIdentifierContent,
  brandCa: Certificate,
  brandCaKey: KeyObject,
): BrandCrlIdentifier {
  const tbs = encodeDer(shape, {
    version: 0,
    sequenceNumber: content.sequenceNumber,
    brandId: content.brandId,
    notBefore: content.notBefore,
    notAfter: content.notAfter,
    ...(content.lists.length > 0 && { lists: content.lists }),
    extensions: [identifyIssuer(brandCa)],
  });
  return readBrandCrlIdentifier(signTbs(tbs, brandCaKey));
}

/** Reads without verifying. @throws DerError, PkiError or SetError */
export function readBrandCrlIdentifier(der: Uint8Array): BrandCrlIdentifier {
  const signed = readSigned(der, MAX_BYTES);
  const { sequenceNumber, brandId, notBefore, notAfter, ...rest } = decodeDer(shape, signed.tbs, {
    maxBytes: MAX_BYTES,
  });
  const extensions = indexExtensions(rest.extensions ?? []);
  const signerSerial = readExtension(extensions, authorityKeyIdentifier)?.serial;
  if (signerSerial === undefined || unknownCritical(extensions, new Set([authorityKeyIdentifier.id])).length > 0) {
    throw new SetError('unrecognizedExtension', 'the brand CRL identifier names no signer or asks for too much');
  }
  const lists = rest.lists ?? [];
  return { ...signed, sequenceNumber, brandId, notBefore, notAfter, lists, signerSerial, thumb: sha256(signed.tbs) };
}

/** @throws SetError `signatureFailure` unless this brand CA certificate, whose path the caller validates, signed it. */
export function verifyBrandCrlIdentifier(identifier: BrandCrlIdentifier, brandCa: Certificate): void {
  if (identifier.signerSerial !== brandCa.serial || !verifySigned(identifier, brandCa.publicKey)) {
    throw new SetError('signatureFailure', 'the brand CRL identifier is not signed by its brand CA');
  }
}

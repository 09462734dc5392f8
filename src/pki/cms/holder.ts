/**
 * Whom a CMS message names: the holder of a certificate, by issuer and serial number (RFC 5652 section 10.2.4), or of a bare key,
 * by a key identifier. Only these fields of a certificate are read here; whether to trust it is decided by the path.
 */
import type { KeyObject } from 'node:crypto';
import {
  any,
  bitString,
  captured,
  decodeDer,
  explicit,
  type Infer,
  integer,
  optional,
  sequence,
  smallInteger,
} from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { algorithmType } from '../algorithm.ts';
import { readPublicKey } from '../public-key.ts';

export const issuerAndSerialType = sequence({ issuer: any(), serial: integer() });
export type IssuerAndSerial = Infer<typeof issuerAndSerialType>;

const tbsType = sequence({
  version: explicit(0, smallInteger({ min: 2, max: 2 })),
  serial: integer(),
  signature: algorithmType,
  issuer: any(),
  validity: any(),
  subject: any(),
  publicKey: any(),
  extensions: optional(explicit(3, any())),
});

/** A certificate in its exact bytes, with what is needed to find it. */
export const certificateType = captured(sequence({ tbs: tbsType, algorithm: algorithmType, signature: bitString() }));
export type HeldCertificate = Infer<typeof certificateType>;

/** Gives a certificate's key: `cache.read(der).publicKey` saves reading it again for every message. */
export type PublicKeyOf = (certificate: Uint8Array) => KeyObject;

/** @throws DerError */
export function readHeldCertificate(der: Uint8Array): HeldCertificate {
  return decodeDer(certificateType, der, { maxBytes: 16_384 });
}

export function issuerAndSerialOf({ value }: HeldCertificate): IssuerAndSerial {
  return { issuer: value.tbs.issuer, serial: value.tbs.serial };
}

export function isHolder(certificate: HeldCertificate, { issuer, serial }: IssuerAndSerial): boolean {
  const { tbs } = certificate.value;
  return tbs.serial === serial && equalBytes(tbs.issuer, issuer);
}

/** @throws PkiError for a kind of key that is not allowed. */
export function publicKeyOf(certificate: Uint8Array): KeyObject {
  return readPublicKey(readHeldCertificate(certificate).value.tbs.publicKey);
}

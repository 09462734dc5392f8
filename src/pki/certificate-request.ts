/** Certification requests, PKCS #10 (RFC 2986): a name and a key, signed by that key as proof of holding it. */
import type { KeyObject } from 'node:crypto';
import { any, decodeDer, encodeDer, implicit, objectIdentifier, sequence, setOf, smallInteger } from '../codec/der.ts';
import { type Extension, type Extensions, extensionsType, indexExtensions } from './extension.ts';
import { type Name, nameType } from './name.ts';
import { PkiError } from './pki-error.ts';
import { readPublicKey, writePublicKey } from './public-key.ts';
import { readSigned, signTbs, verifySigned } from './signed.ts';

const MAX_REQUEST_BYTES = 16384;
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';

const attributeType = sequence({ type: objectIdentifier(), values: setOf(any(), { min: 1, max: 8 }) });
const requestType = sequence({
  version: smallInteger({ min: 0, max: 0 }),
  subject: nameType,
  publicKey: any(),
  attributes: implicit(0, setOf(attributeType, { max: 16 })),
});

export interface CertificateRequest {
  readonly der: Uint8Array;
  readonly subject: Name;
  readonly publicKey: KeyObject;
  /** What the applicant asks for; the issuer decides. */
  readonly extensions: Extensions;
}

export interface CertificateRequestContent {
  readonly subject: Name;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly extensions?: readonly Extension[];
}

export function createCertificateRequest(content: CertificateRequestContent): Uint8Array {
  const { subject, publicKey, privateKey, extensions = [] } = content;
  const values = extensions.length > 0 ? [encodeDer(extensionsType, extensions)] : [];
  const tbs = encodeDer(requestType, {
    version: 0,
    subject,
    publicKey: writePublicKey(publicKey),
    attributes: values.length > 0 ? [{ type: EXTENSION_REQUEST, values }] : [],
  });
  return signTbs(tbs, privateKey);
}

/**
 * Reads a request and verifies that the applicant holds the private key.
 * @throws DerError when malformed, PkiError `PKI_REQUEST_SIGNATURE` when not signed by the key it is for.
 */
export function readCertificateRequest(der: Uint8Array): CertificateRequest {
  const signed = readSigned(der, MAX_REQUEST_BYTES);
  const content = decodeDer(requestType, signed.tbs, { maxBytes: MAX_REQUEST_BYTES });
  const publicKey = readPublicKey(content.publicKey);
  if (!verifySigned(signed, publicKey)) {
    throw new PkiError('PKI_REQUEST_SIGNATURE', 'request is not signed by the key it asks a certificate for');
  }

  const requested = content.attributes.filter((attribute) => attribute.type === EXTENSION_REQUEST);
  if (requested.length > 1 || requested.some((attribute) => attribute.values.length !== 1)) {
    throw new PkiError('PKI_REQUEST_INVALID', 'request asks for extensions more than once');
  }
  const value = requested[0]?.values[0];
  const extensions = value === undefined ? [] : decodeDer(extensionsType, value, { maxBytes: MAX_REQUEST_BYTES });
  return { der, subject: content.subject, publicKey, extensions: indexExtensions(extensions) };
}

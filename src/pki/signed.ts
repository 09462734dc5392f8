/**
 * X.509's SIGNED{}: something encoded, the algorithm, and a signature over exactly those bytes (RFC 5280 section 4.1.1).
 * Certificates, requests, revocation lists and SET's BrandCRLIdentifier are all made this way. ECDSA P-256 with SHA-256
 * is the one suite.
 */
import type { KeyObject } from 'node:crypto';
import {
  any,
  bitString,
  decodeDer,
  encodeDer,
  type Infer,
  objectIdentifier,
  optional,
  sequence,
} from '../codec/der.ts';
import { signP256, verifyP256 } from '../crypto/signature.ts';
import { PkiError } from './pki-error.ts';

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

/** Inside the signed part too, where X.509 repeats the algorithm so that it is signed itself. */
export const signatureAlgorithmType = sequence({ algorithm: objectIdentifier(), parameters: optional(any()) });
export type SignatureAlgorithm = Infer<typeof signatureAlgorithmType>;
export const signatureAlgorithm: SignatureAlgorithm = { algorithm: ECDSA_WITH_SHA256 };

const signedType = sequence({ tbs: any(), algorithm: signatureAlgorithmType, signature: bitString() });

export interface Signed {
  readonly der: Uint8Array;
  /** The bytes that were signed, as received. */
  readonly tbs: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

export function signTbs(tbs: Uint8Array, privateKey: KeyObject): Uint8Array {
  const signature = signP256(privateKey, tbs, 'der');
  return encodeDer(signedType, { tbs, algorithm: signatureAlgorithm, signature: { unused: 0, bytes: signature } });
}

/** @throws DerError on malformed bytes. An algorithm of another suite is only refused when it is verified. */
export function readSigned(der: Uint8Array, maxBytes: number): Signed {
  const { tbs, algorithm, signature } = decodeDer(signedType, der, { maxBytes });
  if (signature.unused !== 0) throw new PkiError('PKI_SIGNATURE_MALFORMED', 'signature is not whole bytes');
  return { der, tbs, algorithm, signature: signature.bytes };
}

/** The algorithm beside the signature must be the one inside what was signed (RFC 5280 section 4.1.1.2). */
export function requireSameAlgorithm(inside: SignatureAlgorithm, signed: Signed): void {
  if (inside.algorithm !== signed.algorithm.algorithm) {
    throw new PkiError('PKI_ALGORITHM_MISMATCH', 'signature algorithm differs inside and outside the signed part');
  }
}

/** True only for ECDSA P-256 with SHA-256 by this key over exactly the signed bytes. */
export function verifySigned(signed: Signed, publicKey: KeyObject): boolean {
  const { algorithm, parameters } = signed.algorithm;
  if (algorithm !== ECDSA_WITH_SHA256 || parameters !== undefined) return false;
  return verifyP256(publicKey, signed.tbs, signed.signature, 'der');
}

/** Signatures inside CMS: ECDSA P-256 (RFC 5754 section 3.3) or RSASSA-PSS (RFC 4056), whichever the key is for, both with SHA-256. */
import type { KeyObject } from 'node:crypto';
import { isRsa, signPss, verifyPss } from '../../crypto/rsa.ts';
import { isP256, signP256, verifyP256 } from '../../crypto/signature.ts';
import { type Algorithm, ecdsaAlgorithm, isEcdsa, isPss, pssAlgorithm } from '../algorithm.ts';
import { CmsError } from './cms-error.ts';

export interface SuiteSignature {
  readonly algorithm: Algorithm;
  readonly signature: Uint8Array;
}

/** @throws CmsError `CMS_KEY` for a key of another kind or size. */
export function signWith(privateKey: KeyObject, data: Uint8Array): SuiteSignature {
  if (isP256(privateKey)) return { algorithm: ecdsaAlgorithm, signature: signP256(privateKey, data, 'der') };
  if (isRsa(privateKey)) return { algorithm: pssAlgorithm, signature: signPss(privateKey, data) };
  throw new CmsError('CMS_KEY', 'the signing key is neither P-256 nor RSA of 2048 to 4096 bits');
}

/** False for a wrong signature and for an algorithm outside the suite alike. @throws DerError on malformed parameters. */
export function verifyWith(publicKey: KeyObject, data: Uint8Array, { algorithm, signature }: SuiteSignature): boolean {
  if (isEcdsa(algorithm)) return verifyP256(publicKey, data, signature, 'der');
  if (isPss(algorithm)) return verifyPss(publicKey, data, signature);
  return false;
}

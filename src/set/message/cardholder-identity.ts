/**
 * The Unique Cardholder ID (notes on SET, "Cardholder blinding"): what stands in a cardholder's certificate instead of name and card
 * number. Merchants see a MAC; the gateway, given the PANSecret, can tell that it is this card's.
 */
import { encodeDer, numericString, sequence } from '../../codec/der.ts';
import { utf8 } from '../../codec/hex.ts';
import { deriveKey } from '../../crypto/agreement.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { hmacSha256, sha256 } from '../../crypto/digest.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import { SetError } from './set-error.ts';

const SECRET_LENGTH = 32;
const LABEL = utf8('Handsel SET 2 PANSecret');

const cardType = sequence({
  pan: numericString({ min: 12, max: 19 }),
  expiry: numericString({ min: 6, max: 6 }),
});

export interface Card {
  readonly pan: string;
  /** YYYYMM */
  readonly expiry: string;
}

/**
 * Both sides agree on what the secret is for: brand, the cardholder's key, and the CA's certificate.
 * @param keyHash SHA-256 of the cardholder's SubjectPublicKeyInfo
 */
export function registrationTranscript(parts: {
  readonly brandId: string;
  readonly keyHash: Uint8Array;
  readonly caThumb: Uint8Array;
}): Uint8Array {
  // Hashes have a fixed length, so the brand at the end needs no delimiter.
  return sha256(LABEL, parts.keyHash, parts.caThumb, utf8(parts.brandId));
}

/**
 * PANSecret = HKDF-SHA-256(CardSecret, salt NonceCCA, info transcript). SET 1.0 has their XOR, by which the CA, which chooses last,
 * fixes the result alone (fix 8). 32 bytes.
 */
export function derivePanSecret(parts: {
  readonly cardSecret: Uint8Array;
  readonly nonceCca: Uint8Array;
  readonly transcript: Uint8Array;
}): Uint8Array {
  for (const secret of [parts.cardSecret, parts.nonceCca]) {
    if (secret.length !== SECRET_LENGTH || secret.every((byte) => byte === 0)) {
      throw new SetError('decodingFailure', 'card secret and CA nonce are 32 random bytes');
    }
  }
  return deriveKey({
    secret: parts.cardSecret,
    salt: parts.nonceCca,
    info: parts.transcript,
    length: SECRET_LENGTH,
  });
}

/** HMAC-SHA-256 over DER{pan, expiry} keyed with the PANSecret, in base64: the certificate's common name. */
export function uniqueCardholderId(card: Card, panSecret: Uint8Array): string {
  const { pan, expiry } = card;
  return Buffer.from(hmacSha256(panSecret, encodeDer(cardType, { pan, expiry }))).toString('base64');
}

/** Whether a cardholder certificate is this card's; the cardholder asks after registration, the gateway at every purchase. */
export function isCertificateOfCard(certificate: Certificate, card: Card, panSecret: Uint8Array): boolean {
  const name = nameAttribute(certificate.subject, 'CN') ?? '';
  return equalSecrets(utf8(name), utf8(uniqueCardholderId(card, panSecret)));
}

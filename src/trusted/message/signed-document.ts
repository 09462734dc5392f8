/**
 * Documents that outlive the session in which they were sent: signed under a certificate that goes with them, so that whoever has the primary
 * keys can check them offline. The signature covers the name of the kind, so no document passes for one of another kind.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, type Shape } from '../../codec/shape.ts';
import { importCompactKey, signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { decryptCose, encryptCose } from '../../crypto/cose-encrypt.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import {
  type AgentCertificate,
  agentCertificateShape,
  type ServerCertificate,
  serverCertificateShape,
} from './certificate.ts';
import { dayOf } from './day.ts';
import type { TrustLists } from './trust-lists.ts';
import { validateAgentCertificate, validateServerCertificate } from './validate-certificate.ts';

export interface DocumentType<T extends { readonly atMs: number }> {
  readonly name: string;
  readonly shape: Shape<T>;
  /** Of the whole document, with its certificate. */
  readonly maxBytes: number;
}

const signers = {
  agent: numbered(1, { certificate: agentCertificateShape() }),
  server: numbered(2, { certificate: serverCertificateShape() }),
};
const signerShape = choice(signers);
export type DocumentSigner =
  | { readonly type: 'agent'; readonly certificate: AgentCertificate }
  | { readonly type: 'server'; readonly certificate: ServerCertificate };

const signedShape = row({
  payload: bytes({ max: 1 << 20 }),
  by: signerShape,
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});

const textOf = (name: string, payload: Uint8Array) => concatBytes(utf8(`Handsel trusted ${name} 1`), payload);

export interface SignedDocument<T> {
  readonly value: T;
  /** As it was received. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly digest: Uint8Array;
  readonly by: DocumentSigner;
}

export function signDocument<T extends { readonly atMs: number }>(
  { name, shape }: DocumentType<T>,
  value: T,
  by: DocumentSigner & { readonly privateKey: KeyObject },
): Uint8Array {
  const payload = encodeCbor(shape.encode(value));
  const signature = signCompact(by.privateKey, textOf(name, payload));
  return encodeCbor(signedShape.encode({ payload, by, signature }));
}

/**
 * Its signature holds under the certificate in it; whether that certificate counts is another question (`requireGenuine`).
 * @throws CryptographicError; MessageError or CborError for what is no such document
 */
export function readDocument<T extends { readonly atMs: number }>(
  { name, shape, maxBytes }: DocumentType<T>,
  document: Uint8Array,
): SignedDocument<T> {
  const { payload, by, signature } = signedShape.decode(decodeCbor(document, { maxBytes }), name);
  if (!verifyCompact(by.certificate.publicKey, textOf(name, payload), signature)) {
    throw new CryptographicError(new Error(`a ${name} that its writer did not sign`));
  }
  const value = shape.decode(decodeCbor(payload, { maxBytes, maxDepth: 12 }), name);
  return { value, bytes: document, digest: sha256(document), by };
}

/** Its writer's certificate was valid when it was written. @throws CryptographicError or TrustedError */
export function requireGenuine({ by, value }: SignedDocument<{ readonly atMs: number }>, lists: TrustLists): void {
  const validation = { lists, onDay: dayOf(value.atMs) };
  if (by.type === 'agent') validateAgentCertificate(by.certificate, validation);
  else validateServerCertificate(by.certificate, validation);
}

const contentTypeOf = (name: string) => `application/handsel-trusted-${name}+cbor`;

/** For the eyes of whoever has that certificate's key. */
export function sealDocument(
  { name }: { readonly name: string },
  document: Uint8Array,
  to: { readonly certificate: { readonly publicKey: Uint8Array }; readonly random: Random },
): Uint8Array {
  const recipient = importCompactKey(to.certificate.publicKey);
  return encryptCose({ plaintext: document, recipient, contentType: contentTypeOf(name), random: to.random });
}

/** Tries one key after the other: it may have been sealed to an earlier certificate. @throws CryptographicError */
export function unsealDocument(
  { name, maxBytes }: { readonly name: string; readonly maxBytes: number },
  sealed: Uint8Array,
  keys: readonly KeyObject[],
): Uint8Array {
  let failure: unknown;
  for (const privateKey of keys) {
    try {
      return decryptCose({ bytes: sealed, privateKey, contentType: contentTypeOf(name), maxBytes: maxBytes + 512 });
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      failure ??= error;
    }
  }
  throw failure instanceof CryptographicError ? failure : new CryptographicError(failure);
}

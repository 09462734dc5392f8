/** Signed messages: whose they are, and that they are theirs. Who a certificate belongs to is for the composition to say. */
import type { KeyObject } from 'node:crypto';
import { CborError } from '../../codec/cbor-value.ts';
import { MessageError } from '../../codec/message-error.ts';
import { sha256 } from '../../crypto/digest.ts';
import { type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';

/** Whoever a certificate names. Its key signs, and what is sealed to the party is sealed to it. */
export interface Party {
  readonly name: string;
  readonly publicKey: KeyObject;
}

/**
 * Who a certificate chain (DER, leaf first) belongs to. Throws unless it leads to the anchors the caller trusts for this and was valid
 * at that time (Unix milliseconds).
 */
export type Identify = (chain: readonly Uint8Array[], atMs: number) => Party;

export interface Signed<T> {
  readonly value: T;
  readonly signer: Party;
  /** The whole signed message, and its SHA-256. */
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
}

/**
 * @param atMs when the signer's certificate has to be valid: now for a message, its own time for a document that is kept
 * @throws CryptographicError whatever is wrong with chain or signature; MessageError, CborError
 */
export function readSigned<T>(
  type: MessageType<T>,
  bytes: Uint8Array,
  { identify, atMs }: { readonly identify: Identify; readonly atMs: number | ((value: T) => number) },
): Signed<T> {
  try {
    const { value, certificateChain, requireSignature } = readMessage(type, bytes);
    const signer = identify(certificateChain, typeof atMs === 'number' ? atMs : atMs(value));
    requireSignature(signer.publicKey);
    return { value, signer, bytes, digest: sha256(bytes) };
  } catch (cause) {
    if (cause instanceof MessageError || cause instanceof CborError) throw cause;
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

/** A message of somebody whose key an earlier one has shown. @throws CryptographicError, MessageError, CborError */
export function readSignedBy<T>(type: MessageType<T>, bytes: Uint8Array, signer: Party): Signed<T> {
  const { value, requireSignature } = readMessage(type, bytes);
  requireSignature(signer.publicKey);
  return { value, signer, bytes, digest: sha256(bytes) };
}

/** What a document of an earlier time is checked with: its signer's certificate was valid when it was signed. */
export function atItsTime(identify: Identify): {
  identify: Identify;
  atMs: (value: { readonly atMs: number }) => number;
} {
  return { identify, atMs: ({ atMs }) => atMs };
}

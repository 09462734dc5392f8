/**
 * How every message outside SET is carried: its description encoded as deterministic CBOR inside a COSE_Sign1 whose content type names
 * the kind of message. A signer the receiver does not know yet sends its certificate chain; later a key identifier is enough.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../codec/cbor.ts';
import { MessageError } from '../codec/message-error.ts';
import type { Shape } from '../codec/shape.ts';
import { CryptographicError } from '../handsel-error.ts';
import { parseCose1, signCose1 } from './cose-sign1.ts';
import { sha256 } from './digest.ts';

export interface MessageType<T> {
  /** As in the content type `application/handsel-NAME+cbor`. */
  readonly name: string;
  readonly shape: Shape<T>;
  readonly maxBytes: number;
}

export interface Signer {
  readonly privateKey: KeyObject;
  /** Certificate first, then its issuers (DER). */
  readonly certificateChain?: readonly Uint8Array[];
  readonly keyId?: Uint8Array;
}

/** A message taken apart. Its signature is NOT checked before `requireSignature` has returned. */
export interface SignedMessage<T> {
  readonly value: T;
  /** The whole signed message, as it was received. */
  readonly bytes: Uint8Array;
  readonly keyId: Uint8Array | undefined;
  readonly certificateChain: readonly Uint8Array[];
  /** @throws CryptographicError unless this key signed the message */
  requireSignature(publicKey: KeyObject): void;
}

export function contentTypeOf(type: MessageType<unknown>): string {
  return `application/handsel-${type.name}+cbor`;
}

export function signMessage<T>(type: MessageType<T>, value: T, signer: Signer): Uint8Array {
  return signCose1({
    payload: encodeCbor(type.shape.encode(value)),
    contentType: contentTypeOf(type),
    privateKey: signer.privateKey,
    ...(signer.keyId ? { keyId: signer.keyId } : {}),
    ...(signer.certificateChain ? { certificateChain: signer.certificateChain } : {}),
  });
}

/** @throws CryptographicError when it is not a COSE_Sign1, MessageError when it is another message or out of bounds */
export function readMessage<T>(type: MessageType<T>, bytes: Uint8Array): SignedMessage<T> {
  const parsed = parseCose1(bytes, { maxBytes: type.maxBytes });
  if (parsed.contentType !== contentTypeOf(type)) {
    throw new MessageError('MESSAGE_OF_ANOTHER_KIND', `expected a message of kind "${type.name}"`);
  }
  return {
    value: decodeShape(type, parsed.payload),
    bytes,
    keyId: parsed.keyId,
    certificateChain: parsed.certificateChain,
    requireSignature(publicKey) {
      if (!parsed.isSignedBy(publicKey)) throw new CryptographicError(new Error(`${type.name}: signature`));
    },
  };
}

/**
 * What is made of other people's words (a proposal of a merchant's parameters, a call of a mandate) may fit no message although
 * each of them was within bounds: nothing is recorded or sent that its readers would refuse.
 * @throws MessageError
 */
export function requireReadable<T>(type: MessageType<T>, value: T, signed: Uint8Array): void {
  type.shape.decode(type.shape.encode(value), type.name);
  if (signed.length > type.maxBytes) {
    throw new MessageError('MESSAGE_INVALID', `${type.name}: expected at most ${type.maxBytes} bytes`);
  }
}

/** For messages and answers that are not signed themselves. @throws CborError or MessageError */
export function decodeShape<T>(type: MessageType<T>, bytes: Uint8Array): T {
  return type.shape.decode(decodeCbor(bytes, { maxBytes: type.maxBytes, maxDepth: 12 }), type.name);
}

export function encodeShape<T>(type: MessageType<T>, value: T): Uint8Array {
  return encodeCbor(type.shape.encode(value));
}

/** What the next message of a chain names as its predecessor. */
export function linkOf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}

/** Messages under communication keys: whose they are, and that they are his. */
import type { KeyObject } from 'node:crypto';
import { CborError } from '../../codec/cbor-value.ts';
import { MessageError } from '../../codec/message-error.ts';
import { type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { Validate } from './acquirer-policy.ts';

export interface FromSender<T> {
  readonly value: T;
  readonly name: string;
  readonly publicKey: KeyObject;
}

/** @throws CryptographicError whatever is wrong with chain or signature; MessageError, CborError */
export function readFromSender<T>(type: MessageType<T>, bytes: Uint8Array, validate: Validate): FromSender<T> {
  try {
    const { value, certificateChain, requireSignature } = readMessage(type, bytes);
    const { name, publicKey } = validate(certificateChain);
    requireSignature(publicKey);
    return { value, name, publicKey };
  } catch (cause) {
    if (cause instanceof MessageError || cause instanceof CborError) throw cause;
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

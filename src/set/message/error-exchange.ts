/** Making and reading the Error message, and the rule that an Error is never answered with another (notes on SET, "Error"). */

import { encodeDer, part } from '../../codec/der.ts';
import type { Random } from '../../crypto/random.ts';
import { type Binding, digestRequest, requireBinding } from './binding.ts';
import type { CertifiedKey } from './certified-key.ts';
import { contentTypes } from './content-types.ts';
import {
  decodeErrorBody,
  decodeErrorTbs,
  encodeErrorBody,
  encodeErrorTbs,
  MAX_BAD_WRAPPER_BYTES,
} from './error-message.ts';
import { newNonce } from './identifiers.ts';
import { encodeMessage, type Message } from './message-wrapper.ts';
import { asCryptographic, type ErrorCode } from './set-error.ts';
import { type SignedContent, signContent, verifyContent } from './signed-content.ts';
import type { Trust } from './trust.ts';

export interface ErrorToSend {
  readonly errorCode: ErrorCode;
  /** What was refused: its bytes, and the message if they could be decoded. */
  readonly refused: Uint8Array;
  readonly message: Message | undefined;
  readonly direction: Binding['direction'];
  readonly signer: CertifiedKey;
  readonly random: Random;
  readonly nowMs: number;
}

/** Signed, and bound to the refused request, so that it cannot be passed off as the refusal of another one. */
export function encodeError({
  errorCode,
  refused,
  message,
  direction,
  signer,
  random,
  nowMs,
}: ErrorToSend): Uint8Array {
  const content = encodeErrorTbs({
    errorCode,
    errorNonce: newNonce(random),
    errorMsg:
      message === undefined
        ? { type: 'badWrapper', value: refused.subarray(0, MAX_BAD_WRAPPER_BYTES) }
        : { type: 'messageHeader', value: message.header },
  });
  const binding: Binding = { direction, message: 'Error', recipients: [], request: digestRequest(refused) };
  const signed = signContent({ type: contentTypes.errorTbs, content, binding, signer });
  const { messageIds, rrpid } = message?.header ?? {};
  return encodeMessage({
    name: 'Error',
    body: encodeErrorBody({ type: 'signed', value: encodeDer(part(), signed) }),
    nowMs,
    ...(messageIds && { messageIds }),
    ...(rrpid && { rrpid }),
  });
}

export interface ReceivedError {
  readonly errorCode: ErrorCode;
  /** Absent when the Error is unsigned: then anybody may have said it, and nothing may be concluded from it. */
  readonly signed?: SignedContent;
}

/** @throws DerError, or CryptographicError when it is signed and the signature is wrong. */
export function readError(body: Uint8Array, trust: Trust): ReceivedError {
  const error = decodeErrorBody(body);
  if (error.type === 'unsigned') return { errorCode: error.value.errorCode };
  const signed = verifyContent(error.value, { type: contentTypes.errorTbs, certificates: trust.certificates });
  return asCryptographic(() => ({ errorCode: decodeErrorTbs(signed.content).errorCode, signed }));
}

/** @throws CryptographicError unless the Error was signed as the answer to this request, by its hash. */
export function requireErrorAnswers(signed: SignedContent, direction: Binding['direction'], request: Uint8Array): void {
  asCryptographic(() => requireBinding(signed.binding, { direction, message: 'Error', recipients: [], request }));
}

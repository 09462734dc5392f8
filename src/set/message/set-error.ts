/** SET's ErrorCode and the one exception of the SET messages (notes on SET, "Error"). Business refusals are answers, never errors. */
import { DerError } from '../../codec/der.ts';
import { CryptographicError, HandselError, type HandselErrorOptions } from '../../handsel-error.ts';

export const errorCodes = {
  unspecifiedFailure: 1,
  messageNotSupported: 2,
  decodingFailure: 3,
  invalidCertificate: 4,
  expiredCertificate: 5,
  revokedCertificate: 6,
  missingCertificate: 7,
  signatureFailure: 8,
  badMessageHeader: 9,
  wrapperMsgMismatch: 10,
  versionTooOld: 11,
  versionTooNew: 12,
  unrecognizedExtension: 13,
  messageTooBig: 14,
  signatureRequired: 15,
  messageTooOld: 16,
  messageTooNew: 17,
  thumbsMismatch: 18,
  unknownRRPID: 19,
  unknownXID: 20,
  unknownLID: 21,
  challengeMismatch: 22,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A message that a party refuses; `errorCode` is what the Error message to the peer says. */
export class SetError extends HandselError {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string, options: HandselErrorOptions = {}) {
    super(`SET_${errorCode}`, message, options);
    this.errorCode = errorCode;
  }
}

/**
 * What a refusal may tell the peer. Every failed check of certificates, signatures, hashes and sealed texts says the same
 * `signatureFailure` (fix 12), the codes 4 to 7 of SET 1.0 are never sent: the cause stays in the private log. Undefined for what
 * is no refusal: a fault or a full queue of our own, after which the peer asks again.
 */
export function errorCodeOf(error: unknown): ErrorCode | undefined {
  if (error instanceof SetError) return error.errorCode;
  if (error instanceof CryptographicError) return 'signatureFailure';
  if (error instanceof DerError) return error.code === 'DER_TOO_LARGE' ? 'messageTooBig' : 'decodingFailure';
  if (error instanceof HandselError && error.code === 'MESSAGE_IDENTITY_REUSED') return 'badMessageHeader';
  return undefined;
}

/** Runs a check whose failure, of whatever kind, must look like any other cryptographic failure from outside. */
export function asCryptographic<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof CryptographicError) throw cause;
    if (cause instanceof HandselError) throw new CryptographicError(cause);
    throw cause;
  }
}

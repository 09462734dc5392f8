/** Error (notes on SET, "Error"): a message was refused. Its sender signs it when it has a certificate; an Error is never answered by another. */
import {
  choice,
  decodeDer,
  encodeDer,
  enumerated,
  explicit,
  type Infer,
  implicit,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  unopened,
} from '../../codec/der.ts';
import { hashType, nonceType } from './identifiers.ts';
import { MAX_MESSAGE_BYTES, messageHeaderType } from './message-wrapper.ts';
import { errorCodes } from './set-error.ts';

/** How much of a message that could not be understood goes back with the error. */
export const MAX_BAD_WRAPPER_BYTES = 20_480;

const errorTbsType = sequence({
  errorCode: enumerated(errorCodes),
  /** Chosen by whoever signs, so that nobody makes it sign bytes of their choosing. */
  errorNonce: nonceType,
  /** The extension or algorithm that was not understood. */
  errorOid: optional(implicit(0, objectIdentifier())),
  errorThumb: optional(implicit(1, hashType)),
  errorMsg: choice({
    messageHeader: explicit(2, messageHeaderType),
    badWrapper: explicit(3, octetString({ max: MAX_BAD_WRAPPER_BYTES })),
  }),
});
export type ErrorTbs = Infer<typeof errorTbsType>;

const errorType = choice({ signed: explicit(0, unopened()), unsigned: explicit(1, errorTbsType) });
export type ErrorBody = Infer<typeof errorType>;

export function encodeErrorTbs(tbs: ErrorTbs): Uint8Array {
  return encodeDer(errorTbsType, tbs);
}

/** @throws DerError */
export function decodeErrorTbs(der: Uint8Array): ErrorTbs {
  return decodeDer(errorTbsType, der, { maxBytes: MAX_MESSAGE_BYTES });
}

export function encodeErrorBody(body: ErrorBody): Uint8Array {
  return encodeDer(errorType, body);
}

/** @throws DerError */
export function decodeErrorBody(body: Uint8Array): ErrorBody {
  return decodeDer(errorType, body, { maxBytes: MAX_MESSAGE_BYTES });
}

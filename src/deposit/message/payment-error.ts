/** What paying over HTTP refuses, at either end, before or beside the deposit itself (`deposit-error.ts`). */
import { HandselError } from '../../handsel-error.ts';

export type PaymentErrorCode =
  | 'CHALLENGE_MALFORMED'
  /** Charging or paying was set up with what cannot be meant. */
  | 'OPTIONS_UNFIT'
  | 'CREDENTIAL_MALFORMED'
  | 'RECEIPT_MALFORMED'
  /** A price that cannot be said in units, or not on the wire. */
  | 'PRICE_UNFIT'
  /** No challenge of the method `deposit` that we could answer. */
  | 'METHOD_UNSUPPORTED'
  /** The challenge is not about this request, this server or this time. */
  | 'OFFER_UNFIT'
  /** The challenge is what it says, and more than our limits allow. */
  | 'OFFER_REFUSED'
  | 'PAYMENT_REFUSED'
  /** Sent, and nobody said what became of it. */
  | 'ANSWER_LOST'
  | 'BODY_TOO_LARGE'
  /** In a stream: no frame, or not in its place. */
  | 'FRAME_MALFORMED'
  /** More than one message of a stream can hold, or pay for. */
  | 'MESSAGE_TOO_LARGE'
  /** The merchant asks for more than was served and the bound ahead of it. */
  | 'STREAM_OVERCHARGED'
  /** The customer has not paid in time what was served. */
  | 'STREAM_UNPAID'
  /** More came than was asked for. */
  | 'STREAM_OVERRUN'
  /** The merchant does not know the stream any more. */
  | 'STREAM_UNKNOWN'
  | 'STREAM_CLOSED'
  /** The other end says that it failed. */
  | 'STREAM_FAILED';

export class PaymentError extends HandselError {
  declare readonly code: PaymentErrorCode;

  constructor(code: PaymentErrorCode, message: string, options?: ConstructorParameters<typeof HandselError>[2]) {
    super(code, message, options);
  }
}

/** What trusted agents and servers refuse, apart from failed cryptography, which is one code for all (`CryptographicError`). */
import { HandselError } from '../../handsel-error.ts';

export type TrustedErrorCode =
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_UNFIT'
  | 'PARTY_UNTRUSTED'
  | 'LIST_STALE'
  | 'LIST_FULL'
  | 'SESSION_UNKNOWN'
  | 'SESSION_DENIED'
  | 'SESSION_BUSY'
  | 'SESSION_OUT_OF_ORDER'
  | 'TICKET_INVALID'
  | 'TICKET_UNKNOWN'
  | 'TICKET_INACTIVE'
  | 'TICKET_UNDER_WAY'
  | 'TICKET_UNSHOWABLE'
  | 'TRANSACTION_UNKNOWN'
  | 'PAYMENT_REFUSED'
  | 'MERCHANDISE_WRONG'
  | 'COMMAND_UNTIMELY'
  | 'DISPUTE_UNKNOWN'
  | 'COMPLAINT_UNFIT'
  | 'COMPLAINT_REFUSED'
  | 'RULING_UNFIT'
  | 'DEVICE_FILE_DAMAGED'
  | 'DEVICE_LOCKED'
  | 'PIN_WRONG';

export class TrustedError extends HandselError {
  constructor(code: TrustedErrorCode, message: string, options: ConstructorParameters<typeof HandselError>[2] = {}) {
    super(code, message, options);
  }
}

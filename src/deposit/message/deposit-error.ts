/** What deposits refuse. */
import { HandselError } from '../../handsel-error.ts';

export type DepositErrorCode =
  | 'IDENTITY_MALFORMED'
  | 'CERTIFICATE_UNFIT'
  | 'DEPOSIT_UNKNOWN'
  | 'DEPOSIT_CLOSED'
  | 'DEPOSIT_EXCEEDED'
  | 'DEPOSIT_REFUSED'
  | 'CREDIT_EXCEEDED'
  | 'CUSTOMER_UNKNOWN'
  | 'MERCHANT_UNKNOWN'
  | 'OPERATOR_UNKNOWN'
  | 'RATE_UNKNOWN'
  | 'RATE_STALE'
  | 'PURCHASE_OUT_OF_ORDER'
  | 'PURCHASE_UNPROVED'
  | 'PURCHASE_REUSED'
  | 'CHECKPOINT_UNFIT'
  | 'RECORD_UNFIT'
  /** A journal of accounts that are cut in another way. */
  | 'SHARDS_CHANGED';

export class DepositError extends HandselError {
  constructor(code: DepositErrorCode, message: string, options?: ConstructorParameters<typeof HandselError>[2]) {
    super(code, message, options);
  }
}

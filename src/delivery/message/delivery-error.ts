/** What secure delivery refuses. */
import { HandselError } from '../../handsel-error.ts';

export type DeliveryErrorCode =
  | 'OFFER_UNFIT'
  | 'PACKAGE_MALFORMED'
  | 'PACKAGE_UNKNOWN'
  | 'PACKAGE_DAMAGED'
  | 'KEY_UNFIT'
  | 'CONTENT_DIFFERS'
  | 'CUSTODY_REFUSED'
  | 'CUSTODY_ENDED'
  | 'ORDER_REFUSED'
  | 'ORDER_EXPIRED'
  | 'ORDER_UNKNOWN'
  | 'ORDERS_OPEN'
  | 'ORDER_OVER'
  | 'HANDOVER_UNFIT'
  | 'ACCEPTANCE_UNFIT'
  | 'ACCEPTED_OTHERWISE'
  | 'PAYMENT_UNPROVED'
  | 'RELEASE_UNFIT'
  | 'COMPLAINT_UNFIT'
  | 'CASES_OPEN'
  | 'CASE_UNKNOWN'
  | 'CASE_DECIDED'
  | 'RULING_UNFIT'
  | 'REFUND_UNFIT'
  | 'MERCHANT_UNTRUSTED'
  | 'DOWNLOAD_FAILED'
  | 'STORE_FAILED';

export class DeliveryError extends HandselError {
  declare readonly code: DeliveryErrorCode;

  constructor(code: DeliveryErrorCode, message: string, options?: ConstructorParameters<typeof HandselError>[2]) {
    super(code, message, options);
  }
}

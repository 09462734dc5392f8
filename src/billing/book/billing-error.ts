/** What billing refuses, and how an adapter says that a record is none for it. */
import { HandselError } from '../../handsel-error.ts';

export type BillingErrorCode =
  /** An adapter can never take this record: it is not tried again. Anything else an adapter throws means "again later". */
  | 'RECORD_REFUSED'
  | 'RECEIVER_BUSY'
  | 'TIME_ZONE_UNKNOWN'
  | 'PERIOD_INVALID'
  | 'EXPORT_EMPTY'
  | 'EXPORT_TOO_LARGE'
  | 'FORMAT_UNKNOWN'
  | 'BANK_IDENTIFIER_INVALID'
  | 'WEBHOOK_INSECURE'
  | 'WEBHOOK_MALFORMED'
  | 'WEBHOOK_STALE';

export class BillingError extends HandselError {
  constructor(code: BillingErrorCode, message: string, options?: ConstructorParameters<typeof HandselError>[2]) {
    super(code, message, options);
  }
}

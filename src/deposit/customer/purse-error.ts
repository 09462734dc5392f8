/** What the device itself refuses, before anybody else hears of it. What a deposit refuses is a DepositError. */
import { HandselError } from '../../handsel-error.ts';

export type PurseErrorCode =
  | 'LIMIT_UNKNOWN'
  | 'LIMIT_EXPIRED'
  | 'LIMIT_EXCEEDED'
  | 'LIMIT_REUSED'
  | 'MERCHANT_NOT_ALLOWED'
  | 'PRICE_ABOVE_LIMIT'
  | 'WANT_REUSED'
  | 'PURSE_FULL';

export class PurseError extends HandselError {
  declare readonly code: PurseErrorCode;

  constructor(code: PurseErrorCode, message: string) {
    super(code, message);
  }
}

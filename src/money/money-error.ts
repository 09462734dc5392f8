/** What can go wrong with money values: always a mistake of the caller or of whoever sent the value, never a matter of funds. */
import { HandselError } from '../handsel-error.ts';

export type MoneyErrorCode =
  | 'CURRENCY_UNKNOWN'
  | 'CURRENCY_WITHOUT_MINOR_UNIT'
  | 'CURRENCY_MISMATCH'
  | 'AMOUNT_MALFORMED'
  | 'AMOUNT_TOO_LARGE'
  | 'RATE_MALFORMED'
  | 'RATE_MISMATCH';

export class MoneyError extends HandselError {
  declare readonly code: MoneyErrorCode;

  constructor(code: MoneyErrorCode, message: string) {
    super(code, message);
  }
}

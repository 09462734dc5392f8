/** What goes wrong on the bankers' network below the messages themselves. */
import { HandselError } from '../../handsel-error.ts';

export type InterchangeErrorCode =
  | 'FRAME_MALFORMED'
  | 'LINK_DOWN'
  | 'LINK_BUSY'
  | 'LINK_TIMEOUT'
  | 'ANSWER_UNFIT'
  | 'ROUTE_NOT_INTERCHANGE'
  | 'LEDGER_REFUSED'
  | 'CARD_UNKNOWN'
  | 'MERCHANT_INVALID';

export class InterchangeError extends HandselError {
  declare readonly code: InterchangeErrorCode;

  constructor(
    code: InterchangeErrorCode,
    message: string,
    options: ConstructorParameters<typeof HandselError>[2] = {},
  ) {
    super(code, message, options);
  }
}

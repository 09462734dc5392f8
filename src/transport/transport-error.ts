/** What goes wrong between parties before any protocol is involved. */
import { HandselError } from '../handsel-error.ts';

export type TransportErrorCode =
  | 'REQUEST_MALFORMED'
  | 'REQUEST_TIMEOUT'
  | 'REQUEST_ABORTED'
  | 'BODY_TOO_LARGE'
  | 'HEADERS_TOO_LARGE'
  | 'ROUTE_UNKNOWN'
  | 'METHOD_NOT_ALLOWED'
  | 'RATE_LIMITED'
  | 'RANGE_NOT_SATISFIABLE'
  | 'ANSWER_PENDING'
  | 'INTERNAL'
  | 'INSECURE_URL'
  | 'PEER_NOT_TRUSTED'
  | 'PEER_UNREACHABLE'
  | 'PEER_BUSY'
  | 'ANSWER_TOO_LARGE'
  | 'ANSWER_TIMEOUT';

export class TransportError extends HandselError {
  declare readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options: ConstructorParameters<typeof HandselError>[2] = {}) {
    super(code, message, options);
  }
}

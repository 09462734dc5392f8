/** What a host refuses by itself, before or around the machine's own decisions. */
import { HandselError } from '../handsel-error.ts';

export type HostErrorCode =
  | 'HOST_STOPPED'
  | 'HOST_BUSY'
  | 'MESSAGE_IDENTITY_MALFORMED'
  | 'MESSAGE_IDENTITY_REUSED'
  | 'DECISION_MALFORMED';

export class HostError extends HandselError {
  constructor(code: HostErrorCode, message: string, options: ConstructorParameters<typeof HandselError>[2] = {}) {
    super(code, message, options);
  }
}

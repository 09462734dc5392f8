/** Every refusal of the DER codec (ITU-T X.690): bytes that are not strict DER of the schema, or a value the schema cannot carry. */
import { HandselError } from '../handsel-error.ts';

/**
 * `DER_TOO_LARGE` `DER_TOO_DEEP` `DER_TOO_MANY`: a limit; `DER_TRUNCATED` `DER_TRAILING`: wrong extent;
 * `DER_LENGTH` `DER_TAG` `DER_VALUE` `DER_DEFAULT` `DER_ORDER` `DER_MISSING` `DER_UNEXPECTED`: not what schema or X.690 say;
 * `DER_UNENCODABLE`: the value does not fit the schema; `DER_SCHEMA`: the schema itself is ambiguous (a mistake in this program).
 */
export type DerErrorCode =
  | 'DER_TOO_LARGE'
  | 'DER_TOO_DEEP'
  | 'DER_TOO_MANY'
  | 'DER_TRUNCATED'
  | 'DER_TRAILING'
  | 'DER_LENGTH'
  | 'DER_TAG'
  | 'DER_VALUE'
  | 'DER_DEFAULT'
  | 'DER_ORDER'
  | 'DER_MISSING'
  | 'DER_UNEXPECTED'
  | 'DER_UNENCODABLE'
  | 'DER_SCHEMA';

export class DerError extends HandselError {
  declare readonly code: DerErrorCode;
}

export function derError(code: DerErrorCode, message: string, options: { cause?: unknown } = {}): DerError {
  return new DerError(code, message, options);
}

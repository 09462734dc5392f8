/** Why a CMS message was not made or not accepted. After the outer structure has been read it reaches a peer only as `CRYPTOGRAPHIC_FAILURE`. */
import { CryptographicError, HandselError } from '../../handsel-error.ts';

export class CmsError extends HandselError {}

/** Runs the checks of one message; whatever fails in them looks the same from outside. @throws CryptographicError */
export function guarded<T>(checks: () => T): T {
  try {
    return checks();
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

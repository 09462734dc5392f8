/**
 * Challenges that nobody has to remember (draft-httpauth-payment-01, "Recommended: HMAC-SHA256 Binding"): the id is a code over all that
 * the challenge says, so what comes back changed, or was never said, has no fitting id.
 */
import { fromBase64Url, toBase64Url, utf8 } from '../../codec/hex.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { hmacSha256 } from '../../crypto/digest.ts';
import { HandselError } from '../../handsel-error.ts';
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import type { EchoedChallenge } from '../message/payment-credential.ts';
import { PaymentError } from '../message/payment-error.ts';

type Bound = Omit<PaymentChallenge, 'id'>;

export interface ChallengeBinding {
  issue(challenge: Bound): PaymentChallenge;
  /** True when a challenge of ours said just this; `description` proves nothing and is not looked at. */
  isOurs(echoed: EchoedChallenge): echoed is PaymentChallenge;
}

const MIN_SECRET_LENGTH = 32;

/**
 * @param secrets 32 random bytes or more each: the first one is used, challenges under the others are still known, for changing it.
 * @throws PaymentError `CHALLENGE_MALFORMED` for a secret that is too short
 */
export function createChallengeBinding(secrets: readonly Uint8Array[]): ChallengeBinding {
  const [newest] = secrets;
  if (newest === undefined || secrets.some(({ length }) => length < MIN_SECRET_LENGTH)) {
    throw new PaymentError('CHALLENGE_MALFORMED', `expected a secret of at least ${MIN_SECRET_LENGTH} bytes`);
  }
  return {
    issue(challenge) {
      const code = codeOf(newest, challenge);
      if (code === undefined) throw new PaymentError('CHALLENGE_MALFORMED', 'a challenge holds no bars');
      return { id: toBase64Url(code), ...challenge };
    },
    isOurs(echoed): echoed is PaymentChallenge {
      const { realm, request } = echoed;
      const id = bytesOf(echoed.id);
      if (id === undefined || realm === undefined || request === undefined) return false;
      return secrets.some((secret) => {
        const code = codeOf(secret, { ...echoed, realm, request });
        return code !== undefined && equalSecrets(code, id);
      });
    },
  };
}

/** The slots of the draft: those that may be absent stay as empty ones, `header` comes only when there is one. */
function codeOf(secret: Uint8Array, challenge: Bound): Uint8Array | undefined {
  const { realm, method, intent, request, expires = '', digest = '', opaque = '', header } = challenge;
  const slots = [realm, method, intent, request, expires, digest, opaque];
  if (header !== undefined) slots.push(header);
  // A bar inside a slot would let one challenge be read as another.
  if (slots.some((slot) => slot.includes('|'))) return undefined;
  return hmacSha256(secret, utf8(slots.join('|')));
}

function bytesOf(id: string): Uint8Array | undefined {
  try {
    const bytes = fromBase64Url(id);
    return bytes.length === 32 ? bytes : undefined;
  } catch (error) {
    if (error instanceof HandselError) return undefined;
    throw error;
  }
}

/** Refusals as the "Payment" scheme says them (draft-httpauth-payment-01, "Error Handling"): problem details (RFC 9457), mostly with a 402. */
import { utf8 } from '../../codec/hex.ts';
import { MessageError } from '../../codec/message-error.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { PROBLEM_TYPE, problemFor } from '../../transport/problem.ts';
import { DepositError } from '../message/deposit-error.ts';
import { formatChallenge, type PaymentChallenge } from '../message/payment-challenge.ts';
import { PURCHASE_HEADER } from '../message/payment-receipt.ts';

const PROBLEMS = 'https://paymentauth.org/problems/';
const MAX_DETAIL_LENGTH = 500;

/** The draft's problem types that are said here, with their status and title. */
const TYPES = {
  'payment-required': [402, 'Payment Required'],
  'payment-insufficient': [402, 'Payment Insufficient'],
  'payment-expired': [402, 'Payment Expired'],
  'verification-failed': [402, 'Payment Verification Failed'],
  'malformed-credential': [402, 'Malformed Credential'],
  'invalid-challenge': [402, 'Invalid Challenge'],
  'invalid-payload': [402, 'Invalid Payload'],
  'method-unsupported': [400, 'Method Unsupported'],
  'internal-payment-error': [500, 'Internal Payment Error'],
} as const;

export interface PaymentProblem {
  readonly type: keyof typeof TYPES;
  readonly detail?: string;
  /** Which of our own errors it was. */
  readonly code?: string;
}

export interface RefusedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export function paymentRefusal({ type, detail, code }: PaymentProblem, challenge?: PaymentChallenge): RefusedAnswer {
  const [status, title] = TYPES[type];
  const shown = detail?.slice(0, MAX_DETAIL_LENGTH);
  const problem = { type: `${PROBLEMS}${type}`, title, status, detail: shown, code, challengeId: challenge?.id };
  return {
    status,
    headers: {
      ...headersOfProblem,
      ...(challenge === undefined ? {} : { 'www-authenticate': formatChallenge(challenge) }),
    },
    body: utf8(JSON.stringify(problem)),
  };
}

/** What the till has against a purchase; undefined where it is no matter of the purchase. */
export function problemOfPurchase(error: unknown): PaymentProblem | undefined {
  if (error instanceof CryptographicError || error instanceof MessageError) {
    return { type: 'verification-failed', detail: 'the payment does not verify', code: error.code };
  }
  if (!(error instanceof DepositError)) return undefined;
  const type = error.code === 'DEPOSIT_EXCEEDED' ? 'payment-insufficient' : 'verification-failed';
  return { type, detail: error.message, code: error.code };
}

/** The draft's 403: the payment was good, and gets nothing more. It says that it was taken, so that nobody pays again for being told so. */
export function usedUpRefusal(number: number): RefusedAnswer {
  const detail = 'this payment was used, and its answer is not kept any more';
  const problem = {
    type: 'urn:handsel:problem:PAYMENT_USED',
    title: 'payment used',
    status: 403,
    code: 'PAYMENT_USED',
    detail,
  };
  return {
    status: 403,
    headers: { ...headersOfProblem, [PURCHASE_HEADER]: String(number) },
    body: utf8(JSON.stringify(problem)),
  };
}

/** Nothing was taken: whoever comes back to a stream pays into that one or into none. */
export function unknownStreamRefusal(): RefusedAnswer {
  const detail = 'there is no such stream here, or not any more';
  const problem = {
    type: 'urn:handsel:problem:STREAM_UNKNOWN',
    title: 'stream unknown',
    status: 410,
    code: 'STREAM_UNKNOWN',
    detail,
  };
  return { status: 410, headers: headersOfProblem, body: utf8(JSON.stringify(problem)) };
}

/** Whatever else kept us from serving: nothing inside is told, and who may come again is told when. */
export function refusalFor(error: unknown): RefusedAnswer {
  const { status, body } = problemFor(error);
  if (!TOLD.includes(status)) return paymentRefusal({ type: 'internal-payment-error' });
  return { status, headers: { ...headersOfProblem, ...(status === 503 ? { 'retry-after': '1' } : {}) }, body };
}

/** Too large, and busy: anything else, such as a price that cannot be said, is our own fault. */
const TOLD: readonly number[] = [413, 503];
const headersOfProblem = { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store' } as const;

/** Whether a refusal is one that we pay at all, before its offer is read: of our method, straight from where we asked, over a private way. */
import { type PaymentChallenge, parseChallenges } from '../message/payment-challenge.ts';
import { PaymentError } from '../message/payment-error.ts';
import { challengeOfDeposit } from './accept-offer.ts';

/** Undefined when there is nothing that could be paid. @throws PaymentError `METHOD_UNSUPPORTED`, `OFFER_UNFIT`, `CHALLENGE_MALFORMED` */
export function payableChallenge(
  response: Response,
  outgoing: { readonly url: URL; readonly headers: Headers },
): PaymentChallenge | undefined {
  const header = response.headers.get('www-authenticate');
  const challenges = header === null ? [] : parseChallenges(header);
  if (challenges.length === 0) return undefined;
  const challenge = challengeOfDeposit(challenges);
  if (challenge === undefined) {
    const offered = challenges.map(({ method, intent }) => `${method}/${intent}`).join(', ');
    throw new PaymentError('METHOD_UNSUPPORTED', `the server takes ${offered}`);
  }
  if (response.redirected)
    throw new PaymentError('OFFER_UNFIT', 'the challenge is of where we were redirected to: ask there');
  if (!isPrivate(outgoing.url)) throw new PaymentError('OFFER_UNFIT', 'payments go over https only');
  if (hasOwnPayment(outgoing, challenge.header))
    throw new PaymentError('OFFER_UNFIT', 'the server needs Authorization for the payment');
  return challenge;
}

/** The field the payment would go into is the caller's: then the caller decides. */
export function hasOwnPayment({ headers }: { readonly headers: Headers }, header: PaymentChallenge['header']): boolean {
  return headers.has(header ?? 'Authorization');
}

/** TLS, or this machine itself: whoever reads a payment on its way buys with it. */
export function isPrivate({ protocol, hostname }: URL): boolean {
  return (
    protocol === 'https:' ||
    protocol === 'wss:' ||
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}

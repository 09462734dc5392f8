/** Whether a challenge may be paid at all: it has to be about our own request, and inside our limits (the draft, "Amount Verification"). */
import { equalBytes } from '../../codec/hex.ts';
import { formatNano, parseNano } from '../../money/nano.ts';
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import { PaymentError } from '../message/payment-error.ts';
import {
  contentDigest,
  DEPOSIT_METHOD,
  decodeOffer,
  nanoOfOffer,
  type Offer,
  priceIn,
  requestDigest,
  SESSION_INTENT,
  STREAM_METHOD,
} from '../message/payment-offer.ts';

export interface SpendingLimits {
  /** The most one request may cost, for each currency that may be spent at all: `['0.01 EUR']`. */
  readonly maxPrices: readonly string[];
  /** The merchants that may be paid, or a rule; default anyone whom the limits above allow. */
  readonly merchants?: readonly string[] | ((merchant: string, offer: Offer) => boolean);
}

export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Uint8Array;
}

/**
 * For whoever sets limits, before anything is paid under them: one that no price can be compared with would refuse every offer.
 * @throws PaymentError `OPTIONS_UNFIT`; MoneyError for what is no price
 */
export function requireMaxima(name: string, maxima: unknown): void {
  if (!Array.isArray(maxima) || maxima.some((max) => typeof max !== 'string')) {
    throw new PaymentError('OPTIONS_UNFIT', `expected a list of prices as ${name}, such as ['0.01 EUR']`);
  }
  for (const max of maxima) parseNano(max);
}

/** Undefined when none of the challenges is of our method. */
export function challengeOfDeposit(challenges: readonly PaymentChallenge[]): PaymentChallenge | undefined {
  return challenges.find(({ method, intent }) => method === DEPOSIT_METHOD && intent === SESSION_INTENT);
}

/**
 * The offer of a challenge for this very request.
 * @throws PaymentError `OFFER_UNFIT` when it is about something else, or old; `OFFER_REFUSED` when it breaks a limit
 */
export function acceptOffer(
  challenge: PaymentChallenge,
  request: OutgoingRequest,
  { limits, nowMs }: { readonly limits: SpendingLimits; readonly nowMs: number },
): Offer {
  const { url, method, body } = request;
  // Who answers for another server would have us pay there for what it fetches itself.
  if (challenge.realm !== url.host) throw unfit(`the challenge is of ${challenge.realm}, not of ${url.host}`);
  if (challenge.digest !== undefined && challenge.digest !== contentDigest(body))
    throw unfit('the challenge is for another body');
  requireUnexpired(challenge, nowMs);
  const offer = decodeOffer(challenge);
  const resource = resourceOf({ method, url, body });
  if (!equalBytes(offer.resource, resource)) throw unfit('the challenge is for another request');
  if ((offer.stream !== undefined) !== (method === STREAM_METHOD)) throw unfit('the price is not of one of these');
  requireWithinLimits(offer, limits);
  return offer;
}

/** @throws PaymentError `OFFER_UNFIT` */
export function requireUnexpired({ expires }: PaymentChallenge, nowMs: number): void {
  if (expires !== undefined && !(Date.parse(expires) > nowMs)) throw unfit('the challenge has expired');
}

/** @throws PaymentError `OFFER_REFUSED` */
export function requireWithinLimits(offer: Offer, { maxPrices, merchants }: SpendingLimits): void {
  const { merchant, currency } = offer;
  const price = nanoOfOffer(offer);
  const known = typeof merchants === 'function' ? merchants(merchant, offer) : (merchants?.includes(merchant) ?? true);
  if (!known) throw new PaymentError('OFFER_REFUSED', `${merchant} is not among the merchants that may be paid`);
  const most = maxPrices.find((max) => max.endsWith(currency));
  if (most === undefined) throw new PaymentError('OFFER_REFUSED', `nothing may be spent in ${currency}`);
  if (price.nano > priceIn(currency, most).nano) {
    throw new PaymentError('OFFER_REFUSED', `${merchant} asks ${formatNano(price)}, more than ${most}`);
  }
}

/** The digest that the purchase list holds for this request. */
export function resourceOf({ method, url, body }: OutgoingRequest): Uint8Array {
  return requestDigest({ realm: url.host, method, target: `${url.pathname}${url.search}`, body });
}

function unfit(why: string): PaymentError {
  return new PaymentError('OFFER_UNFIT', why);
}

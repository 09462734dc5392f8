/**
 * A stream that pays for itself: `payingStream('wss://…')` asks, is refused with a challenge, pays for the first message, second or kilobyte, and
 * goes on paying in the connection for what arrives, within limits (docs/payment-method.md, "Streams").
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../journal/clock.ts';
import type { NanoAmount } from '../../money/nano.ts';
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import { type DepositPayload, formatCredential } from '../message/payment-credential.ts';
import { PaymentError } from '../message/payment-error.ts';
import { nanoOfOffer, type Offer, priceIn, STREAM_METHOD, streamKeyOf } from '../message/payment-offer.ts';
import { MAX_PRICE_UNITS } from '../message/purchase.ts';
import { acceptOffer, requireMaxima, type SpendingLimits } from './accept-offer.ts';
import { type Dial, type Dialled, dialStream } from './dial-stream.ts';
import { payableChallenge } from './payable-challenge.ts';
import { type ReleasedPayment, releasePayment } from './release-payment.ts';
import { type PayingStream, runStream } from './running-stream.ts';
import { failureOf, refusedError, type Sent, settlementOf } from './settlement.ts';
import type { Spender } from './spender.ts';
import { createStreamBill } from './stream-bill.ts';

export interface StreamLimits extends SpendingLimits {
  /** The most one stream may cost, for each currency: `['0.50 EUR']`. `maxPrices` is for one message, second or kilobyte. */
  readonly maxTotals: readonly string[];
}

export interface PayingStreamOptions {
  readonly spender: Spender;
  readonly limits: StreamLimits;
  readonly clock: Clock;
  /** Messages, seconds or kilobytes that may be paid before they arrive, at most; default 8. */
  readonly ahead?: number;
  /** PEM, besides the well-known anchors. */
  readonly anchorsPem?: readonly string[];
  /** Waiting before asking again where no answer came, or the connection broke; default 100, 400, 1600, 3000 and 5000 ms. */
  readonly retryAfterMs?: readonly number[];
  /** For the server to answer; default 20 s. Also how long it may take to end a stream; what is owed is paid in that time. */
  readonly timeoutMs?: number;
  readonly dial?: Dial;
}

/** Different payments one stream may be opened with: the deposit was closed, the price has changed, … */
const MAX_PAYMENTS = 3;
const AHEAD = 8;
const RETRY_AFTER_MS = [100, 400, 1600, 3000, 5000] as const;
const TIMEOUT_MS = 20_000;

interface Asking {
  readonly url: URL;
  readonly headers: Headers;
}

/**
 * The function returned throws PaymentError `METHOD_UNSUPPORTED`, `OFFER_UNFIT`, `OFFER_REFUSED` before anything is paid; `PAYMENT_REFUSED`,
 * `ANSWER_LOST`; what the spender throws.
 */
export function createPayingStream(options: PayingStreamOptions) {
  const { spender, limits, clock, retryAfterMs = RETRY_AFTER_MS, timeoutMs = TIMEOUT_MS, dial = dialStream } = options;
  const { ahead = AHEAD, anchorsPem } = options;
  requireMaxima('maxPrices', limits.maxPrices);
  requireMaxima('maxTotals', limits.maxTotals);

  /** Whatever says nothing about what was asked is asked again. */
  const untilAnswered = async ({ url, headers }: Asking, sent?: Sent): Promise<Dialled> => {
    for (let attempt = 0; ; attempt++) {
      const waitMs = retryAfterMs[attempt];
      try {
        const dialled = await dial(url, { headers, timeoutMs, ...(anchorsPem === undefined ? {} : { anchorsPem }) });
        if (dialled.type === 'connected' || waitMs === undefined) return dialled;
        const settlement = settlementOf(dialled.response, sent ?? { transaction: '', number: 0 });
        if (settlement.type === 'paid' || settlement.reason !== 'unknown') return dialled;
      } catch (cause) {
        if (waitMs === undefined) throw new PaymentError('ANSWER_LOST', 'no answer came', { cause });
      }
      await pause(waitMs);
    }
  };
  const withPayment = ({ url, headers }: Asking, challenge: PaymentChallenge, payload: DepositPayload): Asking => {
    const paid = new Headers(headers);
    paid.set(challenge.header ?? 'Authorization', formatCredential(challenge, payload));
    return { url, headers: paid };
  };

  /** The first payment, and what came of it. */
  const payFirst = async (asking: Asking, challenge: PaymentChallenge, offer: Offer) => {
    const first = await releasePayment(spender, offer, offer.resource);
    const { transaction, number, token, checkpoint } = first;
    const payload = { transaction, token, ...(checkpoint && { checkpoint }), ahead: ahead * offer.units };
    let dialled: Dialled;
    try {
      dialled = await untilAnswered(withPayment(asking, challenge, payload), first);
    } catch (cause) {
      await spender.failed(transaction, number, { reason: 'unknown' });
      throw cause;
    }
    const response = dialled.type === 'refused' ? dialled.response : new Response(null, { headers: dialled.headers });
    const settlement = settlementOf(response, first);
    if (settlement.type === 'paid') await spender.paid(transaction, number);
    else await spender.failed(transaction, number, await failureOf(settlement, response));
    return { first, dialled, settlement };
  };

  const run = (
    {
      asking,
      challenge,
      offer,
    }: { readonly asking: Asking; readonly challenge: PaymentChallenge; readonly offer: Offer },
    first: ReleasedPayment,
    dialled: Extract<Dialled, { type: 'connected' }>,
  ): PayingStream => {
    const aheadUnits = Math.min(ahead * offer.units, MAX_PRICE_UNITS);
    const bill = createStreamBill({
      ...{ terms: offer.stream!, priceUnits: offer.units, aheadUnits, clock },
      ...{ mostUnits: mostUnitsOf(offer, limits), atOnceUnits: atOnceUnitsOf(offer, limits) },
    });
    return runStream(
      {
        ...{ spender, offer, bill, aheadUnits, first, key: streamKeyOf(first.token), closeMs: timeoutMs },
        dial: (payload) => untilAnswered(withPayment(asking, challenge, payload)),
      },
      dialled,
    );
  };

  return async (
    url: string | URL,
    { headers = new Headers() }: { readonly headers?: Headers } = {},
  ): Promise<PayingStream> => {
    const asking = { url: new URL(url), headers };
    let dialled = await untilAnswered(asking);
    for (let payments = 0; ; payments++) {
      if (dialled.type === 'connected') {
        dialled.socket.terminate();
        throw new PaymentError('METHOD_UNSUPPORTED', 'the server asks for no payment');
      }
      const { response } = dialled;
      const challenge = response.status === 402 ? payableChallenge(response, asking) : undefined;
      if (challenge === undefined) throw await refusedError(response);
      const request = { method: STREAM_METHOD, url: asking.url, body: new Uint8Array() };
      const offer = acceptOffer(challenge, request, { limits, nowMs: clock.nowMs() });
      mostUnitsOf(offer, limits);
      if (payments === MAX_PAYMENTS) throw await refusedError(response);
      const paid = await payFirst(asking, challenge, offer);
      dialled = paid.dialled;
      if (paid.settlement.type === 'paid') {
        if (dialled.type === 'refused') throw await refusedError(dialled.response);
        return run({ asking, challenge, offer }, paid.first, dialled);
      }
    }
  };
}

/** The price of one at least: the offer was held to this limit. */
function atOnceUnitsOf({ currency, unitNano, units }: Offer, { maxPrices }: StreamLimits): number {
  const most = priceIn(currency, maxPrices.find((max) => max.endsWith(currency))!).nano / BigInt(unitNano);
  return Math.max(units, Number(most));
}

/** @throws PaymentError `OFFER_REFUSED` for a currency without a limit, or below the price of one */
function mostUnitsOf(offer: Offer, { maxTotals }: StreamLimits): number {
  const { currency, unitNano, units } = offer;
  const most = maxTotals.find((max) => max.endsWith(currency));
  const total: NanoAmount = most === undefined ? { currency, nano: 0n } : priceIn(currency, most);
  if (total.nano < nanoOfOffer(offer).nano)
    throw new PaymentError('OFFER_REFUSED', `no stream in ${currency} may cost that`);
  const mostUnits = total.nano / BigInt(unitNano);
  return mostUnits > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER - units : Number(mostUnits);
}

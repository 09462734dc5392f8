/**
 * `fetch` that pays: a request refused with a challenge of the method `deposit` is paid out of a deposit and sent again, within limits.
 * A payment once sent is only ever repeated with the same bytes, so that an answer lost on the way is not paid for twice.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../journal/clock.ts';
import { type EchoedChallenge, formatCredential, preemptiveChallenge } from '../message/payment-credential.ts';
import { PaymentError } from '../message/payment-error.ts';
import { DEPOSIT_METHOD, type Offer, SESSION_INTENT } from '../message/payment-offer.ts';
import {
  acceptOffer,
  type OutgoingRequest,
  requireMaxima,
  requireWithinLimits,
  resourceOf,
  type SpendingLimits,
} from './accept-offer.ts';
import { createKnownPrices, type RouteOf } from './known-prices.ts';
import { hasOwnPayment, isPrivate, payableChallenge } from './payable-challenge.ts';
import { releasePayment } from './release-payment.ts';
import { failureOf, refusedError, type Settlement, settlementOf } from './settlement.ts';
import type { Spender } from './spender.ts';

export interface PayingFetchOptions {
  readonly spender: Spender;
  readonly limits: SpendingLimits;
  readonly clock: Clock;
  /** Default the platform's. */
  readonly fetch?: typeof globalThis.fetch;
  /** What counts as one route when prices are remembered; default method and path. */
  readonly routeOf?: RouteOf;
  /** Waiting before the repetitions of a payment whose answer did not come; default 100, 400 and 1600 ms. */
  readonly retryAfterMs?: readonly number[];
  /** Bodies are kept for as long as their request lasts; default 16 MiB. */
  readonly maxBodyBytes?: number;
}

/** Different payments one call may try: the remembered price was old, then the deposit was closed, … */
const MAX_PAYMENTS = 3;
const RETRY_AFTER_MS = [100, 400, 1600] as const;
const MAX_BODY_BYTES = 2 ** 24;
const MAX_WHOLE_BYTES = 2 ** 20;
const SEE_OTHER: readonly number[] = [301, 302, 303];

interface Outgoing extends OutgoingRequest {
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly redirect: Request['redirect'];
}

interface Answered {
  readonly response: Response;
  readonly settlement: Settlement;
}

/**
 * Throws PaymentError `OPTIONS_UNFIT` or MoneyError for limits that are none.
 * The function returned throws, beside what fetch throws: PaymentError `METHOD_UNSUPPORTED`, `OFFER_UNFIT`, `OFFER_REFUSED` before
 * anything is paid; `PAYMENT_REFUSED` when every payment was; `ANSWER_LOST` when the payment may have been taken; and what the spender
 * throws. A 402 that offers nothing to pay comes back as it is.
 */
export function createPayingFetch(options: PayingFetchOptions): typeof globalThis.fetch {
  const { spender, limits, clock, retryAfterMs = RETRY_AFTER_MS, maxBodyBytes = MAX_BODY_BYTES } = options;
  const send = options.fetch ?? globalThis.fetch;
  requireMaxima('maxPrices', limits.maxPrices);
  const prices = createKnownPrices(options.routeOf);

  /** Pays and sends until somebody says what became of it. */
  const payFor = async (outgoing: Outgoing, offer: Offer, challenge: EchoedChallenge): Promise<Answered> => {
    const { transaction, number, token, checkpoint } = await releasePayment(spender, offer, resourceOf(outgoing));
    const payload = { transaction, token, ...(checkpoint === undefined ? {} : { checkpoint }) };
    const field = challenge.header ?? 'Authorization';
    const headers = new Headers(outgoing.headers);
    headers.set(field, formatCredential(challenge, payload));
    let answered: Answered;
    try {
      answered = await untilAnswered(() => transmit(outgoing, headers), { transaction, number }, outgoing.signal);
    } catch (cause) {
      await spender.failed(transaction, number, { reason: 'unknown' });
      throw cause;
    }
    const { settlement } = answered;
    if (settlement.type === 'paid') await spender.paid(transaction, number);
    else await spender.failed(transaction, number, await failureOf(settlement, answered.response));
    return answered;
  };

  const untilAnswered = async (
    transmitted: () => Promise<Response>,
    sent: { readonly transaction: string; readonly number: number },
    signal: AbortSignal,
  ): Promise<Answered> => {
    for (let attempt = 0; ; attempt++) {
      const waitMs = retryAfterMs[attempt];
      try {
        const response = await transmitted();
        await arrived(response);
        const settlement = settlementOf(response, sent);
        if (settlement.type === 'paid' || settlement.reason !== 'unknown' || waitMs === undefined)
          return { response, settlement };
        await response.body?.cancel();
      } catch (cause) {
        if (signal.aborted) throw cause;
        if (waitMs === undefined) throw new PaymentError('ANSWER_LOST', 'no answer came to a payment', { cause });
      }
      await pause(waitMs, undefined, { signal });
    }
  };

  const transmit = ({ url, method, body, signal }: Outgoing, headers: Headers): Promise<Response> =>
    // A redirect would take the payment along to where it buys nothing.
    send(url, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body.length === 0 ? {} : { body: Buffer.from(body) }),
    });

  /** By what the route cost last time; undefined when that is not known, not allowed any more, or not taken. */
  const payAhead = async (outgoing: Outgoing): Promise<Response | undefined> => {
    const known = prices.find(outgoing);
    if (known === undefined || !isPrivate(outgoing.url) || hasOwnPayment(outgoing, known.header)) return undefined;
    const offer = { ...known.offer, resource: resourceOf(outgoing) };
    requireWithinLimits(offer, limits);
    const challenge =
      known.header === undefined ? preemptiveChallenge : { ...preemptiveChallenge, header: known.header };
    const { response } = await payFor(outgoing, offer, challenge);
    return response;
  };

  return async (input, init) => {
    const outgoing = await outgoingOf(new Request(input, init), maxBodyBytes);
    let response = (await payAhead(outgoing)) ?? (await first(outgoing));
    for (let payments = 0; response.status === 402; payments++) {
      const challenge = payableChallenge(response, outgoing);
      if (challenge === undefined) return response;
      const offer = acceptOffer(challenge, outgoing, { limits, nowMs: clock.nowMs() });
      if (payments === MAX_PAYMENTS) throw await refusedError(response);
      await response.body?.cancel();
      const answered = await payFor(outgoing, offer, challenge);
      response = answered.response;
      if (answered.settlement.type === 'paid' && offer.preemptive)
        prices.learn(outgoing, { offer, header: challenge.header });
      if (answered.settlement.type === 'failed') prices.forget(outgoing);
    }
    return followed(outgoing, response);
  };

  async function first(outgoing: Outgoing): Promise<Response> {
    const { url, method, headers, body, signal, redirect } = outgoing;
    return send(url, { method, headers, signal, redirect, ...(body.length === 0 ? {} : { body: Buffer.from(body) }) });
  }

  /** What was paid for stands somewhere else: it is fetched there without a word about payment. */
  async function followed({ url, method, headers, signal, redirect }: Outgoing, response: Response): Promise<Response> {
    const location = response.headers.get('location');
    if (redirect !== 'follow' || location === null || !SEE_OTHER.includes(response.status)) return response;
    const bare = new Headers(headers);
    for (const name of [
      'authorization',
      'payment-authorization',
      'content-type',
      'content-length',
      'accept-payment',
      'cookie',
    ])
      bare.delete(name);
    return send(new URL(location, url), { method: method === 'HEAD' ? 'HEAD' : 'GET', headers: bare, signal });
  }
}

/** An answer of ordinary size counts when all of it is there; a longer one, or a stream, from its beginning. */
async function arrived(response: Response): Promise<void> {
  const announced = response.headers.get('content-length');
  if (announced === null || Number(announced) > MAX_WHOLE_BYTES || response.body === null) return;
  await response.clone().arrayBuffer();
}

async function outgoingOf(request: Request, maxBodyBytes: number): Promise<Outgoing> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBodyBytes)
      throw new PaymentError('BODY_TOO_LARGE', `bodies up to ${maxBodyBytes} bytes can be paid for`);
    chunks.push(chunk);
  }
  const headers = new Headers(request.headers);
  if (!headers.has('accept-payment')) headers.set('accept-payment', `${DEPOSIT_METHOD}/${SESSION_INTENT}`);
  const url = new URL(request.url);
  url.hash = '';
  const { method, signal, redirect } = request;
  return { url, method, headers, signal, redirect, body: new Uint8Array(Buffer.concat(chunks, size)) };
}

/** What a person fetches and pays for (`handsel fetch`): any number of requests, answered in order, under one limit. */
import type { Limit } from '../../deposit/customer/limit.ts';
import type { PurseState } from '../../deposit/customer/purse-state.ts';
import { createPayingFetch } from '../../deposit/customer-http/paying-fetch.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import { formatNano, type NanoAmount } from '../../money/nano.ts';
import type { DepositView } from './deposit-view.ts';
import type { OwnLimit, PurseLimits } from './purse-limits.ts';
import type { PurseRates } from './purse-rates.ts';
import type { DepositTerms, PurseSpending } from './purse-spender.ts';
import { type PaidPart, type SpentBy, spentBy } from './spent-by.ts';

export interface FetchOrder {
  readonly urls: readonly string[];
  /** All of them so many times. */
  readonly times: number;
  /** Requests under way at the same time. */
  readonly atOnce: number;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Absent: the limit of the day. */
  readonly own?: OwnLimit;
  /** What one request may cost, within the limit; default as the limit says. */
  readonly maxPrice?: NanoAmount;
}

export interface Fetched {
  readonly type: 'answer';
  readonly url: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Absent where nothing was paid. */
  readonly paid?: PaidPart & { readonly number: number };
}

export interface NotFetched {
  readonly type: 'failed';
  readonly url: string;
  readonly code: string;
  readonly detail: string;
}

export interface FetchEnd {
  readonly type: 'end';
  /** Requests that were answered. */
  readonly requests: number;
  readonly paid: ReturnType<SpentBy['sums']>;
  /** Deposits under a limit of this order's own, which nobody else can use: as they ended, where that is known by now. */
  readonly closed: readonly DepositView[];
}

export type FetchEvent = Fetched | NotFetched | FetchEnd;

export interface PaidFetchParts {
  readonly spending: PurseSpending;
  readonly limits: PurseLimits;
  readonly rates: PurseRates;
  readonly state: Readonly<PurseState>;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  termsUnder(limit: Limit): DepositTerms;
  /** Closes what is open under the limit, and ends it. Gives what came of that soon. */
  endLimit(limitId: string): Promise<readonly DepositView[]>;
}

/** A merchant that was killed is back by then; what was sent is repeated byte for byte. */
export const RETRY_AFTER_MS = [100, 400, 1600, 3000, 5000] as const;

/** Begins no further request when one fails, or when nobody reads on. */
export async function* paidFetch(order: FetchOrder, parts: PaidFetchParts): AsyncGenerator<FetchEvent> {
  const { limits, rates, clock, spending, state } = parts;
  await rates.table();
  const limit = order.own === undefined ? await limits.ofToday() : await limits.own(order.own);
  const maxPrices = rates.everywhere(dearest(order, limit));
  const spent = spentBy(spending.under(parts.termsUnder(limit)), state);
  const send = createPayingFetch({
    spender: spent.spender,
    limits: { maxPrices },
    ...{ clock, fetch: parts.fetch, retryAfterMs: RETRY_AFTER_MS },
  });
  const { urls, times, atOnce } = order;
  let requests = 0;
  let closed: readonly DepositView[] = [];
  try {
    const ask = (at: number) => asked(urls[at % urls.length]!, order, { send, spent });
    for await (const event of inOrder(urls.length * times, atOnce, ask)) {
      yield event;
      if (event.type === 'failed') break;
      requests++;
    }
  } finally {
    if (order.own !== undefined) closed = await parts.endLimit(limit.limitId);
  }
  yield { type: 'end', requests, paid: spent.sums(), closed };
}

/** @throws HandselError `PRICE_ABOVE_LIMIT`, `CURRENCY_MISMATCH` */
function dearest({ maxPrice }: FetchOrder, { currency, perPurchaseNano }: Limit): NanoAmount {
  const allowed = { currency, nano: perPurchaseNano! };
  if (maxPrice === undefined) return allowed;
  if (maxPrice.currency !== currency) {
    throw new HandselError('CURRENCY_MISMATCH', `limits of this station are in ${currency}: its account is`);
  }
  if (maxPrice.nano <= allowed.nano) return maxPrice;
  const words = `under this limit one request may cost ${formatNano(allowed)}`;
  throw new HandselError('PRICE_ABOVE_LIMIT', `${words}; a limit of the command's own may allow more`);
}

async function asked(
  url: string,
  { method, headers, body }: FetchOrder,
  { send, spent }: { readonly send: typeof globalThis.fetch; readonly spent: SpentBy },
): Promise<Fetched | NotFetched> {
  const init = { method, headers, ...(body.length === 0 ? {} : { body: Buffer.from(body) }) };
  try {
    const { result, paid } = await spent.request(async () => {
      const response = await send(url, init);
      return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
    });
    const { response, bytes } = result;
    const contentType = response.headers.get('content-type') ?? '';
    const answer = { type: 'answer', url, status: response.status, contentType, body: bytes } as const;
    return paid === undefined ? answer : { ...answer, paid };
  } catch (error) {
    if (error instanceof HandselError) return { type: 'failed', url, code: error.code, detail: error.message };
    // What fetch itself says of a URL, a method or a header that is none.
    if (error instanceof TypeError) return { type: 'failed', url, code: 'REQUEST_MALFORMED', detail: error.message };
    throw error;
  }
}

/** Runs tasks by number, a few at a time, and gives their results in the order of the numbers. */
async function* inOrder<T>(count: number, atOnce: number, run: (at: number) => Promise<T>): AsyncGenerator<T> {
  const running: Promise<T>[] = [];
  for (let next = 0; next < count || running.length > 0; ) {
    while (next < count && running.length < atOnce) {
      const begun = run(next++);
      begun.catch(() => {}); // whoever takes its result hears of it
      running.push(begun);
    }
    yield await running.shift()!;
  }
}

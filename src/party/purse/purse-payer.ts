/**
 * Paying for requests and streams out of the purse for as long as a program runs: the limit of the day changes at midnight and the bank's
 * table every hour, and whoever pays for years is to be held by those of the moment.
 */
import type { Limit } from '../../deposit/customer/limit.ts';
import { createPayingFetch } from '../../deposit/customer-http/paying-fetch.ts';
import { createPayingStream } from '../../deposit/customer-http/paying-stream.ts';
import type { Clock } from '../../journal/clock.ts';
import { nanoOf } from '../../money/nano.ts';
import type { OwnLimit, PurseLimits } from './purse-limits.ts';
import type { PurseRates } from './purse-rates.ts';
import type { DepositTerms, PurseSpending } from './purse-spender.ts';

export interface PayerOptions {
  /** Absent: the limit of the day. */
  readonly own?: OwnLimit;
  /** Who may be paid; default anyone, within the limits. */
  readonly merchants?: readonly string[];
}

export interface PursePayer {
  /** As `fetch`. @throws (the promise) HandselError `LIMIT_EXCEEDED`, `OFFER_REFUSED`, `ANSWER_LOST`, … */
  readonly payingFetch: typeof globalThis.fetch;
  readonly payingStream: ReturnType<typeof createPayingStream>;
  /** Of a limit of its own, also closes its deposits: what was not spent comes back. */
  close(): Promise<void>;
}

export interface PayerParts {
  readonly spending: PurseSpending;
  readonly limits: PurseLimits;
  readonly rates: PurseRates;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  readonly anchorsPem: string;
  readonly retryAfterMs: readonly number[];
  termsUnder(limit: Limit): DepositTerms;
  endLimit(limitId: string): Promise<unknown>;
}

interface Paying {
  readonly key: string;
  readonly payingFetch: PursePayer['payingFetch'];
  readonly payingStream: PursePayer['payingStream'];
}

export function pursePayer(parts: PayerParts, { own, merchants }: PayerOptions): PursePayer {
  const { spending, limits, rates, clock, fetch, anchorsPem, retryAfterMs, termsUnder } = parts;
  let begun: Promise<Limit> | undefined;
  let last: Paying | undefined;

  const ownLimit = (asked: OwnLimit): Promise<Limit> => {
    begun ??= limits.own(asked);
    begun.catch(() => {
      begun = undefined;
    });
    return begun;
  };
  const now = async (): Promise<Paying> => {
    await rates.table();
    const limit = await (own === undefined ? limits.ofToday() : ownLimit(own));
    const { limitId, currency, totalMinor, perPurchaseNano = 0n } = limit;
    const maxPrices = rates.everywhere({ currency, nano: perPurchaseNano });
    const key = [limitId, ...maxPrices].join(' ');
    if (last?.key === key) return last;
    const spender = spending.under(termsUnder(limit));
    const allowed = { maxPrices, ...(merchants && { merchants }) };
    const maxTotals = rates.everywhere(nanoOf({ currency, minor: totalMinor }));
    last = {
      key,
      payingFetch: createPayingFetch({ spender, limits: allowed, clock, fetch, retryAfterMs }),
      payingStream: createPayingStream({
        ...{ spender, clock, retryAfterMs, anchorsPem: [anchorsPem] },
        limits: { ...allowed, maxTotals },
      }),
    };
    return last;
  };

  return {
    payingFetch: async (...asked) => (await now()).payingFetch(...asked),
    payingStream: async (...asked) => (await now()).payingStream(...asked),
    async close() {
      const limit = await begun?.catch(() => undefined);
      if (limit !== undefined) await parts.endLimit(limit.limitId);
    },
  };
}

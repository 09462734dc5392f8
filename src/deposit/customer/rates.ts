/** The rate table on the device (ERI-B): kept for its lifespan, fetched again when it is over and deposits are open, or when asked for. */
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { ratesRequestType } from '../message/rates-request.ts';
import { routeOf } from '../message/route.ts';
import type { RateTable } from '../message/session-rate.ts';
import { PurseError } from './purse-error.ts';
import type { PurseOptions } from './purse-input.ts';
import type { PurseRecord, PurseState } from './purse-state.ts';

export const RATES_TIMER = 'rates';
/** Tables are fetched by ourselves at most so often, however short they live. */
const SHORTEST_LIFE_MS = 60_000;
/** When a request is given up and may be made again. */
const ASKING_MS = 120_000;

/** Keeps a table unless a newer one is here. */
export function takeRates({ rates: known }: PurseState, rates: RateTable, { nowMs }: Env): Decision<PurseRecord> {
  if (known !== null && known.issuedAtMs > rates.issuedAtMs) return { records: [{ type: 'rates', rates: null }] };
  return {
    records: [{ type: 'rates', rates }],
    // A moment after the last one that counts.
    timers: [{ id: RATES_TIMER, atMs: Math.max(rates.validUntilMs + 1, nowMs + SHORTEST_LIFE_MS) }],
  };
}

/** @throws PurseError `LIMIT_UNKNOWN` before there is any limit: nothing says what currency the account is in */
export function askRates(state: PurseState, env: Env, { operator, signer }: PurseOptions): Decision<PurseRecord> {
  const [use] = state.limits.values();
  if (use === undefined) throw new PurseError('LIMIT_UNKNOWN', 'rates are asked for when there is a limit');
  if (state.ratesAskedAtMs !== null && state.ratesAskedAtMs + ASKING_MS > env.nowMs) return { records: [] };
  const request = { currency: use.limit.currency, atMs: env.nowMs };
  return {
    records: [{ type: 'rates-asked', atMs: env.nowMs }],
    send: [
      {
        id: `rates:${env.nowMs}`,
        to: routeOf(operator.url, ratesRequestType),
        kind: ratesRequestType.name,
        body: signMessage(ratesRequestType, request, signer),
        expiresAtMs: env.nowMs + ASKING_MS,
      },
    ],
  };
}

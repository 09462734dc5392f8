/**
 * Under which limit a command of the person pays (ERI-J): the day's, which the configuration names, or one of its own. What is set
 * aside under a limit is decided and recorded by the purse in one step, so commands that run at the same time cannot both win.
 */
import { toHex } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import { type Limit, limitMessage } from '../../deposit/customer/limit.ts';
import type { PurseInput } from '../../deposit/customer/purse-input.ts';
import type { PurseRecord, PurseState } from '../../deposit/customer/purse-state.ts';
import { minuteAfter } from '../../deposit/message/coarse-time.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { type Amount, formatAmount } from '../../money/amount.ts';
import { formatNano, type NanoAmount, parseNano } from '../../money/nano.ts';
import { ConfigurationError, type CustomerDeposits } from '../configuration/configuration.ts';

export interface OwnLimit {
  /** What it may cost altogether. */
  readonly max: Amount;
  /** What one request may cost; default as configured. */
  readonly maxPrice?: NanoAmount;
  /** So long it may go on opening deposits; default an hour. */
  readonly lastsMs?: number;
}

export interface PurseLimits {
  readonly currency: string;
  /** What one request may cost unless a command says otherwise. */
  readonly maxPrice: NanoAmount;
  /** Of all deposits opened today, in UTC. */
  ofToday(): Promise<Limit>;
  /** @throws HandselError `CURRENCY_MISMATCH` */
  own(asked: OwnLimit): Promise<Limit>;
  /** What is left for new deposits. */
  leftMinor(limitId: string): bigint;
}

const DAY_MS = 86_400_000;
/** Of a command. */
const OWN_LIMIT_MS = 3_600_000;

type PurseHost = Pick<Host<PurseState, PurseInput, PurseRecord>, 'handle' | 'state'>;

/** @throws ConfigurationError when the configured price is in another currency than the account */
export function purseLimits(options: {
  readonly host: PurseHost;
  readonly deposits: CustomerDeposits;
  readonly random: Random;
  nowMs(): number;
}): PurseLimits {
  const { host, deposits, random, nowMs } = options;
  const { currency, lengthSeconds } = deposits;
  const total: Amount = { currency, minor: BigInt(deposits.limitMinor) };
  const maxPrice = parseNano(deposits.maxPrice);
  const lengthMs = lengthSeconds * 1000;
  if (maxPrice.currency !== currency) {
    throw new ConfigurationError(`deposits.maxPrice is in ${maxPrice.currency}, the account in ${currency}`);
  }
  const beginning = new Map<string, Promise<Limit>>();

  const begin = async (limit: Limit): Promise<Limit> => {
    await host.handle(limitMessage(limit));
    return limit;
  };
  const usedOn = (day: string): bigint => {
    const uses = [...host.state.limits.values()].filter(({ limit }) => limit.limitId.startsWith(day));
    return uses.reduce((sum, { heldMinor, spentMinor }) => sum + heldMinor + spentMinor, 0n);
  };

  return {
    currency,
    maxPrice,
    ofToday() {
      const endMs = (Math.floor(nowMs() / DAY_MS) + 1) * DAY_MS;
      const day = new Date(endMs - DAY_MS).toISOString().slice(0, 10);
      // The terms are in the name: a limit never changes, and a configuration that does begins another one.
      const limitId = `${day}, ${formatAmount(total)}, ${formatNano(maxPrice)} each`;
      const known = host.state.limits.get(limitId)?.limit;
      if (known !== undefined) return Promise.resolve(known);
      const left = total.minor - usedOn(day);
      const begun =
        beginning.get(limitId) ??
        begin({
          ...{ limitId, currency, totalMinor: left > 0n ? left : 0n, perPurchaseNano: maxPrice.nano },
          expiresAtMs: minuteAfter(endMs + lengthMs),
        }).finally(() => beginning.delete(limitId));
      beginning.set(limitId, begun);
      return begun;
    },
    async own({ max, maxPrice: dearest = maxPrice, lastsMs = OWN_LIMIT_MS }) {
      if (max.currency !== currency || dearest.currency !== currency) {
        throw new HandselError('CURRENCY_MISMATCH', `limits of this station are in ${currency}: its account is`);
      }
      const limitId = `at most ${formatAmount(max)}, ${toHex(random(6))}`;
      // Later than any deposit under it ends: deposits that all end just with their limit would be known as of one customer.
      const expiresAtMs = minuteAfter(nowMs() + lastsMs + lengthMs);
      return begin({ limitId, currency, totalMinor: max.minor, perPurchaseNano: dearest.nano, expiresAtMs });
    },
    leftMinor(limitId) {
      const use = host.state.limits.get(limitId);
      if (use === undefined) return 0n;
      const left = use.limit.totalMinor - use.heldMinor - use.spentMinor;
      return left > 0n ? left : 0n;
    },
  };
}

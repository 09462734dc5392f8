/**
 * What a stream has come to by the customer's own count, and what may be paid into it. What the merchant asks for is only ever paid up to what has
 * arrived and the bound ahead of it, and never above the most the stream may cost.
 */
import type { Clock } from '../../journal/clock.ts';
import { PaymentError } from '../message/payment-error.ts';
import type { StreamTerms } from '../message/payment-offer.ts';
import { MAX_PRICE_UNITS } from '../message/purchase.ts';

export interface StreamBill {
  /** Released into the stream, less what was refused, in units. */
  readonly releasedUnits: number;
  /** What arrived is worth; seconds while connected, the one that runs and one more for clocks that differ. */
  readonly meteredUnits: number;
  arrived(bytes: number): void;
  connected(): void;
  disconnected(): void;
  /**
   * Units to be paid now that the merchant asks for so many in all; 0 where that is paid already.
   * @throws PaymentError `STREAM_OVERCHARGED`; `OFFER_REFUSED` when all is paid that the stream may cost
   */
  toPay(through: number): number;
  released(units: number): void;
  refused(units: number): void;
}

const KILOBYTE = 1024;
const SECOND_MS = 1000;

export function createStreamBill(options: {
  readonly terms: StreamTerms;
  readonly priceUnits: number;
  readonly aheadUnits: number;
  readonly mostUnits: number;
  /** Of one payment: the merchant asks for several messages at once, and what one purchase may cost holds for that, too. */
  readonly atOnceUnits: number;
  readonly clock: Pick<Clock, 'nowMs'>;
}): StreamBill {
  const { terms, priceUnits, aheadUnits, mostUnits, atOnceUnits, clock } = options;
  // Its first message, second or kilobyte was paid for before it was opened.
  let released = priceUnits;
  let messages = 0;
  let bytes = 0;
  let connectedMs = 0;
  let sinceMs: number | undefined;

  const seconds = () => {
    const runningMs = sinceMs === undefined ? 0 : clock.nowMs() - sinceMs;
    return Math.ceil((connectedMs + runningMs) / SECOND_MS) + 1;
  };
  const metered = () => {
    const { per } = terms;
    return priceUnits * (per === 'message' ? messages : per === 'second' ? seconds() : Math.ceil(bytes / KILOBYTE));
  };
  return {
    get releasedUnits() {
      return released;
    },
    get meteredUnits() {
      return metered();
    },
    arrived(size) {
      messages++;
      bytes += size;
    },
    connected() {
      sinceMs = clock.nowMs();
    },
    disconnected() {
      if (sinceMs !== undefined) connectedMs += clock.nowMs() - sinceMs;
      sinceMs = undefined;
    },
    toPay(through) {
      if (through <= released) return 0;
      const fair = metered() + aheadUnits;
      if (through > fair) {
        throw new PaymentError('STREAM_OVERCHARGED', `asked for ${through} units where at most ${fair} may be paid`);
      }
      const units = Math.min(through, mostUnits) - released;
      if (units <= 0) throw new PaymentError('OFFER_REFUSED', `the stream may cost ${mostUnits} units and no more`);
      return Math.min(units, atOnceUnits, MAX_PRICE_UNITS);
    },
    released(units) {
      released += units;
    },
    refused(units) {
      released -= units;
    },
  };
}

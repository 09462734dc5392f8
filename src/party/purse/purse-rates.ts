/** The rate table of the customer's bank on the device (ERI-B): asked for when there is none, or when its time is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PurseInput } from '../../deposit/customer/purse-input.ts';
import type { PurseState } from '../../deposit/customer/purse-state.ts';
import { shownPrice } from '../../deposit/customer/shown-price.ts';
import type { RateTable } from '../../deposit/message/session-rate.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { formatNano, type NanoAmount } from '../../money/nano.ts';
import type { PurseLimits } from './purse-limits.ts';

export interface PurseRates {
  /** One that counts now. @throws HandselError `RATES_MISSING` when the bank gives none */
  table(): Promise<RateTable>;
  /** A newer one, whatever there is. @throws as `table` */
  renewed(): Promise<RateTable>;
  /** The price in the customer's money; undefined where the bank has no rate. */
  shown(price: NanoAmount): NanoAmount | undefined;
  /** The same amount of the customer's money in every currency there is a rate for, as limits of prices say it. */
  everywhere(amount: NanoAmount): readonly string[];
}

const PATIENCE_MS = 10_000;
const POLL_MS = 20;

export function purseRates(options: {
  readonly host: Pick<Host<PurseState, PurseInput>, 'submit' | 'state'>;
  /** There has to be a limit before rates are asked for: it says what currency the account is in. */
  readonly limits: Pick<PurseLimits, 'currency' | 'ofToday'>;
  nowMs(): number;
}): PurseRates {
  const { host, limits, nowMs } = options;
  const { currency } = limits;
  const counts = (table: RateTable | null): table is RateTable => table !== null && table.validUntilMs >= nowMs();

  const ask = async (isWanted: (table: RateTable) => boolean): Promise<RateTable> => {
    await limits.ofToday();
    await host.submit({ type: 'rates' });
    const untilMs = nowMs() + PATIENCE_MS;
    for (;;) {
      const { rates } = host.state;
      if (counts(rates) && isWanted(rates)) return rates;
      if (nowMs() >= untilMs) throw new HandselError('RATES_MISSING', 'the bank has given no table of rates');
      await sleep(POLL_MS);
    }
  };

  return {
    async table() {
      const { rates } = host.state;
      return counts(rates) ? rates : ask(() => true);
    },
    renewed() {
      const before = host.state.rates?.issuedAtMs ?? 0;
      return ask(({ issuedAtMs }) => issuedAtMs > before);
    },
    shown(price) {
      const shown = shownPrice(price, { rates: host.state.rates, currency, nowMs: nowMs() });
      return shown.type === 'price' ? shown.price : undefined;
    },
    everywhere({ nano }) {
      const { rates } = host.state;
      const others = counts(rates) ? rates.rates.filter(({ from }) => from === currency) : [];
      return [
        formatNano({ currency, nano }),
        ...others.map(({ to, numerator, denominator }) => {
          return formatNano({ currency: to, nano: (nano * numerator) / denominator });
        }),
      ];
    },
  };
}

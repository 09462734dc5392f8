/**
 * A customer's purse for a program of the customer's own: `payingFetch(url)` pays within a limit out of deposits that are opened when they are
 * first needed, followed by others when they are spent, and closed when nobody uses them.
 */
import { parseAmount } from '../../money/amount.ts';
import { parseNano } from '../../money/nano.ts';
import { createLog, type LogLevel } from '../../transport/log.ts';
import { ConfigurationError, configurationFile, readConfiguration } from '../configuration/configuration.ts';
import { partyClient, readCommunication } from '../running/communication.ts';
import { closeInOrder, startInSteps } from '../running/running-party.ts';
import { openCustomerDeposits } from './customer-deposits.ts';
import type { OwnLimit } from './purse-limits.ts';
import type { PursePayer } from './purse-payer.ts';

export interface PurseOptions {
  /** The customer's configuration file, or its folder. Only one process at a time may run with it. */
  readonly config: string;
  /**
   * What everything paid until `close` may cost, such as `0.50EUR`, in the currency of the account; its deposits are closed by `close`. Without
   * it the limit of each day counts, as the configuration has it, and open deposits are left to the next start.
   */
  readonly limit?: string;
  /** What one request may cost, such as `0.002EUR`: with `limit`; default as the configuration has it. */
  readonly maxPrice?: string;
  /** Who may be paid; default anyone, within the limits. */
  readonly merchants?: readonly string[];
  /** Of what is written to standard error, one JSON object a line; default `warn`. */
  readonly logLevel?: LogLevel;
}

export interface OpenPurse extends PursePayer {
  /** Resolves with the reason when the purse had to stop by itself: end the process, and start it again. */
  readonly failed: Promise<unknown>;
}

/** A program's own limit lasts as long as the program: what bounds it is the amount. */
const OWN_LIMIT_MS = 366 * 24 * 3_600_000;

/** @throws ConfigurationError; MoneyError for a limit that is none; JournalError `JOURNAL_LOCKED` where another process has this purse open */
export async function openPurse(options: PurseOptions): Promise<OpenPurse> {
  const { merchants, logLevel = 'warn' } = options;
  const own = ownLimitOf(options);
  const file = configurationFile(options.config);
  const { configuration, path } = readConfiguration('customer', file);
  const { name, deposits, store, peers } = configuration;
  if (deposits === undefined)
    throw new ConfigurationError(`${file} has no \`deposits\`: this customer has no account for them`);
  if (own !== undefined && own.max.currency !== deposits.currency) {
    throw new ConfigurationError(`the limit is in ${own.max.currency}, the account in ${deposits.currency}`);
  }
  const surroundings = { log: createLog({ name, level: logLevel }) };
  const identity = readCommunication(configuration.communication, path);

  return startInSteps(async (opened) => {
    const client = opened(partyClient({ name, identity, surroundings, peers }));
    const running = opened(
      await openCustomerDeposits({ name, deposits, store, path, identity, client, peers, surroundings }),
    );
    const payer = running.payer({ ...(own && { own }), ...(merchants && { merchants }) });
    return {
      ...payer,
      failed: running.failed,
      close: () => closeInOrder([() => payer.close(), () => running.close(), () => client.close()]),
    };
  });
}

/** @throws MoneyError; ConfigurationError for a price without a limit */
function ownLimitOf({ limit, maxPrice }: PurseOptions): OwnLimit | undefined {
  if (limit === undefined) {
    if (maxPrice === undefined) return undefined;
    throw new ConfigurationError('maxPrice goes with `limit`: the limit of the day has its own in the configuration');
  }
  const max = parseAmount(limit);
  if (max.minor <= 0n) throw new ConfigurationError(`the limit has to be above zero, saw ${limit}`);
  return { max, lastsMs: OWN_LIMIT_MS, ...(maxPrice !== undefined && { maxPrice: parseNano(maxPrice) }) };
}

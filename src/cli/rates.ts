/** `handsel rates`: the rate table of the customer's bank as the station keeps it, and prices in the customer's money. */
import { Command } from 'commander';
import type { ShownRates } from '../party/purse/deposit-desk.ts';
import { rateLines } from './deposit-words.ts';
import type { GlobalOptions } from './global-options.ts';
import { price as aPrice } from './paid-address.ts';
import { stationClient } from './station-client.ts';

const EXAMPLES = `
Examples:
  $ handsel rates
  $ handsel rates 0.0004USD       what that is in the customer's money
  $ handsel rates --renew         asks the bank, although the table is still valid`;

export function ratesCommand(): Command {
  return new Command('rates')
    .description("the exchange rates of the customer's bank, by which deposits are converted")
    .argument('[price]', 'a price such as 0.0004USD', aPrice)
    .option('--renew', 'ask the bank for a new table')
    .addHelpText('after', EXAMPLES)
    .action(async (price: string | undefined, options: GlobalOptions & { readonly renew?: true }) => {
      const shown = await stationClient(options).post<ShownRates>('/rates', { renew: options.renew === true, price });
      if (shown.price !== undefined && shown.shown === undefined) process.exitCode = 1;
      process.stdout.write(options.json ? `${JSON.stringify(shown)}\n` : `${rateLines(shown).join('\n')}\n`);
    });
}

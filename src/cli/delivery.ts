/** `handsel delivery …`: goods that are here and checked before they are paid (docs/delivery.md). */

import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { DeliveryView } from '../party/customer/delivery-view.ts';
import { amount, duration, whole } from './agent-options.ts';
import { askPassword, type PasswordOptions } from './ask-password.ts';
import { deliveryCheckCommand } from './delivery-check.ts';
import { deliveryPackCommand } from './delivery-pack.ts';
import { deliveryText, isUnderWay, phaseWords } from './delivery-words.ts';
import type { GlobalOptions } from './global-options.ts';
import { merchantUrl } from './merchant-url.ts';
import { createProgressLine } from './progress-line.ts';
import { stationClient } from './station-client.ts';

type Write = (text: string) => void;

const POLL_MS = 100;
const LONGEST_MS = 23 * 3_600_000;

const EXAMPLES = `
Examples:
  $ handsel delivery buy atlas borders-110m --max 5EUR    fetches, checks, accepts, pays, opens
  $ handsel delivery list                                 what is under way
  $ handsel delivery show PAYMENT --follow                goes on telling, also after the station was started again
  $ handsel delivery check FILE                           whether a package is whole and who signed it; needs no key
  $ handsel delivery pack --merchant .handsel/atlas       for merchants: encrypt and sign goods once for all buyers`;

/** `write` receives what goes to standard output. */
export function deliveryCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const command = new Command('delivery').addHelpText('after', EXAMPLES);
  command
    .command('buy')
    .description('buy a product at its list price: it is downloaded and checked before it is paid, and opened after')
    .argument('<merchant>', "the merchant's name in this network, or its URL")
    .argument('<sku>', 'the product')
    .requiredOption('--max <amount>', 'the most it may cost, e.g. 5EUR', amount)
    .option('--quantity <n>', 'pieces', whole, 1)
    .option('--within <time>', 'how long fetching may take before it is off, e.g. 2h', duration([10_000, LONGEST_MS]))
    .option('--password-file <file>', 'its first line is the wallet password')
    .addHelpText('after', EXAMPLES)
    .action((merchant: string, sku: string, options: BuyOptions) => buy(merchant, sku, options, write));
  command
    .command('list')
    .description('deliveries under way')
    .action(async (options: GlobalOptions) => {
      const all = await stationClient(options).get<readonly DeliveryView[]>('/deliveries');
      const none = 'nothing is under way\n';
      write(options.json ? `${JSON.stringify(all)}\n` : all.map(deliveryText).join('\n') || none);
    });
  command
    .command('show')
    .description('how a delivery fares, or fared')
    .argument('<payment>', 'the purchase, as `handsel statement` and `handsel delivery buy` name it')
    .option('--follow', 'go on telling until it has ended')
    .action(async (payment: string, options: GlobalOptions & { readonly follow?: true }) => {
      const station = stationClient(options);
      const view = await station.get<DeliveryView>(`/deliveries/${payment}`);
      tell(options.follow ? await follow(payment, options) : view, options, write);
    });
  command.addCommand(deliveryCheckCommand(write));
  command.addCommand(deliveryPackCommand(write));
  return command;
}

interface BuyOptions extends PasswordOptions {
  readonly max: string;
  readonly quantity: number;
  readonly within?: number;
}

async function buy(merchant: string, sku: string, options: BuyOptions, write: Write): Promise<void> {
  const station = stationClient(options);
  const url = merchantUrl(merchant, options);
  const password = await askPassword(options, { question: 'Wallet password: ', fallback: true });
  const { max, quantity, within } = options;
  const currency = /[A-Z]{3}$/.exec(max)?.[0] ?? '';
  const order = { merchant: url, sku, currency, quantity, max, password };
  const { payment } = await station.post<{ payment: string }>('/purchases', {
    ...order,
    ...(within !== undefined && { withinSeconds: Math.floor(within / 1000) }),
  });
  if (!options.json) process.stderr.write(`payment ${payment}\n`);
  tell(await follow(payment, options, password), options, write);
}

/** Also over restarts of the station: it goes on where it was. Without the password it ends where that is needed once more. */
async function follow(payment: string, options: GlobalOptions, password?: string): Promise<DeliveryView> {
  const progress = createProgressLine(options.json === true);
  let last: DeliveryView | undefined;
  for (;;) {
    try {
      last = await stationClient(options).get<DeliveryView>(`/deliveries/${payment}`);
    } catch (cause) {
      if (last === undefined || !(cause instanceof HandselError) || cause.code !== 'STATION_NOT_RUNNING') throw cause;
    }
    if (!isUnderWay(last)) {
      progress.end();
      return last;
    }
    if (last.locked) {
      if (password === undefined) return last;
      await unlock(payment, password, options);
    }
    for (const part of last.parts) {
      progress.show(`${phaseWords(part)} ${part.name}`, part.fetchedBytes ?? 0, part.totalBytes ?? 0);
    }
    await sleep(POLL_MS);
  }
}

/** A station that was started again has forgotten the password, and whoever follows has not. */
async function unlock(payment: string, password: string, options: GlobalOptions): Promise<void> {
  try {
    await stationClient(options).post(`/payments/${payment}/approve`, { password });
  } catch (cause) {
    // It went away again, or the payment has ended meanwhile: the next look tells.
    if (!(cause instanceof HandselError) || !['STATION_NOT_RUNNING', 'PAYMENT_NOT_WAITING'].includes(cause.code))
      throw cause;
  }
}

function tell(view: DeliveryView, options: GlobalOptions, write: Write): void {
  write(options.json ? `${JSON.stringify(view)}\n` : deliveryText(view));
  if (!isUnderWay(view) && view.parts.some(({ phase }) => phase !== 'delivered')) process.exitCode = 1;
}

/** `handsel wallet …`: what is in the wallet, and buying with it alone, without any agent. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { systemRandom } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import { readConfiguration } from '../party/configuration.ts';
import type { DirectPurchaseStatus } from '../party/direct-purchases.ts';
import { changePassword, readWallet, writeWallet } from '../party/wallet-file.ts';
import { amount, whole } from './agent-options.ts';
import { askPassword, type PasswordOptions } from './ask-password.ts';
import type { GlobalOptions } from './global-options.ts';
import { stationClient, stationFolder } from './station-client.ts';

const POLL_MS = 200;
const WAIT_MS = 60_000;

const EXAMPLES = `
Examples:
  $ handsel wallet show
  $ handsel wallet pay https://127.0.0.1:7405 borders-110m --max 5EUR    pays by SET, without any agent
  $ handsel wallet password --new-password-file FILE`;

export function walletCommand(): Command {
  const command = new Command('wallet').addHelpText('after', EXAMPLES);
  command.command('show').description('the cards, as far as they can be seen without the password').action(show);
  command
    .command('pay')
    .description("buy one of a merchant's products at its list price, without any agent")
    .argument('<merchant>', "the merchant's URL, as `npm start` and `handsel network init` show it")
    .argument('<sku>', 'the product')
    .requiredOption('--max <amount>', 'the most it may cost, e.g. 5EUR', amount)
    .option('--quantity <n>', 'pieces', whole, 1)
    .option('--password-file <file>', 'its first line is the wallet password')
    .addHelpText('after', EXAMPLES)
    .action(pay);
  command
    .command('password')
    .description('change the wallet password')
    .option('--password-file <file>', 'its first line is the present password')
    .option('--new-password-file <file>', 'its first line is the new one')
    .action(password);
  return command;
}

function walletFileOf(options: GlobalOptions): string {
  const { configuration, path } = readConfiguration('customer', join(stationFolder(options), 'party.json'));
  return path(configuration.wallet);
}

function show(options: GlobalOptions): void {
  const { cards } = readWallet(walletFileOf(options));
  const faces = cards.map(({ id, brand, lastFour, expiry }) => ({ id, brand, lastFour, expiry }));
  const lines = faces.map(
    ({ id, brand, lastFour, expiry }) =>
      `${id}  ${brand}  …${lastFour}  until ${expiry.slice(0, 4)}-${expiry.slice(4)}`,
  );
  process.stdout.write(
    options.json
      ? `${JSON.stringify(faces)}\n`
      : `${(lines.length > 0 ? lines : ['the wallet is empty']).join('\n')}\n`,
  );
}

async function pay(
  merchant: string,
  sku: string,
  options: PasswordOptions & { readonly max: string; readonly quantity: number },
): Promise<void> {
  const station = stationClient(options);
  const given = await askPassword(options, { question: 'Wallet password: ', fallback: true });
  const currency = /[A-Z]{3}$/.exec(options.max)?.[0] ?? '';
  const order = { merchant, sku, currency, quantity: options.quantity, max: options.max, password: given };
  const { payment } = await station.post<{ payment: string }>('/purchases', order);
  process.stderr.write(`payment ${payment}\n`);
  for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += POLL_MS) {
    const now = await station.get<DirectPurchaseStatus>(`/purchases/${payment}`);
    if (now.status !== 'paying' && now.status !== 'pending') {
      const lines = [
        `${now.status}  ${now.name} for ${now.price}`,
        ...(now.file ? [`file  ${now.file}`] : []),
        ...(now.reason ? [now.reason] : []),
      ];
      process.stdout.write(options.json ? `${JSON.stringify(now)}\n` : `${lines.join('\n')}\n`);
      if (now.status !== 'delivered') process.exitCode = 1;
      return;
    }
    await sleep(POLL_MS);
  }
  throw new HandselError(
    'PAYMENT_PENDING',
    `the end of payment ${payment} is not known yet: the station goes on asking`,
  );
}

async function password(options: PasswordOptions & { readonly newPasswordFile?: string }): Promise<void> {
  const file = walletFileOf(options);
  const present = await askPassword(options, { question: 'Present wallet password: ', fallback: true });
  const { newPasswordFile } = options;
  const next =
    newPasswordFile === undefined
      ? await askPassword({}, { question: 'New wallet password: ', fallback: false })
      : await askPassword({ passwordFile: newPasswordFile }, { question: '', fallback: false });
  if (next.length < 8) throw new HandselError('PASSWORD_TOO_SHORT', 'a wallet password has at least 8 characters');
  writeWallet(file, changePassword(readWallet(file), { present, next, random: systemRandom }));
  process.stdout.write(options.json ? '{"changed":true}\n' : 'the wallet password is changed\n');
}

/** `handsel wallet …`: what is in the wallet, and buying with it alone, without any agent. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { systemRandom } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import { changePassword, readWallet, writeWallet } from '../party/configuration/wallet-file.ts';
import type { DirectPurchaseStatus } from '../party/customer/direct-purchases.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { amount, whole } from './agent-options.ts';
import { askNewPassword, askPassword, keptPasswordFile, type PasswordOptions } from './ask-password.ts';
import type { GlobalOptions } from './global-options.ts';
import { merchantUrl, stationConfiguration } from './merchant-url.ts';
import { stationClient } from './station-client.ts';

const POLL_MS = 200;
const WAIT_MS = 60_000;

const EXAMPLES = `
Examples:
  $ handsel wallet show
  $ handsel wallet pay atlas borders-110m --max 5EUR     pays by SET, without any agent
  $ handsel wallet password --new-password-file FILE`;

const MERCHANTS = `
A merchant is named as this network knows it (\`atlas\`), or by its URL. The ports of a network depend on its folder: \`npm start\`
and \`handsel network init\` print every party's URL. What it sells: \`handsel merchant catalogue list FOLDER\`.`;

const PASSWORDS = `
Where the network keeps the wallet password in a file beside the wallet, as the demonstration does, that file follows.`;

export function walletCommand(): Command {
  const command = new Command('wallet').addHelpText('after', EXAMPLES);
  command.command('show').description('the cards, as far as they can be seen without the password').action(show);
  command
    .command('pay')
    .description("buy one of a merchant's products at its list price, without any agent")
    .argument('<merchant>', "the merchant's name in this network, or its URL")
    .argument('<sku>', 'the product')
    .requiredOption('--max <amount>', 'the most it may cost, e.g. 5EUR', amount)
    .option('--quantity <n>', 'pieces', whole, 1)
    .option('--password-file <file>', 'its first line is the wallet password')
    .addHelpText('after', `${MERCHANTS}\n${EXAMPLES}`)
    .action(pay);
  command
    .command('password')
    .description('change the wallet password')
    .option('--password-file <file>', 'its first line is the present password')
    .option('--new-password-file <file>', 'its first line is the new one')
    .addHelpText('after', PASSWORDS)
    .action(password);
  return command;
}

function walletFileOf(options: GlobalOptions): string {
  const { configuration, path } = stationConfiguration(options);
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
  const url = merchantUrl(merchant, options);
  const given = await askPassword(options, { question: 'Wallet password: ', fallback: true });
  const currency = /[A-Z]{3}$/.exec(options.max)?.[0] ?? '';
  const order = { merchant: url, sku, currency, quantity: options.quantity, max: options.max, password: given };
  const { payment } = await station.post<{ payment: string }>('/purchases', order);
  if (!options.json) process.stderr.write(`payment ${payment}\n`);
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
  const next = await askNewPassword(options.newPasswordFile);
  if (next.length < 8) throw new HandselError('PASSWORD_TOO_SHORT', 'a wallet password has at least 8 characters');
  writeWallet(file, changePassword(readWallet(file), { present, next, random: systemRandom }));
  const kept = keepAlso(keptPasswordFile(options), { present, next });
  const lines = ['the wallet password is changed', ...(kept === undefined ? [] : [`${kept} holds the new one now`])];
  process.stdout.write(options.json ? `${JSON.stringify({ changed: true, kept })}\n` : `${lines.join('\n')}\n`);
}

/** A file that held the old password would open nothing any more: commands that take it would fail without a word why. */
function keepAlso(file: string, { present, next }: { readonly present: string; readonly next: string }) {
  if (!existsSync(file) || readFileSync(file, 'utf8').split(/\r?\n/)[0] !== present) return undefined;
  replaceFile(file, `${next}\n`);
  return file;
}

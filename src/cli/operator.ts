/** `handsel operator …`: what an operator's own people ask the running operator, with the operator's own certificate. */
import { Command } from 'commander';
import { formatMinor } from '../money/amount.ts';
import { configurationFile, readConfiguration } from '../party/configuration/configuration.ts';
import type { LedgerView, OperatorAccounts } from '../party/operator/operator-accounts.ts';
import { amount } from './agent-options.ts';
import { operatorExportCommand } from './operator-export.ts';
import { operatorShardsCommand } from './operator-shards.ts';
import { askOwnParty } from './own-party.ts';

interface OperatorOptions {
  readonly config: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ handsel operator accounts --config .handsel/south/party.json
  $ handsel operator close --config .handsel/south/party.json      the batch takes no more charges
  $ handsel operator fund customer 50EUR --reference 2026-10-02/17 --config .handsel/south
  $ handsel operator shards --config .handsel/south/party.json     of an operator whose accounts are cut (docs/scale.md)
  $ handsel operator export --config .handsel/south/party.json --format csv --from 2026-10-02

A closed batch is settled with the card issuers when no charge in it can be reversed any more: \`interchange.reversalSeconds\`
of the configuration after its last charge (900 when it says nothing). Until then \`accounts\` shows what it did before.`;

/** `write` receives what goes to standard output. */
export function operatorCommand(write: (text: string) => void = (text) => void process.stdout.write(text)): Command {
  const command = new Command('operator').addHelpText('after', EXAMPLES);
  command
    .command('accounts')
    .description('balances and open holds of its card and merchant accounts')
    .requiredOption('--config <file>', "the operator's configuration, or its folder")
    .action(async (options: OperatorOptions) => {
      const accounts = await askOwnParty<OperatorAccounts>('operator', options.config, {
        method: 'GET',
        path: '/operator/accounts',
      });
      write(options.json ? `${JSON.stringify(accounts)}\n` : asText(accounts));
    });
  command
    .command('close')
    .description('close the business day: the batch is settled with the issuers once late reversals cannot change it')
    .requiredOption('--config <file>', "the operator's configuration, or its folder")
    .action(async (options: OperatorOptions) => {
      await askOwnParty('operator', options.config, { method: 'POST', path: '/operator/close-of-business' });
      const { configuration } = readConfiguration('operator', configurationFile(options.config));
      const { reversalSeconds } = configuration.interchange;
      const when =
        reversalSeconds === 0
          ? 'now'
          : `${reversalSeconds} s after its last charge, when none can be reversed any more`;
      write(
        options.json
          ? `${JSON.stringify({ closed: true, reversalSeconds })}\n`
          : `the business day is closed; it is settled by itself, ${when}\n`,
      );
    });
  command
    .command('fund')
    .description('book money that a customer has brought for deposits')
    .argument('<customer>', 'as its certificate names it')
    .argument('<amount>', 'in the currency of its account, e.g. 50EUR', amount)
    .requiredOption('--reference <id>', 'of the payment that came in: booked once, however often this is repeated')
    .requiredOption('--config <file>', "the operator's configuration, or its folder")
    .action(async (customer: string, sum: string, options: OperatorOptions & { readonly reference: string }) => {
      const body = { customer, amount: sum, reference: options.reference };
      const funded = await askOwnParty('operator', options.config, { method: 'POST', path: '/operator/fund', body });
      write(options.json ? `${JSON.stringify(funded)}\n` : `${sum} is booked for ${customer}\n`);
    });
  command.addCommand(operatorExportCommand(write));
  command.addCommand(operatorShardsCommand(write));
  return command;
}

function asText({ issuer, acquirer, deposits }: OperatorAccounts): string {
  const lines = [
    ...linesOf('issuer', issuer),
    ...linesOf('acquirer', acquirer),
    ...(deposits === undefined ? [] : linesOf('deposits', deposits)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function linesOf(title: string, { accounts, holds, violations }: LedgerView): readonly string[] {
  const moved = accounts.filter(({ balance, held }) => balance !== '0' || held !== '0');
  const width = Math.max(0, ...moved.map(({ account }) => account.length));
  const amount = (minor: string, currency: string) => formatMinor({ minor: BigInt(minor), currency });
  return [
    `${title}: ${accounts.length} accounts, ${holds} open holds`,
    ...moved.map(({ account, balance, held, currency }) => {
      const set = held === '0' ? '' : `, ${amount(held, currency)} held`;
      return `  ${account.padEnd(width)}  ${amount(balance, currency)} ${currency}${set}`;
    }),
    ...violations.map((violation) => `  WRONG: ${violation}`),
  ];
}

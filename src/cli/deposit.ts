/** `handsel deposit …`: deposits at merchants, out of which tiny purchases are paid. */
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { ClearedDeposit } from '../party/purse/customer-statement.ts';
import { depositTimes } from '../party/purse/deposit-control.ts';
import type { DepositList } from '../party/purse/deposit-desk.ts';
import type { DepositView } from '../party/purse/deposit-view.ts';
import { amount, duration } from './agent-options.ts';
import { depositLine, depositLines, listLines } from './deposit-words.ts';
import type { GlobalOptions } from './global-options.ts';
import { askOwnParty } from './own-party.ts';
import { paidAddress } from './paid-address.ts';
import { USAGE } from './report-error.ts';
import { stationClient } from './station-client.ts';

/** What a merchant says of a deposit that it does not have, or that is over. */
const NOT_OPEN: readonly string[] = ['DEPOSIT_UNKNOWN', 'DEPOSIT_CLOSED'];

type Shown = DepositView | ClearedDeposit;

const EXAMPLES = `
Examples:
  $ handsel deposit open atlas/paid/country-facts --amount 2EUR --for 2h
  $ handsel deposit list                  those that are open, and what is left of the limits
  $ handsel deposit list --all            also those that ended
  $ handsel deposit show south.1.1
  $ handsel deposit close south.1.1       what is left comes back
  $ handsel deposit close --all
  $ handsel deposit close south.1.1 --config .handsel/atlas      by the merchant's own will

Nobody has to open or close deposits: \`handsel fetch\` opens one when it needs it, and one that is not used is closed by itself.`;

export function depositCommand(): Command {
  const command = new Command('deposit').addHelpText('after', EXAMPLES);
  command
    .command('open')
    .description('set money aside at a merchant, without buying anything yet')
    .argument('<url>', 'something that is paid for there: it says whom, and in which currency')
    .option('--amount <amount>', 'how much (default: as configured)', amount)
    .option('--for <time>', 'how long at most, 1m to 90d (default: as configured)', duration(depositTimes.length))
    .option(
      '--idle <time>',
      'closed when unused for so long, 1s to 30d (default: as configured)',
      duration(depositTimes.idle),
    )
    .addHelpText('after', EXAMPLES)
    .action(open);
  command
    .command('list')
    .description('deposits that are open, and limits')
    .option('--all', 'also deposits that ended, the newest first')
    .action(list);
  command
    .command('show')
    .description('one deposit: what was bought, paid and returned, and how that was decided')
    .argument('<transaction>', 'such as south.1.1')
    .action(show);
  command
    .command('close')
    .description('end deposits: the merchant is paid what was spent, the rest comes back')
    .argument('[transaction]', 'such as south.1.1')
    .option('--all', 'every deposit that is open')
    .option('--config <file>', 'end it as the merchant whose configuration or folder this is')
    .addHelpText('after', EXAMPLES)
    .action(close);
  return command;
}

async function open(
  url: string,
  options: GlobalOptions & { readonly amount?: string; readonly for?: number; readonly idle?: number },
): Promise<void> {
  const order = { url: paidAddress(url, options), amount: options.amount, lengthMs: options.for, idleMs: options.idle };
  const deposit = await stationClient(options).post<DepositView>('/deposits', order);
  print(options, deposit, depositLines(deposit));
}

async function list(options: GlobalOptions & { readonly all?: true }): Promise<void> {
  const all = await stationClient(options).get<DepositList>(`/deposits?finished=${options.all === true}`);
  print(options, all, listLines(all));
}

async function show(transaction: string, options: GlobalOptions): Promise<void> {
  const deposit = await stationClient(options).get<Shown>(`/deposits/${encodeURIComponent(transaction)}`);
  print(options, deposit, depositLines(deposit));
}

async function close(
  transaction: string | undefined,
  options: GlobalOptions & { readonly all?: true; readonly config?: string },
  command: Command,
): Promise<void> {
  if ((transaction === undefined) !== (options.all === true)) {
    command.error('error: name a deposit, or say --all', { exitCode: USAGE });
  }
  if (options.config !== undefined) {
    if (transaction === undefined) command.error('error: a merchant ends one deposit at a time', { exitCode: USAGE });
    const body = { transaction };
    const path = '/merchant/deposits/close';
    const closed = await askOwnParty('merchant', options.config, { method: 'POST', path, body }).catch(
      (cause: unknown): never => {
        if (!(cause instanceof HandselError) || !NOT_OPEN.includes(cause.code)) throw cause;
        throw new HandselError('DEPOSIT_NOT_OPEN', `${transaction} is no open deposit of this merchant`, { cause });
      },
    );
    print(options, closed, [`${transaction}  nothing more is sold out of it; its operator has the record of it`]);
    return;
  }
  const station = stationClient(options);
  const closed =
    transaction === undefined
      ? await station.post<readonly Shown[]>('/deposits/close')
      : [await station.post<Shown>(`/deposits/${encodeURIComponent(transaction)}/close`)];
  const lines = closed.length > 0 ? closed.map(depositLine) : ['no deposit is open'];
  const waiting = closed.some(({ phase }) => phase === 'concluding');
  print(options, transaction === undefined ? closed : closed[0], [
    ...lines,
    ...(waiting ? ['the operators have not settled it yet; it goes on by itself'] : []),
  ]);
}

function print(options: GlobalOptions, facts: unknown, lines: readonly string[]): void {
  process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);
}

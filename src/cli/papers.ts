/** `handsel papers …`: commercial papers between devices: written, paid with their advice and receipt, and how the orders stand. */
import { Command, Option } from 'commander';
import type { Remitted } from '../party/device/paper-desk.ts';
import type { AccountView, PaperBooks, PaperView } from '../party/device/paper-view.ts';
import { amount } from './agent-options.ts';
import { type DeviceOptions, isPersons, ownDevice } from './device-client.ts';
import { readTicketOrder } from './ticket-files.ts';

const EXAMPLES = `
Examples:
  $ handsel papers write examples/papers/order.json --to opera                    the buyer orders
  $ handsel papers write examples/papers/invoice.json --to ada --device opera     the vendor invoices
  $ handsel papers list
  $ handsel papers remit --to opera --invoice 2026-17        pays it by card: both have advice and receipt
  $ handsel papers remit --to opera --invoice 2026-18 --by later      a bank is going to pay
  $ handsel papers remit --to opera --amount 12EUR           no bill, only a receipt
  $ handsel papers accounts
  $ handsel papers accounts --device opera

Papers reconcile by themselves: after each of them both sides know how the order stands (docs/papers.md).`;

type Write = (text: string) => void;

/** `write` receives what goes to standard output. */
export function papersCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const command = new Command('papers').addHelpText('after', EXAMPLES);
  const add = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .option('--device <name>', 'whose (default: $HANDSEL_DEVICE, or the first person of the network)');
  const print = (options: DeviceOptions, facts: unknown, lines: readonly string[]) =>
    write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);

  add('list', 'papers written and received').action(async (options: DeviceOptions) => {
    const { papers } = await ownDevice(options, isPersons).get<PaperBooks>('/papers');
    print(options, papers, papers.length > 0 ? papers.map(paperLine) : ['no papers']);
  });
  add('accounts', 'how each order stands; exit code 1 when papers contradict each other').action(
    async (options: DeviceOptions) => {
      const { accounts, stray } = await ownDevice(options, isPersons).get<PaperBooks>('/papers');
      const lines = [...accounts.flatMap(accountLines), ...stray.map((text) => `  WRONG: ${text}`)];
      print(options, { accounts, stray }, lines.length > 0 ? lines : ['no orders']);
      const wrong = stray.length > 0 || accounts.some(({ verdict }) => verdict === 'contradicted');
      process.exitCode = wrong ? 1 : 0;
    },
  );
  add(
    'write',
    'give a paper to the other side: an order, an invoice, a receipt, or a remittance advice without payment',
  )
    .argument('<file>', 'JSON; `examples/papers` has some')
    .requiredOption('--to <device>', 'the other side: its name in this network, or its URL')
    .action(async (file: string, options: DeviceOptions & { readonly to: string }) => {
      const body = { paper: readTicketOrder(file), to: options.to };
      const written = await ownDevice(options, isPersons).post<Written>('/papers', body);
      print(options, written, [`${written.paper}  given to ${options.to}`, ...written.accounts.flatMap(accountLines)]);
    });
  add('remit', 'pay somebody whom one knows by a credential: with a remittance advice for invoices, against a receipt')
    .requiredOption('--to <device>', 'who is paid: its name in this network, or its URL')
    .option(
      '--invoice <number>',
      'what for: the number of an invoice, or the beginning of its name; repeat it',
      several,
    )
    .option('--amount <amount>', 'how much, e.g. 12.50EUR (default: what the invoices come to)', amount)
    .addOption(
      new Option('--by <way>', 'by card now; or later, by a bank: then there is an advice and no receipt')
        .choices(['card', 'later'])
        .default('card'),
    )
    .option('--card <credential>', "the beginning of a card credential's name (default: the first)")
    .option('--customer <name>', 'in whose name (default: as the order says)')
    .option('--show <ticket[:fields]>', 'a credential to show if the payee wants to know who pays', shownOf)
    .action(async (options: RemitOptions) => {
      const { to, invoice: invoices = [], by, amount: sum, card, customer, show } = options;
      const body = {
        ...{ to, invoices, by },
        ...(sum !== undefined && { amount: sum }),
        ...(card !== undefined && { card }),
        ...(customer !== undefined && { customer }),
        ...(show !== undefined && { show }),
      };
      const remitted = await ownDevice(options, isPersons).post<Remitted>('/remit', body);
      print(options, remitted, remittedLines(remitted));
    });
  return command;
}

interface Written {
  readonly paper: string;
  readonly accounts: readonly AccountView[];
}

interface RemitOptions extends DeviceOptions {
  readonly to: string;
  readonly invoice?: readonly string[];
  readonly amount?: string;
  readonly by: 'card' | 'later';
  readonly card?: string;
  readonly customer?: string;
  readonly show?: { readonly ticket: string; readonly fields?: readonly string[] };
}

const several = (one: string, before: readonly string[] = []): readonly string[] => [...before, one];

function shownOf(text: string) {
  const [ticket = '', fields] = text.split(/:(.*)/s);
  return { ticket, ...(fields && { fields: fields.split(',').map((one) => one.trim()) }) };
}

function paperLine({ id, type, from, to, day, number, about, amount: sum }: PaperView): string {
  const of = about.length === 0 ? '' : `, for ${about.join(', ')}`;
  const what = `${type} ${number ?? ''}`.trimEnd();
  return `${id.slice(0, 8)}  ${day}  ${from} to ${to}  ${what}${of}${sum === undefined ? '' : `  ${sum}`}`;
}

function accountLines({ reference, buyer, seller, standing, verdict, sums, ...found }: AccountView): readonly string[] {
  return [
    `order ${reference} of ${buyer} at ${seller}: ${standing}, ${verdict}`,
    ...(sums === undefined
      ? []
      : [
          `  ordered ${sums.ordered}, invoiced ${sums.invoiced}, paid ${sums.remitted}, acknowledged ${sums.acknowledged}`,
        ]),
    ...found.missing.map((text) => `  ${text}`),
    ...found.contradictions.map((text) => `  WRONG: ${text}`),
  ];
}

function remittedLines({ amount: sum, payee, by, receipt, accounts }: Remitted): readonly string[] {
  const how = by === 'card' ? 'paid by card' : 'to be paid by a bank: the advice is theirs';
  return [
    `${sum} to ${payee}, ${how}`,
    ...(receipt === undefined ? [] : [`receipt ${String(receipt.fields.identifier)}, ${receipt.id}`]),
    ...accounts.flatMap(accountLines),
  ];
}

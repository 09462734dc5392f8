/** `handsel tickets …`: what a person does with the tickets on a device: list, show to a door, present, pass on, keep fresh, print, export. */
import { Command, Option } from 'commander';
import type { ShownCode } from '../party/device/device-desk.ts';
import { authorityLines, type Refreshed } from '../party/device/device-refresh.ts';
import type { ShownOffers } from '../party/device/ticket-shop.ts';
import { pngSymbol, svgSymbol, terminalSymbol } from '../party/device/ticket-symbol.ts';
import type { SectionsView, TicketView } from '../party/device/ticket-view.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { longestLiveS } from '../trusted/ticket/ticket-code.ts';
import { amount, duration } from './agent-options.ts';
import { type DeviceOptions, isIssuer, isPersons, ownDevice } from './device-client.ts';
import { exportPass, type PaperOptions, type PassOptions, printPaper, readTicketOrder } from './ticket-files.ts';
import { sectionLines, ticketDetail, ticketLines } from './ticket-words.ts';

const EXAMPLES = `
Examples:
  $ handsel tickets issue examples/tickets/opera.json --to ada      the opera gives ada a ticket
  $ handsel tickets offers --from opera
  $ handsel tickets buy flute --from opera --max 90EUR      with a card credential (handsel credentials)
  $ handsel tickets top-up 3f2a --at opera --sku live-radio --max 5EUR      more of a ticket that is used up step by step
  $ handsel tickets list
  $ handsel tickets show 3f2a                  with a code for a door, good for a minute
  $ handsel tickets show 3f2a --png code.png
  $ handsel tickets show 3f2a --no-code        with all its sections
  $ handsel tickets present 3f2a --at door     over the network, in a session
  $ handsel tickets transfer 3f2a --to ben
  $ handsel tickets list --device ben
  $ handsel tickets refresh                    newer lists, and what doors made of shown codes
  $ handsel tickets print 3f2a --out ticket.pdf
  $ handsel tickets export 3f2a --out ticket.pkpass

A ticket is named by the beginning of its name. While a code of it counts, a ticket is in use: it is not passed on. On paper that is until
the paper has run out (docs/tickets.md).`;

const LIVE_MS = [1000, longestLiveS * 1000] as const;

type Write = (text: string) => void;

/** `write` receives what goes to standard output. */
export function ticketsCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const command = new Command('tickets').addHelpText('after', EXAMPLES);
  const add = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .option('--device <name>', 'whose tickets (default: $HANDSEL_DEVICE, or the first person of the network)');
  const print = (options: DeviceOptions, facts: unknown, lines: readonly string[]) =>
    write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);

  add('list', 'the tickets on a device').action(async (options: DeviceOptions) => {
    const tickets = await ownDevice(options, isPersons).get<readonly TicketView[]>('/tickets');
    print(options, tickets, ticketLines(tickets));
  });
  add('show', 'one ticket, with a code to be shown at a door')
    .argument('<ticket>', 'the beginning of its name')
    .option('--for <time>', 'how long the code counts, 1s to 5m', duration(LIVE_MS), 60_000)
    .option('--door <number>', 'make the code good at one door only: its number, from `handsel gate status`')
    .option('--no-code', 'only say what the ticket holds')
    .option('--png <file>', 'write the code as a picture')
    .option('--svg <file>', 'write the code as a drawing')
    .option('--text', 'print the letters of the code in place of the symbol')
    .action(async (ticket: string, options: ShowOptions) => {
      await show(ticket, options, print);
    });
  add('offers', 'what a merchant sells')
    .requiredOption('--from <device>', 'the merchant: its name in this network, or its URL')
    .action(async (options: DeviceOptions & { readonly from: string }) => {
      const offers = await ownDevice(options, isPersons).post<ShownOffers>('/offers', { from: options.from });
      const lines = offers.map(({ sku, price, ticket }) => `${sku.padEnd(12)}  ${price.padStart(12)}  ${ticket.type}`);
      print(options, offers, lines.length > 0 ? lines : ['nothing']);
    });
  add('buy', 'buy a ticket by card: both have what they want, or neither has')
    .argument('<sku>', 'what, from `handsel tickets offers`')
    .requiredOption('--from <device>', 'the merchant: its name in this network, or its URL')
    .requiredOption('--max <amount>', 'the most it may cost, e.g. 90EUR', amount)
    .option('--card <credential>', "the beginning of a card credential's name (default: the first)")
    .action(async (sku: string, options: BuyOptions) => {
      const { from, max, card } = options;
      const body = { sku, from, max, ...(card !== undefined && { card }) };
      const bought = await ownDevice(options, isPersons).post<TicketView>('/buy', body);
      print(options, bought, [`bought from ${from}, paid by card:`, ...ticketDetail(bought)]);
    });
  add('top-up', 'have more of a ticket that is used up step by step, from its issuer, by card')
    .argument('<ticket>', 'the beginning of its name')
    .requiredOption('--at <device>', 'its issuer: its name in this network, or its URL')
    .requiredOption('--sku <sku>', 'how much more, from `handsel tickets offers`')
    .requiredOption('--max <amount>', 'the most it may cost, e.g. 5EUR', amount)
    .option('--card <credential>', "the beginning of a card credential's name (default: the first)")
    .action(async (ticket: string, options: TopUpOptions) => {
      const { at, sku, max, card } = options;
      const body = { ticket, at, sku, max, ...(card !== undefined && { card }) };
      const after = await ownDevice(options, isPersons).post<TicketView>('/top-up', body);
      print(options, after, [`topped up by ${at}, paid by card: ${after.title} has ${after.remaining} left`]);
    });
  add('present', 'present a ticket to another device, over the network')
    .argument('<ticket>', 'the beginning of its name')
    .requiredOption('--at <device>', 'a door or merchant: its name in this network, or its URL')
    .option('--check', 'have it show its credential first')
    .action(async (ticket: string, options: DeviceOptions & { readonly at: string; readonly check?: true }) => {
      const { at: to, check = false } = options;
      const after = await ownDevice(options, isPersons).post<TicketView>('/present', { ticket, to, check });
      const left = after.remaining === undefined ? '' : `, ${after.remaining} left`;
      print(options, after, [`presented at ${to}: ${after.title} is ${after.standing}${left}`]);
    });
  add('transfer', "give tickets to another person's device")
    .argument('<ticket...>', 'the beginning of their names')
    .requiredOption('--to <device>', 'its name in this network, or its URL')
    .option('--check', 'have it show a credential first')
    .action(async (tickets: string[], options: DeviceOptions & { readonly to: string; readonly check?: true }) => {
      const { to, check = false } = options;
      const given = await ownDevice(options, isPersons).post<{ readonly tickets: readonly string[] }>('/transfer', {
        ...{ tickets, to, check },
      });
      print(
        options,
        given,
        given.tickets.map((id) => `${id.slice(0, 8)}  is ${to}'s now`),
      );
    });
  add('refresh', 'meet the home server, take newer lists, hear what doors made of codes').action(
    async (options: DeviceOptions) => {
      const refreshed = await ownDevice(options, isPersons).post<Refreshed>('/refresh');
      print(options, refreshed, refreshLines(refreshed));
    },
  );
  add('print', 'put a ticket on paper: a PDF with its code')
    .argument('<ticket>', 'the beginning of its name')
    .requiredOption('--out <file>', 'where the PDF goes')
    .option(
      '--for <time>',
      'how long the code on it counts, 1h to 400d (default: until a day after its time)',
      paperTime,
    )
    .option('--reference', 'do not put the ticket on paper: only name it, the device is to be shown')
    .action(async (ticket: string, options: DeviceOptions & PaperOptions) => {
      const written = await printPaper(ownDevice(options, isPersons), ticket, options);
      print(options, written, [`${written.file}  ${written.title}${untilWords(written)}`]);
    });
  add('export', 'put a ticket into an Apple Wallet pass')
    .argument('<ticket>', 'the beginning of its name')
    .requiredOption('--out <file>', 'where the pass goes, ending in .pkpass')
    .option(
      '--for <time>',
      'how long the code on it counts, 1h to 400d (default: until a day after its time)',
      paperTime,
    )
    .option('--reference', 'do not put the ticket on the pass: only name it, the device is to be shown')
    .addOption(new Option('--barcode <form>', 'what the wallet draws').choices(['qr', 'pdf417']).default('qr'))
    .option('--signer <folder>', 'certificate.pem, key.pem and wwdr.pem of a pass type (default: made for this home)')
    .action(async (ticket: string, options: DeviceOptions & PaperOptions & PassOptions) => {
      const written = await exportPass(ownDevice(options, isPersons), ticket, options);
      print(options, written, [`${written.file}  ${written.title}${untilWords(written)}`]);
    });
  command
    .command('issue')
    .description("give away tickets as a merchant: from a file with one ticket's fields, or a list of them")
    .argument('<file>', 'JSON; `examples/tickets` has some')
    .requiredOption('--to <device>', 'whose they become: its name in this network, or its URL')
    .option('--device <name>', 'which merchant (default: $HANDSEL_DEVICE, or the first of the network)')
    .action(async (file: string, options: DeviceOptions & { readonly to: string }) => {
      const read = readTicketOrder(file);
      const body = { tickets: Array.isArray(read) ? read : [read], to: options.to };
      const issued = await ownDevice(options, isIssuer).post<{ readonly tickets: readonly string[] }>('/issue', body);
      print(
        options,
        issued,
        issued.tickets.map((id) => `${id}  issued to ${options.to}`),
      );
    });
  command
    .command('take-back')
    .description('take a ticket back as its issuer: doors refuse it as soon as they hear of it; it cannot be undone')
    .argument('<ticket>', 'its whole name')
    .option('--device <name>', 'which merchant (default: $HANDSEL_DEVICE, or the first of the network)')
    .action(async (ticket: string, options: DeviceOptions) => {
      const path = `/tickets/${encodeURIComponent(ticket)}/take-back`;
      const back = await ownDevice(options, isIssuer).post<object>(path);
      print(options, { ticket, ...back }, [`${ticket}  is taken back; doors hear of it when they are refreshed`]);
    });
  return command;
}

interface BuyOptions extends DeviceOptions {
  readonly from: string;
  readonly max: string;
  readonly card?: string;
}

interface TopUpOptions extends DeviceOptions {
  readonly at: string;
  readonly sku: string;
  readonly max: string;
  readonly card?: string;
}

interface ShowOptions extends DeviceOptions {
  readonly for: number;
  readonly door?: string;
  readonly code: boolean;
  readonly png?: string;
  readonly svg?: string;
  readonly text?: true;
}

const paperTime = duration([3_600_000, 400 * 86_400_000]);

function untilWords({ until, runsOutBefore }: { readonly until?: string; readonly runsOutBefore?: string }): string {
  if (until === undefined) return ': names the ticket, and admits nobody';
  const late =
    runsOutBefore === undefined ? '' : `; NOT until ${runsOutBefore}: nothing on paper counts longer than 400 days`;
  return `: its code counts until ${until}, the ticket is in use${late}`;
}

type Print = (options: DeviceOptions, facts: unknown, lines: readonly string[]) => void;

async function show(ticket: string, options: ShowOptions, print: Print): Promise<void> {
  const device = ownDevice(options, isPersons);
  const path = `/tickets/${encodeURIComponent(ticket)}`;
  if (!options.code) {
    const view = await device.get<TicketView & { readonly sections: SectionsView }>(path);
    print(options, view, [...ticketDetail(view), ...sectionLines(view.sections)]);
    return;
  }
  const forS = Math.ceil(options.for / 1000);
  const shown = await device.post<ShownCode>(`${path}/show`, {
    ...{ forS, ...(options.door !== undefined && { door: options.door }) },
  });
  const { letters, until } = shown;
  if (options.png !== undefined) replaceFile(options.png, pngSymbol(letters));
  if (options.svg !== undefined) replaceFile(options.svg, svgSymbol(letters));
  print(options, shown, [
    ...ticketDetail(shown.ticket),
    '',
    ...(options.text ? [letters] : symbolLines(letters)),
    ...[options.png, options.svg].flatMap((file) => (file === undefined ? [] : [`the code is in ${file}`])),
    `good until ${until}; a new one comes with the same command`,
  ]);
}

function symbolLines(letters: string): readonly string[] {
  const { isTTY, columns } = process.stdout;
  const lines = terminalSymbol(letters, isTTY);
  const width = terminalSymbol(letters, false)[0]!.length;
  // A symbol that is broken into lines cannot be read by anything.
  if (!isTTY || columns >= width) return lines;
  return [
    `The code needs ${width} columns, this terminal has ${columns}: make it wider, or say --png FILE or --svg FILE.`,
  ];
}

function refreshLines(refreshed: Refreshed) {
  const { serverFailed, untrusted, primaryKeys, listsOf, certificateExpires, marks, silent } = refreshed;
  return [
    serverFailed === undefined ? 'the home server was met' : `the home server was not met: ${serverFailed}`,
    `lists: untrusted version ${untrusted}, primary keys version ${primaryKeys}, of ${listsOf ?? 'when it was made'}`,
    `certificate until ${certificateExpires}`,
    `${marks} new ${marks === 1 ? 'mark' : 'marks'} of doors and issuers`,
    ...authorityLines(refreshed),
    ...(silent.length > 0 ? [`no answer from ${silent.join(', ')}`] : []),
  ];
}

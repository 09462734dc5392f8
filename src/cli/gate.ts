/** `handsel gate …`: checks tickets in at a door, also without a network, and compares what doors let in afterwards. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { toBase64Url } from '../codec/hex.ts';
import { HandselError } from '../handsel-error.ts';
import { systemClock } from '../journal/clock.ts';
import { readPrimaryKeys } from '../party/configuration/primary-keys.ts';
import { authorityLines, type Refreshed } from '../party/device/device-refresh.ts';
import type { BookedScan, DoorAnswer, DoorEvent } from '../party/device/door-desk.ts';
import { timeText } from '../party/device/ticket-view.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { type Comparison, compareDoors, type DoubleAdmission } from '../trusted/door/compare-doors.ts';
import { maxScanFileBytes, readScanFile, type ScanFile } from '../trusted/door/scan-file.ts';
import { formatAgentId } from '../trusted/message/agent-id.ts';
import { chooseDevice, type DeviceOptions, isDoor, ownDevice } from './device-client.ts';
import { readBounded } from './read-bounded.ts';

const EXAMPLES = `
Examples:
  $ handsel gate check 'HT1:…'              what a scanner read from a code
  $ handsel gate check                      reads codes from standard input, one a line, until it ends
  $ handsel gate status                     its number, how old its lists are, and who came last
  $ handsel gate refresh                    newer lists, and tickets that were taken back, where there is a network
  $ handsel gate export --out door1.scans   what it let in, with the proofs
  $ handsel gate merge door1.scans door2.scans

A door needs no network to check a code: it has lists, and books of its own. What doors cannot know of each other comes to light when their
scans are merged (docs/tickets.md). People who present a ticket over the network need no command: \`handsel tickets present\`.`;

const TOO_OLD =
  'the lists of this door are too old: it does not know what was taken back since (handsel gate refresh, where there is a network)';

type Write = (text: string) => void;

/** `write` receives what goes to standard output. */
export function gateCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const command = new Command('gate').addHelpText('after', EXAMPLES);
  const add = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .option('--device <name>', 'which door (default: $HANDSEL_DEVICE, or the first of the network)');
  const print = (options: DeviceOptions, facts: unknown, lines: readonly string[]) =>
    write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);

  add('check', 'check codes in; exit code 1 when the last one was not let in, or there was none')
    .argument('[code]', 'the letters of one code; without it, one a line from standard input')
    .option('--units <n>', 'how much is taken off a ticket that is used up step by step', wholeUnits)
    .action(async (code: string | undefined, options: DeviceOptions & { readonly units?: number }) => {
      const door = ownDevice(options, isDoor);
      const codes = code === undefined ? createInterface({ input: process.stdin }) : [code];
      // Whoever opens a door by the exit code opens none for a scanner that read nothing.
      process.exitCode = 1;
      for await (const letters of codes) {
        if (letters.trim() === '') {
          if (code === undefined) continue;
          throw new HandselError('CODE_EMPTY', 'there is no code to check: nobody is let in');
        }
        const { units } = options;
        const body = { code: letters.slice(0, 4300), ...(units !== undefined && { units }) };
        const answer = await door.post<DoorAnswer>('/scan', body);
        print(options, answer, answerLines(answer));
        if (answer.listsTooOld) process.stderr.write(`${TOO_OLD}\n`);
        process.exitCode = answer.letIn ? 0 : 1;
      }
    });
  add('status', 'what the door is, how old its lists are, and who came last').action(async (options: DeviceOptions) => {
    const status = await ownDevice(options, isDoor).get<DoorStatus>('/door');
    print(options, status, statusLines(status));
  });
  add('refresh', 'take newer lists, and hear which tickets were taken back').action(async (options: DeviceOptions) => {
    const refreshed = await ownDevice(options, isDoor).post<Refreshed>('/refresh');
    const { serverFailed, silent } = refreshed;
    print(options, refreshed, [
      serverFailed === undefined ? `lists of ${refreshed.listsOf}` : `no newer lists: ${serverFailed}`,
      ...authorityLines(refreshed),
      ...(silent.length > 0 ? [`no answer from ${silent.join(', ')}`] : []),
    ]);
  });
  add('book', 'everybody whom the door has let in').action(async (options: DeviceOptions) => {
    const book = await ownDevice(options, isDoor).get<readonly BookedScan[]>('/scans');
    print(options, book, book.length > 0 ? book.map(bookLine) : ['nobody was let in yet']);
  });
  add('export', 'write what the door let in, with the proofs of both sides, to a file for `handsel gate merge`')
    .requiredOption('--out <file>', 'where it goes')
    .action(async (options: DeviceOptions & { readonly out: string }) => {
      const content = await ownDevice(options, isDoor).bytes('/scans/file');
      replaceFile(options.out, content);
      const { scans } = readScanFile(content);
      print(options, { file: options.out, scans: scans.length }, [`${options.out}  ${scans.length} let in`]);
    });
  add('merge', 'compare what doors let in, tell of double admissions with both proofs, and teach them to the door')
    .argument('<file...>', 'as `handsel gate export` writes them')
    .option('--report-only', 'do not teach the door; it need not run then')
    .action(async (files: string[], options: DeviceOptions & { readonly reportOnly?: true }) => {
      const read = files.map(readScans);
      const { folder, configuration } = chooseDevice(options, isDoor);
      const lists = readPrimaryKeys(join(folder, configuration.primaryKeys));
      const compared = compareDoors(read, { lists, nowMs: systemClock().nowMs() });
      if (!options.reportOnly) {
        const door = ownDevice(options, isDoor);
        for (const file of files) await door.postBytes('/scans/file', new Uint8Array(readFileSync(file)));
      }
      print(options, reportOf(compared), reportLines(compared));
      process.exitCode = compared.doubles.length > 0 ? 1 : 0;
    });
  return command;
}

interface DoorStatus
  extends Pick<Refreshed, 'untrusted' | 'primaryKeys' | 'listsOf' | 'listsTooOld' | 'certificateExpires'> {
  readonly name: string;
  readonly number?: string;
  readonly events: readonly DoorEvent[];
}

function wholeUnits(text: string): number {
  const units = Number(text);
  if (!Number.isInteger(units) || units < 0 || units > 0xffff_ffff) {
    throw new HandselError('AMOUNT_MALFORMED', 'units are a whole number');
  }
  return units;
}

function answerLines({ letIn, words, why, ticket, holder, how, reason }: DoorAnswer): readonly string[] {
  const left = ticket?.remaining === undefined || ticket.standing === 'used' ? '' : `, ${ticket.remaining} left`;
  if (letIn)
    return [`IN   ${ticket?.title}${left}${how === 'paper' ? ', on paper' : ''}${holder ? `, device ${holder}` : ''}`];
  return [`NOT  ${words}`, `     ${reason}: ${why}`];
}

function statusLines({
  name,
  number,
  listsOf,
  listsTooOld,
  untrusted,
  certificateExpires,
  events,
}: DoorStatus): readonly string[] {
  return [
    `door ${name}, number ${number ?? 'none yet'}, certificate until ${certificateExpires}`,
    `lists of ${listsOf === undefined ? 'when it was made' : `${listsOf} (${ageWords(listsOf)})`}, untrusted version ${untrusted}`,
    ...(listsTooOld ? [TOO_OLD] : []),
    ...events
      .slice(0, 10)
      .map(({ at, letIn, ticket, reason }) =>
        `${at}  ${letIn ? 'in ' : 'not'}  ${ticket?.title ?? ''} ${reason ?? ''}`.trimEnd(),
      ),
  ];
}

function ageWords(since: string): string {
  const minutes = Math.floor((systemClock().nowMs() - Date.parse(since)) / 60_000);
  if (minutes < 120) return `${Math.max(0, minutes)} minutes old`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} hours old` : `${Math.floor(minutes / 1440)} days old`;
}

const bookLine = ({ at, ticketId, title, how, units }: BookedScan) =>
  `${at}  ${ticketId.slice(0, 8)}  ${how.padEnd(7)}  ${String(units).padStart(5)}  ${title}`;

/** @throws HandselError `SCANS_UNREADABLE` */
function readScans(file: string): ScanFile {
  const content = readBounded(file, maxScanFileBytes);
  try {
    return readScanFile(content);
  } catch (cause) {
    throw new HandselError('SCANS_UNREADABLE', `${file} holds no scans of a door`, { cause });
  }
}

function reportOf({ doubles, ...counts }: Comparison): object {
  return { ...counts, doubles: doubles.map(doubleFacts) };
}

function doubleFacts({ ticketId, ticket, worth, used, finding, admissions }: DoubleAdmission) {
  return {
    ...{ ticket: ticketId, type: ticket.body.components.type, issuer: ticket.body.issuerName, worth, used, finding },
    admissions: admissions.map(({ door, doorName, atS, holder, how, units, ticket: bytes, code, mark }) => ({
      ...{ door: formatAgentId(door), name: doorName, at: timeText(atS), holder: formatAgentId(holder), how, units },
      proofs: {
        ticket: toBase64Url(bytes),
        ...(code && { code: toBase64Url(code) }),
        mark: toBase64Url(mark),
      },
    })),
  };
}

function reportLines({ admissions, tickets, doubles, worthless }: Comparison): readonly string[] {
  return [
    `${admissions} admissions with ${tickets} tickets: ${doubles.length === 0 ? 'each was good for what it let in' : `${doubles.length} let in more than they are worth`}`,
    ...doubles.flatMap(({ ticketId, worth, used, finding, admissions: each }) => [
      '',
      `${ticketId}  worth ${worth}, used for ${used}: ${finding}`,
      ...each.map(
        ({ doorName, door, atS, holder, how }) =>
          `  ${timeText(atS)}  door ${doorName} (${formatAgentId(door)})  device ${formatAgentId(holder)}  by ${how}`,
      ),
    ]),
    ...worthless.map(({ door, why }) => `an entry of ${door} proves nothing: ${why}`),
  ];
}

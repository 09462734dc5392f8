/**
 * `handsel start`, which `npm start` runs: a whole network in one process, made at the first start, whose customer sends an agent to
 * buy something; the sale is told as it happens, then the receipt, and the network stays up.
 */
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { agentOrderSchema } from '../party/customer/agent-order.ts';
import { formatReceipt, type Receipt } from '../party/customer/receipt.ts';
import type { AgentView, Station } from '../party/customer/station.ts';
import { type RunningNetwork, startNetwork } from '../party/network/network.ts';
import { createLog } from '../transport/log.ts';
import type { Tracer } from '../transport/trace.ts';
import { addSendOptions, orderOf, type SendOptions, wholeFrom } from './agent-options.ts';
import { programCalled } from './called-as.ts';
import { createDepositShow } from './deposit-show.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';
import { provisionHome } from './network.ts';
import { createSaleProgress, type SaleProgress } from './sale-progress.ts';
import { stationRuns } from './station-client.ts';
import { traceInto } from './trace-option.ts';
import { listenForStop, type StopRequest, untilStopped } from './until-stopped.ts';

interface StartOptions extends GlobalOptions, Omit<SendOptions, 'max' | 'ask'> {
  readonly max?: string;
  readonly once?: true;
  readonly sale: boolean;
  readonly purchases: number;
}

/** Both shops offer it, and the card is of the other operator than the shop that is cheaper at first. */
const DEFAULT_WANT = 'emoji';
const DEFAULT_MAX = '3.00EUR';
const LOG_FILE = 'log.jsonl';
const OWNER_ONLY = 0o600;
const POLL_MS = 40;
const IDLE_POLL_MS = 1000;
const GRACE_MS = 60_000;
/** As shells say it of SIGINT. */
const INTERRUPTED = 130;

const EXAMPLES = `
Examples:
  $ handsel start                                     stays up; send further agents with handsel agent send
  $ handsel start --once                              one sale, then it ends; the last line is the receipt as JSON
  $ handsel start --want "country borders" --max 6EUR --trace trace
`;

type Write = (text: string) => void;

/** `write` receives what goes to standard output. */
export function startCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const command = new Command('start')
    .description('run a whole network in one process and let the agent of its customer buy something')
    .option('--once', 'end after the sale; the last line is the receipt as one JSON object')
    .option('--no-sale', 'only run the parties')
    .option(
      '--purchases <n>',
      'tiny purchases out of one deposit after the sale, 0 to 100,000',
      wholeFrom([0, 100_000]),
      200,
    )
    .option('--home <dir>', 'where stores, keys and purchases are kept')
    .option('--trace <dir>', 'write every message the parties exchange there, one file each')
    .option(
      '--json',
      'standard output has nothing but the receipt, as one JSON object; progress is JSON on standard error',
    )
    .addHelpText('after', EXAMPLES);
  addSendOptions(command);
  const max = command.options.find(({ long }) => long === '--max');
  max?.makeOptionMandatory(false);
  return command.action(async (options: StartOptions) => {
    const stop = listenForStop();
    try {
      await start(options, write, stop);
    } finally {
      stop.release();
    }
  });
}

async function start(options: StartOptions, write: Write, stop: StopRequest): Promise<void> {
  const say = (line: string) => {
    if (options.json) process.stderr.write(`${JSON.stringify({ progress: line.trim() })}\n`);
    else write(`${line}\n`);
  };
  const home = homeFolder(options);
  if (await stationRuns(options)) {
    throw new HandselError('NETWORK_RUNNING', `the network in ${shortPath(home)} runs already`);
  }
  const { network, made } = await provisionHome(home, {});
  if (made) say(`made a network in ${shortPath(home)}`);

  const progress = createSaleProgress(say);
  const told = Promise.withResolvers<void>();
  const second = createDepositShow(say);
  const written = options.trace === undefined ? undefined : traceInto(options.trace);
  const tracer: Tracer = {
    record(message) {
      written?.record(message);
      progress.heard(message);
      second.heard(message);
      if (message.kind === 'completion-notice') told.resolve();
    },
  };
  const running = await startNetwork(home, network, { log: logIn(home), tracer });
  for (const { name, party, url } of network.parties) say(`  ${party.padEnd(14)}  ${name.padEnd(9)}  ${url}`);

  let closing = false;
  try {
    if (options.sale) {
      const sale = async () => {
        const selling = running.parties.filter((party) => !running.devices.includes(party));
        await Promise.all(selling.map(({ ready }) => ready));
        progress.begin();
        const passwordFile = join(home, network.password);
        const receipts = await buy(running, options, { say, told: told.promise, passwordFile, progress });
        for (const receipt of receipts) say(`\n${formatReceipt({ ...receipt, bought: withShortPaths(receipt) })}\n`);
        const deposits = await second.run(running, network, options.purchases);
        return { ...receipts[0]!, deposits };
      };
      // A sale that is interrupted goes on by itself at the next start, and so does a deposit.
      const receipt = await Promise.race([sale(), stop.asked]);
      if (receipt === undefined) {
        process.exitCode = INTERRUPTED;
        return;
      }
      if (options.once || options.json) write(`${JSON.stringify(receipt)}\n`);
    }
    if (options.once) return;
    say(hints(home, options));
    closing = true;
    await untilStopped(running, stop);
  } finally {
    if (!closing) await running.close();
  }
}

interface Telling {
  readonly say: (line: string) => void;
  /** Resolves when completion was told. */
  readonly told: Promise<void>;
  readonly progress: SaleProgress;
}

/** @throws HandselError `NOTHING_BOUGHT` */
async function buy(
  { customer, password, failed }: RunningNetwork,
  options: StartOptions,
  { say, told, passwordFile, progress }: Telling & { readonly passwordFile: string },
): Promise<readonly Receipt[]> {
  const { want, category, must } = options;
  const unsaid = want === undefined && category === undefined && must === undefined;
  const wanted = { ...options, ...(unsaid && { want: DEFAULT_WANT }), max: options.max ?? DEFAULT_MAX };
  const order = agentOrderSchema.safeParse(orderOf(wanted, password));
  if (!order.success)
    throw new HandselError('ORDER_INVALID', order.error.issues.map(({ message }) => message).join('; '));
  const what = wanted.want ?? category ?? 'something';
  say(`\nThe customer sends an agent: ${what}, for at most ${wanted.max}, within ${options.by / 1000} s.\n`);
  const mandate = await customer.station.send(order.data).catch((cause: unknown): never => {
    if (!(cause instanceof HandselError) || cause.code !== 'CRYPTOGRAPHIC_FAILURE') throw cause;
    throw new HandselError(cause.code, `the password in ${passwordFile} does not open the wallet`, { cause });
  });
  const stopped = failed.then((cause): never => {
    throw new HandselError('PARTY_STOPPED', 'a party had to stop by itself', { cause });
  });
  const view = await Promise.race([
    follow(customer.station, mandate, { told, patienceMs: options.by + GRACE_MS }),
    stopped,
  ]);
  progress.end();
  say(
    `    ${view.proposals} ${view.proposals === 1 ? 'merchant' : 'merchants'} proposed, ${view.offers} offers were made`,
  );
  const receipts = view.payments.flatMap(({ receipt }) => receipt ?? []);
  if (receipts.length > 0) return receipts;
  const reasons = view.payments.map(({ status, reason }) => `${status}${reason ? `: ${reason}` : ''}`);
  throw new HandselError('NOTHING_BOUGHT', `nothing was bought: ${view.reason ?? (reasons.join('; ') || view.agent)}`);
}

/** Asks seldom until the completion is told, so that a trace shows the sale and not our asking. */
async function follow(
  station: Station,
  mandate: string,
  { told, patienceMs }: { readonly told: Promise<void>; readonly patienceMs: number },
): Promise<AgentView> {
  let near = false;
  const nearly = told.then(() => {
    near = true;
  });
  for (let waitedMs = 0; ; ) {
    const pauseMs = near ? POLL_MS : IDLE_POLL_MS;
    await (near ? sleep(POLL_MS) : Promise.race([sleep(IDLE_POLL_MS), nearly]));
    waitedMs += pauseMs;
    const view = await station.status(mandate);
    const open = view.payments.some(({ status }) => status === 'paying' || status === 'paid');
    const agentEnded = view.recalled || ['done', 'failed', 'recalled'].includes(view.agent);
    if ((agentEnded && !open) || waitedMs >= patienceMs) return view;
  }
}

function logIn(home: string) {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const descriptor = openSync(join(home, LOG_FILE), 'a', OWNER_ONLY);
  const destination = { write: (line: string) => void writeSync(descriptor, line) };
  return createLog({ name: 'handsel', level: 'info', destination });
}

function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}

function withShortPaths({ bought }: Receipt): Receipt['bought'] {
  return { ...bought, items: bought.items.map((item) => ({ ...item, file: shortPath(item.file) })) };
}

function hints(home: string, { trace }: StartOptions): string {
  const program = programCalled();
  return [
    'All parties stay up. In another terminal:',
    `  ${program} agent send --want "country borders" --max 6.00EUR`,
    `  ${program} agent status`,
    `  ${program} fetch "atlas/paid/country-facts?find=France"`,
    `  ${program} statement`,
    `What the parties log is in ${shortPath(join(home, LOG_FILE))}${trace === undefined ? '' : `, the messages in ${shortPath(trace)}`}. Ctrl-C ends it without loss.`,
  ].join('\n');
}

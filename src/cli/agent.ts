/** `handsel agent …`: send an agent, see how it fares, approve what it wants to pay, call it back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { formatReceipt } from '../party/receipt.ts';
import type { AgentSummary, AgentView, PaymentView } from '../party/station.ts';
import { addSendOptions, orderOf, type SendOptions } from './agent-options.ts';
import { askPassword, type PasswordOptions } from './ask-password.ts';
import type { GlobalOptions } from './global-options.ts';
import { type StationClient, stationClient } from './station-client.ts';

const POLL_MS = 200;
/** After the agent's own time the payment and the download still need some. */
const GRACE_MS = 60_000;

type Say = (line: string) => void;

const toStandardError: Say = (line) => void process.stderr.write(`${line}\n`);

const EXAMPLES = `
Examples:
  $ handsel agent send --want "country borders" --max 6.00EUR
  $ handsel agent send --want "word list" --max 2EUR --prefer price=60 --prefer licence=40 --worth licence=CC0-1.0:100
  $ handsel agent send --want emoji --max 3EUR --ask --by 2m       asks before it pays
  $ handsel agent status                                           every agent
  $ handsel agent status MANDATE
  $ handsel agent approve PAYMENT                                  asks for the wallet password
  $ handsel agent recall MANDATE`;

export function agentCommand(): Command {
  const command = new Command('agent').addHelpText('after', EXAMPLES);
  addSendOptions(command.command('send').description('send an agent to buy something'))
    .option('--password-file <file>', 'its first line is the wallet password')
    .option('--no-wait', 'do not wait for what becomes of it')
    .addHelpText('after', EXAMPLES)
    .action(send);
  command.command('status').description('how agents fare').argument('[mandate]').action(status);
  command
    .command('approve')
    .description('let a payment that waits for you be made')
    .argument('<payment>')
    .option('--password-file <file>', 'its first line is the wallet password')
    .action(approve);
  command
    .command('reject')
    .description('refuse a payment that waits for you')
    .argument('<payment>')
    .option('--reason <words>', 'why')
    .action(reject);
  command.command('recall').description('call an agent back: it pays nothing new').argument('<mandate>').action(recall);
  return command;
}

async function send(options: SendOptions & PasswordOptions & { readonly wait: boolean }): Promise<void> {
  const station = stationClient(options);
  const question = 'Wallet password (the agent gets a token, not the password): ';
  const password = options.ask ? undefined : await askPassword(options, { question, fallback: true });
  const { mandate } = await station.post<{ mandate: string }>('/agents', orderOf(options, password));
  toStandardError(`agent ${mandate} is on its way`);
  if (!options.wait) {
    process.stdout.write(options.json ? `${JSON.stringify({ mandate })}\n` : `${mandate}\n`);
    return;
  }
  const view = await followAgent(station, mandate, { untilMs: options.by + GRACE_MS, say: toStandardError });
  print(options, view, describe(view));
  if (view.payments.some(({ status: state }) => state === 'delivered' || state === 'awaiting-approval')) return;
  process.exitCode = 1;
}

/** Watches an agent to its end (or to where a person is needed), saying each change once. */
export async function followAgent(
  station: StationClient,
  mandate: string,
  { untilMs, say }: { readonly untilMs: number; readonly say: Say },
): Promise<AgentView> {
  const said = new Set<string>();
  const once = (line: string) => {
    if (!said.has(line)) say(line);
    said.add(line);
  };
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const view = await station.get<AgentView>(`/agents/${encodeURIComponent(mandate)}`);
    once(`  ${view.agent}${view.proposals > 0 ? `: ${proposals(view)}` : ''}${view.reason ? `: ${view.reason}` : ''}`);
    for (const payment of view.payments) once(`  ${lineOf(payment)}`);
    if (isOver(view) || waitedMs >= untilMs) return view;
    await sleep(POLL_MS);
  }
}

function isOver(view: AgentView): boolean {
  const open = view.payments.some(({ status: state }) => state === 'paying' || state === 'paid');
  if (open) return false;
  if (view.payments.some(({ status: state }) => state === 'awaiting-approval')) return true;
  return view.recalled || view.agent === 'done' || view.agent === 'failed' || view.agent === 'recalled';
}

const proposals = ({ proposals: n }: AgentView) => `${n} ${n === 1 ? 'proposal' : 'proposals'}`;

function lineOf({ payment, status: state, product, merchant, price, reason }: PaymentView): string {
  const why = reason ? `: ${reason}` : '';
  const next = state === 'awaiting-approval' ? `: handsel agent approve ${payment}` : '';
  return `${state}: ${product} from ${merchant} for ${price}${why}${next}`;
}

function describe(view: AgentView): string[] {
  const receipts = view.payments.flatMap(({ receipt }) => (receipt ? [formatReceipt(receipt)] : []));
  if (receipts.length > 0) return receipts;
  const lines = view.payments.map(lineOf);
  return lines.length > 0 ? lines : [`nothing was bought: ${view.reason ?? view.agent}`];
}

async function status(mandate: string | undefined, options: GlobalOptions): Promise<void> {
  const station = stationClient(options);
  if (mandate === undefined) {
    const all = await station.get<readonly AgentSummary[]>('/agents');
    const lines = all.map(summaryOf);
    print(options, all, lines.length > 0 ? lines : ['no agent was sent yet']);
    return;
  }
  const view = await station.get<AgentView>(`/agents/${encodeURIComponent(mandate)}`);
  const { agent, offers, expires } = view;
  const head = `${view.mandate}  ${agent}, ${proposals(view)}, ${offers} offers made, until ${expires}`;
  print(options, view, [head, ...describe(view)]);
}

function summaryOf({ mandate, want, max, committed, recalled, expires, waiting }: AgentSummary): string {
  const end = recalled ? 'recalled' : `until ${expires}`;
  const next = waiting.map((payment) => `\n  waits for you: handsel agent approve ${payment}`).join('');
  return `${mandate}  ${want}, at most ${max}: ${committed} spent, ${end}${next}`;
}

async function approve(payment: string, options: PasswordOptions): Promise<void> {
  const password = await askPassword(options, { question: 'Wallet password: ', fallback: false });
  await stationClient(options).post(`/payments/${encodeURIComponent(payment)}/approve`, { password });
  print(options, { payment, approved: true }, [`payment ${payment} is being made`]);
}

async function reject(payment: string, options: GlobalOptions & { readonly reason?: string }): Promise<void> {
  await stationClient(options).post(`/payments/${encodeURIComponent(payment)}/reject`, { reason: options.reason });
  print(options, { payment, rejected: true }, [`payment ${payment} is not made`]);
}

async function recall(mandate: string, options: GlobalOptions): Promise<void> {
  await stationClient(options).post(`/agents/${encodeURIComponent(mandate)}/recall`);
  print(options, { mandate, recalled: true }, [`agent ${mandate} is called back: it pays nothing new`]);
}

function print(options: GlobalOptions, facts: unknown, lines: readonly string[]): void {
  if (facts === undefined) throw new HandselError('STATION_SILENT', 'the station gave no answer');
  process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);
}

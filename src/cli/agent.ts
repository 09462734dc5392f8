/** `handsel agent …`: send an agent, see how it fares, approve what it wants to pay, call it back. */
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { AgentSummary } from '../party/customer/agent-view.ts';
import type { PurchaseList } from '../party/customer/purchase-list.ts';
import type { AgentView } from '../party/customer/station.ts';
import { addSendOptions, misfitOf, orderOf, type SendOptions } from './agent-options.ts';
import { headLine, outcomeLines, purchaseLines, summaryLines } from './agent-words.ts';
import { askPassword, type PasswordOptions } from './ask-password.ts';
import { asCalled } from './called-as.ts';
import { followAgent } from './follow-agent.ts';
import type { GlobalOptions } from './global-options.ts';
import { USAGE } from './report-error.ts';
import { stationClient } from './station-client.ts';

/** After the agent's own time the payment and the download still need some; the prompt is not kept longer. */
const GRACE_MS = 15_000;

type Say = (line: string) => void;

/** Progress: for programs each line is JSON, as errors are. */
const progressIn =
  ({ json }: GlobalOptions): Say =>
  (line) =>
    void process.stderr.write(`${json ? JSON.stringify({ progress: line.trim() }) : line}\n`);

const EXAMPLES = `
Examples:
  $ handsel agent send --want "country borders" --max 6.00EUR
  $ handsel agent send --want "word list" --max 2EUR --prefer price=60 --prefer licence=40 --worth licence=CC0-1.0:100
  $ handsel agent send --want emoji --max 3EUR --ask --by 2m       asks before it pays
  $ handsel agent status                                           every agent
  $ handsel agent status MANDATE
  $ handsel agent approve PAYMENT                                  asks for the wallet password
  $ handsel agent recall MANDATE
  $ handsel agent purchases                                        what was bought, and what is left in purses

Of MANDATE and PAYMENT the beginning is enough where only one begins so.`;

const ATTRIBUTES = `
Attributes for --must, --prefer and --worth, as merchants state them:
  licence     SPDX identifier, such as CC0-1.0, CC-BY-4.0 or ODbL-1.0 ("license" is understood too)
  mediaType   such as text/csv, application/json or application/geo+json
Further ones (language, delivery, …) are what merchants make of them; price is always one for --prefer.`;

export function agentCommand(): Command {
  const command = new Command('agent').addHelpText('after', EXAMPLES);
  addSendOptions(command.command('send').description('send an agent to buy something'))
    .option('--password-file <file>', 'its first line is the wallet password')
    .option('--no-wait', 'do not wait for what becomes of it')
    .addHelpText('after', `${ATTRIBUTES}\n${EXAMPLES}`)
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
  command.command('purchases').description('what was bought, the totals, and what is left in purses').action(purchases);
  return command;
}

async function send(
  options: SendOptions & PasswordOptions & { readonly wait: boolean },
  command: Command,
): Promise<void> {
  const misfit = misfitOf(options);
  if (misfit !== undefined) command.error(`error: ${misfit}`, { exitCode: USAGE });
  const say = progressIn(options);
  const station = stationClient(options);
  const named = { merchants: options.from, barred: options.not };
  const { warnings } =
    options.from || options.not ? await station.post<Warned>('/agents/check', named) : { warnings: [] };
  for (const warning of warnings) say(`warning: ${warning}`);
  const question = 'Wallet password (the agent gets a token, not the password): ';
  const password = options.ask ? undefined : await askPassword(options, { question, fallback: true });
  const { mandate } = await station.post<{ mandate: string }>('/agents', orderOf(options, password));
  say(`agent ${mandate} is on its way`);
  if (!options.wait) {
    print(options, { mandate, warnings }, [mandate]);
    return;
  }
  const how = { untilMs: options.by + GRACE_MS, say, local: options.local === true };
  const { view, goesOn } = await followAgent(station, mandate, how);
  if (goesOn) say(asCalled(`agent ${mandate} goes on; how it fares: handsel agent status ${mandate}`));
  print(options, { ...view, goesOn, warnings: [...warnings, ...view.warnings] }, outcomeLines(view));
  const got = view.payments.some(({ status: state }) => state === 'delivered');
  if (!got && !view.payments.some(({ status: state }) => state === 'awaiting-approval')) process.exitCode = 1;
}

interface Warned {
  readonly warnings: readonly string[];
}

async function status(mandate: string | undefined, options: GlobalOptions): Promise<void> {
  const station = stationClient(options);
  if (mandate === undefined) {
    const all = await station.get<readonly AgentSummary[]>('/agents');
    const lines = all.flatMap(summaryLines);
    print(options, all, lines.length > 0 ? lines : ['no agent was sent yet']);
    return;
  }
  const view = await station.get<AgentView>(`/agents/${encodeURIComponent(mandate)}`);
  print(options, view, [headLine(view), ...outcomeLines(view)]);
}

async function approve(given: string, options: PasswordOptions): Promise<void> {
  const password = await askPassword(options, { question: 'Wallet password: ', fallback: false });
  const path = `/payments/${encodeURIComponent(given)}/approve`;
  const { payment } = await stationClient(options).post<{ payment: string }>(path, { password });
  print(options, { payment, approved: true }, [`payment ${payment} is being made`]);
}

async function reject(given: string, options: GlobalOptions & { readonly reason?: string }): Promise<void> {
  const path = `/payments/${encodeURIComponent(given)}/reject`;
  const { payment } = await stationClient(options).post<{ payment: string }>(path, { reason: options.reason });
  print(options, { payment, rejected: true }, [
    `payment ${payment} is not made`,
    asCalled('the agent may find another merchant until its time is over; handsel agent recall MANDATE calls it back'),
  ]);
}

async function recall(given: string, options: GlobalOptions): Promise<void> {
  const path = `/agents/${encodeURIComponent(given)}/recall`;
  const { mandate } = await stationClient(options).post<{ mandate: string }>(path);
  print(options, { mandate, recalled: true }, [`agent ${mandate} is called back: it pays nothing new`]);
}

async function purchases(options: GlobalOptions): Promise<void> {
  const list = await stationClient(options).get<PurchaseList>('/purchases');
  print(options, list, purchaseLines(list));
}

function print(options: GlobalOptions, facts: unknown, lines: readonly string[]): void {
  if (facts === undefined) throw new HandselError('STATION_SILENT', 'the station gave no answer');
  process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);
}

/** The options of `handsel agent send`, and the order they make. What is wrong with them is said in the words of the options. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { strategyNames } from '../agent/negotiation/strategy-by-name.ts';
import { formatAmount, parseAmount } from '../money/amount.ts';
import { isMoneyCurrency } from '../money/currency.ts';
import { MoneyError } from '../money/money-error.ts';

export interface SendOptions {
  readonly want?: string;
  readonly category?: string;
  readonly must?: Record<string, string[]>;
  readonly prefer?: Record<string, number>;
  readonly worth?: Record<string, Record<string, number>>;
  readonly max: string;
  readonly budget?: string;
  readonly purse?: { name: string; limit: string };
  readonly count: number;
  readonly quantity: number;
  readonly from?: string[];
  readonly not?: string[];
  readonly by: number;
  readonly proposals?: number;
  readonly valid?: number;
  readonly ask?: true;
  readonly local?: true;
  readonly strategy?: string;
  readonly rounds?: number;
  readonly card?: string;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30s`, `500ms`, `10m`, `2h`, `7d` → milliseconds. */
export function duration(text: string): number {
  const match = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('write a time such as 30s, 500ms, 10m, 2h or 7d');
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** `12.50EUR`, `12.50 EUR` → `12.50 EUR`. */
export function amount(text: string): string {
  try {
    const read = parseAmount(text.trim());
    if (read.minor > 0n && isMoneyCurrency(read.currency)) return formatAmount(read);
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
  }
  throw new InvalidArgumentError('write an amount above zero with its currency, such as 12.50EUR');
}

export function whole(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('write a whole number above zero');
  return Number(text);
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('write NAME=VALUE');
  return [text.slice(0, at), text.slice(at + 1)];
}

const collect = (text: string, before: string[] = []) => [...before, text];

function mustHave(text: string, before: Record<string, string[]> = {}) {
  const [name, value] = pair(text);
  return { ...before, [name]: [...(before[name] ?? []), value] };
}

function weight(text: string, before: Record<string, number> = {}) {
  const [name, value] = pair(text);
  if (!/^[0-9]{1,4}$/.test(value)) throw new InvalidArgumentError('write ISSUE=WEIGHT, a weight from 0 to 1000');
  return { ...before, [name]: Number(value) };
}

function worth(text: string, before: Record<string, Record<string, number>> = {}) {
  const match = /^([^=:]+)=([^:]+):([0-9]{1,3})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('write ISSUE=VALUE:WORTH, a worth from 0 to 100');
  const [, issue, value, points] = match as unknown as [string, string, string, string];
  return { ...before, [issue]: { ...before[issue], [value]: Number(points) } };
}

function purse(text: string) {
  const [name, limit] = pair(text);
  return { name, limit: amount(limit) };
}

export function addSendOptions(command: Command): Command {
  return command
    .requiredOption('--max <amount>', 'the most one purchase may cost, e.g. 12.50EUR', amount)
    .option('--want <words>', 'words that must all occur in name, keywords or category of the product')
    .option('--category <name>', 'exact category')
    .option('--must <name=value>', 'an attribute or issue that must have this value (several: one of them)', mustHave)
    .option('--prefer <issue=weight>', 'how much an issue counts, 0 to 1000 (price=100 when nothing is said)', weight)
    .option('--worth <issue=value:worth>', 'what a value of an issue is worth to you, 0 to 100', worth)
    .option('--quantity <n>', 'pieces wanted', whole, 1)
    .option('--count <n>', 'how many purchases the agent may make', whole, 1)
    .option('--budget <amount>', 'the most all its purchases may cost together (default: count × max)', amount)
    .option('--purse <name=amount>', 'a budget shared with other agents, with its limit', purse)
    .option('--from <merchant>', 'only from this merchant (may be repeated)', collect)
    .option('--not <merchant>', 'never from this merchant (may be repeated)', collect)
    .addOption(new Option('--by <time>', 'how long the agent may look').argParser(duration).default(30_000, '30s'))
    .option(
      '--proposals <time>',
      'how long it waits at most for proposals before it bargains (default: half of --by, at most 5s)',
      duration,
    )
    .option('--valid <time>', 'how long an agreement may still be paid (default: 10m)', duration)
    .option('--ask', 'ask me before it pays, instead of paying by itself')
    .option('--local', "keep the agent on this station's own platform; it bargains over the network")
    .addOption(new Option('--strategy <name>', 'how it bargains (default: pareto-seeking)').choices(strategyNames))
    .option('--rounds <n>', 'rounds of bargaining with each merchant', whole)
    .option('--card <name>', 'the card to pay with (default: the first in the wallet)');
}

/** The JSON the station takes; what is absent gets the station's defaults. */
export function orderOf(options: SendOptions, password: string | undefined): Record<string, unknown> {
  return {
    want: options.want,
    category: options.category,
    mustHaves: options.must,
    weights: options.prefer,
    worths: options.worth,
    quantity: options.quantity,
    max: options.max,
    budget: options.budget,
    purse: options.purse,
    merchants: options.from,
    barred: options.not,
    scenario: options.ask === true ? 'ask-person' : 'unattended',
    count: options.count,
    strategy: options.strategy,
    rounds: options.rounds,
    proposalsMs: options.proposals,
    byMs: options.by,
    validMs: options.valid,
    local: options.local ?? false,
    card: options.card,
    password,
  };
}

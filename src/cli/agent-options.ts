/** The options of `handsel agent send`, and the order they make. What is wrong with them is said in the words of the options. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { strategyNames } from '../agent/negotiation/strategy-by-name.ts';
import { formatAmount, parseAmount } from '../money/amount.ts';
import { isMoneyCurrency } from '../money/currency.ts';
import { MoneyError } from '../money/money-error.ts';
import { attributeMeant, orderBounds, orderSizes } from '../party/customer/agent-order.ts';

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

type Bounds = readonly [least: number, most: number];

/** `30s`, `500ms`, `10m`, `2h`, `7d` → milliseconds. */
export function duration([least, most]: Bounds) {
  return (text: string): number => {
    const match = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text);
    const ms = match === null ? -1 : Number(match[1]) * UNITS[match[2]!]!;
    if (ms >= least && ms <= most) return ms;
    const range = `${durationWords(least)} to ${durationWords(most)}`;
    throw new InvalidArgumentError(`write a time from ${range}, such as 30s, 500ms, 10m, 2h or 7d`);
  };
}

function durationWords(ms: number): string {
  const [unit, unitMs] = Object.entries(UNITS).findLast(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}

const grouped = (n: number) => n.toLocaleString('en-US');

export function wholeFrom([least, most]: Bounds) {
  return (text: string): number => {
    const n = /^[0-9]{1,9}$/.test(text) ? Number(text) : -1;
    if (n >= least && n <= most) return n;
    throw new InvalidArgumentError(`write a whole number from ${grouped(least)} to ${grouped(most)}`);
  };
}

const WITH_CURRENCY = /^\d{1,12}(?:\.(?<decimals>\d{1,12}))? ?(?<currency>[A-Z]{3})$/;

/** `12.50EUR`, `12.50 EUR` → `12.50 EUR`. */
export function amount(text: string): string {
  try {
    const read = parseAmount(text.trim());
    if (read.minor > 0n && isMoneyCurrency(read.currency)) return formatAmount(read);
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    const { decimals = '', currency = '' } = WITH_CURRENCY.exec(text.trim())?.groups ?? {};
    if (currency !== '' && !isMoneyCurrency(currency))
      throw new InvalidArgumentError(`there is no currency ${currency}`);
    if (currency !== '' && decimals !== '') {
      const least = formatAmount({ currency, minor: 1n });
      throw new InvalidArgumentError(`amounts are whole multiples of ${least}, such as 12.50EUR`);
    }
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

function atMost(length: number, text: string, what: string): string {
  if (text.trim() === '') throw new InvalidArgumentError(`write ${what}`);
  if (text.length > length) throw new InvalidArgumentError(`write ${what} of at most ${length} characters`);
  return text;
}

function words(text: string): string {
  const all = text.split(/\s+/).filter((word) => word !== '');
  for (const word of all) atMost(orderSizes.word, word, 'words');
  if (all.length > orderSizes.words) throw new InvalidArgumentError(`write at most ${orderSizes.words} words`);
  return text;
}

function merchant(text: string, before: string[] = []) {
  if (before.length >= orderSizes.merchants) {
    throw new InvalidArgumentError(`name at most ${orderSizes.merchants} merchants`);
  }
  return [...before, atMost(orderSizes.name, text, 'the name of a merchant')];
}

/** `license=MIT` → licence, MIT. */
function aboutAttribute(text: string): [string, string] {
  const [name, value] = pair(text);
  return [attributeMeant(atMost(orderSizes.name, name, 'a name')), atMost(orderSizes.value, value, 'a value')];
}

function mustHave(text: string, before: Record<string, string[]> = {}) {
  const [name, value] = aboutAttribute(text);
  const values = [...(before[name] ?? []), value];
  if (values.length > orderSizes.values) {
    throw new InvalidArgumentError(`write at most ${orderSizes.values} values of ${name}`);
  }
  const all = { ...before, [name]: values };
  if (Object.keys(all).length > orderSizes.mustHaves) {
    throw new InvalidArgumentError(`write at most ${orderSizes.mustHaves} names`);
  }
  return all;
}

function weight(text: string, before: Record<string, number> = {}) {
  const [name, value] = aboutAttribute(text);
  const [least, most] = orderBounds.weight;
  if (!/^[0-9]{1,9}$/.test(value) || Number(value) > most) {
    throw new InvalidArgumentError(`write ISSUE=WEIGHT, a weight from ${least} to ${grouped(most)}`);
  }
  return { ...before, [name]: Number(value) };
}

function worth(text: string, before: Record<string, Record<string, number>> = {}) {
  const match = /^([^=:]+=[^:]+):([0-9]{1,9})$/.exec(text);
  const [least, most] = orderBounds.worth;
  if (match === null || Number(match[2]) > most) {
    throw new InvalidArgumentError(`write ISSUE=VALUE:WORTH, a worth from ${least} to ${most}`);
  }
  const points = match[2]!;
  const [issue, value] = aboutAttribute(match[1]!);
  return { ...before, [issue]: { ...before[issue], [value]: Number(points) } };
}

function purse(text: string) {
  const [name, limit] = pair(text);
  return { name: atMost(orderSizes.name, name, 'a name'), limit: amount(limit) };
}

export function addSendOptions(command: Command): Command {
  return command
    .requiredOption('--max <amount>', 'the most one purchase may cost, e.g. 12.50EUR', amount)
    .option('--want <words>', 'words that must all occur in name, keywords or category of the product', words)
    .option('--category <name>', 'exact category', (text: string) => atMost(orderSizes.category, text, 'a category'))
    .option(
      '--must <name=value>',
      'an attribute or issue that must have this value, e.g. licence=CC0-1.0 or mediaType=text/csv (several: one of them)',
      mustHave,
    )
    .option('--prefer <issue=weight>', 'how much an issue counts, 0 to 1,000 (price=100 when nothing is said)', weight)
    .option('--worth <issue=value:worth>', 'what a value of an issue is worth to you, 0 to 100', worth)
    .option('--quantity <n>', 'pieces wanted, 1 to 10,000', wholeFrom(orderBounds.quantity), 1)
    .option('--count <n>', 'how many purchases the agent may make, 1 to 1,000', wholeFrom(orderBounds.count), 1)
    .option('--budget <amount>', 'the most all its purchases may cost together (default: count × max)', amount)
    .option('--purse <name=amount>', 'a budget shared with other agents, with its limit', purse)
    .option('--from <merchant>', 'only from this merchant (may be repeated)', merchant)
    .option('--not <merchant>', 'never from this merchant (may be repeated)', merchant)
    .addOption(
      new Option('--by <time>', 'how long the agent may look, 100ms to 30d')
        .argParser(duration(orderBounds.byMs))
        .default(30_000, '30s'),
    )
    .option(
      '--proposals <time>',
      'how long it waits at most for proposals before it bargains (default: half of --by, at most 5s)',
      duration(orderBounds.proposalsMs),
    )
    .option(
      '--valid <time>',
      'how long an agreement may still be paid, 1s to 60d (default: 10m)',
      duration(orderBounds.validMs),
    )
    .option('--ask', 'ask me before it pays, instead of paying by itself')
    .option(
      '--local',
      "keep the agent on this station's own platform; it still needs the market, to meet the merchants' agents",
    )
    .addOption(new Option('--strategy <name>', 'how it bargains (default: pareto-seeking)').choices(strategyNames))
    .option('--rounds <n>', 'rounds of bargaining with each merchant, 1 to 100', wholeFrom(orderBounds.rounds))
    .option('--card <name>', 'the card to pay with (default: the first in the wallet)');
}

/** What does not go together, in the words of the options; undefined when all is well. */
export function misfitOf({ want, category, must, max, budget, purse, by, proposals }: SendOptions): string | undefined {
  if (!want?.trim() && !category && !must) return 'say what is wanted: --want, --category or --must';
  if (proposals !== undefined && proposals > by) return 'option --proposals cannot be longer than --by';
  const currencyOf = (written: string) => written.slice(-3);
  for (const [option, other] of [
    ['--budget', budget],
    ['--purse', purse?.limit],
  ]) {
    if (other !== undefined && currencyOf(other) !== currencyOf(max)) {
      return `options ${option} and --max must be in the same currency`;
    }
  }
  return undefined;
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

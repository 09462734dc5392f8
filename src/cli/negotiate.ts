/** `handsel negotiate`: two strategies over a Genius domain with two profiles, and how good what they reach is. */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { MAX_ROUNDS, type NegotiationResult, negotiate, type Turn } from '../agent/negotiation/alternating-offers.ts';
import { distanceTo, type Frontier, frontierOf } from '../agent/negotiation/frontier.ts';
import { NegotiationError } from '../agent/negotiation/negotiation-error.ts';
import { type Domain, readGeniusDomain, readGeniusProfile } from '../agent/negotiation/read-genius.ts';
import { strategyByName, strategyNames } from '../agent/negotiation/strategy-by-name.ts';
import { discounted, type UtilitySpace } from '../agent/negotiation/utility.ts';
import { HandselError } from '../handsel-error.ts';
import { plotBids } from './bid-plot.ts';

interface Options {
  readonly domain: string;
  readonly profile: readonly string[];
  readonly strategy: readonly string[];
  readonly rounds: string;
  readonly plot?: string;
  readonly json?: true;
}

export interface NegotiationReport {
  readonly domain: string;
  readonly parties: readonly { readonly profile: string; readonly strategy: string; readonly reservation: number }[];
  readonly rounds: number;
  readonly outcome: NegotiationResult['outcome'];
  readonly roundsUsed: number;
  readonly offers: number;
  /** Issue name → value. */
  readonly agreement: Readonly<Record<string, string | number>> | null;
  readonly utilities: readonly [number, number];
  readonly discountedUtilities: readonly [number, number];
  readonly nash: { readonly utilities: readonly [number, number]; readonly distance: number } | null;
  readonly paretoDistance: number | null;
  readonly trace: readonly {
    readonly round: number;
    readonly party: number;
    readonly move: Turn['move'];
    readonly bid: Readonly<Record<string, string | number>> | null;
    readonly utilities: readonly [number, number] | null;
  }[];
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

export function negotiateCommand(): Command {
  return new Command('negotiate')
    .description('let two strategies negotiate over a Genius domain')
    .requiredOption('--domain <file>', 'Genius domain (XML)')
    .option('--profile <file>', 'Genius preference profile; give two, the first one opens', collect, [])
    .option(
      '--strategy <name>',
      `one for each profile, in their order; a single one counts for both: ${strategyNames.join(', ')}`,
      collect,
      [],
    )
    .option('--rounds <number>', `rounds until the deadline, at most ${MAX_ROUNDS}`, '100')
    .option('--plot <file>', 'write the bids as an SVG picture')
    .option('--json', 'print one JSON object')
    .action(async (options: Options) => {
      process.stdout.write(await runNegotiate(options));
    });
}

/** Gives what is to be printed. @throws HandselError when a file or an option is not usable */
export async function runNegotiate(options: Options): Promise<string> {
  const [first, second, ...more] = options.profile;
  if (first === undefined || second === undefined || more.length > 0) {
    throw new NegotiationError('NEGOTIATION_PARTIES', 'give --profile exactly twice');
  }
  if (options.strategy.length > 2) throw new NegotiationError('NEGOTIATION_PARTIES', 'give --strategy at most twice');
  const chosen = [
    options.strategy[0] ?? 'pareto-seeking',
    options.strategy[1] ?? options.strategy[0] ?? 'pareto-seeking',
  ];
  const domain = await readNamed(options.domain, readGeniusDomain);
  const profile = (text: string) => readGeniusProfile(text, domain);
  const spaces: [UtilitySpace, UtilitySpace] = [await readNamed(first, profile), await readNamed(second, profile)];
  const names: [string, string] = [basename(first, '.xml'), basename(second, '.xml')];
  const rounds = Number(options.rounds);
  const result = negotiate(
    [
      { name: names[0], space: spaces[0], strategy: strategyByName(chosen[0]!) },
      { name: names[1], space: spaces[1], strategy: strategyByName(chosen[1]!) },
    ],
    rounds,
  );
  const frontier = frontierOf(spaces[0], spaces[1]);
  const report = reportOf({ domain, spaces, names, chosen, rounds, result, frontier });
  if (options.plot !== undefined) await writeFile(options.plot, plotBids({ result, frontier, names }));
  return options.json ? `${JSON.stringify(report)}\n` : tableOf(report);
}

/** Says of which file it is that something is wrong. */
async function readNamed<T>(file: string, read: (text: string) => T): Promise<T> {
  const text = await readFile(file, 'utf8');
  try {
    return read(text);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new HandselError(cause.code, `${file}: ${cause.message}`, { cause });
  }
}

function reportOf(given: {
  readonly domain: Domain;
  readonly spaces: readonly [UtilitySpace, UtilitySpace];
  readonly names: readonly [string, string];
  readonly chosen: readonly string[];
  readonly rounds: number;
  readonly result: NegotiationResult;
  readonly frontier: Frontier;
}): NegotiationReport {
  const { domain, spaces, names, chosen, rounds, result, frontier } = given;
  const named = (bid: Turn['bid']) =>
    bid === undefined ? null : Object.fromEntries(domain.issues.map((issue, at) => [issue.name, bid[at]!]));
  const progress = rounds <= 1 ? 1 : (result.rounds - 1) / (rounds - 1);
  return {
    domain: domain.name,
    parties: [0, 1].map((at) => ({
      profile: names[at]!,
      strategy: chosen[at]!,
      reservation: spaces[at]!.reservation,
    })),
    rounds,
    outcome: result.outcome,
    roundsUsed: result.rounds,
    offers: result.turns.filter((turn) => turn.move === 'offer').length,
    agreement: named(result.agreement),
    utilities: result.utilities,
    discountedUtilities: [
      discounted(spaces[0], result.utilities[0], progress),
      discounted(spaces[1], result.utilities[1], progress),
    ],
    nash: frontier.nash
      ? { utilities: frontier.nash.utilities, distance: distanceTo([frontier.nash], result.utilities) }
      : null,
    paretoDistance: result.agreement ? distanceTo(frontier.pareto, result.utilities) : null,
    trace: result.turns.map((turn) => ({
      round: turn.round + 1,
      party: turn.party,
      move: turn.move,
      bid: named(turn.bid),
      utilities: turn.utilities ?? null,
    })),
  };
}

function tableOf(report: NegotiationReport): string {
  const figure = (value: number) => value.toFixed(3);
  const lines = [
    `${report.domain}: ${report.parties.map((party) => `${party.profile} (${party.strategy})`).join(' and ')}`,
    '',
    `round  who  ${report.parties.map((party) => party.profile.slice(0, 20).padEnd(20)).join('  ')}  bid`,
  ];
  for (const turn of report.trace) {
    const utilities = turn.utilities ?? [0, 0];
    const bars = utilities.map((utility) => `${figure(utility)} ${'█'.repeat(Math.round(utility * 14)).padEnd(14)}`);
    const bid = turn.bid ? Object.values(turn.bid).join(', ') : '';
    const what = turn.move === 'offer' ? bid : turn.move === 'accept' ? `accepts ${bid}` : 'leaves';
    lines.push(`${String(turn.round).padStart(5)}  ${turn.party === 0 ? ' A ' : ' B '}  ${bars.join('  ')}  ${what}`);
  }
  lines.push('');
  if (report.agreement) {
    const offers = `${report.offers} ${report.offers === 1 ? 'offer' : 'offers'}`;
    lines.push(`Agreement in round ${report.roundsUsed} of ${report.rounds} after ${offers}:`);
    for (const [issue, value] of Object.entries(report.agreement)) lines.push(`  ${issue}: ${value}`);
  } else {
    lines.push(report.outcome === 'left' ? 'No agreement: one side left.' : 'No agreement by the deadline.');
  }
  lines.push(`Utilities: ${report.utilities.map(figure).join(' / ')}`);
  if (report.nash) {
    lines.push(
      `Nash point: ${report.nash.utilities.map(figure).join(' / ')}, distance ${figure(report.nash.distance)}`,
    );
  }
  if (report.paretoDistance !== null) lines.push(`Distance to the Pareto frontier: ${figure(report.paretoDistance)}`);
  return `${lines.join('\n')}\n`;
}

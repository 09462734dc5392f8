/** `handsel run agency|operator|merchant|market|customer`: one party as a process of its own, from its configuration file. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../journal/clock.ts';
import {
  ConfigurationError,
  configurationFile,
  type PartyKind,
  readConfiguration,
  statedKind,
} from '../party/configuration/configuration.ts';
import { partyKinds, startParty } from '../party/network/start-party.ts';
import { startShard } from '../party/operator/operator-shard.ts';
import { CRASH_POINTS, crashPoints } from '../party/running/crash-point.ts';
import { holdDoor } from '../party/running/hold-door.ts';
import type { RunningParty, Surroundings } from '../party/running/running-party.ts';
import { createLog, type Log, type LogLevel } from '../transport/log.ts';
import { runParty } from './run-party.ts';
import { operatorAbove, shardProcesses } from './shard-process.ts';
import { traceInto } from './trace-option.ts';
import type { StopRequest } from './until-stopped.ts';

interface RunOptions {
  readonly config?: string;
  readonly trace?: string;
  readonly json?: true;
  readonly logLevel?: LogLevel;
  readonly shards?: number;
  readonly shard?: number;
}

const EXAMPLES = `
Examples:
  Make a network, then run its parties one by one, each in a terminal of its own:
    $ handsel network init
    $ handsel run agency --config .handsel/agency/party.json
    $ handsel run operator --config .handsel/north/party.json
  Cut the accounts for deposits into two shards, each in a process of its own (docs/scale.md):
    $ handsel run operator --config .handsel/north/party.json --shards 2

The log goes to standard error, one JSON object a line; on a terminal only from warnings on, unless --log-level says more. SIGTERM and SIGINT end the party without loss; killed in any
other way, it recovers when it is started again. A party whose PostgreSQL fails over waits for it and goes on by itself. Where another
process has taken over its stores it ends with exit code 3: it must not be started again unless it shall take over in its turn.
`;

/** `write` receives what goes to standard output. */
export function runCommand(write: (text: string) => void = (text) => void process.stdout.write(text)): Command {
  return new Command('run')
    .description('run one party as a process of its own')
    .addArgument(new Argument('<party>', 'what it is').choices(partyKinds))
    .option('--config <file>', "the party's configuration, or its folder (required)")
    .option('--trace <dir>', 'write every message it exchanges there, one file each')
    .addOption(
      new Option('--log-level <level>', 'how much is logged (default: as configured; warn on a terminal)').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    )
    .option(
      '--shards <number>',
      'of an operator: cut its accounts for deposits into so many parts, once and for all',
      whole,
    )
    .option('--shard <number>', 'of an operator: run this one of its shards only, counted from 0', whole)
    .option('--json', 'print JSON when it listens')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: PartyKind, options: RunOptions, command: Command) => {
      // Asked for here: what is wrong with the kind of party is to be said before that something is missing.
      if (options.config === undefined) command.error("error: required option '--config <file>' not specified");
      const file = configurationFile(options.config);
      refuseOtherKind(kind, file);
      if (kind !== 'operator' && (options.shards ?? options.shard) !== undefined) {
        command.error('error: only an operator has shards');
      }
      const { configuration, path } = readConfiguration(kind, file);
      const { name, logLevel } = configuration;
      const level = options.logLevel ?? forReader(logLevel);
      const crashes = process.env[CRASH_POINTS];
      const surroundings: Surroundings = {
        log: createLog({ name, level }),
        ...(options.trace !== undefined && { tracer: traceInto(options.trace) }),
        ...(crashes !== undefined && { onBoundary: crashPoints(crashes, name) }),
        shards: {
          ...(options.shards !== undefined && { count: options.shards }),
          run: shardProcesses(argumentsOfShards(file, level, options)),
        },
      };
      const { shard } = options;
      const start = () =>
        shard === undefined ? startParty(kind, file, surroundings) : startShard(file, shard, surroundings);
      const above = shard === undefined ? undefined : operatorAbove();
      // A shard that ends is started again by the operator above it, which has to know where it listens then.
      const mayPass = above === undefined && 'store' in configuration && configuration.store.kind === 'postgres';
      const meanwhile = mayPass && shard === undefined ? doorOf(configuration, path, surroundings.log) : undefined;
      await runParty({
        ...{ start, log: surroundings.log, mayPass, meanwhile, above },
        started(party, stop) {
          const { url } = party;
          const what = shard === undefined ? `${kind} ${name}` : `${kind} ${name}, shard ${shard},`;
          const facts = { party: kind, name, ...(shard !== undefined && { shard }) };
          write(options.json ? `${JSON.stringify({ ...facts, url })}\n` : `${what} listens at ${url}\n`);
          sayWhenReady(party, stop, () =>
            write(options.json ? `${JSON.stringify({ ...facts, ready: true })}\n` : `${what} is ready\n`),
          );
        },
      });
    });
}

type Configuration = ReturnType<typeof readConfiguration>['configuration'];

function doorOf(configuration: Configuration, path: (relative: string) => string, log: Log) {
  if (!('store' in configuration) || configuration.store.kind !== 'postgres') return undefined;
  const { store } = configuration;
  return (stop: Promise<void>) => holdDoor({ party: configuration, path, store, stop, log, clock: systemClock() });
}

/** Its configuration is found by the same name, and its log goes where ours goes. */
function argumentsOfShards(file: string, level: LogLevel, { shards, trace }: RunOptions): readonly string[] {
  return [
    ...['--config', file, '--log-level', level, '--json'],
    ...(shards === undefined ? [] : ['--shards', `${shards}`]),
    ...(trace === undefined ? [] : ['--trace', trace]),
  ];
}

function whole(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

/** A merchant sells once the market has taken its agents, which may be long after it listens. */
function sayWhenReady({ ready }: RunningParty, { asked }: StopRequest, say: () => void): void {
  if (ready === undefined) return;
  void Promise.race([ready.then(() => true), asked.then(() => false)]).then((isReady) => isReady && say());
}

/** @throws ConfigurationError that says how to run what it is */
function refuseOtherKind(kind: PartyKind, file: string): void {
  const stated = statedKind(file);
  if (stated === undefined || stated === kind) return;
  const article = /^[aeiou]/.test(stated) ? 'an' : 'a';
  throw new ConfigurationError(
    `${file} is ${article} ${stated}'s configuration: handsel run ${stated} --config ${file}`,
  );
}

/** Who watches a terminal wants to see what needs doing; whoever keeps the log wants all of it. */
function forReader(configured: LogLevel): LogLevel {
  return configured === 'info' && process.stderr.isTTY ? 'warn' : configured;
}

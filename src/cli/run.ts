/** `handsel run agency|operator|merchant|market|customer`: one party as a process of its own, from its configuration file. */
import { Argument, Command, Option } from 'commander';
import {
  ConfigurationError,
  configurationFile,
  type PartyKind,
  readConfiguration,
  statedKind,
} from '../party/configuration.ts';
import { CRASH_POINTS, crashPoints } from '../party/crash-point.ts';
import type { RunningParty, Surroundings } from '../party/running-party.ts';
import { partyKinds, startParty } from '../party/start-party.ts';
import { createLog, type LogLevel } from '../transport/log.ts';
import { traceInto } from './trace-option.ts';
import { listenForStop, type StopRequest, untilStopped } from './until-stopped.ts';

interface RunOptions {
  readonly config?: string;
  readonly trace?: string;
  readonly json?: true;
  readonly logLevel?: LogLevel;
}

const EXAMPLES = `
Examples:
  Make a network, then run its parties one by one, each in a terminal of its own:
    $ handsel network init
    $ handsel run agency --config .handsel/agency/party.json
    $ handsel run operator --config .handsel/north/party.json

The log goes to standard error, one JSON object a line; on a terminal only from warnings on, unless --log-level says more. SIGTERM and SIGINT end the party without loss; killed in any
other way, it recovers when it is started again.
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
    .option('--json', 'print JSON when it listens')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: PartyKind, options: RunOptions, command: Command) => {
      // Asked for here: what is wrong with the kind of party is to be said before that something is missing.
      if (options.config === undefined) command.error("error: required option '--config <file>' not specified");
      const file = configurationFile(options.config);
      refuseOtherKind(kind, file);
      const { configuration } = readConfiguration(kind, file);
      const { name, logLevel } = configuration;
      const crashes = process.env[CRASH_POINTS];
      const surroundings: Surroundings = {
        log: createLog({ name, level: options.logLevel ?? forReader(logLevel) }),
        ...(options.trace !== undefined && { tracer: traceInto(options.trace) }),
        ...(crashes !== undefined && { onBoundary: crashPoints(crashes, name) }),
      };
      const stop = listenForStop();
      try {
        const party = await startParty(kind, file, surroundings);
        const { url } = party;
        write(options.json ? `${JSON.stringify({ party: kind, name, url })}\n` : `${kind} ${name} listens at ${url}\n`);
        sayWhenReady(party, stop, () =>
          write(
            options.json ? `${JSON.stringify({ party: kind, name, ready: true })}\n` : `${kind} ${name} is ready\n`,
          ),
        );
        await untilStopped(party, stop);
      } finally {
        stop.release();
      }
    });
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

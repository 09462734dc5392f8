/** `handsel run agency|operator|merchant|market|customer`: one party as a process of its own, from its configuration file. */
import { Argument, Command, Option } from 'commander';
import { type PartyKind, readConfiguration } from '../party/configuration.ts';
import { CRASH_POINTS, crashPoints } from '../party/crash-point.ts';
import type { Surroundings } from '../party/running-party.ts';
import { partyKinds, startParty } from '../party/start-party.ts';
import { createLog, type LogLevel } from '../transport/log.ts';
import { createTracer } from '../transport/trace.ts';
import { listenForStop, untilStopped } from './until-stopped.ts';

interface RunOptions {
  readonly config: string;
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

The log goes to standard error, one JSON object a line. SIGTERM and SIGINT end the party without loss; killed in any
other way, it recovers when it is started again.
`;

/** `write` receives what goes to standard output. */
export function runCommand(write: (text: string) => void = (text) => void process.stdout.write(text)): Command {
  return new Command('run')
    .description('run one party as a process of its own')
    .addArgument(new Argument('<party>', 'what it is').choices(partyKinds))
    .requiredOption('--config <file>', "the party's configuration")
    .option('--trace <dir>', 'write every message it exchanges there, one file each')
    .addOption(
      new Option('--log-level <level>', 'how much is logged (default: as configured)').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    )
    .option('--json', 'print JSON when it listens')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: PartyKind, options: RunOptions) => {
      const { configuration } = readConfiguration(kind, options.config);
      const { name, logLevel } = configuration;
      const crashes = process.env[CRASH_POINTS];
      const surroundings: Surroundings = {
        log: createLog({ name, level: options.logLevel ?? logLevel }),
        ...(options.trace !== undefined && { tracer: createTracer({ directory: options.trace }) }),
        ...(crashes !== undefined && { onBoundary: crashPoints(crashes, name) }),
      };
      const stop = listenForStop();
      try {
        const party = await startParty(kind, options.config, surroundings);
        const { url } = party;
        write(options.json ? `${JSON.stringify({ party: kind, name, url })}\n` : `${kind} ${name} listens at ${url}\n`);
        await untilStopped(party, stop);
      } finally {
        stop.release();
      }
    });
}

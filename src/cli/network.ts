/** `handsel network init`: makes a whole network of parties in the home folder, to be run with `handsel start` or one by one. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { systemRandom } from '../crypto/random.ts';
import { systemClock } from '../journal/clock.ts';
import type { Network } from '../party/configuration/network-home.ts';
import { type Provisioned, provisionNetwork } from '../party/provision/provision.ts';
import { PARTY_NAMES } from '../party/provision/provision-plan.ts';
import { programCalled } from './called-as.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';

export interface NetworkOptions extends GlobalOptions {
  readonly basePort?: number;
  readonly host?: string;
  readonly at?: Readonly<Record<string, string>>;
}

type Write = (text: string) => void;

const EXAMPLES = `
Examples:
  $ handsel network init
  $ handsel network init --home /srv/handsel --base-port 7400
  $ handsel network init --home net --host 192.0.2.10      to be run on the machine with that address
  $ handsel network init --home net --host 192.0.2.10 --at market=192.0.2.20      the market on another machine
`;

const STAYS = '\nIt stays as it was: --host, --at and --base-port count only when a network is made.\n';

/** `write` receives what goes to standard output. */
export function networkCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const network = new Command('network').description('make the parties of a whole network');
  network.addCommand(
    new Command('init')
      .description(
        'make an agency, two operators, two merchants, a market, an arbiter and a customer; one that is there stays',
      )
      .option('--home <dir>', 'where it is made')
      .option('--base-port <number>', 'take free ports from here on (default: depends on the home)', portNumber)
      .option('--host <address>', 'where they listen: an address, or a host name (default: 127.0.0.1)', hostName)
      .option('--at <party=address>', 'where one of them listens that shall run elsewhere; repeat it', placeOf)
      .option('--json', 'print one JSON object')
      .addHelpText('after', EXAMPLES)
      .action(async (options: NetworkOptions) => {
        const home = homeFolder(options);
        const provisioned = await provisionHome(home, options);
        const ignored =
          !provisioned.made && [options.host, options.at, options.basePort].some((one) => one !== undefined);
        write(options.json ? asJson(home, provisioned) : `${asText(home, provisioned)}${ignored ? STAYS : ''}`);
      }),
  );
  return network;
}

/** What is there is left as it is. */
export function provisionHome(
  home: string,
  options: Pick<NetworkOptions, 'basePort' | 'host' | 'at'>,
): Promise<Provisioned> {
  const { basePort, host, at } = options;
  return provisionNetwork({
    home,
    catalogues: fileURLToPath(new URL('../../catalogue', import.meta.url)),
    nowMs: systemClock().nowMs,
    random: systemRandom,
    ...(basePort !== undefined && { basePort }),
    ...(host !== undefined && { host }),
    ...(at !== undefined && { elsewhere: at }),
  });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('a port is 1 to 65535');
  return port;
}

function placeOf(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [name = '', host = ''] = text.split(/=(.*)/s);
  if (!PARTY_NAMES.some((known) => known === name)) {
    throw new InvalidArgumentError(`write NAME=ADDRESS with one of the names ${PARTY_NAMES.join(', ')}`);
  }
  return { ...before, [name]: hostName(host) };
}

function hostName(text: string): string {
  if (
    isIP(text) === 0 &&
    !/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text)
  ) {
    throw new InvalidArgumentError('an IP address or a host name, without a port');
  }
  return text;
}

function asJson(home: string, { network, made, portsProbed }: Provisioned): string {
  const parties = network.parties.map((party) => ({ ...party, configuration: join(home, party.configuration) }));
  return `${JSON.stringify({ home, made, portsProbed, brand: network.brand, password: join(home, network.password), parties })}\n`;
}

function asText(home: string, { network, made, portsProbed }: Provisioned): string {
  const program = programCalled();
  const width = Math.max(...network.parties.map(({ name }) => name.length));
  const kindWidth = Math.max(...network.parties.map(({ party }) => party.length));
  const rows = network.parties.map(
    ({ name, party, url }) => `  ${name.padEnd(width)}  ${party.padEnd(kindWidth)}  ${url}\n`,
  );
  return [
    `${made ? 'Made a network in' : 'There is a network already in'} ${home}:\n\n`,
    ...rows,
    ...(portsProbed === false
      ? ['\nThat is not an address of this machine: whether its ports are free is not known.\n']
      : []),
    ...yoursOf(home, network),
    '\nRun all of it in one process:\n\n',
    `  ${program} start --home ${home}\n`,
    '\nOr each party in a process of its own, in this order:\n\n',
    ...runCommands(home, network, program).map((command) => `  ${command}\n`),
    `\nThe password of the customer's wallet is in ${join(home, network.password)}.\n`,
  ].join('');
}

/** Which are started by nobody but a program of the reader's own. */
function yoursOf(home: string, { yours }: Network): readonly string[] {
  if (yours.length === 0) return [];
  const rows = yours.map(({ name, party, configuration }) => `  ${name}  ${party}  ${join(home, configuration)}\n`);
  return ['\nFor programs of your own (docs/deposits.md, "Charging for a route of your own"):\n\n', ...rows];
}

function runCommands(home: string, { parties }: Network, program: string): readonly string[] {
  return parties.map(({ party, configuration }) => `${program} run ${party} --config ${join(home, configuration)}`);
}

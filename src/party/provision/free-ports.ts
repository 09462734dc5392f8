/** Ports for the parties of a new network: the next ones nobody listens on, so that they can be written down and kept. */
import { lookup } from 'node:dns/promises';
import { createServer, isIP } from 'node:net';
import { ConfigurationError } from '../configuration/configuration.ts';

const HIGHEST = 65_535;
/** A machine on which so many in a row are taken is not the one to go on looking on. */
const MAX_PROBES = 2000;
const LOOKUP_MS = 3000;

export interface FoundPorts {
  readonly ports: readonly number[];
  /** False when `host` is no address of this machine: then they are the next ones, whoever has them there. */
  readonly probed: boolean;
}

/** @throws ConfigurationError when there are not enough from `base` on. */
export async function freePorts(options: {
  readonly host: string;
  readonly base: number;
  readonly count: number;
}): Promise<FoundPorts> {
  const { base, count } = options;
  const address = await addressOf(options.host);
  const ports: number[] = [];
  let probed = address !== undefined;
  for (let port = base; ports.length < count; port += 1) {
    if (port > HIGHEST || port - base > MAX_PROBES) {
      throw new ConfigurationError(`from port ${base} on there are not ${count} free ones: name another --base-port`);
    }
    const found = probed ? await probe(address!, port) : 'free';
    if (found === 'elsewhere') probed = false;
    if (found !== 'taken') ports.push(port);
  }
  return { ports, probed };
}

/** Undefined for a name that nobody here knows, in bounded time. */
async function addressOf(host: string): Promise<string | undefined> {
  if (isIP(host) !== 0) return host;
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), LOOKUP_MS);
  const found = lookup(host).then(
    ({ address }) => address,
    () => undefined,
  );
  try {
    return await Promise.race([found, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Listening is refused at once on an address that this machine does not have. */
function probe(address: string, port: number): Promise<'free' | 'taken' | 'elsewhere'> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'EADDRINUSE' || code === 'EACCES' ? 'taken' : 'elsewhere');
    });
    server.listen(port, address, () => server.close(() => resolve('free')));
  });
}

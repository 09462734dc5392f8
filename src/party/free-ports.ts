/** Ports for the parties of a new network: the next ones nobody listens on, so that they can be written down and kept. */
import { createServer } from 'node:net';
import { ConfigurationError } from './configuration.ts';

const HIGHEST = 65_535;

/** @throws ConfigurationError when there are not enough from `base` on. */
export async function freePorts(options: {
  readonly host: string;
  readonly base: number;
  readonly count: number;
}): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let port = options.base; ports.length < options.count; port += 1) {
    if (port > HIGHEST) {
      throw new ConfigurationError(`from port ${options.base} on there are not ${options.count} free ones`);
    }
    if (await isFree(options.host, port)) ports.push(port);
  }
  return ports;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** The home of a whole network: a folder a party, and `network.json`, which says who there is and that all of it was finished. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HandselError } from '../../handsel-error.ts';
import { readJsonFile } from './configuration.ts';

export const NETWORK_FILE = 'network.json';
export const NETWORK_VERSION = 1;

const member = z.strictObject({
  name: z.string(),
  party: z.enum([
    'agency',
    'operator',
    'merchant',
    'market',
    'arbiter',
    'customer',
    'trusted-server',
    'card-network',
    'device',
  ]),
  /** Its configuration, relative to the home. */
  configuration: z.string(),
  url: z.url(),
  /** Where a merchant sells what is paid for out of deposits. */
  paid: z.url().optional(),
});

const networkSchema = z.strictObject({
  format: z.literal('handsel-network'),
  version: z.number().int(),
  brand: z.string(),
  /** File of the wallet password of the demonstration's customer, relative to the home. */
  password: z.string(),
  /** In the order in which they are started. */
  parties: z.array(member).min(1),
  /** For programs of the reader's own (`openTill`, `openPurse`); a network made before there were these has none. */
  yours: z.array(member).default([]),
});

export type NetworkMember = z.infer<typeof member>;
export type Network = z.infer<typeof networkSchema>;

export class NetworkError extends HandselError {}

/** What the home holds; undefined when there is no finished network. @throws NetworkError or ConfigurationError */
export function readNetwork(home: string): Network | undefined {
  const file = join(home, NETWORK_FILE);
  if (!existsSync(file)) return undefined;
  const network = readJsonFile(file, networkSchema);
  if (network.version !== NETWORK_VERSION) {
    throw new NetworkError(
      'NETWORK_VERSION',
      `${home} holds a network of version ${network.version}; this Handsel runs version ${NETWORK_VERSION}`,
    );
  }
  return network;
}

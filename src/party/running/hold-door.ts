/** While the data base of a party is away, its door stays: whoever comes is asked to come again, and nobody takes it for gone. */
import { HandselError } from '../../handsel-error.ts';
import type { Clock } from '../../journal/clock.ts';
import { closeClients, connectPrimary } from '../../journal/postgres-hosts.ts';
import type { Log } from '../../transport/log.ts';
import type { Handler } from '../../transport/route.ts';
import { type RunningServer, serve } from '../../transport/server.ts';
import type { CommunicationFiles, StoreConfiguration } from '../configuration/configuration.ts';
import { readCommunication, SERVER_LIMITS } from './communication.ts';

const LOOK_AGAIN_MS = 500;

const later: Handler = async () => {
  throw new HandselError('ANSWER_PENDING', 'our data base is away for the moment: ask again');
};

/** Resolves when the store can be written to again, or `stop` does. */
export async function holdDoor(options: {
  readonly party: {
    readonly listen: { readonly host: string; readonly port: number };
    readonly communication: CommunicationFiles;
  };
  readonly path: (relative: string) => string;
  readonly store: Extract<StoreConfiguration, { kind: 'postgres' }>;
  readonly stop: Promise<unknown>;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<void> {
  const { party, path, store, stop, clock, log } = options;
  let stopped = false;
  const stopping = stop.then(() => {
    stopped = true;
  });
  let server: RunningServer | undefined;
  try {
    const { serverTls: tls } = readCommunication(party.communication, path);
    const routes = { 'GET /*': later, 'POST /*': later } as const;
    server = await serve({ listen: party.listen, tls, limits: SERVER_LIMITS, log, routes });
  } catch (err) {
    // Nobody is lied to where nobody answers, either.
    log.warn({ err }, 'nobody is at the door while the data base is away');
  }
  try {
    while (!stopped && !(await canBeWritten(store.connection))) {
      await Promise.race([stopping, new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve))]);
    }
  } finally {
    await server?.close(0);
  }
}

async function canBeWritten(connection: string): Promise<boolean> {
  try {
    const { writer, reader } = await connectPrimary(connection);
    await closeClients(writer, reader);
    return true;
  } catch {
    return false;
  }
}

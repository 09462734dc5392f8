/**
 * Trusted servers (US 5,671,280, figures 5 and 6): the primary one as a part of the agency, ordinary ones as a party of their own. One ordinary
 * server is made for the whole network, in a process of its own: it serves all devices alike, whoever their owners bank with, and its
 * keys are in no process that anything else runs in. Further ones are a folder each, with a token at the primary server.
 */

import { rmSync } from 'node:fs';
import { systemRandom } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { answerAtServer } from '../../trusted/server/server-endpoint.ts';
import { createTrustedServer, type ServerInput, type ServerOptions } from '../../trusted/server/server-machine.ts';
import type { ServerRecord, ServerState } from '../../trusted/server/server-state.ts';
import { readConfiguration, type StoreConfiguration } from '../configuration/configuration.ts';
import { controlFileOf } from '../configuration/control-file.ts';
import { readToken, takeEnrolments } from '../configuration/enrolments.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { readPrimaryKeys } from '../configuration/primary-keys.ts';
import { TRUSTED_PATH, trustedRoute } from '../message/trusted-path.ts';
import { serveOwner } from '../owner/serve-owner.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type RunningParty, type Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { caseControl } from './case-control.ts';

/** Where devices and servers talk to a trusted server, and devices to each other. */

export type TrustedHost = Host<ServerState, ServerInput, ServerRecord>;

export interface OpenedTrustedServer {
  readonly host: TrustedHost;
  readonly routes: Routes;
}

export async function openTrustedServer(options: {
  readonly trusted: {
    readonly store: StoreConfiguration;
    readonly primaryKeys: string;
    readonly storageKey: string;
    readonly enrolments: string;
  };
  readonly role: ServerOptions['role'];
  readonly path: (relative: string) => string;
  readonly client: Client;
  readonly surroundings: Surroundings;
}): Promise<OpenedTrustedServer> {
  const { trusted, role, path, client, surroundings } = options;
  const http = createHttpCourier({ client });
  const journal = await openJournal(trusted.store, path, 'trusted-server');
  const host: TrustedHost = await openMachine({
    machine: createTrustedServer({ foundingLists: readPrimaryKeys(path(trusted.primaryKeys)), role }),
    journal: createSealedJournal({ journal, key: readKeyFile(path(trusted.storageKey)), random: systemRandom }),
    courier: byScheme({ 'https:': http }),
    surroundings,
  });
  await host.submit({ type: 'command', command: { type: 'opened' } });
  await takeEnrolments(path(trusted.enrolments), (enrolment) =>
    host.submit({ type: 'command', command: { type: 'announce', ...enrolment } }),
  );
  return {
    host,
    routes: {
      [`POST ${TRUSTED_PATH}`]: async ({ body }) => ({
        contentType: 'application/cbor',
        body: await answerAtServer(host, body),
      }),
    } as Routes,
  };
}

export async function startTrustedServer(file: string, surroundings: Surroundings): Promise<RunningParty> {
  const { configuration, path } = readConfiguration('trusted-server', file);
  const { name, url, listen } = configuration;
  const log = surroundings.log.child({ party: name });
  const identity = readCommunication(configuration.communication, path);
  const client = partyClient({ name, identity, surroundings, peers: configuration.peers });
  const { host, routes } = await openTrustedServer({
    ...{ path, client, trusted: configuration, surroundings: { ...surroundings, log } },
    role: { type: 'ordinary', primary: trustedRoute(configuration.primary) },
  });
  // Whoever comes proves who it is inside; a certificate of the network would only tell whose device it is.
  const tls = { ...identity.serverTls, requireClient: false, askClient: false };
  const server = await serve({ routes, listen, tls, limits: SERVER_LIMITS, log });
  const people = await serveOwner({
    routes: (guarded) => caseControl(host, guarded),
    ...{ listen: configuration.control, limits: SERVER_LIMITS, file: controlFileOf(file), log },
  });
  const stopping = new AbortController();
  const ready = beCertified(host, path(configuration.token), stopping.signal);
  return {
    ...{ name, url, ready, failed: host.failed },
    close: () =>
      closeInOrder([
        () => stopping.abort(),
        () => ready.catch(() => undefined),
        () => people.close(),
        () => server.close(),
        () => host.close(),
        () => client.close(),
      ]),
  };
}

const LOOK_MS = 25;
/** After so long it is tried anew: the primary server may have been started later. */
const AGAIN_MS = 1000;

async function beCertified(host: TrustedHost, tokenFile: string, stopping: AbortSignal): Promise<void> {
  const clock = systemClock();
  const certified = () => host.state.identity.type === 'certified';
  while (!certified() && !stopping.aborted) {
    await initialise(host, tokenFile);
    const untilMs = clock.nowMs() + AGAIN_MS;
    while (!certified() && !stopping.aborted && clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
    }
  }
  if (certified()) rmSync(tokenFile, { force: true });
}

function initialise(host: TrustedHost, tokenFile: string): Promise<void> {
  const command = { type: 'initialise', token: readToken(tokenFile) } as const;
  return host.submit({ type: 'command', command }).catch((error: unknown) => {
    // It is under way.
    if (!(error instanceof HandselError) || error.code !== 'COMMAND_UNTIMELY') throw error;
  });
}

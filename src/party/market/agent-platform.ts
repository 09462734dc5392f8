/** A platform for agents as a party runs it: the machine on its journal, and the endpoints where messages reach it. */

import { createPlatform } from '../../agent/platform/platform.ts';
import { createPlatformDoor, platformKinds, type ReceivedMessage } from '../../agent/platform/platform-door.ts';
import type { PlatformInput } from '../../agent/platform/platform-input.ts';
import type { PlatformRecord } from '../../agent/platform/platform-record.ts';
import type { PlatformState } from '../../agent/platform/platform-state.ts';
import { toHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Routes } from '../../transport/route.ts';
import type { StoreConfiguration } from '../configuration/configuration.ts';
import type { CommunicationTrust } from '../running/communication-trust.ts';
import { byScheme } from '../running/routes.ts';
import type { Surroundings } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';

export interface AgentPlatform {
  readonly host: Host<PlatformState, PlatformInput, PlatformRecord>;
  readonly routes: Routes;
}

const COSE = 'application/cose';

export async function openPlatform(options: {
  readonly url: string;
  /** 32 bytes under which agents' keys are sealed. */
  readonly sealingKey: Uint8Array;
  readonly store: StoreConfiguration;
  readonly path: (relative: string) => string;
  readonly trust: CommunicationTrust;
  /** A station hosts its own agents only; a market those of everybody with a certificate, and merchants' above all. */
  readonly owner?: Certificate;
  readonly client: Client;
  readonly surroundings: Surroundings;
}): Promise<AgentPlatform> {
  const { url, sealingKey, store, path, trust, owner, client, surroundings } = options;
  const machine = createPlatform({
    url,
    platformKey: sealingKey,
    validateAgent: (chain, atMs) =>
      trust.validate(
        chain.map((der) => readCertificate(der)),
        'agent',
        atMs,
      ),
  });
  const journal = await openJournal(store, path, 'platform');
  const http = createHttpCourier({ client });
  const courier = byScheme({ 'https:': http, 'http:': http });
  const host = await openMachine({ machine, journal, courier, surroundings });

  const door = createPlatformDoor({
    validateOwner: (chain, atMs) => trust.validate(chain, 'signature', atMs),
    validateAgent: (chain, atMs) => trust.validate(chain, 'agent', atMs),
  });
  const take = (kind: string) => async (request: { readonly body: Uint8Array }) => {
    const message = door.receive(kind, request.body, Date.now());
    if (owner !== undefined) requireOwn(message, owner);
    return { contentType: COSE, body: await host.handle(message) };
  };
  const routes: Routes = {
    ...Object.fromEntries(platformKinds.map((kind) => [`POST /agent/${kind}`, take(kind)])),
    'POST /agent/status': async ({ body }) => {
      await host.settled();
      return { contentType: COSE, body: door.status(host.state, body, Date.now()) };
    },
    'POST /agent/merchants': async ({ body }) => ({
      contentType: COSE,
      body: door.merchants(host.state, body, Date.now()),
    }),
  };
  return { host, routes };
}

/** What others may say here: how a payment to their merchant ended. Where no merchant's agent lives, there is nothing else. */
function requireOwn({ input }: ReceivedMessage, owner: Certificate): void {
  if (input.type === 'passed-completion') return;
  if ('owner' in input && input.owner.name === toHex(owner.subject.der)) return;
  throw new HandselError('NOT_PERMITTED', 'this platform is for the agents of its own station');
}

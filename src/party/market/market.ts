/** The market: the agent negotiation server on the network (EP 1 006 469, 11), which hosts customer and merchant agents. */

import { serve } from '../../transport/server.ts';
import { readConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { closeInOrder, type RunningParty, type Surroundings } from '../running/running-party.ts';
import { openPlatform } from './agent-platform.ts';

/** Merchant parameters of thousands of goods are the largest message a market takes. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

export async function startMarket(file: string, surroundings: Surroundings): Promise<RunningParty> {
  const { configuration, path } = readConfiguration('market', file);
  const { name, url, listen, store } = configuration;
  const log = surroundings.log.child({ party: name });
  const identity = readCommunication(configuration.communication, path);
  const client = partyClient({ name, identity, surroundings, peers: configuration.peers });
  const platform = await openPlatform({
    ...{ url, store, path, client },
    sealingKey: readKeyFile(path(configuration.sealingKey)),
    trust: createCommunicationTrust(identity.anchors),
    surroundings: { ...surroundings, log },
  });
  const server = await serve({
    routes: platform.routes,
    listen,
    tls: identity.serverTls,
    limits: { ...SERVER_LIMITS, maxBytes: MAX_BODY_BYTES },
    log,
  });
  return {
    name,
    url,
    failed: platform.host.failed,
    close: () => closeInOrder([() => server.close(), () => platform.host.close(), () => client.close()]),
  };
}

/**
 * The card authorisation network for trusted agents (US 5,671,280, figure 21) as a party: merchants' devices ask it, it asks the acquirer of an operator.
 * The owner of a device is named to nobody on the way but the card's issuer.
 */
import { systemRandom } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { answerAtNetwork } from '../../trusted/card/card-endpoint.ts';
import { createCardNetwork } from '../../trusted/card/card-network-machine.ts';
import { readConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { readPrimaryKeys } from '../configuration/primary-keys.ts';
import { CARD_NETWORK_PATH, INTERCHANGE_PATH, trustedRoute } from '../message/trusted-path.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type RunningParty, type Surroundings, startInSteps } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';

const DAY_MS = 86_400_000;

export function startCardNetwork(file: string, surroundings: Surroundings): Promise<RunningParty> {
  return startInSteps(async (opened) => {
    const { configuration, path } = readConfiguration('card-network', file);
    const { name, url, listen, store } = configuration;
    const log = surroundings.log.child({ party: name });
    const identity = readCommunication(configuration.communication, path);
    const client = opened(partyClient({ name, identity, surroundings, peers: configuration.peers }));
    const scalar = readKeyFile(path(configuration.privateKey));
    const host = opened(
      await openMachine({
        machine: createCardNetwork({
          ...{ scalar, lists: readPrimaryKeys(path(configuration.primaryKeys)) },
          listsFrom: { server: trustedRoute(configuration.server), everyMs: configuration.listsMinutes * 60_000 },
          keepMs: configuration.keepDays * DAY_MS,
          interchange: `${configuration.operator}${INTERCHANGE_PATH}`,
        }),
        // Card numbers pass through it.
        journal: createSealedJournal({
          journal: await openJournal(store, path, 'card-network'),
          key: readKeyFile(path(configuration.storageKey)),
          random: systemRandom,
        }),
        courier: byScheme({ 'https:': createHttpCourier({ client }) }),
        surroundings: { ...surroundings, log },
      }),
    );
    await host.submit({ type: 'opened' });
    const routes: Routes = {
      [`POST ${CARD_NETWORK_PATH}`]: async ({ body }) => ({
        contentType: 'application/cbor',
        body: await answerAtNetwork(host, body, { scalar, nowMs: systemClock().nowMs() }),
      }),
    } as Routes;
    // Devices show no certificate; what they say is encrypted and signed.
    const tls = { ...identity.serverTls, requireClient: false, askClient: false };
    const server = await serve({ routes, listen, tls, limits: SERVER_LIMITS, log });
    return {
      ...{ name, url, failed: host.failed },
      close: () => closeInOrder([() => server.close(), () => host.close(), () => client.close()]),
    };
  });
}

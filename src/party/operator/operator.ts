/**
 * An operator (a bank or telecom company): the payment gateway that merchants ask over SET, and behind it the acquirer's and the
 * issuer's hosts in the interchange network. Three machines, each on its own journal.
 */
import { sha256 } from '../../crypto/digest.ts';
import { systemRandom } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import { parseRate } from '../../money/rate.ts';
import { createCardCourier } from '../../set/gateway/card-network.ts';
import { createGatewayEndpoint } from '../../set/gateway/gateway-endpoint.ts';
import { createGatewayMachine } from '../../set/gateway/gateway-machine.ts';
import { createAcquirerHost } from '../../set/interchange/acquirer-host.ts';
import { createHostEntrance } from '../../set/interchange/host-entrance.ts';
import { createIso8583Courier } from '../../set/interchange/iso8583-courier.ts';
import { createIssuerHost } from '../../set/interchange/issuer-host.ts';
import type { Iso8583Exchange } from '../../set/interchange/tcp-link.ts';
import type { Log } from '../../transport/log.ts';
import type { Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { type OperatorConfiguration, readConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { ownCommand } from '../owner/own-commands.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { keepTrustFresh } from '../running/keep-trust-fresh.ts';
import { byScheme } from '../running/routes.ts';
import {
  closeInOrder,
  type Opened,
  type RunningParty,
  type Surroundings,
  startInSteps,
} from '../running/running-party.ts';
import { loadSetTrust, readSetKey } from '../running/set-trust-files.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { cardInterchangeRoutes } from './card-interchange-route.ts';
import { type OperatorAccounts, operatorAccounts } from './operator-accounts.ts';
import { setUpAcquirer, setUpIssuer } from './operator-books.ts';
import { openOperatorDelivery } from './operator-delivery.ts';
import { type OperatorDepositsRunning, openOperatorDeposits } from './operator-deposits.ts';
import { exchangeWith, openOperatorNetwork } from './operator-network.ts';
import { startShard } from './operator-shard.ts';
import { settleRegularly } from './settle-regularly.ts';

const HOUR_MS = 3_600_000;
/** How old or new a SET message may be: repeats of an outbox are the same bytes, made long ago. */
const SET_WINDOW = { oldMs: 24 * HOUR_MS, newMs: 5 * 60_000 };
const TIMES = { instructionMs: 24 * HOUR_MS, networkWaitMs: 20_000, authorizationMs: 7 * 24 * HOUR_MS };
const SET_FORM = 'application/set-payment';

export interface RunningOperator extends RunningParty {
  /** Where other operators reach its access server. */
  readonly interchangePort: number;
  /** Closes the acquirer's batch: what issuers owe for it is settled now. */
  closeOfBusiness(): Promise<void>;
  accounts(): Promise<OperatorAccounts>;
  /** Absent for an operator that has no part in deposits. */
  readonly deposits?: Pick<OperatorDepositsRunning, 'statement' | 'settle'>;
}

type Path = (relative: string) => string;

/** @throws ConfigurationError; JournalError when a store cannot be opened */
export function startOperator(file: string, surroundings: Surroundings): Promise<RunningOperator> {
  return startInSteps((opened) => openOperator(file, surroundings, opened));
}

async function openOperator(file: string, surroundings: Surroundings, opened: Opened): Promise<RunningOperator> {
  const { configuration, path } = readConfiguration('operator', file);
  const { name, listen, store, brand } = configuration;
  const log = surroundings.log.child({ party: name });
  const around = { ...surroundings, log };
  const clock = systemClock();
  const identity = readCommunication(configuration.communication, path);
  const trust = loadSetTrust(configuration.gateway.trust, { brandId: brand, path, nowMs: clock.nowMs });
  const { keys, machine } = gatewayOf(configuration, path, trust.trust);

  const issuer = opened(
    await openMachine({
      machine: issuerOf(configuration, path),
      journal: await openJournal(store, path, 'issuer'),
      courier: NOWHERE,
      surroundings: around,
    }),
  );
  await setUpIssuer(issuer, configuration, path);
  const entrance = createHostEntrance(issuer);
  const network = opened(await openOperatorNetwork({ configuration, identity, issuer: entrance, log }));

  const acquirer = opened(
    await openMachine({
      machine: acquirerOf(configuration),
      // The messages between acquirer and issuers name the card; the gateway seals its own, and the issuer keeps no number.
      journal: createSealedJournal({
        journal: await openJournal(store, path, 'acquirer'),
        key: keys.storageKey,
        random: systemRandom,
      }),
      courier: cardCourier(`${name}.acquirer`, { access: network.access }, surroundings),
      surroundings: around,
    }),
  );
  await setUpAcquirer(acquirer, configuration);

  const toAcquirer = { acquirer: exchangeWith(createHostEntrance(acquirer)) };
  const gateway = opened(
    await openMachine({
      machine,
      journal: await openJournal(store, path, 'gateway'),
      courier: createCardCourier({
        courier: cardCourier(`${name}.gateway`, toAcquirer, surroundings),
        storageKey: keys.storageKey,
      }),
      surroundings: around,
    }),
  );
  const endpoint = createGatewayEndpoint({
    ...{ host: gateway, keys, trust: trust.trust, window: SET_WINDOW, nowMs: clock.nowMs, random: systemRandom },
    onRefusal: (err, message) => log.info({ err, message: message?.message.type }, 'a SET message was refused'),
  });

  const cards =
    configuration.cardNetwork &&
    cardInterchangeRoutes({ configuration, network: configuration.cardNetwork, acquirer: toAcquirer.acquirer });

  const everyMs = configuration.interchange.settleEverySeconds * 1000;
  const settlement = settleRegularly({ host: acquirer, clock, everyMs, log });
  opened({ close: settlement.stop });
  const client = opened(partyClient({ name, identity, surroundings, peers: configuration.peers }));
  const deposits =
    configuration.deposits === undefined
      ? undefined
      : opened(
          await openOperatorDeposits({
            ...{ configuration, path, identity, client, deposits: configuration.deposits },
            surroundings: around,
            runShard: surroundings.shards?.run ?? ((shard) => startShard(file, shard, surroundings)),
          }),
        );
  const delivery =
    configuration.delivery &&
    opened(
      await openOperatorDelivery({
        ...{ configuration, path, identity, client, gateway, delivery: configuration.delivery },
        surroundings: around,
      }),
    );
  const accounts = () => operatorAccounts({ issuer, acquirer, deposits });
  const closeOfBusiness = async () => {
    await settlement.closeOfBusiness();
    await deposits?.settle();
  };
  const trustFiles = configuration.gateway.trust;
  const fresh = { trust, files: trustFiles, brandId: brand, path, client, clock, log };
  const stopRefreshing = await keepTrustFresh(fresh);
  opened({ close: stopRefreshing });
  const server = await serve({
    listen,
    tls: identity.serverTls,
    limits: SERVER_LIMITS,
    // The operator's shards ask as much as there is to do.
    unlimited: sha256(identity.chain[0]!.der),
    log,
    routes: {
      'POST /set': async ({ body }) => ({ contentType: SET_FORM, body: await endpoint(body) }),
      ...deposits?.routes,
      ...delivery?.routes,
      ...cards,
      ...ownCommands(name, { closeOfBusiness, accounts }, log),
    },
  });
  return {
    name,
    url: server.url,
    interchangePort: network.port,
    failed: Promise.race([
      ...[issuer.failed, acquirer.failed, gateway.failed],
      ...[deposits, delivery].flatMap((part) => part?.failed ?? []),
    ]),
    closeOfBusiness,
    accounts,
    ...(deposits && { deposits }),
    close: () =>
      closeInOrder([
        stopRefreshing,
        settlement.stop,
        // Doors first, then whoever asks the next one, so that nothing asked is left without its answer.
        () => server.close(),
        () => delivery?.close(),
        () => gateway.close(),
        () => acquirer.close(),
        () => network.close(),
        () => deposits?.close(),
        () => issuer.close(),
        () => client.close(),
      ]),
  };
}

const NOWHERE: Courier = {
  deliver: () => Promise.resolve({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: 'an issuer asks nobody' }),
};

function cardCourier(
  name: string,
  links: Readonly<Record<string, Iso8583Exchange>>,
  { tracer }: Surroundings,
): Courier {
  return byScheme({ 'iso8583:': createIso8583Courier({ links, name, ...(tracer && { tracer }) }) });
}

function issuerOf({ issuer }: OperatorConfiguration, path: Path) {
  return createIssuerHost({
    issuerId: issuer.id,
    panKey: readKeyFile(path(issuer.panKey)),
    rates: issuer.rates.map(({ from, to, rate }) => parseRate({ from, to, text: rate })),
  });
}

function acquirerOf({ acquirer, issuer, interchange }: OperatorConfiguration) {
  return createAcquirerHost({
    acquirerId: acquirer.id,
    issuers: [
      { prefix: issuer.bin, issuerId: issuer.id },
      ...interchange.operators.map(({ bin, issuerId }) => ({ prefix: bin, issuerId })),
    ],
    reversalMs: interchange.reversalSeconds * 1000,
  });
}

function gatewayOf(
  { gateway, acquirer }: OperatorConfiguration,
  path: Path,
  trust: Parameters<typeof createGatewayMachine>[0]['trust'],
) {
  const keys = {
    gatewayId: gateway.gatewayId,
    signing: readSetKey(gateway.signature, path),
    encryption: readSetKey(gateway.encryption, path),
    storageKey: readKeyFile(path(gateway.storageKey)),
  };
  const merchants = new Set(acquirer.merchants.map(({ id }) => id));
  const names = {
    acquirerId: acquirer.id,
    terminalId: 'SET',
    acceptorOf: (merchantId: string) => (merchants.has(merchantId) ? merchantId : undefined),
    route: 'iso8583:acquirer',
  };
  return { keys, machine: createGatewayMachine({ keys, names, trust, times: TIMES }) };
}

function ownCommands(
  name: string,
  commands: { closeOfBusiness(): Promise<void>; accounts(): Promise<OperatorAccounts> },
  log: Log,
): Routes {
  return {
    'POST /operator/close-of-business': ownCommand(name, async () => {
      await commands.closeOfBusiness();
      log.info({}, 'the batch is closed');
    }),
    'GET /operator/accounts': ownCommand(name, commands.accounts),
  };
}

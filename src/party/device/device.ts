/**
 * A transaction device as a process (US 5,671,280, figure 3): the trusted agent, opened with its owner's PIN, behind one door for other devices
 * and one for its owner. The same party is a person's, a merchant's, an authority's or a gate's: what it may do says its certificate.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fromHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Log } from '../../transport/log.ts';
import type { Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { openDevice, type TransactionDevice } from '../../trusted/agent/device.ts';
import type { DeviceFile } from '../../trusted/agent/device-file.ts';
import type { HostNotice } from '../../trusted/agent/to-host.ts';
import { AUTHORITY_PORT } from '../../trusted/credential/port-query.ts';
import { formatAgentId } from '../../trusted/message/agent-id.ts';
import { ConfigurationError, type DeviceConfiguration, readConfiguration } from '../configuration/configuration.ts';
import { controlFileOf } from '../configuration/control-file.ts';
import { readPrimaryKeys } from '../configuration/primary-keys.ts';
import { replaceFile } from '../files/replace-file.ts';
import { CARD_NETWORK_PATH, TRUSTED_PATH, trustedRoute } from '../message/trusted-path.ts';
import { inJson } from '../owner/control-request.ts';
import { serveOwner } from '../owner/serve-owner.ts';
import { type CommunicationIdentity, partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type RunningParty, type Surroundings, startInSteps } from '../running/running-party.ts';
import { openJournal } from '../running/stores.ts';
import { openAuthorityDesk } from './authority-desk.ts';
import { type AuthorityRegister, openAuthorityRegister } from './authority-register.ts';
import { beginDevice } from './begin-device.ts';
import { credentialControl, issuerRoutes } from './credential-control.ts';
import { type CredentialDesk, createCredentialDesk } from './credential-desk.ts';
import { deviceControl } from './device-control.ts';
import { createDeviceDesk, type DeviceDesk } from './device-desk.ts';
import { createDeviceMatters } from './device-matters.ts';
import { createDeviceRefresh, type DeviceRefresh, markRoutes } from './device-refresh.ts';
import { createDisputeDesk, type DisputeDesk } from './dispute-desk.ts';
import { createDoorDesk, type DoorDesk } from './door-desk.ts';
import { paperControl } from './paper-control.ts';
import { createPaperDesk, type PaperDesk } from './paper-desk.ts';
import { purchaseControl } from './purchase-control.ts';
import { createTicketPurchase, type TicketPurchase } from './ticket-purchase.ts';
import { createTicketShop, type TicketShop } from './ticket-shop.ts';

export interface RunningDevice extends RunningParty {
  readonly kind: DeviceConfiguration['kind'];
  readonly desk: DeviceDesk;
  readonly door?: DoorDesk;
}

const OWNER_LIMITS = { maxBytes: 64 << 20, timeoutMs: 150_000, perPeerPerSecond: 200, burst: 400 } as const;
/** A device without anything behind its ports. */
const NO_PORTS: Courier = {
  deliver: async ({ to }) => ({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: to }),
};
/** Which offers the agent was told of. */
const TOLD_FILE = 'journals/offered.json';
/** When the home server was met last. */
const MET_FILE = 'met-server';
/** What an authority has issued. */
const DATABASE_FILE = 'database.json';

export function startDevice(file: string, surroundings: Surroundings): Promise<RunningDevice> {
  return startInSteps(async (opened) => {
    const { configuration, path } = readConfiguration('device', file);
    const { name, url, devices, store, kind } = configuration;
    const log = surroundings.log.child({ party: name });
    const clock = systemClock();
    const identity = readCommunication(configuration.communication, path);
    const client = opened(partyClient({ name, identity, surroundings, peers: configuration.peers }));
    const server = trustedRoute(configuration.server);
    const matters = createDeviceMatters(clock);
    const listeners: ((notice: HostNotice) => void)[] = [matters.hear];
    const { onBoundary } = surroundings;
    let ports: Courier = NO_PORTS;
    const device = opened(
      await openDevice({
        foundingLists: readPrimaryKeys(path(configuration.primaryKeys)),
        replyTo: trustedRoute(url),
        ...(configuration.cards && {
          payment: { card: { port: 'card', networkKey: fromHex(configuration.cards.key) } },
        }),
        ...(configuration.authority && { sdJwt: { issuer: url, vctBase: `${url}/types/` } }),
        file: fileOfDevice(path(configuration.deviceFile)),
        pin: pinOf(configuration.pin, path),
        openJournal: () => openJournal(store, path, 'device'),
        ...{ clock, random: systemRandom, log },
        courier: byScheme({
          'https:': createHttpCourier({ client }),
          'port:': { deliver: (message, attempt) => ports.deliver(message, attempt) },
        }),
        toHost(notice) {
          for (const listener of listeners) listener(notice);
        },
        ...(onBoundary && { onBoundary: (boundary, group) => onBoundary('trusted-agent', boundary, group) }),
      }),
    );
    const desk = createDeviceDesk({ device, matters, devices, clock });
    const { authority } = configuration;
    const register =
      authority &&
      opened(
        await openAuthorityRegister({
          ...{ authority, store, path, command: device.command, nowMs: clock.nowMs },
          surroundings: { ...surroundings, log },
        }),
      );
    ports = portsOf(register, configuration.cards, client);
    const purchase = createTicketPurchase({ device, matters, desk, client, clock });
    const shop =
      configuration.offers === undefined
        ? undefined
        : createTicketShop({ device, file: path(configuration.offers), toldFile: path(TOLD_FILE), clock, log });
    if (shop !== undefined) listeners.push(shop.hear);
    const credentials = createCredentialDesk({ device, matters, desk });
    const wantsCredential = configuration.till?.wantsCredential ?? false;
    const papers = createPaperDesk({
      ...{ name, device, matters, desk, clock, wantsCredential },
      offers: () => shop?.offers() ?? [],
    });
    listeners.push(papers.hear);
    const policy = configuration.door;
    const door = policy && createDoorDesk({ name, device, matters, clock, policy });
    if (door !== undefined) listeners.push(door.hear);
    const met = fileOfNumber(path(MET_FILE));
    const refresh = createDeviceRefresh({
      ...{ device, matters, door, client, server, devices, clock, met },
      maxAgeMs: policy && policy.listsHours * 3_600_000,
    });
    const disputes = createDisputeDesk({ device, matters, routeTo: desk.routeTo, server, clock });
    listeners.push(disputes.hear);
    const doors = await openDoors({
      ...{
        configuration,
        identity,
        device,
        file,
        log,
        desk,
        door,
        disputes,
        refresh,
        credentials,
        register,
        purchase,
        shop,
        papers,
      },
    });

    const stopping = new AbortController();
    const ready = begin();
    ready.catch(() => undefined);
    async function begin(): Promise<void> {
      const stop = stopping.signal;
      const tokenFile = path(configuration.token);
      await beginDevice({
        device,
        matters,
        server,
        clock,
        log,
        door: policy,
        kind,
        tokenFile,
        stop,
        refresh,
      });
      await shop?.open();
      const database = path(DATABASE_FILE);
      if (authority !== undefined)
        await openAuthorityDesk({ device, matters, desk, log, clock, authority, database, stop });
    }
    return {
      ...{
        name,
        url,
        desk,
        kind,
        ready,
        failed: register ? Promise.race([device.failed, register.failed]) : device.failed,
      },
      ...(door && { door }),
      close: () =>
        closeInOrder([
          () => stopping.abort(),
          () => matters.close(),
          () => ready.catch(() => undefined),
          () => doors.close(),
          () => device.close(),
          () => register?.close(),
          () => client.close(),
        ]),
    };
  });
}

/** One for other devices, one for the owner. */
async function openDoors(parts: {
  readonly configuration: DeviceConfiguration;
  readonly identity: CommunicationIdentity;
  readonly device: TransactionDevice;
  readonly file: string;
  readonly log: Log;
  readonly desk: DeviceDesk;
  readonly door: DoorDesk | undefined;
  readonly disputes: DisputeDesk;
  readonly refresh: DeviceRefresh;
  readonly credentials: CredentialDesk;
  readonly register: AuthorityRegister | undefined;
  readonly purchase: TicketPurchase;
  readonly shop: TicketShop | undefined;
  readonly papers: PaperDesk;
}) {
  const { configuration, identity, device, file, log, desk, door, disputes, refresh, credentials, register } = parts;
  const { purchase, shop, papers } = parts;
  const { name, kind, listen, control } = configuration;
  const self = () => {
    const certificate = device.self();
    return { name, number: certificate && formatAgentId(certificate.agentId), kind };
  };
  const routes: Routes = {
    [`POST ${TRUSTED_PATH}`]: async ({ body }) => ({
      contentType: 'application/cbor',
      body: await device.arrived(body),
    }),
    ...markRoutes(device),
    ...(shop && { 'GET /offers': async () => inJson(shop.offers()) }),
    ...(configuration.authority && issuerRoutes(configuration.url, device)),
  };
  // Whose device calls or is called is for the agents to say to each other, if at all: nobody is asked for a certificate.
  const tls = { ...identity.serverTls, requireClient: false, askClient: false };
  const outside = await serve({ routes, listen, tls, limits: SERVER_LIMITS, log });
  try {
    const inside = await serveOwner({
      routes: (guarded) => ({
        ...deviceControl({ desk, door, disputes, refresh, identity: self, guarded }),
        ...purchaseControl(purchase, guarded),
        ...paperControl(papers, guarded),
        ...credentialControl({ desk: credentials, register, guarded }),
      }),
      ...{ listen: control, limits: OWNER_LIMITS, file: controlFileOf(file), log },
    });
    return { close: () => closeInOrder([() => inside.close(), () => outside.close()]) };
  } catch (cause) {
    await outside.close();
    throw cause;
  }
}

/** What lies behind the ports of the agent: an authority's server, a card network. */
function portsOf(
  register: AuthorityRegister | undefined,
  cards: DeviceConfiguration['cards'],
  client: Client,
): Courier {
  const http = createHttpCourier({ client });
  return {
    deliver(message, attempt) {
      if (message.to === `port:${AUTHORITY_PORT}` && register !== undefined) {
        return register.courier.deliver(message, attempt);
      }
      if (message.to !== 'port:card' || cards === undefined) return NO_PORTS.deliver(message, attempt);
      return http.deliver({ ...message, to: `${cards.network}${CARD_NETWORK_PATH}` }, attempt);
    },
  };
}

/** @throws ConfigurationError where there is none */
function pinOf(file: string | undefined, path: (relative: string) => string): string {
  const { HANDSEL_PIN: given } = process.env;
  if (given !== undefined) return given;
  if (file === undefined)
    throw new ConfigurationError('the PIN of the device is needed: `pin` names a file, or HANDSEL_PIN');
  try {
    return readFileSync(path(file), 'utf8').split(/\r?\n/)[0] ?? '';
  } catch (cause) {
    throw new ConfigurationError(`cannot read ${path(file)}: does it exist, and may this user read it?`, cause);
  }
}

function fileOfDevice(file: string): DeviceFile {
  return {
    read: async () => (existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined),
    write: async (content) => replaceFile(file, content),
  };
}

function fileOfNumber(file: string) {
  return {
    get: () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined),
    set: (value: number) => replaceFile(file, String(value)),
  };
}

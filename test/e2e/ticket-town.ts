/** The agency, a trusted server and devices as processes of their own, talking over sockets, and what their owners command. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ownerClient, type StationClient } from '../../src/cli/station-client.ts';
import type { DeviceConfiguration } from '../../src/party/configuration/configuration.ts';
import type { TicketView } from '../../src/party/device/ticket-view.ts';
import { provisionIn, temporaryFolder } from '../party/network/network-fixture.ts';
import { type PartyProcess, startProcess } from './party-process.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface CommandEnded {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface TicketTown {
  readonly home: string;
  readonly folder: string;
  /** Read anew each time: a device writes another secret at every start. */
  owner(device: string): StationClient;
  /** Runs a command line to its end. */
  handsel(...args: string[]): CommandEnded;
  /** For a device that cannot start: what it says then. */
  runDevice(name: string): CommandEnded;
  start(...names: string[]): Promise<void>;
  /** Ends it without warning. */
  kill(name: string): Promise<void>;
  /** Ends it in good order. */
  stop(name: string): Promise<void>;
  /** Issues a ticket to a device; gives its name. */
  issue(to: string, components: object): Promise<string>;
  tickets(device: string): Promise<readonly TicketView[]>;
  close(): Promise<void>;
}

function run(args: readonly string[]): CommandEnded {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    ...{ encoding: 'utf8', timeout: 60_000 },
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return { code: status, out: stdout, err: stderr };
}

export const TOWN = ['agency', 'registry', 'bureau', 'opera', 'door', 'ada', 'ben'] as const;

/** `alter` may change the configuration of a device before anything starts. */
export async function startTicketTown(
  options: {
    readonly only?: readonly string[];
    readonly alter?: (configuration: DeviceConfiguration) => Partial<DeviceConfiguration>;
  } = {},
): Promise<TicketTown> {
  const { folder, remove } = temporaryFolder();
  const home = join(folder, 'home');
  const { network } = await provisionIn(home);
  const logs = join(folder, 'logs');
  const crashPoints = join(folder, 'crash-points');
  for (const made of [logs, crashPoints]) mkdirSync(made);
  for (const { party, name } of network.parties) {
    if (party !== 'device' || options.alter === undefined) continue;
    const file = join(home, name, 'party.json');
    const configuration = JSON.parse(readFileSync(file, 'utf8')) as DeviceConfiguration;
    writeFileSync(file, JSON.stringify({ ...configuration, ...options.alter(configuration) }));
  }
  const running = new Map<string, PartyProcess>();
  const start = async (name: string) => {
    const member = network.parties.find((one) => one.name === name)!;
    const places = { configuration: join(home, member.configuration), log: join(logs, `${name}.log`), crashPoints };
    const process = await startProcess(member, places);
    running.set(name, process);
    // Agency and operators have nowhere to be let in.
    if (member.party === 'device' || member.party === 'trusted-server') await process.ready;
  };
  const end = async (name: string, signal: NodeJS.Signals) => {
    const process = running.get(name);
    running.delete(name);
    process?.signal(signal);
    await process?.ended;
  };
  const owner = (device: string) =>
    ownerClient(join(home, device, 'control.json'), {
      code: 'DEVICE_NOT_RUNNING',
      message: `${device} is not running`,
    });
  const town: TicketTown = {
    ...{ home, folder, owner },
    handsel: (...args) => run([...args, '--home', home]),
    runDevice: (name) => run(['run', 'device', '--config', join(home, name)]),
    async start(...names) {
      await Promise.all(names.map(start));
    },
    kill: (name) => end(name, 'SIGKILL'),
    stop: (name) => end(name, 'SIGTERM'),
    async issue(to, components) {
      const { tickets } = await owner('opera').post<{ readonly tickets: readonly string[] }>('/issue', {
        tickets: [components],
        to,
      });
      await until(async () => (await town.tickets(to)).some(({ id }) => id === tickets[0]));
      return tickets[0]!;
    },
    tickets: (device) => owner(device).get('/tickets'),
    async close() {
      await Promise.all([...running.keys()].map((name) => end(name, 'SIGTERM')));
      remove();
    },
  };
  await town.start(...(options.only ?? TOWN));
  return town;
}

export async function until(holds: () => Promise<boolean> | boolean, tries = 400): Promise<void> {
  for (let i = 0; i < tries; i++) {
    if (await holds()) return;
    await sleep(25);
  }
  throw new Error('it did not come about');
}

/** Everything that can be said of a ticket of each kind that a merchant may issue, as it is written down. */
const bytes = (fill: number, length: number) => Buffer.alloc(length, fill).toString('base64url');

export const event = {
  ...{ type: 'event', event: 'Die Zauberflöte', location: 'Deutsche Oper, Berlin', at: '2030-05-04T17:30:00Z' },
  ...{ seat: 'Parkett links, Reihe 12, Platz 7', price: '89.00EUR', purchasedOnDay: '2026-11-21' },
};
export const train = {
  ...{ type: 'transportation', carrier: 'Österreichische Bundesbahnen', tripNumber: 'RJX 162' },
  ...{ departureAt: '2030-05-05T07:30:00Z', departurePlace: 'Wien Hbf', arrivalAt: '2030-05-05T15:20:00Z' },
  ...{ arrivalPlace: 'Zürich HB', price: '89.90EUR', purchasedOnDay: '2026-11-21' },
};
export const radio = {
  ...{ type: 'communications', carrier: 'Telia', timePurchased: 3600, channel: '2.4 GHz, channel 11' },
  ...{ price: '5.00EUR', purchasedOnDay: '2026-11-21', decryptionKeys: [] as string[] },
};
export const film = {
  ...{ type: 'decryption', objectId: 'urn:isan:0000-3A8D', description: 'Metropolis, by Fritz Lang, 1927' },
  ...{ decryptionKey: bytes(5, 32), price: '4.99EUR', purchasedOnDay: '2026-11-21', usage: 'At home' },
  objectSignature: bytes(6, 64),
};
const items = [
  { description: 'Drill, 18 V', quantity: 2, price: '129.00EUR' },
  { description: 'Oak board', quantity: 12, price: '18.50EUR' },
];
export const papers = {
  'purchase-order': {
    ...{ type: 'purchase-order', reference: 'PO-1', day: '2026-11-21', customer: 'Hansen & Søn', items },
    instructions: 'Deliver to the back door',
  },
  invoice: {
    ...{ type: 'invoice', number: 'I-77', day: '2026-11-21', orderReferences: ['PO-1'], vendor: 'Holz Müller' },
    amount: '480.00EUR',
  },
  'remittance-advice': {
    ...{ type: 'remittance-advice', invoiceReferences: ['I-77'], customer: 'Hansen & Søn', day: '2026-11-21' },
    amountPaid: '480.00EUR',
  },
  receipt: {
    ...{ type: 'receipt', day: '2026-11-21', vendor: 'Holz Müller', identifier: 'R-1', items, amountPaid: '480.00EUR' },
    invoiceReferences: ['I-77'],
  },
};
export const licence = {
  ...{ type: 'licence', title: "driver's licence", name: 'Ada Nyström', address: 'Västra Hamngatan 3, Göteborg' },
  ...{ picture: bytes(7, 900), physicalDescription: '172 cm, brown eyes', signature: bytes(8, 300) },
  expiresDay: '2030-01-01',
};
export const seal = {
  ...{ type: 'corporate-seal', corporateName: 'Hansen & Søn ApS', address: 'Havnegade 1', taxpayerId: 'DK-24256790' },
  expiresDay: '2030-01-01',
};

/**
 * Two customers, their bank, another bank and two merchants of it: the real parties' parts in deposits, with stores on disk and TLS between them,
 * under names and with goods that can be found again wherever they come to be. Everything each of them gets to see is kept.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import { type PartyKind, readConfiguration } from '../../../src/party/configuration/configuration.ts';
import { issueIdentity } from '../../../src/party/configuration/issue-for-party.ts';
import { keyFileText } from '../../../src/party/configuration/key-file.ts';
import { writeNewFiles } from '../../../src/party/files/new-files.ts';
import { loadCatalogue } from '../../../src/party/merchant/catalogue.ts';
import { openPaidRoutes, type PaidRoutes } from '../../../src/party/merchant/paid-routes.ts';
import { openOperatorDeposits } from '../../../src/party/operator/operator-deposits.ts';
import { type CustomerDepositsRunning, openCustomerDeposits } from '../../../src/party/purse/customer-deposits.ts';
import type { FetchOrder } from '../../../src/party/purse/paid-fetch.ts';
import {
  type CommunicationIdentity,
  partyClient,
  readCommunication,
  SERVER_LIMITS,
} from '../../../src/party/running/communication.ts';
import { createAgency } from '../../../src/set/authority/create-agency.ts';
import type { Client } from '../../../src/transport/client.ts';
import { createLog } from '../../../src/transport/log.ts';
import { serve } from '../../../src/transport/server.ts';
import type { TracedMessage } from '../../../src/transport/trace.ts';
import { until } from '../../e2e/until.ts';
import { catalogues, provisionIn, temporaryFolder } from '../../party/network/network-fixture.ts';
import { type CuriousServer, openCurious, openWiretap, type Wiretap } from './wiretap.ts';

/** Names that stand nowhere else. */
export const cast = {
  customers: ['Aaltje-Quispelwater', 'Berend-Ophuizen'] as readonly [string, string],
  accountManager: 'Noordkaap-Spaarbank',
  acquirer: 'Zuidkaap-Handelsbank',
  merchants: ['Zilverhof-Bakkerij', 'Wijdewaard-Kiosk'],
} as const;

export const goods = {
  sku: 'gevulde-koeken-register',
  asked: 'amandelspijsgehalte',
  answered: 'Spekulaasbrokken bevatten 38 procent amandelspijsgehalte',
} as const;

/** Of one lookup: 48,611 units of 100 nano. */
export const PRICE = '0.0048611 USD';
export const PRICE_UNITS = 48_611;
const CREDIT_MINOR = '8675309';
export const DEPOSIT_MINOR = 271_828;

export interface PartyEvidence {
  readonly name: string;
  readonly folder: string;
  readonly identity: CommunicationIdentity;
  readonly logs: string[];
}

export interface PrivacyWorld {
  readonly parties: ReadonlyMap<string, PartyEvidence>;
  /** What was said, in order; whoever said or heard it has it. */
  readonly messages: TracedMessage[];
  /** By merchant: what came to its shop in clear. */
  readonly shops: ReadonlyMap<string, CuriousServer>;
  readonly taps: readonly Wiretap[];
  customer(name: string): CustomerDepositsRunning;
  paidUrl(merchant: string): string;
  /** Of the merchant's own software, without the curious server in front of it. */
  shopUrl(merchant: string): string;
  /** One whole trading session: lookups at the merchants, and everything concluded and stated. */
  session(
    customer: string,
    merchants: readonly string[],
    more?: Partial<FetchOrder>,
    answered?: () => void,
  ): Promise<void>;
  /** Nothing runs any more; the stores are there to be read. */
  stop(): Promise<void>;
  remove(): void;
}

/** What somebody does otherwise than he should. */
export interface Plant {
  /** Of a bank or a merchant: stands before what it sends. */
  client?(name: string, client: Client, identity: CommunicationIdentity): Client;
  /** What a customer's program adds to requests. */
  headers?(customer: string): Record<string, string>;
}

const RECORD_DELAY_MS = 250;

/**
 * Which side's record comes first is chance, and says nothing of the customer: here the merchant's does, so that what sessions have in common is
 * not chance either.
 */
function inOneOrder(name: string, client: Client): Client {
  if (name !== cast.accountManager) return client;
  return {
    ...client,
    async post(url, message, signal) {
      if (message.kind === transactionRecordType.name) await sleep(RECORD_DELAY_MS);
      return client.post(url, message, signal);
    },
  };
}

export async function startPrivacyWorld(plant: Plant = {}): Promise<PrivacyWorld> {
  const { folder, remove } = temporaryFolder();
  const home = join(folder, 'network');
  await provisionIn(home);
  const agency = createAgency({
    ...{ organization: 'Handsel', country: 'NL', brands: [{ brandId: 'HANDSEL', country: 'NL' }] },
    ...{ clock: { nowMs: Date.now }, random: systemRandom },
  });
  const messages: TracedMessage[] = [];
  const parties = new Map<string, PartyEvidence>();
  const clients: Client[] = [];
  const closers: (() => Promise<void> | void)[] = [];
  const taps: Wiretap[] = [];
  const names: Record<string, string> = {};

  const tap = async () => {
    const opened = await openWiretap();
    taps.push(opened);
    return opened;
  };
  const urlOf = ({ port }: { readonly port: number }) => `https://127.0.0.1:${port}`;
  const [northTap, southTap] = [await tap(), await tap()];
  const shopTaps = new Map<string, { readonly own: Wiretap; readonly paid: Wiretap }>();
  for (const merchant of cast.merchants) shopTaps.set(merchant, { own: await tap(), paid: await tap() });
  names[urlOf(northTap)] = cast.accountManager;
  names[urlOf(southTap)] = cast.acquirer;
  for (const [merchant, { own, paid }] of shopTaps) for (const one of [own, paid]) names[urlOf(one)] = merchant;

  /** A party of its own name, with the configuration of one that the network has, changed. */
  const enrol = <K extends PartyKind>(kind: K, like: string, name: string, changes: object) => {
    const own = join(folder, 'parties', name);
    const { files, communication } = issueIdentity(agency, { name, hosts: ['127.0.0.1'] });
    mkdirSync(own, { recursive: true });
    writeNewFiles(own, files);
    const configuration = JSON.parse(readFileSync(join(home, like, 'party.json'), 'utf8'));
    writeFileSync(
      join(own, 'party.json'),
      JSON.stringify({ ...configuration, name, communication, peers: names, ...changes }),
    );
    for (const key of ['storage.key', 'challenge.key']) writeFileSync(join(own, key), keyFileText(systemRandom(32)));
    const read = readConfiguration(kind, join(own, 'party.json'));
    const identity = readCommunication(communication, read.path);
    const logs: string[] = [];
    const surroundings = {
      log: createLog({ name, level: 'debug', destination: { write: (line) => void logs.push(line) } }),
      tracer: { record: (message: TracedMessage) => void messages.push({ ...message, bytes: message.bytes.slice() }) },
    };
    const honest = partyClient({ name, identity, surroundings, peers: names });
    const steady = inOneOrder(name, honest);
    const client = plant.client?.(name, steady, identity) ?? steady;
    clients.push(honest);
    parties.set(name, { name, folder: own, identity, logs });
    return { ...read, identity, client, surroundings };
  };

  const bank = async (name: string, at: Wiretap, deposits: object) => {
    const party = enrol('operator', 'south', name, {
      deposits: {
        url: urlOf(at),
        customers: [],
        merchants: [],
        rates: [{ from: 'EUR', to: 'USD', rate: '1.083217' }],
        ...deposits,
      },
    });
    const { configuration, identity, surroundings } = party;
    const running = await openOperatorDeposits({
      ...party,
      deposits: configuration.deposits!,
      runShard: () => Promise.reject(new Error('nothing is cut here')),
    });
    const server = await serve({
      ...{ listen: { host: '127.0.0.1', port: 0 }, tls: identity.serverTls, limits: SERVER_LIMITS },
      ...{ log: surroundings.log, routes: running.routes },
    });
    at.target(server.port);
    closers.push(() => server.close(), running.close);
    return running;
  };
  const limits = [{ currency: 'USD', theyMayOweMinor: '100000000' }];
  const north = await bank(cast.accountManager, northTap, {
    customers: cast.customers.map((name) => ({ name, currency: 'EUR', creditMinor: CREDIT_MINOR })),
    operators: [{ name: cast.acquirer, url: urlOf(southTap), limits }],
  });
  const south = await bank(cast.acquirer, southTap, {
    merchants: [...shopTaps].map(([name, { own }]) => ({ name, currency: 'USD', url: urlOf(own) })),
    operators: [{ name: cast.accountManager, url: urlOf(northTap), limits }],
  });

  const [item] = await loadCatalogue(join(catalogues, 'atlas'));
  const path = join(folder, 'goods.txt');
  const text = `${goods.answered}\nniets anders\n`;
  writeFileSync(path, text);
  const product = { ...item!.product, sku: goods.sku };
  const sold = { ...item!, product, goods: { path, size: text.length, sha256: sha256(Buffer.from(text)) } };
  const shops = new Map<string, CuriousServer>();
  const sellers = new Map<string, PaidRoutes>();
  for (const [name, { own, paid: paidTap }] of shopTaps) {
    const party = enrol('merchant', 'atlas', name, {
      paid: {
        ...{
          listen: { host: '127.0.0.1', port: 0 },
          url: urlOf(paidTap),
          unit: { currency: 'USD', nano: 100 },
          price: PRICE,
        },
        ...{
          operator: { name: cast.acquirer, url: urlOf(southTap) },
          storageKey: 'storage.key',
          challengeKey: 'challenge.key',
        },
      },
    });
    const { configuration, identity, surroundings } = party;
    const seller = await openPaidRoutes({
      ...party,
      name,
      paid: configuration.paid!,
      store: configuration.store,
      items: [sold],
    });
    const server = await serve({
      ...{ listen: { host: '127.0.0.1', port: 0 }, tls: identity.serverTls, limits: SERVER_LIMITS },
      ...{ log: surroundings.log, routes: seller.operatorRoutes },
    });
    const { certificateChainPem: cert, privateKeyPem: key, anchorsPem: ca } = identity.serverTls;
    const curious = await openCurious({ cert, key, ca });
    curious.target(Number(new URL(seller.url).port));
    paidTap.target(curious.port);
    own.target(server.port);
    shops.set(name, curious);
    sellers.set(name, seller);
    closers.push(
      () => curious.close(),
      () => server.close(),
      seller.close,
    );
  }

  const customers = new Map<string, CustomerDepositsRunning>();
  for (const name of cast.customers) {
    const party = enrol('customer', 'customer', name, {
      deposits: {
        ...{
          operator: { name: cast.accountManager, url: urlOf(northTap) },
          currency: 'EUR',
          storageKey: 'storage.key',
        },
        ...{ limitMinor: '5000000', depositMinor: String(DEPOSIT_MINOR), maxPrice: '0.01 EUR' },
      },
    });
    const { configuration } = party;
    const { deposits, store, peers } = configuration;
    const running = await openCustomerDeposits({ ...party, name, deposits: deposits!, store, peers });
    customers.set(name, running);
    closers.push(running.close);
  }

  const settled = async () => {
    await until(
      async () => {
        const statements = await Promise.all([...sellers.values()].map((seller) => seller.statement()));
        const open = (await Promise.all([north.statement(), south.statement()])).map((one) => one.open);
        return statements.reduce(
          (sum, one) => sum + one.open.length,
          open.reduce((sum, one) => sum + one.asAccountManager + one.asAcquirer, 0),
        );
      },
      (open) => open === 0,
    );
  };
  const paidUrl = (merchant: string) => urlOf(shopTaps.get(merchant)!.paid);
  return {
    ...{ parties, messages, shops, taps, remove, paidUrl },
    shopUrl: (merchant) => sellers.get(merchant)!.url,
    customer: (name) => customers.get(name)!,
    async session(name, merchants, more = {}, answered = () => {}) {
      const customer = customers.get(name)!;
      const urls = merchants.map((merchant) => `${paidUrl(merchant)}/paid/${goods.sku}?find=${goods.asked}`);
      const headers = plant.headers?.(name) ?? {};
      const order = { urls, times: 1, atOnce: 1, method: 'GET', headers, body: new Uint8Array(), ...more };
      for await (const event of customer.fetch(order)) {
        if (event.type === 'failed') throw new Error(`${event.code}: ${event.detail}`);
        if (event.type === 'answer') answered();
        if (event.type === 'answer' && !Buffer.from(event.body).includes(goods.answered))
          throw new Error('not what was asked for');
      }
      await customer.desk.closeAll();
      await settled();
    },
    async stop() {
      for (const close of closers.toReversed()) await close();
      for (const client of clients) client.close();
      for (const one of taps) one.close();
    },
  };
}

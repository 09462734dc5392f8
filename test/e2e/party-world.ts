/**
 * All parties of a network in one process, each with its own keys, stores and sockets, every message between them on record as
 * it crossed the wire; each party can be stopped and started by itself.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import type { NetworkMember } from '../../src/party/configuration/network-home.ts';
import { agentOrderSchema } from '../../src/party/customer/agent-order.ts';
import { type RunningCustomer, startCustomer } from '../../src/party/customer/customer.ts';
import type { DeliveryDesk } from '../../src/party/customer/delivery-control.ts';
import type { AgentView, Station } from '../../src/party/customer/station.ts';
import { startParty } from '../../src/party/network/start-party.ts';
import type { CustomerDepositsRunning } from '../../src/party/purse/customer-deposits.ts';
import { type CommunicationIdentity, partyClient, readCommunication } from '../../src/party/running/communication.ts';
import type { RunningParty } from '../../src/party/running/running-party.ts';
import type { Client } from '../../src/transport/client.ts';
import { createLog } from '../../src/transport/log.ts';
import type { TracedMessage } from '../../src/transport/trace.ts';
import { provisionSettlingAtOnce, temporaryFolder } from '../party/network/network-fixture.ts';
import { until } from './until.ts';

export interface PartyWorld {
  readonly home: string;
  readonly password: string;
  /** In the order in which they left or arrived; grows while the parties talk. */
  readonly messages: readonly TracedMessage[];
  /** Messages that do not get through for now, e.g. `customer → market launch`. */
  readonly cut: Set<string>;
  station(): Station;
  /** The customer's. */
  deposits(): CustomerDepositsRunning;
  deliveries(): DeliveryDesk;
  start(party: string): Promise<void>;
  stop(party: string): Promise<void>;
  urlOf(party: string): string;
  /** Where a merchant sells out of deposits. */
  paidUrlOf(merchant: string): string;
  configurationOf(party: string): string;
  identityOf(party: string): CommunicationIdentity;
  /** Speaks to others as that party does. */
  clientAs(party: string): Client;
  /** An agent for country borders unless told otherwise; gives the mandate. */
  send(order?: Record<string, unknown>): Promise<string>;
  follow(mandate: string, wanted: (view: AgentView) => boolean): Promise<AgentView>;
  close(): Promise<void>;
}

/** `prepare` may change what is in the home before anything starts. */
export async function startPartyWorld(prepare: (home: string) => void = () => {}): Promise<PartyWorld> {
  const { folder, remove } = temporaryFolder();
  const home = join(folder, 'home');
  const { network } = await provisionSettlingAtOnce(home);
  prepare(home);
  const password = readFileSync(join(home, network.password), 'utf8').trim();
  const messages: TracedMessage[] = [];
  const cut = new Set<string>();
  const record = (message: TracedMessage) => {
    messages.push(message);
    const { from, to, kind } = message;
    if (cut.has(`${from} → ${to} ${kind}`)) throw new Error('the wire is cut');
  };
  const surroundings = {
    log: createLog({ name: 'world', level: 'silent' }),
    tracer: { record },
  };
  const running = new Map<string, RunningParty>();
  const clients: Client[] = [];
  let customer: RunningCustomer | undefined;
  const memberOf = (name: string) => network.parties.find((member) => member.name === name)!;
  const configurationOf = (name: string) => join(home, memberOf(name).configuration);

  const start = async ({ name, party }: NetworkMember) => {
    const file = configurationOf(name);
    if (party !== 'customer') return void running.set(name, await startParty(party, file, surroundings));
    customer = await startCustomer(file, surroundings);
    running.set(name, customer);
  };
  const stop = async (name: string) => {
    const party = running.get(name);
    running.delete(name);
    await party?.close();
  };
  const identityOf = (name: string) => {
    const { configuration, path } = readConfiguration(memberOf(name).party, configurationOf(name));
    return readCommunication(configuration.communication, path);
  };
  for (const member of network.parties) await start(member);
  await Promise.all([...running.values()].map(({ ready }) => ready));

  const world: PartyWorld = {
    ...{ home, password, messages, cut, configurationOf, identityOf },
    station: () => customer!.station,
    deposits: () => customer!.deposits!,
    deliveries: () => customer!.deliveries!,
    start: (name) => start(memberOf(name)),
    stop,
    urlOf: (name) => memberOf(name).url,
    paidUrlOf: (name) => memberOf(name).paid!,
    clientAs(name) {
      const { log } = surroundings;
      const client = partyClient({ name, identity: identityOf(name), surroundings: { log }, peers: {} });
      clients.push(client);
      return client;
    },
    send: (order = {}) =>
      customer!.station.send(
        agentOrderSchema.parse({
          ...{ want: 'country borders', max: '6.00EUR', proposalsMs: 5000 },
          ...(order.scenario !== 'ask-person' && { password }),
          ...order,
        }),
      ),
    follow: (mandate, wanted) => until(() => customer!.station.status(mandate), wanted),
    async close() {
      for (const client of clients) client.close();
      for (const { name } of network.parties.toReversed()) await stop(name);
      remove();
    },
  };
  return world;
}

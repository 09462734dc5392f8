/** One shard of an operator's accounts as a process of its own: it lets in the operator's other processes, and nobody else. */
import { systemClock } from '../../journal/clock.ts';
import type { Request, Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { ConfigurationError, readConfiguration } from '../configuration/configuration.ts';
import { forOwnPeople, ownCommand } from '../owner/own-commands.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { chainValidation } from '../running/deposit-trust.ts';
import {
  closeInOrder,
  type Opened,
  type RunningParty,
  type Surroundings,
  startInSteps,
} from '../running/running-party.ts';
import { openJournal } from '../running/stores.ts';
import { type OwnDesk, openAccountDesk } from './account-desk.ts';
import { answerRelay, relayCourier } from './relay.ts';
import { planShards } from './shard-plan.ts';
import { byShard, RELAY, SHARD_RELAY } from './shard-relay.ts';

/** What a shard says of itself. */
export interface ShardStatus {
  readonly shard: number;
  readonly of: number;
  readonly accounts: number;
  readonly sessions: number;
  /** Deposits that are set aside. */
  readonly deposits: number;
  /** A sentence for each invariant of the accounts that does not hold; empty for sound books. */
  readonly violations: readonly string[];
}

/** As in JSON. */
export interface StatedPosition {
  readonly counterparty: string;
  readonly currency: string;
  readonly theyOweMinor: string;
  readonly weOweMinor: string;
}

/** All come from the operator's own processes, which have bounded them at their doors. */
const LIMITS = { ...SERVER_LIMITS, perPeerPerSecond: 1_000_000, burst: 1_000_000, maxConnections: 8192 };

/** @throws ConfigurationError; JournalError when the store cannot be opened */
export function startShard(file: string, number: number, surroundings: Surroundings): Promise<RunningParty> {
  return startInSteps((opened) => openShard({ file, number }, surroundings, opened));
}

async function openShard(
  { file, number }: { readonly file: string; readonly number: number },
  surroundings: Surroundings,
  opened: Opened,
): Promise<RunningParty> {
  const { configuration, path } = readConfiguration('operator', file);
  const { name, deposits, peers } = configuration;
  const plan = planShards(configuration, path, surroundings.shards?.count);
  const place = plan?.places[number];
  if (plan === undefined || deposits === undefined || place === undefined) {
    throw new ConfigurationError(`${file} has no shard ${number}: there are ${plan?.places.length ?? 0}`);
  }
  const log = surroundings.log.child({ party: name, shard: number });
  const around = { ...surroundings, log };
  const identity = readCommunication(configuration.communication, path);
  const client = opened(partyClient({ name, identity, surroundings: around, peers }));
  // The operator's own process passes it on: it knows where every shard is, and keeps the billing book. One relay for each of them,
  // so that a shard that is slow keeps nothing from the others.
  const relay = () => relayCourier({ client, clock: systemClock(), url: () => `${deposits.url}${RELAY}` });
  const toShards = plan.places.map(relay);
  const desk = opened(
    await openAccountDesk({
      ...{ configuration, deposits, path, identity, client, surroundings: around },
      validate: chainValidation(createCommunicationTrust(identity.anchors), systemClock().nowMs),
      journal: await openJournal(place.store, path, place.journal),
      billing: relay(),
      shard: { ...{ number, map: plan.map }, courier: byShard(toShards) },
    }),
  );
  const server = await serve({
    ...{ listen: place.listen, tls: identity.serverTls, limits: LIMITS, log },
    routes: { ...forOwnPeople(name, desk.routes), ...statusRoutes(name, desk, { shard: number, of: plan.map.count }) },
  });
  return {
    name: `${name} shard ${number}`,
    url: server.url,
    failed: desk.failed,
    close: () => closeInOrder([() => server.close(), () => desk.close(), () => client.close()]),
  };
}

function statusRoutes(name: string, desk: OwnDesk, place: Pick<ShardStatus, 'shard' | 'of'>): Routes {
  const status = async (): Promise<ShardStatus> => {
    const { accounts, violations } = await desk.books();
    const { sessions, deposits } = desk.state;
    return { ...place, accounts: accounts.length, sessions: sessions.size, deposits: deposits.size, violations };
  };
  const positions = async (): Promise<readonly StatedPosition[]> =>
    (await desk.positions()).map(({ counterparty, currency, theyOweMinor, weOweMinor }) => ({
      ...{ counterparty, currency },
      ...{ theyOweMinor: String(theyOweMinor), weOweMinor: String(weOweMinor) },
    }));
  return {
    'GET /shard': ownCommand(name, status),
    'GET /shard/positions': ownCommand(name, positions),
    'GET /shard/books': ownCommand(name, desk.books),
    'GET /shard/statement': ownCommand(name, desk.statement),
    'POST /shard/pay': ownCommand(name, desk.pay),
    ...forOwnPeople(name, {
      [`POST ${SHARD_RELAY}`]: async ({ body }: Request) => {
        const take = async (message: { readonly body: Uint8Array }) =>
          ({ type: 'answered', body: await desk.takeCarried(message.body) }) as const;
        return { contentType: 'application/cbor', body: await answerRelay(body, take) };
      },
    }),
  };
}

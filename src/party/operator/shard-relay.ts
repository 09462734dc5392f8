/** What shards send each other, and to the one billing book, goes through the operator's process: it knows where everybody is. */
import { HandselError } from '../../handsel-error.ts';
import { systemClock } from '../../journal/clock.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Client } from '../../transport/client.ts';
import type { Request, Routes } from '../../transport/route.ts';
import { forOwnPeople } from '../owner/own-commands.ts';
import { BILLING_ROUTE } from './billing-courier.ts';
import { answerRelay, relayCourier } from './relay.ts';

/** Where the operator's process takes what its shards send. */
export const RELAY = '/operator/relay';
/** Where a shard takes what is for it. */
export const SHARD_RELAY = '/shard/relay';

const SHARD_ROUTE = /^shard:(0|[1-9][0-9]{0,2})$/;
/** A batch that was given up is sent again: nobody needs to be told. */
const NEVER = new AbortController().signal;

/** By the number in the route, `shard:1`. @throws (delivering) HandselError `ROUTE_UNKNOWN` */
export function byShard(couriers: readonly Courier[]): Courier {
  return {
    async deliver(message, attempt) {
      const courier = couriers[Number(SHARD_ROUTE.exec(message.to)?.[1])];
      if (courier === undefined) throw new HandselError('ROUTE_UNKNOWN', `there is no ${message.to}`);
      return courier.deliver(message, attempt);
    },
  };
}

export function relayRoutes(given: {
  readonly name: string;
  /** How many shards there are. */
  readonly count: number;
  /** @throws while the shard is away */
  urlOf(shard: number): string;
  readonly client: Client;
  readonly billing: Courier;
}): Routes {
  const { name, count, urlOf, client, billing } = given;
  const shards = Array.from({ length: count }, (_, number) =>
    relayCourier({ client, clock: systemClock(), url: () => `${urlOf(number)}${SHARD_RELAY}` }),
  );
  const toShard = byShard(shards);
  const courierFor = (to: string): Courier => (to.startsWith(BILLING_ROUTE) ? billing : toShard);
  return forOwnPeople(name, {
    [`POST ${RELAY}`]: async ({ body }: Request) => ({
      contentType: 'application/cbor',
      body: await answerRelay(body, async (message) => courierFor(message.to).deliver(message, { signal: NEVER })),
    }),
  });
}

/** One courier for a party that speaks several protocols: the scheme of the route (`https:`, `iso8583:`) says who delivers. */
import type { Courier } from '../journal/courier.ts';
import { TransportError } from './transport-error.ts';

/** Keys with the colon, as in `new URL(…).protocol`. A route nobody serves is never delivered: the outbox keeps it. */
export function createRouteCourier(couriers: Readonly<Record<string, Courier>>): Courier {
  return {
    async deliver(message, attempt) {
      const scheme = message.to.slice(0, message.to.indexOf(':') + 1);
      const courier = Object.hasOwn(couriers, scheme) ? couriers[scheme] : undefined;
      if (courier === undefined)
        throw new TransportError('ROUTE_UNKNOWN', `no courier serves ${scheme || 'this route'}`);
      return courier.deliver(message, attempt);
    },
  };
}

/** What routes cost the last time, so that the next payment need not wait for a challenge. Only a guess: the server refuses a wrong one. */
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import type { Offer } from '../message/payment-offer.ts';
import type { OutgoingRequest } from './accept-offer.ts';

export interface KnownPrice {
  readonly offer: Offer;
  readonly header: PaymentChallenge['header'];
}

export interface KnownPrices {
  find(request: OutgoingRequest): KnownPrice | undefined;
  learn(request: OutgoingRequest, price: KnownPrice): void;
  forget(request: OutgoingRequest): void;
}

export type RouteOf = (request: { readonly method: string; readonly url: URL }) => string;

/** Without the query: what is asked of one path mostly costs the same. */
export const routeOfPath: RouteOf = ({ method, url }) => `${method} ${url.origin}${url.pathname}`;

const MAX_ROUTES = 4096;

export function createKnownPrices(routeOf: RouteOf = routeOfPath): KnownPrices {
  const prices = new Map<string, KnownPrice>();
  return {
    find: (request) => prices.get(routeOf(request)),
    learn(request, price) {
      const route = routeOf(request);
      prices.delete(route);
      prices.set(route, price);
      for (const oldest of prices.keys()) {
        if (prices.size <= MAX_ROUTES) break;
        prices.delete(oldest);
      }
    },
    forget: (request) => void prices.delete(routeOf(request)),
  };
}

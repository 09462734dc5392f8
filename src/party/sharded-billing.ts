/** Billing records of shards come to the operator's one billing book over the wire. */
import { HandselError } from '../handsel-error.ts';
import type { Courier } from '../journal/courier.ts';
import type { Request, Routes } from '../transport/route.ts';
import { BILLING_ROUTE } from './billing-courier.ts';
import { forOwnPeople } from './own-commands.ts';

/** Where records of a type are taken. */
export const billedAt = (type: string) => `/operator/billing/records/${type}` as const;

export function shardedBillingRoutes(name: string, billing: Courier): Routes {
  return forOwnPeople(name, {
    [`POST ${billedAt(':type')}`]: async ({ params, body, signal }: Request) => {
      const to = `${BILLING_ROUTE}${params.type}`;
      const result = await billing.deliver({ id: to, to, kind: 'billing', body }, { signal });
      if (result.type === 'refused') throw new HandselError(result.code, result.detail);
      return { contentType: 'application/cbor', body: result.body };
    },
  });
}

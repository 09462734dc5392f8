/** What the owner of a device asks about buying tickets, on the command line. */
import { z } from 'zod';
import type { Routes } from '../../transport/route.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import type { TicketPurchase } from './ticket-purchase.ts';

const from = z.string().min(1).max(200);
const order = z.strictObject({
  from,
  sku: z.string().min(1).max(60),
  max: z.string().max(40),
  card: z.string().max(32).optional(),
});

const more = z.strictObject({
  ticket: z.string().regex(/^[0-9a-fA-F]{1,32}$/, "expected a ticket's name: hexadecimal digits"),
  ...{ at: from, sku: z.string().min(1).max(60), max: z.string().max(40), card: z.string().max(32).optional() },
});

export function purchaseControl(purchase: TicketPurchase, guarded: Guarded): Routes {
  return {
    'POST /offers': guarded(async (request) =>
      inJson(await purchase.offers(readRequest(request, z.strictObject({ from })).from)),
    ),
    'POST /top-up': guarded(async (request) => inJson(await purchase.topUp(readRequest(request, more)))),
    'POST /buy': guarded(async (request) => inJson(await purchase.buy(readRequest(request, order)))),
  };
}

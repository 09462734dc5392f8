/** The person's own way to the station (`serve-owner.ts`). The browser console of later uses the same. */
import { z } from 'zod';
import type { Log } from '../../transport/log.ts';
import type { Handler, Request, Routes } from '../../transport/route.ts';
import type { RunningServer } from '../../transport/server.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import { serveOwner } from '../owner/serve-owner.ts';
import type { CustomerDepositsRunning } from '../purse/customer-deposits.ts';
import { depositControl } from '../purse/deposit-control.ts';
import { agentOrderSchema, namedMerchants } from './agent-order.ts';
import { type DeliveryDesk, deliveryControl } from './delivery-control.ts';
import type { DirectPurchase } from './direct-purchases.ts';
import type { Station } from './station.ts';

const LIMITS = { maxBytes: 64 * 1024, timeoutMs: 60_000, perPeerPerSecond: 200, burst: 400 } as const;

const PIECES = 'expected a whole number from 1 to 1000';
const PASSWORD = 'expected the wallet password, at most 1024 characters';
const approval = z.strictObject({ password: z.string(PASSWORD).min(1, PASSWORD).max(1024, PASSWORD) });
const rejection = z.strictObject({
  reason: z.string().max(200, 'expected at most 200 characters').default('the person said no'),
});
const purchase = z.strictObject({
  merchant: z.url("expected the merchant's URL, such as https://127.0.0.1:7405"),
  sku: z.string().min(1, 'expected the name of a product').max(64, 'expected at most 64 characters'),
  currency: z.string().length(3, 'expected a currency code such as EUR'),
  quantity: z.number(PIECES).int(PIECES).min(1, PIECES).max(1000, PIECES).default(1),
  max: z.string().max(40, 'expected an amount such as 12.50EUR'),
  withinSeconds: z.number().int().min(10).max(86_000).optional(),
  password: z.string(PASSWORD).min(1, PASSWORD).max(1024, PASSWORD),
});

export async function serveControl(options: {
  readonly station: Station;
  readonly deposits?: CustomerDepositsRunning;
  readonly deliveries?: DeliveryDesk;
  readonly listen: { readonly host: string; readonly port: number };
  readonly file: string;
  readonly log: Log;
}): Promise<RunningServer> {
  const { station, deposits, deliveries, listen, file, log } = options;
  const id = ({ params }: Request) => params.id!;
  const routes = (guarded: Guarded): Routes => {
    const withSecret = (handle: (request: Request) => Promise<unknown>): Handler =>
      guarded(async (request) => inJson(await handle(request)));
    return {
      'POST /agents/check': withSecret(async (request) => ({
        warnings: await station.check(readRequest(request, namedMerchants)),
      })),
      'POST /agents': withSecret(async (request) => ({
        mandate: await station.send(readRequest(request, agentOrderSchema)),
      })),
      'GET /agents': withSecret(async () => station.list()),
      'GET /agents/:id': withSecret(async (request) => station.status(id(request))),
      'POST /agents/:id/recall': withSecret(async (request) => ({ mandate: await station.recall(id(request)) })),
      'POST /payments/:id/approve': withSecret(async (request) => ({
        payment: await station.approve(id(request), readRequest(request, approval).password),
      })),
      'POST /payments/:id/reject': withSecret(async (request) => ({
        payment: await station.reject(id(request), readRequest(request, rejection).reason),
      })),
      'GET /purchases': withSecret(async () => station.bought()),
      'POST /purchases': withSecret(async (request) => station.buy(purchaseOf(readRequest(request, purchase)))),
      'GET /purchases/:id': withSecret(async (request) => station.purchase(id(request))),
      'GET /wallet': withSecret(async () => station.cards()),
      ...depositControl(deposits, guarded),
      ...deliveryControl(deliveries, guarded),
    };
  };
  return serveOwner({ routes, listen, limits: LIMITS, file, log });
}

function purchaseOf({ withinSeconds, ...rest }: z.infer<typeof purchase>): DirectPurchase {
  return { ...rest, ...(withinSeconds !== undefined && { withinSeconds }) };
}

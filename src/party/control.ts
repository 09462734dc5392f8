/**
 * The person's own way to the station: HTTP on the loopback address, behind a secret in a file only that person may read. The
 * browser console of later uses the same; nothing here is reachable from the network. The station proves itself first, see
 * `control-proof.ts`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { fromHex, toHex, utf8 } from '../codec/hex.ts';
import { equalSecrets } from '../crypto/constant-time.ts';
import { sha256 } from '../crypto/digest.ts';
import { systemRandom } from '../crypto/random.ts';
import { HandselError } from '../handsel-error.ts';
import type { Log } from '../transport/log.ts';
import type { Handler, Request, Routes } from '../transport/route.ts';
import { type RunningServer, serve } from '../transport/server.ts';
import { agentOrderSchema, namedMerchants } from './agent-order.ts';
import { controlProof } from './control-proof.ts';
import { type Guarded, inJson, readRequest } from './control-request.ts';
import type { CustomerDepositsRunning } from './customer-deposits.ts';
import { type DeliveryDesk, deliveryControl } from './delivery-control.ts';
import { depositControl } from './deposit-control.ts';
import type { DirectPurchase } from './direct-purchases.ts';
import { replaceFile } from './replace-file.ts';
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

/** What the file beside the configuration says: where the endpoint is, and the secret. */
export const controlFileSchema = z.strictObject({ url: z.url(), secret: z.string().regex(/^[0-9a-f]{64}$/) });

export async function serveControl(options: {
  readonly station: Station;
  readonly deposits?: CustomerDepositsRunning;
  readonly deliveries?: DeliveryDesk;
  readonly listen: { readonly host: string; readonly port: number };
  readonly file: string;
  readonly log: Log;
}): Promise<RunningServer> {
  const { station, deposits, deliveries, listen, file, log } = options;
  if (!isLoopback(listen.host)) {
    throw new HandselError('CONTROL_EXPOSED', `passwords come in here in clear: ${listen.host} is no loopback address`);
  }
  const secret = systemRandom(32);
  const proof = sha256(secret);
  const guarded: Guarded = (answer) => async (request) => {
    const given = /^Bearer ([0-9a-f]{64})$/.exec(request.header('authorization') ?? '')?.[1];
    if (given === undefined || !equalSecrets(sha256(fromHex(given)), proof)) {
      throw new HandselError('NOT_PERMITTED', `the secret of ${file} is needed`);
    }
    return answer(request);
  };
  const withSecret = (handle: (request: Request) => Promise<unknown>): Handler =>
    guarded(async (request) => inJson(await handle(request)));
  const id = ({ params }: Request) => params.id!;

  const routes: Routes = {
    'GET /proof/:nonce': async ({ params }) => {
      if (!/^[0-9a-f]{64}$/.test(params.nonce ?? '')) throw new HandselError('REQUEST_MALFORMED', 'expected a nonce');
      const body = utf8(JSON.stringify({ proof: controlProof(secret, params.nonce!) }));
      return { contentType: 'application/json', body };
    },
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
  const server = await serve({ routes, listen, limits: LIMITS, log });
  const content = `${JSON.stringify({ url: server.url, secret: toHex(secret) })}\n`;
  replaceFile(file, content);
  return {
    ...server,
    async close(drainMs) {
      // Unless another station runs here by now.
      if (existsSync(file) && readFileSync(file, 'utf8') === content) rmSync(file);
      await server.close(drainMs);
    },
  };
}

function purchaseOf({ withinSeconds, ...rest }: z.infer<typeof purchase>): DirectPurchase {
  return { ...rest, ...(withinSeconds !== undefined && { withinSeconds }) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/**
 * The servers of `paid-route.ts`, in a process of their own: the look-ups that merchants sell, on our own server with TLS, and the same short
 * answer to everybody on bare node:http; each free and charged for.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { nodeCharge } from '../src/deposit/merchant-http/node-charge.ts';
import { chargedHandler } from '../src/party/merchant/charged-handler.ts';
import { lookUp } from '../src/party/merchant/paid-routes.ts';
import { SERVER_LIMITS } from '../src/party/running/communication.ts';
import type { Request } from '../src/transport/route.ts';
import { serve } from '../src/transport/server.ts';
import { createAuthority } from '../test/transport/openssl-certificates.ts';
import { answerParent } from './child.ts';
import { openLoadMerchant, PRICE } from './load-merchant.ts';

const merchant = await openLoadMerchant();
const quiet = () => {};

/** Of the look-up that docs/deposits.md begins with. */
const goods = fileURLToPath(new URL('../catalogue/atlas/goods/country-facts.csv', import.meta.url));
const handle = (request: Request) => lookUp(request, goods);
const authority = createAuthority('Agency');
let chargedLookUp: ReturnType<typeof chargedHandler> | undefined;
const lookUps = await serve({
  listen: { host: '127.0.0.1', port: 0 },
  tls: { anchorsPem: authority.anchorsPem, ...authority.issue('/CN=merchant'), requireClient: false },
  // One peer does all the asking here.
  limits: { ...SERVER_LIMITS, perPeerPerSecond: 1e9, burst: 1e9 },
  log: { info: quiet, warn: quiet, error: quiet, debug: quiet } as never,
  routes: { 'GET /free': handle, 'GET /paid': (request) => chargedLookUp!(request) },
});
authority.remove();
chargedLookUp = chargedHandler(
  merchant.chargeAt(`127.0.0.1:${lookUps.port}`)({ price: PRICE, readsOnly: true }),
  handle,
);

const text = JSON.stringify({
  place: 'Reims',
  at: '2026-11-21T12:00:00Z',
  celsius: 4.5,
  wind: { from: 'NW', kmh: 17 },
});
const answerShortly = (_req: IncomingMessage, res: ServerResponse) => {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
  res.end(text);
};
const server = createServer((req, res) => {
  if (req.url?.startsWith('/paid')) chargedShortly(req, res, () => answerShortly(req, res));
  else answerShortly(req, res);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
const { port } = server.address() as AddressInfo;
const chargedShortly = nodeCharge(merchant.chargeAt(`127.0.0.1:${port}`))({ price: PRICE });

export interface PaidServerReady {
  readonly lookUps: number;
  readonly shortly: number;
}

answerParent({ lookUps: lookUps.port, shortly: port } satisfies PaidServerReady, merchant.answers, async () => {
  server.closeAllConnections();
  await lookUps.close(0);
  await merchant.close();
});

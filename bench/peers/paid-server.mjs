/** One route on Express, three ways: free, paid out of a deposit, and paid by x402 with its own middleware. */

import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import express from 'express';
import { nodeCharge } from '../../src/deposit/merchant-http/node-charge.ts';
import { answerParent } from '../child.ts';
import { openLoadMerchant, PRICE } from '../load-merchant.ts';

const NETWORK = 'eip155:84532';
const PAYEE = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const [facilitatorUrl] = process.argv.slice(2);

const merchant = await openLoadMerchant();
const app = express().disable('etag').disable('x-powered-by');
const handler = (_req, res) =>
  res.json({ place: 'Reims', at: '2026-11-21T12:00:00Z', celsius: 4.5, wind: { from: 'NW', kmh: 17 } });

const resourceServer = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }));
resourceServer.register(NETWORK, new ExactEvmScheme());
const accepts = { scheme: 'exact', price: '$0.0004', network: NETWORK, payTo: PAYEE };

let charged;
app.get('/free', handler);
app.get('/paid', (req, res, next) => charged(req, res, next), handler);
app.get(
  '/x402',
  paymentMiddleware({ 'GET /x402': { accepts, description: 'Weather of one place' } }, resourceServer),
  handler,
);

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  charged = nodeCharge(merchant.chargeAt(`127.0.0.1:${port}`))({ price: PRICE, description: 'Weather of one place' });
  answerParent({ port }, merchant.answers, async () => {
    server.closeAllConnections();
    await merchant.close();
  });
});

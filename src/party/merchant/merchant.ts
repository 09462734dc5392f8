/** A merchant: its shop, its SET payment server, its agents on the market, and the goods it hands out. */
import { join } from 'node:path';
import { receivePaymentRequest } from '../../agent/shop/receive-payment-request.ts';
import { createShop, type ShopInput } from '../../agent/shop/shop-machine.ts';
import { encodeCbor } from '../../codec/cbor.ts';
import { toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { systemRandom } from '../../crypto/random.ts';
import { HandselError } from '../../handsel-error.ts';
import { systemClock } from '../../journal/clock.ts';
import { nameAttribute } from '../../pki/name.ts';
import { createMerchantEndpoint } from '../../set/merchant/merchant-endpoint.ts';
import { createMerchantMachine } from '../../set/merchant/merchant-machine.ts';
import { decodeOrderOutcome } from '../../set/merchant/order-outcome.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { readConfiguration } from '../configuration/configuration.ts';
import { makeQuote, quoteRequestSchema } from '../message/quote.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { keepTrustFresh } from '../running/keep-trust-fresh.ts';
import { peerName } from '../running/peer-name.ts';
import { byScheme, localCourier } from '../running/routes.ts';
import { closeInOrder, type RunningParty, type Surroundings } from '../running/running-party.ts';
import { loadSetTrust, readHolder, readSetKey } from '../running/set-trust-files.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { loadCatalogue } from './catalogue.ts';
import { deployAgents } from './merchant-agents.ts';
import { type OrderAtShop, openMerchantDelivery } from './merchant-delivery.ts';
import { currenciesOf, parametersOf } from './merchant-offers.ts';
import { orderToTake, readOrderToTake } from './order-to-take.ts';
import { openPaidRoutes, type PaidRoutes } from './paid-routes.ts';
import { releaseGoods } from './release-goods.ts';

/** How old or new a SET message may be: repeats of an outbox are the same bytes, made long ago. */
const SET_WINDOW = { oldMs: 24 * 3_600_000, newMs: 5 * 60_000 };
/** How long a wallet's PReq waits for the authorization before it is told that the order was received. */
const ANSWER_WAIT_MS = 8000;
const ACKNOWLEDGED = encodeCbor(null);

export interface RunningMerchant extends RunningParty {
  /** Absent for a merchant that sells nothing out of deposits. */
  readonly paid?: Pick<PaidRoutes, 'url' | 'statement'>;
}

export async function startMerchant(file: string, surroundings: Surroundings): Promise<RunningMerchant> {
  const { configuration, path } = readConfiguration('merchant', file);
  const { name, url, merchantId, brand, store } = configuration;
  const log = surroundings.log.child({ party: name });
  const around = { ...surroundings, log };
  const identity = readCommunication(configuration.communication, path);
  const communicationTrust = createCommunicationTrust(identity.anchors);
  const client = partyClient({ name, identity, surroundings, peers: configuration.peers });
  const signer = { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) };
  const authority = readSetKey(configuration.agentAuthority, path);

  const items = await loadCatalogue(path(configuration.catalogue));
  const parameters = currenciesOf(items).map((currency) =>
    parametersOf({
      ...{ items, currency },
      merchant: { id: merchantId, name, url },
      market: configuration.market ?? url,
      brands: [brand],
      nowMs: Date.now(),
    }),
  );

  const loaded = loadSetTrust(configuration.trust, { brandId: brand, path, nowMs: Date.now });
  const { trust } = loaded;
  const stopRefreshing = await keepTrustFresh({
    ...{ trust: loaded, files: configuration.trust, brandId: brand, path, client, clock: systemClock(), log },
  });
  const gateway = readHolder(path(configuration.gateway.encryption));
  const signing = readSetKey(configuration.signature, path);
  const brands = new Map([
    [
      brand,
      {
        merchantId,
        signing,
        encryption: readSetKey(configuration.encryption, path),
        gateway: {
          gatewayId: nameAttribute(gateway.certificate.subject, 'CN') ?? '',
          url: configuration.gateway.url,
          encryption: gateway,
        },
      },
    ],
  ]);

  const http = createHttpCourier({ client });
  const local = localCourier({
    'payment-server': ({ id, body }) =>
      payments.handle({ messageId: id, digest: sha256(body), input: { type: 'order', order: readOrderToTake(body) } }),
    shop: async ({ id, body }) => {
      const input = endOf(body);
      return input === undefined ? ACKNOWLEDGED : shop.handle({ messageId: id, digest: sha256(body), input });
    },
  });
  const courier = byScheme({ 'https:': http, 'http:': http, 'local:': local });
  const payments = await openMachine({
    machine: createMerchantMachine({
      brands,
      trust,
      nowMs: Date.now,
      window: SET_WINDOW,
      answerWaitMs: ANSWER_WAIT_MS,
    }),
    journal: await openJournal(store, path, 'payments'),
    courier,
    surroundings: around,
  });
  const shop = await openMachine({
    machine: createShop({ merchant: merchantId, signer, url, openOrder: orderToTake }),
    journal: await openJournal(store, path, 'shop'),
    courier,
    surroundings: around,
  });

  const endpoint = createMerchantEndpoint({
    ...{ host: payments, brands, trust, window: SET_WINDOW, signer: signing, nowMs: Date.now, random: systemRandom },
    onRefusal: (err, message) => log.info({ err, message: message?.message.type }, 'a SET message was refused'),
  });
  const keys = {
    agentAuthority: authority.certificate,
    validate: communicationTrust.validate,
  };
  const terms = {
    merchant: merchantId,
    market: configuration.market ?? url,
    answer: ACKNOWLEDGED,
    parameters: (currency: string) => parameters.find((candidate) => candidate.currency === currency),
  };
  const shopRoutes: Routes = {
    'POST /set': async ({ body }) => ({ contentType: 'application/set-payment', body: await endpoint(body) }),
    'POST /agent/payment-request': async ({ body }) => {
      const input = receivePaymentRequest(body, keys, terms, Date.now());
      const messageId = `request ${input.order.orderId}`;
      return { contentType: 'application/cose', body: await shop.handle({ messageId, digest: sha256(body), input }) };
    },
    'POST /orders': async ({ body, peer }) => {
      const request = readJson(body);
      const made = makeQuote({
        request,
        parameters: terms.parameters(request.currency),
        buyer: peerName(peer),
        nowMs: Date.now(),
        random: systemRandom,
      });
      const { order, description, json } = made;
      const answer = utf8(json);
      const messageId = `quote ${order.orderId}`;
      await shop.handle({
        messageId,
        digest: sha256(description),
        input: { type: 'order', order, description, answer },
      });
      return { status: 201, contentType: 'application/json', body: answer };
    },
    'GET /goods/:order/:index': (request) => releaseGoods(request, { readByKey: shop.readByKey, items }),
  };

  const paid =
    configuration.paid === undefined
      ? undefined
      : await openPaidRoutes({
          ...{ name, store, path, items, client, identity, paid: configuration.paid },
          surroundings: around,
        });
  const orderAtShop = (orderId: string): OrderAtShop | undefined => {
    const order = shop.state.open.get(orderId);
    const taken = payments.state.orders.get(orderId);
    return order && taken && { ...order, od: taken.od };
  };
  const delivery =
    configuration.delivery &&
    (await openMerchantDelivery({
      ...{ name, merchantId, store, path, items, client, identity, orderAtShop, delivery: configuration.delivery },
      surroundings: around,
    }));
  const server = await serve({
    listen: configuration.listen,
    tls: identity.serverTls,
    limits: SERVER_LIMITS,
    log,
    routes: { ...shopRoutes, ...paid?.operatorRoutes, ...delivery?.routes },
  });

  const stopping = new AbortController();
  const deployed =
    configuration.market === undefined
      ? Promise.resolve()
      : deployAgents(
          {
            ...{ parameters, signer, client, log, random: systemRandom, nowMs: Date.now, market: configuration.market },
            file: agentsFile(configuration, path),
            authority: { chain: [authority.certificate, ...authority.issuers], privateKey: authority.privateKey },
          },
          stopping.signal,
        );

  return {
    name,
    url,
    ready: deployed,
    ...(paid && { paid }),
    failed: Promise.race([payments.failed, shop.failed, ...[paid, delivery].flatMap((part) => part?.failed ?? [])]),
    async close() {
      stopping.abort();
      await closeInOrder([
        stopRefreshing,
        () => deployed,
        () => server.close(),
        () => paid?.close(),
        () => delivery?.close(),
        () => shop.close(),
        () => payments.close(),
        () => client.close(),
      ]);
    },
  };
}

/** Undefined for what is not the end of an order yet. */
function endOf(body: Uint8Array): ShopInput | undefined {
  const { orderId, status, reason, xid } = decodeOrderOutcome(body);
  if (status === 'authorized' || status === 'unreversed') return undefined;
  const outcome = status === 'paid' ? 'paid' : 'failed';
  return { type: 'ended', orderId: toHex(orderId), outcome, reason: reason || status, xid: toHex(xid) };
}

function readJson(body: Uint8Array) {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (cause) {
    throw new HandselError('REQUEST_MALFORMED', 'the body is not JSON', { cause });
  }
  const parsed = quoteRequestSchema.safeParse(json);
  if (!parsed.success) throw new HandselError('REQUEST_MALFORMED', 'expected sku, currency and quantity');
  return parsed.data;
}

function agentsFile(
  configuration: { readonly store: { readonly kind: string; readonly directory?: string } },
  path: (relative: string) => string,
): string {
  return join(path(configuration.store.directory ?? '.'), 'agents.json');
}

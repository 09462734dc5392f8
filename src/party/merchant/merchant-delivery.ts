/**
 * A merchant's part in secure delivery (src/delivery): packs what it sells once for all buyers, serves the packages as plain files, takes
 * orders for what is to be paid at its shop, and releases keys for what is.
 */
import { toHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import { encodeShape, type Signer } from '../../crypto/signed-message.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { routesOf } from '../../delivery/message/endpoint.ts';
import { offerType } from '../../delivery/message/offer.ts';
import type { Order } from '../../delivery/message/order.ts';
import type { Signed } from '../../delivery/message/signed-by.ts';
import { publishInput } from '../../delivery/sender/receive.ts';
import { createSender, offerOf, senderEndpoints } from '../../delivery/sender/sender-machine.ts';
import type { SenderPolicy } from '../../delivery/sender/sender-policy.ts';
import { servePackage } from '../../delivery/sender/serve-package.ts';
import { systemClock } from '../../journal/clock.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import type { Amount } from '../../money/amount.ts';
import type { Client } from '../../transport/client.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import type { Request, Response, Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { TransportError } from '../../transport/transport-error.ts';
import type { StoreConfiguration } from '../configuration/configuration.ts';
import type { MerchantDelivery } from '../configuration/delivery-configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { createSettlementProof, readPayee, sharesOf } from '../message/payment-evidence.ts';
import { type CommunicationIdentity, SERVER_LIMITS } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { identifyBy, partyInFile } from '../running/delivery-identity.ts';
import { byScheme, localCourier } from '../running/routes.ts';
import { closeInOrder, type Surroundings, startInSteps } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import type { CatalogueItem } from './catalogue.ts';
import { merchantDisputes } from './merchant-disputes.ts';
import { isDigest, packageFileIn, packageFileName } from './package-store.ts';
import { openPackages } from './packages-on-sale.ts';

/** An order as the shop and its payment server know it while it waits for payment. */
export interface OrderAtShop {
  readonly items: readonly { readonly sha256: Uint8Array }[];
  readonly amount: Amount;
  readonly buyer: string;
  /** Hash of SET's order description, hexadecimal. */
  readonly od: string;
}

export interface MerchantDeliveryRunning {
  readonly routes: Routes;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

interface MerchantDeliveryOptions {
  readonly name: string;
  readonly merchantId: string;
  readonly store: StoreConfiguration;
  readonly path: (relative: string) => string;
  readonly delivery: MerchantDelivery;
  readonly items: readonly CatalogueItem[];
  readonly identity: CommunicationIdentity;
  readonly client: Client;
  /** By LID-M, hexadecimal; undefined while the shop has not heard of it, or when it is over. */
  orderAtShop(orderId: string): OrderAtShop | undefined;
  readonly surroundings: Surroundings;
}

/** So long an asker waits for a package that is being made. */
const PACKING_WAIT_MS = 2000;
const DONE = new Uint8Array();

export function openMerchantDelivery(options: MerchantDeliveryOptions): Promise<MerchantDeliveryRunning> {
  return startInSteps(async (opened) => {
    const { name, store, path, delivery, items, identity, client, surroundings } = options;
    const { log } = surroundings;
    const { nowMs } = systemClock();
    const key = readKeyFile(path(delivery.storageKey));
    const folder = path(delivery.packages.folder);
    const signer: Signer = {
      privateKey: identity.privateKey,
      certificateChain: identity.chain.map(({ der }) => der),
    };
    const policy = policyOf(options, { signer, nowMs, contentOf: (of) => packages.contentOf(of) });
    const local = localCourier({
      'delivery-news': async ({ id }) => {
        log.info({ news: id }, 'of a delivery');
        return DONE;
      },
    });
    const sender = opened(
      await openMachine({
        machine: createSender(policy),
        journal: createSealedJournal({ journal: await openJournal(store, path, 'sender'), key, random: systemRandom }),
        courier: byScheme({ 'https:': createHttpCourier({ client }), 'local:': local }),
        surroundings,
      }),
    );
    const packages = opened(
      openPackages({
        ...{ folder, key, items, signer, nowMs, log, merchant: name },
        isPublished: (of) => sender.state.editions.has(of),
        publish(edition) {
          const urls = delivery.packages.urls.map((url) => `${url}${packageFileName(toHex(edition.package))}`);
          return sender.submit(publishInput(edition, { trustee: delivery.trustee.name, urls }, policy));
        },
      }),
    );
    const { listen } = delivery.packages;
    const server = listen && opened(await serve({ listen, limits: SERVER_LIMITS, log, routes: packageRoutes(folder) }));

    return {
      routes: {
        ...routesOf(senderEndpoints(sender, policy)),
        ...merchantDisputes(name, sender),
        'GET /delivery/offers/:content': async ({ params }) => {
          const of = await soon(packages.onSale(params.content ?? ''));
          const offer = await offerOf(sender, of);
          if (offer === undefined) throw new TransportError('ANSWER_PENDING', 'its key is not in keeping yet');
          return { contentType: 'application/cbor', body: encodeShape(offerType, offer) };
        },
      },
      failed: sender.failed,
      close: () => closeInOrder([() => server?.close(), () => packages.close(), () => sender.close()]),
    };
  });
}

async function soon<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const pending = () => late.reject(new TransportError('ANSWER_PENDING', 'the package is being made'));
  const timer = setTimeout(pending, PACKING_WAIT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing depends on who asks: any web server, or content network, can do the same. */
function packageRoutes(folder: string): Routes {
  return {
    async 'GET /packages/:name'(request: Request): Promise<Response> {
      const of = /^([0-9a-f]{64})\.package$/.exec(request.params.name ?? '')?.[1] ?? '';
      if (!isDigest(of)) throw new TransportError('ROUTE_UNKNOWN', 'there is no such package');
      try {
        return await servePackage(request, { file: packageFileIn(folder, of), package: of });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        throw new TransportError('ROUTE_UNKNOWN', 'there is no such package', { cause });
      }
    },
  };
}

function policyOf(
  { name, path, delivery, identity, merchantId, orderAtShop }: MerchantDeliveryOptions,
  own: {
    readonly signer: Signer;
    readonly nowMs: () => number;
    contentOf(of: string): Uint8Array | undefined;
  },
): SenderPolicy {
  const trust = createCommunicationTrust(identity.anchors);
  const { trustee, statement } = delivery;
  const arbiters = new Set(delivery.arbiters);
  const identifyTrustee = identifyBy(trust, new Set([trustee.name]));
  return {
    ...{ name, signer: own.signer, nowMs: own.nowMs, arbiters, notify: 'local:delivery-news' },
    answersInPerson: delivery.answersInPerson,
    ...(statement !== undefined && { statement }),
    identify: {
      customer: identifyBy(trust),
      merchant: identifyBy(trust, new Set([name])),
      trustee: identifyTrustee,
      arbiter: identifyBy(trust, arbiters),
    },
    proof: createSettlementProof({
      identify: identifyTrustee,
      operatorOf: (merchant) => (merchant === merchantId ? trustee.name : undefined),
    }),
    trustees: new Map([
      [trustee.name, { url: trustee.url, party: partyInFile(path(trustee.certificate), trustee.name) }],
    ]),
    terms: (order) => requireAgreed(order, { merchantId, orderAtShop, contentOf: own.contentOf }),
  };
}

/**
 * What is ordered must be what the shop has an order for, from the same customer, at that price.
 * @throws DeliveryError `ORDER_REFUSED`; TransportError `ANSWER_PENDING` while the shop has not heard of it
 */
export function requireAgreed(
  { value: order, signer }: Pick<Signed<Order>, 'value' | 'signer'>,
  {
    merchantId,
    orderAtShop,
    contentOf,
  }: Pick<MerchantDeliveryOptions, 'merchantId' | 'orderAtShop'> & { contentOf(of: string): Uint8Array | undefined },
): void {
  const payee = readPayee(order.payee);
  if (payee?.merchant !== merchantId) throw new DeliveryError('ORDER_REFUSED', 'it is not to be paid here');
  const agreed = orderAtShop(payee.orderId);
  if (agreed === undefined) throw new TransportError('ANSWER_PENDING', 'the shop has not heard of this order');
  if (agreed.od !== payee.od || agreed.buyer !== signer.name) {
    throw new DeliveryError('ORDER_REFUSED', 'another order was agreed, or with somebody else');
  }
  const content = contentOf(toHex(order.package));
  const shares = sharesOf(agreed.amount.minor, agreed.items.length);
  const { currency, minor } = order.price;
  const fits = agreed.items.some(
    ({ sha256 }, index) => content !== undefined && toHex(sha256) === toHex(content) && minor >= shares[index]!,
  );
  if (!fits || currency !== agreed.amount.currency) {
    throw new DeliveryError('ORDER_REFUSED', 'this was not agreed at this price');
  }
}

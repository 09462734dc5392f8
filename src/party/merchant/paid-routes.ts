/**
 * What a merchant sells for a fraction of a cent: lookups in its data sets, each paid out of a deposit. They are on a listener of their own
 * that asks for no certificate, because the merchant is not to know who its customers are (ERI-D).
 */
import { readFile } from 'node:fs/promises';
import { utf8 } from '../../codec/hex.ts';
import { createCharge } from '../../deposit/merchant-http/charge.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Request, Routes } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { closeInOrder } from '../running/running-party.ts';
import type { CatalogueItem } from './catalogue.ts';
import { chargedHandler } from './charged-handler.ts';
import type { MerchantStatement } from './merchant-statement.ts';
import { CUSTOMER_LIMITS, type MerchantTillOptions, openMerchantTill } from './merchant-till.ts';

export interface PaidRoutes {
  readonly url: string;
  /** For the listener that other parties reach: what the merchant's operator says, and what its own people ask. */
  readonly operatorRoutes: Routes;
  statement(): Promise<MerchantStatement>;
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

export async function openPaidRoutes(
  options: MerchantTillOptions & { readonly items: readonly CatalogueItem[] },
): Promise<PaidRoutes> {
  const { paid, items, identity, surroundings } = options;
  const { operatorRoutes, customerRoutes, chargeSetup, statement, failed, close } = await openMerchantTill(options);
  const charge = createCharge(chargeSetup(new URL(paid.url).host));
  const gate = charge({ price: paid.price, description: 'One lookup in a data set', readsOnly: true });
  const server = await serve({
    listen: paid.listen,
    tls: { ...identity.serverTls, requireClient: false, askClient: false },
    limits: CUSTOMER_LIMITS,
    log: surroundings.log,
    routes: {
      ...customerRoutes,
      'GET /paid/:sku': async (request) => {
        // Before anything is charged.
        const item = requireItem(request, items);
        return chargedHandler(gate, () => lookUp(request, item.goods.path))(request);
      },
    },
  });
  return {
    ...{ url: server.url, operatorRoutes, statement, failed },
    close: () => closeInOrder([() => server.close(), close]),
  };
}

const MAX_LINES = 20;
const MAX_GOODS_BYTES = 1 << 20;
const MAX_LINE_LENGTH = 2000;

/** @throws HandselError `ROUTE_UNKNOWN` */
function requireItem({ params }: Request, items: readonly CatalogueItem[]): CatalogueItem {
  const item = items.find(({ product }) => product.sku === params.sku);
  if (item !== undefined && item.goods.size <= MAX_GOODS_BYTES) return item;
  throw new HandselError('ROUTE_UNKNOWN', 'there is no such data set to look something up in');
}

/** The first lines of a data set in which the words of `find` occur, and how many more there are. */
export async function lookUp({ query }: Pick<Request, 'query'>, path: string) {
  const words = (query.get('find') ?? '').toLowerCase();
  const text = await readFile(path, 'utf8');
  const found = text.split('\n').filter((line) => line.toLowerCase().includes(words));
  const lines = found.slice(0, MAX_LINES).map((line) => line.slice(0, MAX_LINE_LENGTH));
  const more = found.length - lines.length;
  if (more > 0) lines.push(`… and ${more} more: look for something more exact`);
  return { contentType: 'text/plain; charset=utf-8', body: utf8(lines.map((line) => `${line}\n`).join('')) };
}

/**
 * Hands out what was paid for: to the buyer alone, who also knows the order and the transaction that paid it (gateway and market
 * know of both, too), with ranges so that downloads resume.
 */
import { createReadStream } from 'node:fs';
import { orderKey, type ShopRecord } from '../../agent/shop/shop-record.ts';
import { equalBytes, fromHex } from '../../codec/hex.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { HandselError } from '../../handsel-error.ts';
import { downloadHead, requestedRange } from '../../transport/byte-range.ts';
import type { Request, Response } from '../../transport/route.ts';
import { peerName } from '../running/peer-name.ts';
import type { CatalogueItem } from './catalogue.ts';

/** One answer for an unknown order, an unpaid one, a wrong transaction and another buyer, so that nothing can be learnt by trying. */
const refused = () => new HandselError('GOODS_REFUSED', 'nothing was paid for under these names');

export async function releaseGoods(
  request: Request,
  shop: {
    readByKey(key: string): Promise<readonly ShopRecord[]>;
    readonly items: readonly CatalogueItem[];
  },
): Promise<Response> {
  const { order: orderId = '', index = '' } = request.params;
  const xid = request.query.get('xid') ?? '';
  if (!/^[0-9a-f]{40}$/.test(orderId) || !/^[0-9]{1,2}$/.test(index) || !/^[0-9a-f]{40}$/.test(xid)) throw refused();
  const records = await shop.readByKey(orderKey(orderId));
  const ordered = records.find((record) => record.type === 'ordered');
  const ended = records.find((record) => record.type === 'ended');
  if (ordered?.type !== 'ordered' || ended?.type !== 'ended' || ended.outcome !== 'paid') throw refused();
  if (!/^[0-9a-f]{40}$/.test(ended.xid) || !equalSecrets(fromHex(ended.xid), fromHex(xid))) throw refused();

  if (peerName(request.peer) !== ordered.order.buyer) throw refused();

  const wanted = ordered.order.items[Number(index)];
  if (wanted === undefined) throw refused();
  const item = shop.items.find(
    ({ product, goods }) => product.sku === wanted.sku && equalBytes(goods.sha256, wanted.sha256),
  );
  // The goods were changed since: the buyer must not get something else than was agreed.
  if (item === undefined) throw new HandselError('GOODS_GONE', 'the goods are not available as they were sold');
  const { path, size } = item.goods;
  const range = requestedRange(request.header('range'), size);
  return {
    contentType: item.product.goods.encodingFormat,
    ...downloadHead(range, size),
    body: createReadStream(path, range === undefined ? {} : { start: range.start, end: range.end }),
  };
}

/** Who gets the goods: the buyer of a paid order, and nobody else who knows of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import type { ShopRecord } from '../../../src/agent/shop/shop-record.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import type { CatalogueItem } from '../../../src/party/merchant/catalogue.ts';
import { releaseGoods } from '../../../src/party/merchant/release-goods.ts';
import type { Request } from '../../../src/transport/route.ts';
import { createAgentWorld, type Owner } from '../../agent/market-world.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);
const path = join(folder, 'goods.txt');
writeFileSync(path, 'what was agreed');
const goods = { path, size: 15, sha256: sha256(Buffer.from('what was agreed')) };
const items = [
  { product: { sku: 'words', goods: { encodingFormat: 'text/plain' } }, goods },
] as unknown as readonly CatalogueItem[];

const world = createAgentWorld();
const [station, gateway] = [world.owner('station'), world.owner('gateway')];
const orderId = 'ab'.repeat(20);
const xid = 'cd'.repeat(20);

function ask(peer: Owner | undefined, over: { readonly xid?: string; readonly paid?: boolean } = {}) {
  const order = {
    ...{ orderId, amount: { currency: 'EUR', minor: 1n }, expiresAtMs: 0, teller: null, buyer: 'station' },
    items: [{ sku: 'words', quantity: 1, sha256: goods.sha256 }],
  };
  const records: ShopRecord[] = [{ type: 'ordered', order, atMs: 0 }];
  if (over.paid ?? true) records.push({ type: 'ended', orderId, outcome: 'paid', reason: '', xid, atMs: 0 });
  const request = {
    ...{
      target: '/goods/x/0',
      params: { order: orderId, index: '0' },
      query: new URLSearchParams({ xid: over.xid ?? xid }),
    },
    ...{ body: new Uint8Array(), header: () => undefined, signal: new AbortController().signal },
    ...(peer && { peer: { subject: '', fingerprint: '', certificateDer: peer.certificate.der } }),
  } satisfies Request;
  return releaseGoods(request, { readByKey: async () => records, items });
}

test('the buyer of a paid order gets the goods', async () => {
  const { body } = await ask(station);
  expect(await text(body as Readable)).toBe('what was agreed');
});

test('nobody else does: not the gateway, which knows order and transaction, and not without payment', async () => {
  const refused = expect.objectContaining({ code: 'GOODS_REFUSED' });
  await expect(ask(gateway)).rejects.toEqual(refused);
  await expect(ask(station, { paid: false })).rejects.toEqual(refused);
  await expect(ask(station, { xid: '00'.repeat(20) })).rejects.toEqual(refused);
  await expect(ask(undefined)).rejects.toMatchObject({ code: 'PEER_NOT_TRUSTED' });
});

/** Which packages of a merchant are on sale: what was packed beforehand, and its catalogue, which is packed while nothing else is to be done. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { Signer } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Log } from '../../transport/log.ts';
import type { CatalogueItem } from './catalogue.ts';
import {
  describes,
  type Goods,
  isDigest,
  packedContents,
  packGoods,
  readEdition,
  type StoredEdition,
} from './package-store.ts';

/** In the catalogue's words. */
export const goodsOf = ({ product, goods }: CatalogueItem): Goods => ({
  ...{ file: goods.path, sku: product.sku, name: product.name, text: product.description },
  mediaType: product.goods.encodingFormat,
});

export interface PackagesOnSale {
  /**
   * The package (hexadecimal digest) of a content; packs it first where that was not done before.
   * @throws HandselError `GOODS_UNKNOWN`
   */
  onSale(content: string): Promise<string>;
  /** Digest of what a package holds; undefined for one that is not ours. */
  contentOf(of: string): Uint8Array | undefined;
  close(): Promise<void>;
}

interface PackagesOptions {
  readonly folder: string;
  readonly key: Uint8Array;
  readonly merchant: string;
  readonly signer: Signer;
  readonly items: readonly CatalogueItem[];
  isPublished(of: string): boolean;
  publish(edition: StoredEdition): Promise<void>;
  readonly nowMs: () => number;
  readonly log: Log;
}

export function openPackages(options: PackagesOptions): PackagesOnSale {
  const { folder, key, items, isPublished, publish, log } = options;
  const contents = new Map<string, Uint8Array>();
  const making = new Map<string, Promise<string>>();
  const stopping = new AbortController();

  const sell = async (content: string): Promise<string> => {
    const packed = readEdition({ folder, key }, content);
    const goods = goodsIn(items, content);
    const asDescribed = packed !== undefined && (goods === undefined || describes(packed, goods)) ? packed : undefined;
    const edition = asDescribed ?? (await pack(content, options));
    const of = toHex(edition.package);
    contents.set(of, fromHex(content));
    if (!isPublished(of)) await publish(edition);
    return of;
  };
  const onSale = async (content: string): Promise<string> => {
    if (!isDigest(content)) throw unknown();
    const known = making.get(content) ?? sell(content).catch(forget(content));
    making.set(content, known);
    return known;
  };
  const forget = (content: string) => (cause: unknown) => {
    making.delete(content);
    throw cause;
  };
  for (const content of packedContents({ folder, key })) {
    const edition = readEdition({ folder, key }, content);
    if (edition !== undefined) contents.set(toHex(edition.package), fromHex(content));
  }
  const all = async () => {
    const described = items.map(({ goods }) => toHex(goods.sha256));
    for (const content of new Set([...packedContents({ folder, key }), ...described])) {
      if (stopping.signal.aborted) return;
      await onSale(content).catch((err: unknown) => log.warn({ err, content }, 'goods could not be put on sale'));
    }
  };
  const packing = all();
  return {
    onSale,
    contentOf: (of) => contents.get(of),
    async close() {
      stopping.abort();
      await packing;
      await Promise.allSettled(making.values());
    },
  };
}

function goodsIn(items: readonly CatalogueItem[], content: string): Goods | undefined {
  const item = items.find(({ goods }) => toHex(goods.sha256) === content);
  return item && goodsOf(item);
}

/** @throws HandselError `GOODS_UNKNOWN` */
async function pack(content: string, options: PackagesOptions): Promise<StoredEdition> {
  const goods = goodsIn(options.items, content);
  if (goods === undefined) throw unknown();
  const { folder, key, merchant, signer, nowMs, log } = options;
  const { edition } = await packGoods(goods, {
    folder,
    key,
    merchant,
    signer,
    nowMs: nowMs(),
    random: systemRandom,
    expected: fromHex(content),
  });
  log.info({ sku: goods.sku, package: toHex(edition.package) }, 'packed for all buyers');
  return edition;
}

const unknown = () => new HandselError('GOODS_UNKNOWN', 'no such goods are sold here by secure delivery');

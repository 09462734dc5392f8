/** Which packages of a merchant are on sale: what was packed beforehand, and its catalogue, which is packed while nothing else is to be done. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { Signer } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Log } from '../../transport/log.ts';
import type { CatalogueItem } from './catalogue.ts';
import { isDigest, packedContents, packGoods, readEdition, type StoredEdition } from './package-store.ts';

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
    const edition = readEdition({ folder, key }, content) ?? (await pack(content, options));
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

/** @throws HandselError `GOODS_UNKNOWN` */
async function pack(content: string, options: PackagesOptions): Promise<StoredEdition> {
  const item = options.items.find(({ goods }) => toHex(goods.sha256) === content);
  if (item === undefined) throw unknown();
  const { product, goods } = item;
  const { sku, name, description: text } = product;
  const { folder, key, merchant, signer, nowMs, log } = options;
  const { edition } = await packGoods(
    { file: goods.path, sku, name, text, mediaType: product.goods.encodingFormat },
    { folder, key, merchant, signer, nowMs: nowMs(), random: systemRandom, expected: goods.sha256 },
  );
  log.info({ sku, package: toHex(edition.package) }, 'packed for all buyers');
  return edition;
}

const unknown = () => new HandselError('GOODS_UNKNOWN', 'no such goods are sold here by secure delivery');

/**
 * A merchant's catalogue: schema.org Product JSON-LD in a file or folder, each product with its goods in a file beside it.
 * Everything is read, bounded, hashed and cross-checked once, before anything is offered.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Product, parseProduct } from '../../agent/message/product.ts';
import { strategyNames } from '../../agent/negotiation/strategy-by-name.ts';
import { HandselError } from '../../handsel-error.ts';

export interface CatalogueItem {
  readonly product: Product;
  /** The JSON-LD file it came from. */
  readonly source: string;
  readonly goods: {
    readonly path: string;
    readonly sha256: Uint8Array;
    readonly size: number;
  };
}

export interface CatalogueProblem {
  readonly source: string;
  readonly message: string;
}

export interface CatalogueReading {
  /** The sound products, in order of their SKU. */
  readonly items: readonly CatalogueItem[];
  readonly problems: readonly CatalogueProblem[];
}

export class CatalogueError extends HandselError {
  readonly problems: readonly CatalogueProblem[];

  constructor(problems: readonly CatalogueProblem[]) {
    const shown = problems.slice(0, 10).map((problem) => `${problem.source}: ${problem.message}`);
    if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
    super('CATALOGUE_INVALID', shown.join('\n'));
    this.problems = problems;
  }
}

export const CATALOGUE_LIMITS = {
  descriptionBytes: 64 * 1024,
  /** As much as a package holds: a terabyte. */
  goodsBytes: 2 ** 40,
  files: 10_000,
  productsPerFile: 1000,
} as const;

/** @throws CatalogueError `CATALOGUE_INVALID` naming every problem, file by file, when there is any. */
export async function loadCatalogue(path: string): Promise<readonly CatalogueItem[]> {
  const { items, problems } = await readCatalogue(path);
  if (problems.length > 0) throw new CatalogueError(problems);
  return items;
}

/** As `loadCatalogue`, but answers with what is sound and with all that is not. */
export async function readCatalogue(path: string): Promise<CatalogueReading> {
  const items: CatalogueItem[] = [];
  const problems: CatalogueProblem[] = [];
  const note = (source: string, error: unknown) =>
    problems.push({ source: shown(path, source), message: reason(error) });

  let sources: readonly string[] = [];
  try {
    sources = await descriptionFiles(path);
  } catch (error) {
    note(path, error);
  }
  for (const source of sources) {
    try {
      for (const json of await readProducts(source)) {
        try {
          items.push(await readItem(source, json));
        } catch (error) {
          note(source, error);
        }
      }
    } catch (error) {
      note(source, error);
    }
  }
  for (const { source, message } of crossProblems(items)) note(source, new Error(message));
  return { items: items.sort((a, b) => (a.product.sku < b.product.sku ? -1 : 1)), problems };
}

/** The products of one file, without looking at the rest of the catalogue. @throws CatalogueError at the first problem. */
export async function readDescription(source: string): Promise<readonly CatalogueItem[]> {
  try {
    const items: CatalogueItem[] = [];
    for (const json of await readProducts(source)) items.push(await readItem(source, json));
    return items;
  } catch (error) {
    throw new CatalogueError([{ source, message: reason(error) }]);
  }
}

async function descriptionFiles(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new Error('there is no such file or folder');
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.jsonld')).sort();
  if (names.length === 0) throw new Error('the folder has no .jsonld file');
  if (names.length > CATALOGUE_LIMITS.files)
    throw new Error(`the folder has more than ${CATALOGUE_LIMITS.files} files`);
  return names.map((name) => join(path, name));
}

/** One product, an array of them, or a JSON-LD `@graph`. */
async function readProducts(source: string): Promise<readonly unknown[]> {
  const { size } = await stat(source);
  if (size > CATALOGUE_LIMITS.descriptionBytes * CATALOGUE_LIMITS.productsPerFile)
    throw new Error('the file is too large');
  const json: unknown = JSON.parse(await readFile(source, 'utf8'));
  const products =
    typeof json === 'object' && json !== null && '@graph' in json && Array.isArray(json['@graph'])
      ? json['@graph']
      : [json].flat();
  if (products.length > CATALOGUE_LIMITS.productsPerFile) {
    throw new Error(`a file may describe at most ${CATALOGUE_LIMITS.productsPerFile} products`);
  }
  if (size > CATALOGUE_LIMITS.descriptionBytes * Math.max(products.length, 1)) {
    throw new Error(`a product may take at most ${CATALOGUE_LIMITS.descriptionBytes} bytes to describe`);
  }
  return products;
}

async function readItem(source: string, json: unknown): Promise<CatalogueItem> {
  const product = parseProduct(json);
  if (!strategyNames.includes(product.concession)) {
    throw new Error(`${product.sku}: handsel:concession: expected one of ${strategyNames.join(', ')}`);
  }
  const path = await goodsPath(source, product);
  const goods = await hashGoods(product, path);

  const stated = product.goods;
  const seen = Buffer.from(goods.sha256).toString('hex');
  if (stated.sha256 !== undefined && stated.sha256 !== seen) {
    throw new Error(`${product.sku}: sha256: the goods have ${seen}, the description says ${stated.sha256}`);
  }
  if (stated.contentSize !== undefined && stated.contentSize !== goods.size) {
    throw new Error(`${product.sku}: contentSize: the goods have ${goods.size} bytes, not ${stated.contentSize}`);
  }
  return { product, source, goods: { path, ...goods } };
}

// The goods are sold to strangers, so a description must not reach outside its own folder, through links either.
async function goodsPath(source: string, product: Product): Promise<string> {
  const folder = await realpath(dirname(source));
  const { contentUrl } = product.goods;
  const path = await realpath(resolve(folder, contentUrl)).catch(() => {
    throw new Error(`${product.sku}: contentUrl: there is no file ${contentUrl} beside the description`);
  });
  if (!path.startsWith(folder + sep)) {
    throw new Error(`${product.sku}: contentUrl: ${contentUrl} lies outside the catalogue's folder`);
  }
  return path;
}

async function hashGoods(product: Product, path: string): Promise<{ sha256: Uint8Array; size: number }> {
  const found = await stat(path);
  if (!found.isFile() || found.size === 0 || found.size > CATALOGUE_LIMITS.goodsBytes) {
    throw new Error(`${product.sku}: goods must be a file of 1 to ${CATALOGUE_LIMITS.goodsBytes} bytes`);
  }
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { sha256: new Uint8Array(hash.digest()), size };
}

function crossProblems(items: readonly CatalogueItem[]): readonly CatalogueProblem[] {
  const problems: CatalogueProblem[] = [];
  const bySku = new Map<string, CatalogueItem>();
  for (const item of items) {
    const twin = bySku.get(item.product.sku);
    const message = twin && `${item.product.sku}: sku: stands in ${twin.source} too`;
    if (message !== undefined) problems.push({ source: item.source, message });
    bySku.set(item.product.sku, item);
  }
  for (const { product, source } of items) {
    for (const missing of product.bundles.flatMap((bundle) => bundle.with).filter((sku) => !bySku.has(sku))) {
      problems.push({ source, message: `${product.sku}: handsel:bundles: the catalogue has no ${missing}` });
    }
    if (product.bundles.some((bundle) => bundle.with.includes(product.sku))) {
      problems.push({ source, message: `${product.sku}: handsel:bundles: a product cannot be bundled with itself` });
    }
  }
  return problems;
}

function shown(root: string, source: string): string {
  if (source === root) return root;
  return relative(dirname(resolve(root)), resolve(source)) || source;
}

function reason(error: unknown): string {
  if (error instanceof SyntaxError) return `not JSON: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

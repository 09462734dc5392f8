/** Adds products to a catalogue folder. What is added is checked together with what is there; a refusal leaves the folder as it was. */
import { constants } from 'node:fs';
import { copyFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { formatProduct, type Product, type ProductOffer } from '../../agent/message/product.ts';
import { HandselError } from '../../handsel-error.ts';
import { parseAmount } from '../../money/amount.ts';
import { makeFolder } from '../files/make-folder.ts';
import { CatalogueError, type CatalogueItem, readCatalogue, readDescription } from './catalogue.ts';
import { skuOf } from './sku-of.ts';

const PUBLIC_FOLDER = 0o755;

/** What a merchant says about one file of goods; amounts as text such as `2.49EUR`. */
export interface NewProduct {
  readonly sku?: string;
  readonly name?: string;
  readonly description?: string;
  readonly price: readonly string[];
  readonly floor: readonly string[];
  readonly stock?: number;
  readonly license?: string;
  readonly credit?: string;
  readonly category: string;
  readonly keyword: readonly string[];
  readonly format?: string;
  readonly concession: string;
}

export class CatalogueEntryError extends HandselError {
  constructor(code: 'CATALOGUE_ENTRY_INCOMPLETE' | 'CATALOGUE_ENTRY_EXISTS', message: string) {
    super(code, message);
  }
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.epub': 'application/epub+zip',
  '.geojson': 'application/geo+json',
  '.gz': 'application/gzip',
  '.html': 'text/html',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.tsv': 'text/tab-separated-values',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
};

/**
 * Copies JSON-LD files and the goods beside them into the folder.
 * @throws CatalogueError when a description is unsound, CatalogueEntryError when a file is there already.
 */
export async function addDescribed(folder: string, files: readonly string[]): Promise<readonly CatalogueItem[]> {
  return changing(folder, async (made) => {
    for (const file of files) {
      for (const item of await readDescription(file)) {
        await place(item.goods.path, join(folder, item.product.goods.contentUrl), made);
      }
      await place(file, join(folder, basename(file)), made);
    }
  });
}

/**
 * Copies a file of goods to `goods/` and writes its description.
 * @throws CatalogueEntryError when something must still be said or is there already; CatalogueError, MoneyError when it is wrong.
 */
export async function addGoods(folder: string, file: string, said: NewProduct): Promise<readonly CatalogueItem[]> {
  const product = await describe(folder, file, said);
  return changing(folder, async (made) => {
    const description = join(folder, `${product.sku}.jsonld`);
    if (await isThere(description)) {
      throw exists(`there is a product ${product.sku} already (${description}): name another with --sku`);
    }
    await place(file, join(folder, product.goods.contentUrl), made);
    await writeFile(description, `${JSON.stringify(formatProduct(product), null, 2)}\n`, { flag: 'wx' });
    made.push(description);
  });
}

async function describe(folder: string, file: string, said: NewProduct): Promise<Product> {
  const ending = extname(file).toLowerCase();
  const stem = basename(file, extname(file));
  const { format: encodingFormat = MEDIA_TYPES[ending], license } = said;
  const missing = [
    ...(said.price.length === 0 ? ['with --price what the goods cost, such as 2.49EUR'] : []),
    ...(license === undefined ? ['with --license under which licence the goods are sold'] : []),
    ...(encodingFormat === undefined ? [`with --format what media type ${ending || 'the file'} is`] : []),
  ];
  if (license === undefined || encodingFormat === undefined || missing.length > 0) {
    throw incomplete(`say ${missing.join('; ')}`);
  }
  const name = said.name ?? stem;
  const sku = said.sku ?? skuOf(stem);
  // Two products may come from files of the same name.
  const own = `goods/${basename(file)}`;
  const contentUrl = (await isThere(join(folder, own))) ? `goods/${sku}-${basename(file)}` : own;
  return {
    sku,
    name,
    description: said.description ?? name,
    category: said.category,
    keywords: said.keyword,
    license,
    creditText: said.credit ?? 'none',
    goods: { contentUrl, encodingFormat },
    offers: offersOf(said),
    concession: said.concession,
    bundles: [],
  };
}

function offersOf(said: NewProduct): readonly ProductOffer[] {
  const floors = new Map(said.floor.map(parseAmount).map((floor) => [floor.currency, floor]));
  const offers = said.price.map(parseAmount).map((price) => {
    const floor = floors.get(price.currency) ?? price;
    floors.delete(price.currency);
    return { price, floor, available: true, stock: said.stock ?? null };
  });
  const [lost] = floors.keys();
  if (lost !== undefined) throw incomplete(`there is a --floor in ${lost} but no --price`);
  return offers;
}

/** Runs the change, checks the whole catalogue, and takes back what was made when it did not end well. */
async function changing(folder: string, change: (made: string[]) => Promise<void>): Promise<readonly CatalogueItem[]> {
  const made: string[] = [];
  try {
    await change(made);
    const { items, problems } = await readCatalogue(folder);
    if (problems.length > 0) throw new CatalogueError(problems);
    const added = new Set(made.map((path) => resolve(path)));
    return items.filter((item) => added.has(resolve(item.source)));
  } catch (error) {
    for (const path of made) await rm(path, { force: true });
    throw error;
  }
}

async function place(from: string, to: string, made: string[]): Promise<void> {
  if (resolve(from) === resolve(to)) return;
  await refuseExisting(to);
  makeFolder(dirname(to), PUBLIC_FOLDER);
  await copyFile(from, to, constants.COPYFILE_EXCL);
  made.push(to);
}

async function refuseExisting(path: string): Promise<void> {
  if (await isThere(path)) throw exists(`${path} is there already`);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function exists(message: string): CatalogueEntryError {
  return new CatalogueEntryError('CATALOGUE_ENTRY_EXISTS', message);
}

function incomplete(message: string): CatalogueEntryError {
  return new CatalogueEntryError('CATALOGUE_ENTRY_INCOMPLETE', message);
}

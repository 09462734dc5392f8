import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogueError, loadCatalogue, readCatalogue } from '../../../src/party/merchant/catalogue.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handsel-catalogue-'));
  await mkdir(join(folder, 'shop'));
  await writeFile(join(folder, 'shop', 'words.txt'), 'one\ntwo\n');
});
afterEach(() => rm(folder, { recursive: true }));

const product = (sku: string, more: object = {}) => ({
  '@type': 'Product',
  sku,
  name: sku,
  description: 'Words.',
  category: 'Words',
  license: 'CC0-1.0',
  associatedMedia: {
    contentUrl: 'words.txt',
    encodingFormat: 'text/plain',
    ...('media' in more ? Object(more.media) : {}),
  },
  offers: { price: '1.00', priceCurrency: 'EUR' },
  ...more,
});

async function write(name: string, json: unknown): Promise<string> {
  await writeFile(join(folder, 'shop', name), typeof json === 'string' ? json : JSON.stringify(json));
  return join(folder, 'shop');
}

async function problemsOf(json: unknown): Promise<string> {
  const { problems } = await readCatalogue(await write('a.jsonld', json));
  return problems.map((problem) => `${problem.source}: ${problem.message}`).join('\n');
}

describe('a catalogue', () => {
  it('is a folder of descriptions with the goods beside them, hashed', async () => {
    await write('b.jsonld', product('b'));
    const items = await loadCatalogue(await write('a.jsonld', [product('z'), product('a')]));
    expect(items.map((item) => item.product.sku)).toEqual(['a', 'b', 'z']);
    expect(items[0]?.goods.size).toBe(8);
    expect(Buffer.from(items[0]!.goods.sha256).toString('hex')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is a single file as well, of one product or of a graph', async () => {
    await write('graph.jsonld', { '@context': 'https://schema.org', '@graph': [product('x'), product('y')] });
    const items = await loadCatalogue(join(folder, 'shop', 'graph.jsonld'));
    expect(items.map((item) => item.product.sku)).toEqual(['x', 'y']);
  });

  it('names every problem at once, with file, product and what was expected', async () => {
    await write('broken.jsonld', '{');
    await write('two.jsonld', [product('good'), product('bad', { offers: { price: 1, priceCurrency: 'EUR' } })]);
    const shop = await write('strategy.jsonld', product('odd', { 'handsel:concession': 'bluffing' }));
    const { items, problems } = await readCatalogue(shop);
    expect(items.map((item) => item.product.sku)).toEqual(['good']);
    expect(problems.map((problem) => problem.source)).toEqual([
      'shop/broken.jsonld',
      'shop/strategy.jsonld',
      'shop/two.jsonld',
    ]);
    expect(problems[0]?.message).toContain('not JSON');
    expect(problems[1]?.message).toContain('boulware');
    await expect(loadCatalogue(shop)).rejects.toBeInstanceOf(CatalogueError);
  });

  it('refuses goods that are not there, are not what was described, or lie outside', async () => {
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await symlink(join(folder, 'secret.txt'), join(folder, 'shop', 'link.txt'));
    expect(await problemsOf(product('a', { media: { contentUrl: 'none.txt' } }))).toContain(
      'there is no file none.txt',
    );
    expect(await problemsOf(product('a', { media: { contentUrl: '../secret.txt' } }))).toContain('lies outside');
    expect(await problemsOf(product('a', { media: { contentUrl: 'link.txt' } }))).toContain('lies outside');
    expect(await problemsOf(product('a', { media: { contentUrl: '/etc/hostname' } }))).toContain('a: contentUrl');
    expect(await problemsOf(product('a', { media: { contentUrl: '.' } }))).not.toBe('');
    expect(await problemsOf(product('a', { media: { sha256: 'ab'.repeat(32) } }))).toContain('the goods have');
    expect(await problemsOf(product('a', { media: { contentSize: '9' } }))).toContain('the goods have 8 bytes, not 9');
  });

  it('refuses a SKU twice and bundles with what is not there', async () => {
    expect(await problemsOf([product('a'), product('a')])).toContain('stands in');
    const bundles = (sku: string) => ({ 'handsel:bundles': [{ with: [sku], discountPercent: 10 }] });
    expect(await problemsOf(product('a', bundles('b')))).toContain('the catalogue has no b');
    expect(await problemsOf(product('a', bundles('a')))).toContain('with itself');
  });

  it('refuses what is missing, empty or too much', async () => {
    expect((await readCatalogue(join(folder, 'nowhere'))).problems[0]?.message).toContain('no such file');
    expect((await readCatalogue(folder)).problems[0]?.message).toContain('no .jsonld file');
    expect(await problemsOf(Array.from({ length: 1001 }, (_, index) => product(`p${index}`)))).toContain(
      'at most 1000',
    );
    expect(await problemsOf(product('a', { more: 'x'.repeat(70_000) }))).toContain('bytes to describe');
  });
});

describe('the starter catalogue', () => {
  it('is sound, has a few dozen offers in two shops, and every product names its licence and source', async () => {
    const atlas = await loadCatalogue('catalogue/atlas');
    const lexicon = await loadCatalogue('catalogue/lexicon');
    expect(atlas.length + lexicon.length).toBeGreaterThanOrEqual(36);
    for (const {
      product: { license, creditText, goods, keywords },
    } of [...atlas, ...lexicon]) {
      expect(license).not.toBe('');
      expect(creditText).not.toBe('none');
      expect(goods.sha256).toBeDefined();
      expect(keywords.length).toBeGreaterThan(1);
    }
    const currencies = new Set(
      [...atlas, ...lexicon].flatMap((item) => item.product.offers.map((o) => o.price.currency)),
    );
    expect([...currencies].sort()).toEqual(['EUR', 'GBP', 'USD']);
  });

  it('has the two shops compete in euros for the same wants', async () => {
    const inEuros = async (shop: string, keyword: string) =>
      (await loadCatalogue(`catalogue/${shop}`)).filter(
        ({ product }) =>
          product.keywords.includes(keyword) && product.offers.some((offer) => offer.price.currency === 'EUR'),
      );
    for (const keyword of ['country borders', 'countries', 'time zones', 'emoji', 'word list']) {
      expect((await inEuros('atlas', keyword)).length, keyword).toBeGreaterThan(0);
      expect((await inEuros('lexicon', keyword)).length, keyword).toBeGreaterThan(0);
    }
  });
});

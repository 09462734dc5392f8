import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatProduct, ProductError, parseProduct } from '../../../src/agent/message/product.ts';

const WORDS = {
  '@context': 'https://schema.org',
  '@type': ['Product', 'Dataset'],
  sku: 'words',
  name: 'Words',
  description: 'A list of words.',
  category: 'Words',
  keywords: ['words', 'english'],
  license: 'CC0-1.0',
  creditText: 'Nobody',
  associatedMedia: { '@type': 'DataDownload', contentUrl: 'goods/words.txt', encodingFormat: 'text/plain' },
  offers: { '@type': 'Offer', price: '2.49', priceCurrency: 'EUR', 'handsel:floorPrice': '1.60' },
  'handsel:concession': 'boulware',
  'handsel:bundles': [{ with: ['more-words'], discountPercent: 20 }],
};
const offering = (offer: object) => ({ ...WORDS, offers: { ...WORDS.offers, ...offer } });
const media = (goods: object) => ({ ...WORDS, associatedMedia: { ...WORDS.associatedMedia, ...goods } });

describe('a product', () => {
  it('is read from schema.org JSON-LD with exact prices', () => {
    expect(parseProduct(WORDS)).toEqual({
      sku: 'words',
      name: 'Words',
      description: 'A list of words.',
      category: 'Words',
      keywords: ['words', 'english'],
      license: 'CC0-1.0',
      creditText: 'Nobody',
      goods: { contentUrl: 'goods/words.txt', encodingFormat: 'text/plain' },
      offers: [
        {
          price: { currency: 'EUR', minor: 249n },
          floor: { currency: 'EUR', minor: 160n },
          available: true,
          stock: null,
        },
      ],
      concession: 'boulware',
      bundles: [{ with: ['more-words'], discountPercent: 20 }],
    });
  });

  it('has a floor equal to its price, no bundles and no limit of stock unless it says so', () => {
    const { 'handsel:floorPrice': _floor, ...offers } = WORDS.offers;
    const { 'handsel:bundles': _bundles, 'handsel:concession': _concession, keywords: _keywords, ...rest } = WORDS;
    const product = parseProduct({ ...rest, offers });
    expect(product.offers[0]?.floor).toEqual(product.offers[0]?.price);
    expect(product).toMatchObject({ bundles: [], concession: 'linear', keywords: [] });
  });

  it('may have an offer in each of several currencies, but not two in one', () => {
    const dollars = { price: '2.75', priceCurrency: 'USD', inventoryLevel: { value: 3 } };
    const offers = parseProduct({ ...WORDS, offers: [WORDS.offers, dollars] }).offers;
    expect(offers.map((offer) => [offer.price.currency, offer.stock])).toEqual([
      ['EUR', null],
      ['USD', 3],
    ]);
    expect(() => parseProduct({ ...WORDS, offers: [WORDS.offers, WORDS.offers] })).toThrowError('one offer a currency');
  });

  it('is not for sale when schema.org says so', () => {
    const availability = (name: string) => parseProduct(offering({ availability: name })).offers[0]?.available;
    expect(availability('https://schema.org/InStock')).toBe(true);
    expect(availability('InStock')).toBe(true);
    expect(availability('https://schema.org/OutOfStock')).toBe(false);
    expect(availability('https://schema.org/Discontinued')).toBe(false);
  });

  it('is written as it was read', () => {
    const full = media({ sha256: 'ab'.repeat(32), contentSize: '12' });
    const product = parseProduct({ ...full, offers: { ...WORDS.offers, inventoryLevel: { value: 7 } } });
    expect(parseProduct(JSON.parse(JSON.stringify(formatProduct(product))))).toEqual(product);
  });

  it.each([
    ['a price that is a JSON number', offering({ price: 2.49 }), 'offers'],
    ['a price with too many decimals', offering({ price: '2.491' }), 'EUR has 2 decimals'],
    ['a price of nothing', offering({ price: '0', 'handsel:floorPrice': '0' }), 'above zero'],
    ['a floor above the price', offering({ 'handsel:floorPrice': '2.50' }), 'the floor must lie'],
    ['a currency that is none', offering({ priceCurrency: 'EURO' }), 'ISO 4217'],
    ['gold as a currency', offering({ priceCurrency: 'XAU' }), 'ISO 4217'],
    ['a SKU with a path in it', { ...WORDS, sku: '../words' }, 'sku'],
    ['another type', { ...WORDS, '@type': 'Person' }, 'expected the type Product'],
    ['a hash that is none', media({ sha256: 'abc' }), '64 hexadecimal digits'],
    ['a format that is no media type', media({ encodingFormat: 'CSV' }), 'expected a media type'],
    ['a bundle that is free', { ...WORDS, 'handsel:bundles': [{ with: ['x'], discountPercent: 100 }] }, 'bundles'],
    ['a description without end', { ...WORDS, description: 'x'.repeat(2001) }, 'description'],
    ['no goods', { ...WORDS, associatedMedia: undefined }, 'associatedMedia'],
  ])('refuses %s and says where', (_what, json, message) => {
    expect(() => parseProduct(json)).toThrowError(ProductError);
    expect(() => parseProduct(json)).toThrowError(message);
  });

  it('only ever fails with its own error', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.anything());
    const spoilt = fc
      .tuple(fc.constantFrom(...Object.keys(WORDS)), odd)
      .map(([key, value]) => ({ ...WORDS, [key]: value }));
    const spoiltOffer = fc
      .tuple(fc.constantFrom(...Object.keys(WORDS.offers)), odd)
      .map(([key, value]) => offering({ [key]: value }));
    fc.assert(
      fc.property(fc.oneof(odd, spoilt, spoiltOffer), (json) => {
        try {
          parseProduct(json);
        } catch (error) {
          expect(error).toBeInstanceOf(ProductError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

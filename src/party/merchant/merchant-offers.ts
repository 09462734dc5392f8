/** From catalogue to agent parameters: what a merchant's agent in one currency may sell, with floors only it and the shop know. */
import type { Bundle, Good, MerchantParameters } from '../../agent/message/merchant-parameters.ts';
import type { ProductOffer } from '../../agent/message/product.ts';
import type { Product as WantedProduct } from '../../agent/message/wanted.ts';
import type { CatalogueItem } from './catalogue.ts';

const MAX_KEYWORDS = 32;
const PERCENT = 100n;
/** Stock stays reserved this long for an agreement that is not paid. */
const HOLD_MS = 10 * 60_000;
/** Parameters are renewed at each start; a market forgets those of a merchant that never comes back. */
const VALID_MS = 30 * 24 * 3_600_000;

function offerIn(item: CatalogueItem, currency: string): ProductOffer | undefined {
  return item.product.offers.find(({ price, available }) => available && price.currency === currency);
}

/** Every currency something is offered in, in alphabetical order. */
export function currenciesOf(items: readonly CatalogueItem[]): readonly string[] {
  const all = items.flatMap(({ product }) => product.offers.map(({ price }) => price.currency));
  return [...new Set(all)].sort();
}

function wantedProduct({ product }: CatalogueItem): WantedProduct {
  const { sku, name, category, keywords, license, goods } = product;
  return {
    sku,
    name,
    category,
    keywords: keywords.slice(0, MAX_KEYWORDS),
    attributes: { licence: license, mediaType: goods.encodingFormat },
  };
}

function goodOf(item: CatalogueItem, offer: ProductOffer): Good {
  return {
    product: wantedProduct(item),
    listMinor: offer.price.minor,
    floorMinor: offer.floor.minor,
    ...(offer.stock !== null && { stock: offer.stock }),
    choices: {},
    sha256: item.goods.sha256,
    sizeBytes: item.goods.size,
    mediaType: item.product.goods.encodingFormat,
  };
}

/** Each bundle of a product, sold as one lot under the product's own name and keywords. */
function bundlesOf(item: CatalogueItem, goods: ReadonlyMap<string, Good>): readonly Bundle[] {
  return item.product.bundles.flatMap(({ with: others, discountPercent }) => {
    const skus = [item.product.sku, ...others];
    const parts = skus.map((sku) => goods.get(sku));
    if (!parts.every((part): part is Good => part !== undefined)) return [];
    const keep = PERCENT - BigInt(discountPercent);
    const sum = (minor: (good: Good) => bigint) => parts.reduce((total, part) => total + minor(part), 0n);
    const product = wantedProduct(item);
    const name = `Bundle: ${parts.map((part) => part.product.name).join(' + ')}`.slice(0, 200);
    const keywords = [...new Set(parts.flatMap((part) => part.product.keywords))].slice(0, MAX_KEYWORDS);
    return [
      {
        product: { ...product, sku: `${skus.join('+')}`.slice(0, 64), name, keywords },
        skus,
        // Rounded up: a discount never undercuts what was promised by more than a minor unit.
        listMinor: (sum(({ listMinor }) => listMinor) * keep + PERCENT - 1n) / PERCENT,
        floorMinor: (sum(({ floorMinor }) => floorMinor) * keep + PERCENT - 1n) / PERCENT,
      },
    ];
  });
}

export function parametersOf(options: {
  readonly items: readonly CatalogueItem[];
  readonly currency: string;
  readonly merchant: MerchantParameters['merchant'];
  readonly market: string;
  readonly brands: readonly string[];
  readonly nowMs: number;
}): MerchantParameters {
  const { items, currency, merchant, market, brands, nowMs } = options;
  const goods = new Map<string, Good>();
  for (const item of items) {
    const offer = offerIn(item, currency);
    if (offer !== undefined) goods.set(item.product.sku, goodOf(item, offer));
  }
  return {
    merchant,
    market,
    version: nowMs,
    currency,
    goods: [...goods.values()],
    bundles: items.flatMap((item) => (goods.has(item.product.sku) ? bundlesOf(item, goods) : [])),
    concession: items.find((item) => goods.has(item.product.sku))?.product.concession ?? 'linear',
    brands,
    holdMs: HOLD_MS,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + VALID_MS,
  };
}

/**
 * What a merchant offers, as schema.org JSON-LD (types Product, Offer and DataDownload) with a small extension in the
 * `handsel:` namespace for what only the merchant's own agent may know: floor price, way of conceding, bundles.
 * `parseProduct` reads the subset Handsel understands; other properties are allowed and ignored.
 */
import { z } from 'zod';
import { HandselError } from '../../handsel-error.ts';
import { type Amount, compareAmounts, formatAmount, formatMinor, parseAmount } from '../../money/amount.ts';
import { isMoneyCurrency } from '../../money/currency.ts';

export const HANDSEL_NAMESPACE = 'urn:handsel:catalogue:';

export interface ProductOffer {
  readonly price: Amount;
  /** The least the merchant takes; never leaves the merchant's own agent. Equals the price where there is no room. */
  readonly floor: Amount;
  readonly available: boolean;
  /** How many can still be sold; null = as many as anyone wants, as with most data. */
  readonly stock: number | null;
}

export interface ProductBundle {
  /** SKUs of the same catalogue that are sold along with this one. */
  readonly with: readonly string[];
  /** Whole percent off the sum of the prices. */
  readonly discountPercent: number;
}

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly keywords: readonly string[];
  /** SPDX identifier or address of the licence. */
  readonly license: string;
  /** Whom the licence or good manners ask to name. */
  readonly creditText: string;
  readonly goods: {
    /** Path of the file, relative to the JSON-LD file. */
    readonly contentUrl: string;
    /** Media type. */
    readonly encodingFormat: string;
    /** Lower-case hexadecimal, when the author stated it. */
    readonly sha256?: string;
    readonly contentSize?: number;
  };
  /** At least one, at most one a currency. */
  readonly offers: readonly ProductOffer[];
  /** Name of the strategy with which the merchant agent gives way. */
  readonly concession: string;
  readonly bundles: readonly ProductBundle[];
}

export class ProductError extends HandselError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('PRODUCT_INVALID', message, options);
  }
}

const DEFAULT_CONCESSION = 'linear';
const IN_STOCK = 'https://schema.org/InStock';
const OUT_OF_STOCK = 'https://schema.org/OutOfStock';

const text = (max: number) => z.string().trim().min(1).max(max);
// One thing may stand for a list of one in JSON-LD. Not a union, whose errors would say nothing about what is wrong inside.
const listOf = <T extends z.ZodType>(item: T, bounds: { min: number; max: number }) =>
  z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(item).min(bounds.min).max(bounds.max),
  );
const typed = (name: string) => {
  const is = (type: string) => type === name || type === `schema:${name}` || type === `https://schema.org/${name}`;
  return z.union([z.string(), z.array(z.string()).max(8)]).refine((types) => [types].flat().some(is), {
    message: `expected the type ${name}`,
  });
};

const sku = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected small letters, digits, dots, dashes (at most 64)');
// A price is a decimal in text, as schema.org recommends; a JSON number would already have passed through binary fractions.
const price = z.string().regex(/^[0-9]{1,15}(\.[0-9]{1,4})?$/, 'expected a decimal in quotes, such as "2.49"');
const currency = z.string().refine(isMoneyCurrency, 'expected an ISO 4217 currency code, such as EUR');

const offerSchema = z
  .object({
    '@type': typed('Offer').optional(),
    price,
    priceCurrency: currency,
    availability: z.string().max(80).default(IN_STOCK),
    inventoryLevel: z.object({ value: z.number().int().min(0).max(1e9) }).optional(),
    'handsel:floorPrice': price.optional(),
  })
  .transform((offer, context): ProductOffer => {
    const read = (decimal: string): Amount => {
      try {
        return parseAmount(`${decimal}${offer.priceCurrency}`);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not an amount' });
        return { currency: offer.priceCurrency, minor: 0n };
      }
    };
    const asked = read(offer.price);
    const floor = offer['handsel:floorPrice'] === undefined ? asked : read(offer['handsel:floorPrice']);
    if (asked.minor <= 0n) context.addIssue({ code: 'custom', message: 'a price must be above zero' });
    if (floor.minor <= 0n || compareAmounts(floor, asked) > 0) {
      context.addIssue({
        code: 'custom',
        message: `the floor must lie above zero and not above ${formatAmount(asked)}`,
      });
    }
    const available = /(^|\/|:)(InStock|OnlineOnly|LimitedAvailability)$/.test(offer.availability);
    return { price: asked, floor, available, stock: offer.inventoryLevel?.value ?? null };
  });

const goodsSchema = z.object({
  '@type': typed('DataDownload').optional(),
  contentUrl: text(200),
  encodingFormat: z.string().regex(/^[a-z]+\/[a-z0-9][a-z0-9.+-]{0,99}$/, 'expected a media type, such as text/csv'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
  contentSize: z
    .string()
    .regex(/^[0-9]{1,12}$/, 'expected a number of bytes in quotes')
    .optional(),
});

const productSchema = z.object({
  '@type': typed('Product'),
  sku,
  name: text(120),
  description: text(2000),
  category: text(80),
  keywords: listOf(text(40), { min: 0, max: 24 }).optional(),
  license: text(200),
  creditText: text(400).default('none'),
  associatedMedia: goodsSchema,
  offers: listOf(offerSchema, { min: 1, max: 8 }).refine(
    (offers) => new Set(offers.map((offer) => offer.price.currency)).size === offers.length,
    'expected at most one offer a currency',
  ),
  'handsel:concession': z
    .string()
    .regex(/^[a-z][a-z-]{0,39}$/)
    .default(DEFAULT_CONCESSION),
  'handsel:bundles': z
    .array(z.object({ with: z.array(sku).min(1).max(8), discountPercent: z.number().int().min(1).max(90) }))
    .max(8)
    .default([]),
});

/** @throws ProductError `PRODUCT_INVALID`, naming every property that is wrong and what was expected. */
export function parseProduct(json: unknown): Product {
  const parsed = productSchema.safeParse(json);
  if (!parsed.success) {
    const reasons = parsed.error.issues
      .slice(0, 10)
      .map((issue) => `${issue.path.join('.') || 'product'}: ${issue.message}`);
    throw new ProductError(reasons.join('; '), { cause: parsed.error });
  }
  const { associatedMedia, creditText, offers, keywords = [], ...product } = parsed.data;
  return {
    sku: product.sku,
    name: product.name,
    description: product.description,
    category: product.category,
    keywords,
    license: product.license,
    creditText,
    goods: {
      contentUrl: associatedMedia.contentUrl,
      encodingFormat: associatedMedia.encodingFormat,
      ...(associatedMedia.sha256 !== undefined && { sha256: associatedMedia.sha256 }),
      ...(associatedMedia.contentSize !== undefined && { contentSize: Number(associatedMedia.contentSize) }),
    },
    offers,
    concession: product['handsel:concession'],
    bundles: product['handsel:bundles'],
  };
}

/** The JSON-LD of a product: the inverse of `parseProduct`. Contains the floor: for the merchant's own files only. */
export function formatProduct(product: Product): Record<string, unknown> {
  const { goods } = product;
  return {
    '@context': ['https://schema.org', { handsel: HANDSEL_NAMESPACE }],
    '@type': ['Product', 'Dataset'],
    sku: product.sku,
    name: product.name,
    description: product.description,
    category: product.category,
    keywords: product.keywords,
    license: product.license,
    creditText: product.creditText,
    associatedMedia: {
      '@type': 'DataDownload',
      contentUrl: goods.contentUrl,
      encodingFormat: goods.encodingFormat,
      ...(goods.sha256 !== undefined && { sha256: goods.sha256 }),
      ...(goods.contentSize !== undefined && { contentSize: String(goods.contentSize) }),
    },
    offers: product.offers.map((offer) => ({
      '@type': 'Offer',
      price: formatMinor(offer.price),
      priceCurrency: offer.price.currency,
      availability: offer.available ? IN_STOCK : OUT_OF_STOCK,
      ...(offer.stock !== null && { inventoryLevel: { '@type': 'QuantitativeValue', value: offer.stock } }),
      'handsel:floorPrice': formatMinor(offer.floor),
    })),
    'handsel:concession': product.concession,
    ...(product.bundles.length > 0 && { 'handsel:bundles': product.bundles }),
  };
}

/** What a mandate asks for, and whether a product is that: used by merchants to answer, by customers and wallet guards to check. */
import { dictionary, list, record, type Shaped, text } from '../../codec/shape.ts';

export const wantedShape = record({
  /** Words that must all occur in the product's name, keywords or category; case does not matter. */
  terms: list(text({ min: 1, max: 80 }), { max: 16 }),
  /** Exact category, or empty for any. */
  category: text({ max: 100 }),
  /** Attributes that must have one of these values. */
  mustHaves: dictionary(list(text({ max: 200 }), { min: 1, max: 16 }), { max: 16 }),
});

export type Wanted = Shaped<typeof wantedShape>;

export const productShape = record({
  sku: text({ min: 1, max: 64 }),
  name: text({ min: 1, max: 200 }),
  category: text({ max: 100 }),
  keywords: list(text({ min: 1, max: 80 }), { max: 32 }),
  attributes: dictionary(text({ max: 200 }), { max: 32 }),
});

export type Product = Shaped<typeof productShape>;

/**
 * @param open issues still to be negotiated (name → possible values): a must-have on one of them is met by any of its values
 */
export function isWanted(
  wanted: Wanted,
  product: Product,
  open: Readonly<Record<string, readonly string[]>> = {},
): boolean {
  const words = [product.name, product.category, ...product.keywords].join('\n').toLowerCase();
  if (!wanted.terms.every((term) => words.includes(term.toLowerCase()))) return false;
  if (wanted.category !== '' && wanted.category !== product.category) return false;
  return Object.entries(wanted.mustHaves).every(([name, values]) => {
    const possible = Object.hasOwn(open, name) ? open[name]! : [product.attributes[name] ?? ''];
    return possible.some((value) => values.includes(value));
  });
}

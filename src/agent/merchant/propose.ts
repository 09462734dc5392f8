/** What a merchant agent answers to a call: the lots of its parameters that fit and are in stock, at list prices. Floors stay inside. */
import type { CallForProposals, Lot, Proposal } from '../message/call-for-proposals.ts';
import type { Good, MerchantParameters } from '../message/merchant-parameters.ts';
import { isWanted } from '../message/wanted.ts';

const MAX_LOTS = 32;

/** Pieces of a product that can be promised now. */
export type Available = (sku: string) => number;

/** Undefined when the merchant has nothing that fits, or the caller does not want this merchant. */
export function proposeFor(options: {
  readonly agent: string;
  readonly parameters: MerchantParameters;
  readonly call: CallForProposals;
  readonly available: Available;
  readonly nowMs: number;
}): Proposal | undefined {
  const { agent, parameters, call, available, nowMs } = options;
  const { merchant, brands } = parameters;
  if (call.currency !== parameters.currency || nowMs >= parameters.expiresAtMs) return undefined;
  if (call.merchantsBarred.includes(merchant.id)) return undefined;
  if (call.merchantsAllowed.length > 0 && !call.merchantsAllowed.includes(merchant.id)) return undefined;

  const lots: Lot[] = [];
  for (const good of parameters.goods) {
    const issues = choicesOf(good, call.wanted.mustHaves);
    if (isWanted(call.wanted, good.product, issues) && available(good.product.sku) >= call.quantity) {
      lots.push(lotOf(good.product.sku, good, [good], call.quantity, issues));
    }
  }
  for (const bundle of parameters.bundles) {
    const goods = bundle.skus.map((sku) => goodBySku(parameters, sku));
    const complete = goods.every((good): good is Good => good !== undefined);
    if (!complete || !isWanted(call.wanted, bundle.product, {})) continue;
    if (!bundle.skus.every((sku) => available(sku) >= call.quantity)) continue;
    lots.push(lotOf(`bundle ${bundle.product.sku}`, { ...bundle, choices: {} }, goods, call.quantity, {}));
  }
  if (lots.length === 0) return undefined;
  const currency = parameters.currency;
  return { call: call.id, agent, merchant, brands, lots: lots.slice(0, MAX_LOTS).map((lot) => ({ ...lot, currency })) };
}

export function goodBySku(parameters: MerchantParameters, sku: string): Good | undefined {
  return parameters.goods.find((good) => good.product.sku === sku);
}

/** What is sold as one lot: list and floor price a piece, and its open issues. */
export interface Pricing {
  readonly product: Good['product'];
  readonly listMinor: bigint;
  readonly floorMinor: bigint;
  readonly choices: Good['choices'];
}

export function pricingOf(parameters: MerchantParameters, lot: string): Pricing | undefined {
  const good = goodBySku(parameters, lot);
  if (good !== undefined) return good;
  const bundle = parameters.bundles.find(({ product }) => `bundle ${product.sku}` === lot);
  return bundle && { ...bundle, choices: {} };
}

/** Only values the caller could accept are proposed; where there is none, all, and the lot is not what is wanted. */
function choicesOf(
  good: Good,
  mustHaves: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(good.choices).map(([name, choices]) => {
      const values = choices.map(({ value }) => value);
      const fitting = values.filter((value) => mustHaves[name]?.includes(value) ?? true);
      return [name, fitting.length > 0 ? fitting : values];
    }),
  );
}

function lotOf(
  id: string,
  pricing: Pricing,
  goods: readonly Good[],
  quantity: number,
  issues: Readonly<Record<string, readonly string[]>>,
): Lot {
  const pieces = BigInt(quantity);
  const choices = Object.entries(pricing.choices).map(([name, values]) =>
    values.filter(({ value }) => issues[name]!.includes(value)),
  );
  const first = choices.reduce((sum, [choice]) => sum + choice!.surchargeMinor, 0n);
  const most = choices.reduce((sum, values) => sum + highest(values), 0n);
  return {
    id,
    product: pricing.product,
    items: goods.map(({ product, sha256, sizeBytes, mediaType }) => ({
      sku: product.sku,
      name: product.name,
      quantity,
      sha256,
      sizeBytes,
      mediaType,
    })),
    currency: '',
    listMinor: (pricing.listMinor + first) * pieces,
    highestMinor: (pricing.listMinor + most) * pieces,
    issues,
  };
}

export function highest(choices: readonly { readonly surchargeMinor: bigint }[]): bigint {
  let most = 0n;
  for (const { surchargeMinor } of choices) if (surchargeMinor > most) most = surchargeMinor;
  return most;
}

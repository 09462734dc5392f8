/** What a lot is worth to a customer agent: its mandate's weighted preferences, with the price limit and must-haves as hard limits. */
import type { Lot } from '../message/call-for-proposals.ts';
import type { Mandate } from '../message/mandate.ts';
import { isWanted } from '../message/wanted.ts';
import type { Issue } from '../negotiation/issue.ts';
import { isNegotiable, issueNames, PRICE } from '../negotiation/lot-issues.ts';
import { createUtilitySpace, type Evaluation, type UtilitySpace } from '../negotiation/utility.ts';

/** Weight of the price where the mandate does not say. */
const PRICE_WEIGHT = 100;

/** Worth of an open issue's values where the mandate does not say: none matters, so the merchant may choose. */
const INDIFFERENT: Evaluation = { type: 'constant', value: 1 };

/** What may be spent on this lot: the mandate's limit, and what is left of its budget. */
export function spendable(mandate: Mandate, spentMinor: bigint): bigint {
  const left = mandate.budgetMinor - spentMinor;
  if (left < mandate.priceLimitMinor) return left;
  return mandate.priceLimitMinor;
}

/** Undefined when nothing the lot can become would be within the mandate. */
export function customerSpace(mandate: Mandate, lot: Lot, limitMinor: bigint): UtilitySpace | undefined {
  if (lot.currency !== mandate.currency || limitMinor <= 0n) return undefined;
  // The price is open in every lot and means one thing only.
  if (Object.hasOwn(lot.issues, PRICE) || !isNegotiable(lot.issues)) return undefined;
  if (!isWanted(mandate.wanted, lot.product, lot.issues)) return undefined;

  const limit = Number(limitMinor < lot.highestMinor ? limitMinor : lot.highestMinor);
  const issues: Issue[] = [{ type: 'integer', name: PRICE, lower: 0, upper: limit }];
  // Judged against the limit, not the lot's own price, so that lots of different merchants compare.
  const evaluations: Evaluation[] = [{ type: 'linear', offset: 1, slope: -1 / Number(limitMinor) }];
  const weights = [weightOf(mandate, PRICE) ?? PRICE_WEIGHT];
  for (const name of issueNames(lot)) {
    const required = mandate.wanted.mustHaves[name];
    const values = lot.issues[name]!.filter((value) => required === undefined || required.includes(value));
    issues.push({ type: 'discrete', name, values });
    const worths = mandate.preferences.find((preference) => preference.issue === name)?.worths;
    evaluations.push(
      worths === undefined
        ? INDIFFERENT
        : { type: 'table', values: new Map(values.map((value) => [value, (worths[value] ?? 0) / 100])) },
    );
    weights.push(weightOf(mandate, name) ?? 0);
  }
  return createUtilitySpace({
    issues,
    weights: weights.some((weight) => weight > 0) ? weights : weights.map(() => 1),
    evaluations,
    reservation: 0,
    hard: true,
  });
}

/**
 * What the lot's fixed attributes are worth, 0…1, and the share of all weights they have: an agreement is judged by both.
 */
export function attributeWorth(mandate: Mandate, lot: Lot): { readonly worth: number; readonly share: number } {
  let sum = 0;
  let weight = 0;
  let open = weightOf(mandate, PRICE) ?? PRICE_WEIGHT;
  for (const preference of mandate.preferences) {
    if (preference.issue === PRICE) continue;
    if (Object.hasOwn(lot.issues, preference.issue)) {
      open += preference.weight;
    } else {
      weight += preference.weight;
      sum += preference.weight * ((preference.worths[lot.product.attributes[preference.issue] ?? ''] ?? 0) / 100);
    }
  }
  return weight === 0 ? { worth: 0, share: 0 } : { worth: sum / weight, share: weight / (weight + open) };
}

function weightOf(mandate: Mandate, issue: string): number | undefined {
  return mandate.preferences.find((preference) => preference.issue === issue)?.weight;
}

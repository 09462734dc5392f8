/** A lot on offer as a negotiation domain: the price first, then the lot's other open issues in the order of their names. */
import type { Bid, Issue, IssueValue } from './issue.ts';
import { NegotiationError } from './negotiation-error.ts';

export const PRICE = 'price';

/** What both sides know of a lot: the price of any variant is at most `highestMinor`. */
export function publicIssues(lot: {
  readonly highestMinor: bigint;
  readonly issues: Readonly<Record<string, readonly string[]>>;
}): readonly Issue[] {
  return [
    { type: 'integer', name: PRICE, lower: 0, upper: Number(lot.highestMinor) },
    ...issueNames(lot).map((name): Issue => ({ type: 'discrete', name, values: lot.issues[name]! })),
  ];
}

export function issueNames(lot: { readonly issues: Readonly<Record<string, unknown>> }): readonly string[] {
  return Object.keys(lot.issues).sort();
}

/**
 * Both sides list what they may propose, for as long as they negotiate: a lot of more variants (prices aside) than this would let
 * its merchant fill the memory of everybody else on the platform.
 */
const MAX_VARIANTS = 256;

export function isNegotiable(choices: Readonly<Record<string, readonly unknown[]>>): boolean {
  return Object.values(choices).reduce((count, values) => count * values.length, 1) <= MAX_VARIANTS;
}

/** @throws NegotiationError `NEGOTIATION_BID_OUTSIDE_DOMAIN` when the values are not exactly those of the issues */
export function bidOf(issues: readonly Issue[], values: Readonly<Record<string, IssueValue>>): Bid {
  const names = Object.keys(values);
  if (names.length !== issues.length || !issues.every(({ name }) => Object.hasOwn(values, name))) {
    throw new NegotiationError('NEGOTIATION_BID_OUTSIDE_DOMAIN', 'an offer names exactly the open issues of its lot');
  }
  return issues.map(({ name }) => values[name]!);
}

export function valuesOf(issues: readonly Issue[], bid: Bid): Record<string, IssueValue> {
  return Object.fromEntries(issues.map(({ name }, at) => [name, bid[at]!]));
}

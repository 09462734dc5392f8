/** What two parties negotiate about: issues with discrete, integer or real values, and a bid that gives each one a value. */
import { NegotiationError } from './negotiation-error.ts';

export interface DiscreteIssue {
  readonly type: 'discrete';
  readonly name: string;
  readonly values: readonly string[];
}

/** Whole numbers from `lower` to `upper`, both included: a price in minor units, a quantity, days to delivery. */
export interface IntegerIssue {
  readonly type: 'integer';
  readonly name: string;
  readonly lower: number;
  readonly upper: number;
}

export interface RealIssue {
  readonly type: 'real';
  readonly name: string;
  readonly lower: number;
  readonly upper: number;
}

export type Issue = DiscreteIssue | IntegerIssue | RealIssue;
export type IssueValue = string | number;

/** One value an issue, in the order of the issues. */
export type Bid = readonly IssueValue[];

/** Integers with more values, and all reals, are proposed on an even grid of this many points (any value may be received). */
export const GRID_POINTS = 41;

/** The values one side considers proposing for an issue. */
export function proposableValues(issue: Issue, points: number = GRID_POINTS): readonly IssueValue[] {
  if (issue.type === 'discrete') return issue.values;
  const span = issue.upper - issue.lower;
  if (issue.type === 'integer' && span < points) {
    return Array.from({ length: span + 1 }, (_, step) => issue.lower + step);
  }
  if (span === 0) return [issue.lower];
  const values = Array.from({ length: points }, (_, step) => issue.lower + (span * step) / (points - 1));
  return issue.type === 'integer' ? values.map(Math.round) : values;
}

export function isValueOf(issue: Issue, value: IssueValue): boolean {
  if (issue.type === 'discrete') return typeof value === 'string' && issue.values.includes(value);
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  if (issue.type === 'integer' && !Number.isInteger(value)) return false;
  return value >= issue.lower && value <= issue.upper;
}

/** @throws NegotiationError `NEGOTIATION_BID_OUTSIDE_DOMAIN` unless the bid gives every issue one of its values. */
export function assertBid(issues: readonly Issue[], bid: Bid): void {
  if (bid.length !== issues.length) {
    throw new NegotiationError('NEGOTIATION_BID_OUTSIDE_DOMAIN', 'a bid needs exactly one value for each issue', {
      detail: { expected: issues.length, seen: bid.length },
    });
  }
  issues.forEach((issue, at) => {
    if (!isValueOf(issue, bid[at]!)) {
      throw new NegotiationError('NEGOTIATION_BID_OUTSIDE_DOMAIN', `"${issue.name}" cannot have this value`, {
        detail: { value: bid[at]! },
      });
    }
  });
}

/**
 * Additive utility: each issue's value is judged between 0 and 1, and the judgements are added with weights that sum to 1.
 * Follows the linear-additive utility spaces of Genius (Lin et al., "Genius", Computational Intelligence 30(1), 2014).
 */
import { type Bid, type Issue, type IssueValue, isValueOf } from './issue.ts';
import { NegotiationError } from './negotiation-error.ts';

export type Evaluation =
  /** Discrete values, judged one by one; missing values are worth 0. */
  | { readonly type: 'table'; readonly values: ReadonlyMap<string, number> }
  /** offset + slope × value, cut to 0…1. */
  | { readonly type: 'linear'; readonly offset: number; readonly slope: number }
  | { readonly type: 'constant'; readonly value: number }
  /** 0 at both ends, 1 at the top, straight between. */
  | { readonly type: 'triangular'; readonly lower: number; readonly top: number; readonly upper: number };

export interface UtilitySpace {
  readonly issues: readonly Issue[];
  /** One a issue, not negative, summing to 1. */
  readonly weights: readonly number[];
  readonly evaluations: readonly Evaluation[];
  /** What no agreement is worth: nothing below is ever agreed. */
  readonly reservation: number;
  /** Utility after the share t of the time is multiplied by discount^t; 1 = no discount. */
  readonly discount: number;
  /** The issues' values are hard limits: a received bid outside them is worth less than no agreement, whatever else it offers. */
  readonly hard?: boolean;
}

/** What a bid beyond a hard limit is worth. */
export const BEYOND_LIMIT = -1;

/** @throws NegotiationError `NEGOTIATION_PROFILE_INVALID` on unequal lengths, weights without a positive sum or numbers out of range. */
export function createUtilitySpace(options: {
  readonly issues: readonly Issue[];
  readonly weights: readonly number[];
  readonly evaluations: readonly Evaluation[];
  readonly reservation?: number;
  readonly discount?: number;
  readonly hard?: boolean;
}): UtilitySpace {
  const { issues, weights, evaluations, reservation = 0, discount = 1 } = options;
  const refuse = (message: string): never => {
    throw new NegotiationError('NEGOTIATION_PROFILE_INVALID', message);
  };
  if (issues.length === 0) refuse('a negotiation needs at least one issue');
  if (weights.length !== issues.length) refuse('a profile needs one weight for each issue');
  if (evaluations.length !== issues.length) refuse('a profile needs one evaluation for each issue');
  if (weights.some((weight) => !Number.isFinite(weight) || weight < 0)) refuse('weights are numbers of at least 0');
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || !Number.isFinite(total)) refuse('at least one weight must be above 0');
  if (!Number.isFinite(reservation) || reservation > 1) refuse('the reservation value is a number of at most 1');
  if (!(discount > 0 && discount <= 1)) refuse('the discount factor lies above 0 and at most at 1');
  const alreadyNormal = Math.abs(total - 1) < 1e-12;
  return {
    issues,
    weights: alreadyNormal ? weights : weights.map((weight) => weight / total),
    evaluations,
    reservation,
    discount,
    ...(options.hard ? { hard: true } : {}),
  };
}

function cut(value: number): number {
  return Math.max(0, Math.min(1, value));
}

/** Between 0 and 1. */
export function evaluate(evaluation: Evaluation, value: IssueValue): number {
  if (evaluation.type === 'table') return evaluation.values.get(String(value)) ?? 0;
  if (evaluation.type === 'constant') return cut(evaluation.value);
  const number = Number(value);
  if (evaluation.type === 'linear') return cut(evaluation.offset + evaluation.slope * number);
  const { lower, top, upper } = evaluation;
  if (number < lower || number > upper) return 0;
  if (number === top) return 1;
  return number < top ? (number - lower) / (top - lower) : (upper - number) / (upper - top);
}

/** The undiscounted utility of a bid already known to lie in the domain. */
export function utilityOf(space: UtilitySpace, bid: Bid): number {
  let sum = 0;
  for (let at = 0; at < bid.length; at += 1) {
    if (space.hard && !isValueOf(space.issues[at]!, bid[at]!)) return BEYOND_LIMIT;
    sum += space.weights[at]! * evaluate(space.evaluations[at]!, bid[at]!);
  }
  return sum;
}

/** @param progress share of the time used up, 0…1 */
export function discounted(space: UtilitySpace, utility: number, progress: number): number {
  return space.discount === 1 ? utility : utility * space.discount ** progress;
}

/**
 * Guesses the other side's utilities from the bids it made: values it keeps asking for are worth more to it, and issues it
 * moves little on weigh more (frequency models: van Krimpen et al. "HardHeaded" 2013; Tunalı, Aydoğan, Sanchez-Anguix 2017,
 * who damp the counts because early bids say more than late ones).
 */
import type { Bid, Issue, IssueValue } from './issue.ts';

export interface OpponentModel {
  /** The guess between 0 and 1 of what a bid is worth to the other side. */
  utilityOf(bid: Bid): number;
  readonly weights: readonly number[];
}

/** Counts are raised to this power so that a value repeated often does not drown the others. */
const DAMPING = 0.25;

export function modelOpponent(issues: readonly Issue[], received: readonly Bid[]): OpponentModel {
  const distinct = received.filter(
    (bid, at) => at === 0 || bid.some((value, issue) => value !== received[at - 1]![issue]),
  );
  const judges = issues.map((issue, at) =>
    judgeOf(
      issue,
      received.map((bid) => bid[at]!),
    ),
  );
  const raw = issues.map((issue, at) =>
    concentration(
      issue,
      distinct.map((bid) => bid[at]!),
    ),
  );
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const weights = raw.map((weight) => (total > 0 ? weight / total : 1 / issues.length));
  return {
    weights,
    utilityOf(bid) {
      let sum = 0;
      for (let at = 0; at < bid.length; at += 1) sum += weights[at]! * judges[at]!(bid[at]!);
      return sum;
    },
  };
}

type Judge = (value: IssueValue) => number;

function judgeOf(issue: Issue, values: readonly IssueValue[]): Judge {
  if (issue.type === 'discrete') {
    const counts = new Map<IssueValue, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    const most = Math.max(1, ...counts.values());
    return (value) => ((1 + (counts.get(value) ?? 0)) / (1 + most)) ** DAMPING;
  }
  // Numbers have an order: the first bid shows which end the other side likes, and worth falls with the distance from it.
  const first = values[0];
  if (typeof first !== 'number') return () => 0.5;
  const reach = Math.max(first - issue.lower, issue.upper - first);
  if (reach === 0) return () => 1;
  return (value) => 1 - Math.min(1, Math.abs(Number(value) - first) / reach);
}

/** How little the other side has moved on an issue, 0…1: one value only gives 1. */
function concentration(issue: Issue, values: readonly IssueValue[]): number {
  if (values.length === 0) return 1;
  if (issue.type === 'discrete') {
    const counts = new Map<IssueValue, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    let sum = 0;
    for (const count of counts.values()) sum += (count / values.length) ** 2;
    return sum;
  }
  const span = issue.upper - issue.lower;
  if (span === 0) return 0;
  const first = Number(values[0]);
  const mean = values.reduce<number>((sum, value) => sum + Math.abs(Number(value) - first), 0) / values.length;
  return Math.max(0.05, 1 - (2 * mean) / span);
}

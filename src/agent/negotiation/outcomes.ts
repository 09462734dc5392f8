/** The bids one side may propose, best first. Small domains are listed whole, larger ones by a fixed, evenly drawn sample. */
import { type Bid, type IssueValue, proposableValues } from './issue.ts';
import { evaluate, type UtilitySpace } from './utility.ts';

export interface Outcomes {
  /** Sorted by falling own utility. */
  readonly bids: readonly Bid[];
  readonly utilities: Float64Array;
  /** False when the domain was too large to list and this is a sample of it. */
  readonly complete: boolean;
}

/** Above this many bids a sample is drawn instead. */
export const MAX_OUTCOMES = 60_000;
const SAMPLE = 20_000;

// A memory of a pure function: the list depends on weights and evaluations alone (not on the reservation value, which may
// change during a negotiation), and goes when they go.
const known = new WeakMap<
  UtilitySpace['evaluations'],
  { readonly weights: UtilitySpace['weights']; readonly outcomes: Outcomes }
>();

export function outcomesOf(space: UtilitySpace): Outcomes {
  const remembered = known.get(space.evaluations);
  if (remembered?.weights === space.weights) return remembered.outcomes;
  const outcomes = listOutcomes(space);
  known.set(space.evaluations, { weights: space.weights, outcomes });
  return outcomes;
}

function listOutcomes(space: UtilitySpace): Outcomes {
  const choices = space.issues.map((issue) => proposableValues(issue));
  const scores = choices.map((values, at) =>
    values.map((value) => space.weights[at]! * evaluate(space.evaluations[at]!, value)),
  );
  const count = choices.reduce((product, values) => product * values.length, 1);
  const complete = count <= MAX_OUTCOMES;
  const picks = complete ? allPicks(choices, count) : samplePicks(choices, scores);

  const utilities = picks.map((pick) => pick.reduce((sum, choice, at) => sum + scores[at]![choice]!, 0));
  const order = Uint32Array.from(picks.keys()).sort((a, b) => utilities[b]! - utilities[a]! || a - b);
  const bids: Bid[] = [];
  const sorted = new Float64Array(order.length);
  order.forEach((from, to) => {
    sorted[to] = utilities[from]!;
    bids.push(picks[from]!.map((choice, at) => choices[at]![choice]!));
  });
  return { bids, utilities: sorted, complete };
}

type Choices = readonly (readonly IssueValue[])[];

function allPicks(choices: Choices, count: number): number[][] {
  return Array.from({ length: count }, (_, number) => {
    let rest = number;
    return choices.map((values) => {
      const choice = rest % values.length;
      rest = Math.floor(rest / values.length);
      return choice;
    });
  });
}

function samplePicks(choices: Choices, scores: readonly (readonly number[])[]): number[][] {
  const random = seededRandom(choices.length);
  const best = scores.map((row) => row.indexOf(Math.max(...row)));
  const picks = [best];
  while (picks.length < SAMPLE) {
    // Every second one starts from the best bid and changes a few issues, because the top end is where bids are proposed from.
    const near = picks.length % 2 === 0;
    picks.push(
      choices.map((values, at) => (near && random() < 0.7 ? best[at]! : Math.floor(random() * values.length))),
    );
  }
  return picks;
}

/** A small deterministic generator (mulberry32) for draws that must repeat; never for secrets. Gives numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** How many of the sorted bids are worth at least `utility`. */
export function countAtLeast(outcomes: Outcomes, utility: number): number {
  let low = 0;
  let high = outcomes.utilities.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (outcomes.utilities[middle]! >= utility) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The bid worth least among those worth at least `utility`; the best bid when none is. */
export function bidNear(outcomes: Outcomes, utility: number): Bid {
  return outcomes.bids[Math.max(0, countAtLeast(outcomes, utility) - 1)]!;
}

/** How much more than asked for a bid may be worth and still be taken because it is more like the other side's. */
const LIKENESS_BAND = 0.03;

/**
 * Among the bids worth hardly more than `utility` the one most like the bid received, issue by issue (Faratin, Sierra, Jennings,
 * "Using similarity criteria to make issue trade-offs", 2002): what costs nothing is given to the other side.
 */
export function bidLike(space: UtilitySpace, outcomes: Outcomes, utility: number, received: Bid | undefined): Bid {
  if (received === undefined) return bidNear(outcomes, utility);
  const end = Math.max(1, countAtLeast(outcomes, utility));
  const start = Math.min(countAtLeast(outcomes, utility + LIKENESS_BAND), end - 1);
  let best = outcomes.bids[end - 1]!;
  let likest = -1;
  for (let at = end - 1; at >= start; at -= 1) {
    const likeness = likenessOf(space, outcomes.bids[at]!, received);
    if (likeness > likest + 1e-9) {
      likest = likeness;
      best = outcomes.bids[at]!;
    }
  }
  return best;
}

function likenessOf({ issues }: UtilitySpace, a: Bid, b: Bid): number {
  let sum = 0;
  issues.forEach((issue, at) => {
    if (issue.type === 'discrete') sum += a[at] === b[at] ? 1 : 0;
    else sum += 1 - Math.min(1, Math.abs(Number(a[at]) - Number(b[at])) / Math.max(1e-9, issue.upper - issue.lower));
  });
  return sum;
}

/**
 * Concession by the clock (Faratin, Sierra, Jennings, "Negotiation decision functions for autonomous agents", 1998,
 * section 4.1): the utility asked for falls from the best to the reservation value as 1 − t^(1/e).
 */
import { acceptsNext } from './acceptance.ts';
import { bidLike, outcomesOf } from './outcomes.ts';
import { isLastTurn, progressOf, type Strategy } from './strategy.ts';
import { utilityOf } from './utility.ts';

/** @param exponent e: below 1 concedes late (boulware), 1 evenly, above 1 early (conceder) */
export function timeDependent(options: { readonly name: string; readonly exponent: number }): Strategy {
  return {
    name: options.name,
    move(view) {
      const outcomes = outcomesOf(view.space);
      const best = outcomes.utilities[0]!;
      const least = view.space.reservation;
      if (best < least) return { type: 'end' };

      const target = timeTarget({ best, least, progress: progressOf(view), exponent: options.exponent });
      const bid = bidLike(view.space, outcomes, target, view.theirs.at(-1));
      if (acceptsNext(view, bid)) return { type: 'accept' };
      const received = view.theirs.at(-1);
      if (isLastTurn(view) && received && utilityOf(view.space, received) > least) return { type: 'accept' };
      return { type: 'offer', bid };
    },
  };
}

export function timeTarget(options: {
  readonly best: number;
  readonly least: number;
  readonly progress: number;
  readonly exponent: number;
}): number {
  const { best, least, progress, exponent } = options;
  return least + (best - least) * (1 - progress ** (1 / exponent));
}

export const boulware: Strategy = timeDependent({ name: 'boulware', exponent: 0.2 });
export const linear: Strategy = timeDependent({ name: 'linear', exponent: 1 });
export const conceder: Strategy = timeDependent({ name: 'conceder', exponent: 2 });

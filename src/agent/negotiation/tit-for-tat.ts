/**
 * Behaviour-dependent concession (Faratin et al. 1998, section 4.3, averaged tit-for-tat): gives up as much of its own
 * utility as the other side has given it since its first bid, and never more.
 */
import { acceptsNext } from './acceptance.ts';
import { bidLike, outcomesOf } from './outcomes.ts';
import { isLastTurn, type Strategy } from './strategy.ts';
import { utilityOf } from './utility.ts';

export const titForTat: Strategy = {
  name: 'tit-for-tat',
  move(view) {
    const outcomes = outcomesOf(view.space);
    const best = outcomes.utilities[0]!;
    const least = view.space.reservation;
    if (best < least) return { type: 'end' };

    let given = 0;
    const first = view.theirs[0];
    if (first !== undefined) {
      // Bids beyond a hard limit are all alike worth nothing.
      const start = Math.max(0, utilityOf(view.space, first));
      for (const bid of view.theirs) given = Math.max(given, utilityOf(view.space, bid) - start);
    }
    // A first step without anything in return, or two of these would never start.
    const opening = view.own.length === 0 ? 0 : (best - least) * 0.02;
    const target = Math.max(least, best - given - opening);
    const bid = bidLike(view.space, outcomes, target, view.theirs.at(-1));

    if (acceptsNext(view, bid)) return { type: 'accept' };
    const received = view.theirs.at(-1);
    if (isLastTurn(view) && received && utilityOf(view.space, received) > least) return { type: 'accept' };
    return { type: 'offer', bid };
  },
};

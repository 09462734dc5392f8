/**
 * The strongest strategy here: concedes late and only down to its guess of the fair (Nash) point, chooses among bids of
 * equal own worth the one its opponent model likes best, and accepts by AC_combi. See `bench/tournament.ts` for its figures.
 */
import { acceptsCombined } from './acceptance.ts';
import type { Bid } from './issue.ts';
import { modelOpponent, type OpponentModel } from './opponent-model.ts';
import { bidNear, countAtLeast, type Outcomes, outcomesOf } from './outcomes.ts';
import { isLastTurn, progressOf, type Strategy, type View } from './strategy.ts';
import { timeTarget } from './time-dependent.ts';
import { utilityOf } from './utility.ts';

export interface ParetoSeekingSettings {
  readonly exponent: number;
  /** Width of the band of own utility within which the opponent's taste decides. */
  readonly band: number;
  /** Share of the time from which AC_combi looks at the best offer received. */
  readonly acceptFrom: number;
  /** How far below the guessed Nash point the last bids may go, as a share of the way down to the reservation value. */
  readonly give: number;
}

const DEFAULTS: ParetoSeekingSettings = { exponent: 0.12, band: 0.05, acceptFrom: 0.98, give: 0.4 };

/** Bids received before the model is trusted to guess the Nash point. */
const ENOUGH = 3;

export function createParetoSeeking(settings: Partial<ParetoSeekingSettings> = {}): Strategy {
  const { exponent, band, acceptFrom, give } = { ...DEFAULTS, ...settings };
  return {
    name: 'pareto-seeking',
    move(view) {
      const { space } = view;
      const outcomes = outcomesOf(space);
      const best = outcomes.utilities[0]!;
      if (best < space.reservation) return { type: 'end' };

      const model = modelOpponent(space.issues, view.theirs);
      const fair = view.theirs.length < ENOUGH ? best : nashGuess(outcomes, model, space.reservation);
      const least = fair - (fair - space.reservation) * give;
      const target = timeTarget({ best, least, progress: progressOf(view), exponent });
      const bid = chooseBid({ view, outcomes, model, target, band });

      if (acceptsCombined(view, bid, acceptFrom)) return { type: 'accept' };
      return { type: 'offer', bid };
    },
  };
}

function chooseBid(options: {
  readonly view: View;
  readonly outcomes: Outcomes;
  readonly model: OpponentModel;
  readonly target: number;
  readonly band: number;
}): Bid {
  const { view, outcomes, model, target, band } = options;
  const best = bestReceived(view);
  if (best !== undefined) {
    // What the other side once asked for it will hardly refuse: never ask less than that, and close with it at the end.
    const worth = utilityOf(view.space, best);
    if (worth >= target) return best;
    if (isLastTurn(view) && worth > view.space.reservation) return best;
  }
  if (view.theirs.length === 0) return outcomes.bids[0]!;
  const end = countAtLeast(outcomes, target);
  const start = Math.min(countAtLeast(outcomes, target + band), Math.max(0, end - 1));
  let chosen = bidNear(outcomes, target);
  let liked = -1;
  for (let at = start; at < end; at += 1) {
    const likes = model.utilityOf(outcomes.bids[at]!);
    // Equal liking: the later one in the list costs this side less goodwill to give, the earlier one is worth more to it.
    if (likes > liked + 1e-9) {
      liked = likes;
      chosen = outcomes.bids[at]!;
    }
  }
  return chosen;
}

function bestReceived(view: View): Bid | undefined {
  let best: Bid | undefined;
  let worth = -1;
  for (const bid of view.theirs) {
    const utility = utilityOf(view.space, bid);
    if (utility > worth) {
      worth = utility;
      best = bid;
    }
  }
  return best;
}

/** Own utility at the bid with the largest product of own gain over the reservation value and the opponent's guessed utility. */
function nashGuess(outcomes: Outcomes, model: OpponentModel, reservation: number): number {
  const end = countAtLeast(outcomes, reservation);
  // A few hundred evenly spread bids locate the point well enough, and keep a turn in a large domain fast.
  const step = Math.max(1, Math.floor(end / 400));
  let most = -1;
  let own = outcomes.utilities[0]!;
  for (let at = 0; at < end; at += step) {
    const utility = outcomes.utilities[at]!;
    const product = (utility - reservation) * model.utilityOf(outcomes.bids[at]!);
    if (product > most) {
      most = product;
      own = utility;
    }
  }
  return own;
}

export const paretoSeeking: Strategy = createParetoSeeking();

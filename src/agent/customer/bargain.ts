/**
 * A customer agent bargaining with several merchants at once, in step: it moves when all have answered, the best it could have
 * elsewhere is the least it asks of the others, and at the end it takes the best. So the order of answers does not matter.
 */
import type { Bid } from '../negotiation/issue.ts';
import type { Move, Strategy } from '../negotiation/strategy.ts';
import { BEYOND_LIMIT, type UtilitySpace, utilityOf } from '../negotiation/utility.ts';

export interface TalkView {
  readonly space: UtilitySpace;
  readonly own: readonly Bid[];
  readonly theirs: readonly Bid[];
  /**
   * `open`: the merchant has answered and waits; `settled`: an acceptable offer is on the table (ours, accepted by the
   * merchant, or theirs, acceptable to us); `ended`: no agreement here.
   */
  readonly status: 'open' | 'settled' | 'ended';
  /** What is on the table when settled. */
  readonly settled?: Bid;
  /** Worth and share of the lot's fixed attributes among all preferences. */
  readonly attributes: { readonly worth: number; readonly share: number };
}

/** The whole utility of an agreement, comparable between talks. */
export function worthOf(talk: TalkView, bid: Bid): number {
  const utility = utilityOf(talk.space, bid);
  if (utility <= BEYOND_LIMIT) return BEYOND_LIMIT;
  return utility * (1 - talk.attributes.share) + talk.attributes.worth * talk.attributes.share;
}

export function bargain(options: {
  readonly talks: readonly TalkView[];
  readonly strategy: Strategy;
  readonly round: number;
  readonly rounds: number;
}): readonly (Move | undefined)[] {
  const { talks, strategy, round, rounds } = options;
  const sure = talks.reduce((best, talk) => (talk.settled ? Math.max(best, worthOf(talk, talk.settled)) : best), 0);
  return talks.map((talk) => {
    if (talk.status !== 'open') return undefined;
    if (round >= rounds) return { type: 'end' };
    const { share, worth } = talk.attributes;
    // The utility this talk must reach so that, with its attributes, it is better than what is sure already.
    const least = share === 1 ? 0 : (sure - worth * share) / (1 - share);
    if (least >= 1) return { type: 'end' };
    const space = least > talk.space.reservation ? { ...talk.space, reservation: least } : talk.space;
    return strategy.move({ space, own: talk.own, theirs: talk.theirs, round, rounds });
  });
}

/** The index of the best settled talk; the earlier one of equals. Undefined when none is settled. */
export function pickBest(talks: readonly TalkView[]): number | undefined {
  let best: number | undefined;
  talks.forEach((talk, at) => {
    if (talk.status !== 'settled' || talk.settled === undefined) return;
    if (best === undefined || worthOf(talk, talk.settled) > worthOf(talks[best]!, talks[best]!.settled!)) best = at;
  });
  return best;
}

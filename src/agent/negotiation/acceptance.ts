/**
 * When to accept (Baarslag, Hindriks, Jonker, "Effective acceptance conditions in real-time automated negotiation", 2014):
 * AC_next accepts what is at least as good as one's own next bid; AC_combi adds, near the end, what is as good as the
 * best one may still hope for.
 */
import type { Bid } from './issue.ts';
import { isLastTurn, progressOf, type View } from './strategy.ts';
import { utilityOf } from './utility.ts';

/** @param next the bid this side would make now */
export function acceptsNext(view: View, next: Bid): boolean {
  const received = view.theirs.at(-1);
  if (received === undefined) return false;
  const utility = utilityOf(view.space, received);
  return utility >= view.space.reservation && utility >= utilityOf(view.space, next);
}

/**
 * From the share `from` of the time on: accepts a bid not worse than any received in a window as long as the time left.
 * On the very last turn: anything better than no agreement.
 */
export function acceptsCombined(view: View, next: Bid, from: number): boolean {
  if (acceptsNext(view, next)) return true;
  const received = view.theirs.at(-1);
  if (received === undefined) return false;
  const utility = utilityOf(view.space, received);
  if (utility < view.space.reservation) return false;
  if (isLastTurn(view)) return utility > view.space.reservation;
  if (progressOf(view) < from) return false;
  const left = Math.max(1, view.rounds - view.round);
  return view.theirs.slice(-left - 1, -1).every((bid) => utilityOf(view.space, bid) <= utility);
}

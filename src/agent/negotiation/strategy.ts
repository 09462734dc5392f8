/** The one interface a strategy has: a pure function from what one side has seen so far to its next move. */
import type { Bid } from './issue.ts';
import type { UtilitySpace } from './utility.ts';

/** What one side knows when it is its turn. Nothing of the other side's utilities or limit is in here. */
export interface View {
  readonly space: UtilitySpace;
  /** All bids made by this side so far, oldest first. */
  readonly own: readonly Bid[];
  /** All bids received so far, oldest first; the last one is on the table. */
  readonly theirs: readonly Bid[];
  /** This turn's round, from 0. */
  readonly round: number;
  /** Rounds there are; each side moves once in each, and after the last one there is no agreement. */
  readonly rounds: number;
}

export type Move =
  | { readonly type: 'offer'; readonly bid: Bid }
  /** Accepts the last bid received. */
  | { readonly type: 'accept' }
  /** Leaves without an agreement. */
  | { readonly type: 'end' };

export interface Strategy {
  readonly name: string;
  move(view: View): Move;
}

/** Share of the rounds gone when this turn is made: 0 at the first, 1 at the last. */
export function progressOf(view: View): number {
  return view.rounds <= 1 ? 1 : view.round / (view.rounds - 1);
}

export function isLastTurn(view: View): boolean {
  return view.round >= view.rounds - 1;
}

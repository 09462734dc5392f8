/**
 * Stacked alternating offers for two parties (Aydoğan, Festen, Hindriks, Jonker 2017): in each round each party in turn
 * makes a bid, accepts the one on the table or leaves; without acceptance by the last round there is no agreement.
 */
import { assertBid, type Bid } from './issue.ts';
import { NegotiationError } from './negotiation-error.ts';
import type { Move, Strategy } from './strategy.ts';
import { type UtilitySpace, utilityOf } from './utility.ts';

export interface Party {
  readonly name: string;
  readonly space: UtilitySpace;
  readonly strategy: Strategy;
}

export interface Turn {
  /** From 0. */
  readonly round: number;
  /** 0 = the party that opens. */
  readonly party: 0 | 1;
  readonly move: Move['type'];
  /** The bid made, or the bid accepted. */
  readonly bid?: Bid;
  /** What that bid is worth to each party, undiscounted. */
  readonly utilities?: readonly [number, number];
}

export interface NegotiationResult {
  readonly turns: readonly Turn[];
  readonly agreement?: Bid;
  /** What the result is worth to each: the agreement, or the reservation values. */
  readonly utilities: readonly [number, number];
  readonly outcome: 'agreement' | 'deadline' | 'left';
  /** Rounds begun. */
  readonly rounds: number;
}

export const MAX_ROUNDS = 10_000;

/** @throws NegotiationError on an impossible number of rounds, unequal issues, or a strategy that breaks the protocol. */
export function negotiate(parties: readonly [Party, Party], rounds: number): NegotiationResult {
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new NegotiationError('NEGOTIATION_ROUNDS_INVALID', `the number of rounds lies between 1 and ${MAX_ROUNDS}`);
  }
  const bids: [Bid[], Bid[]] = [[], []];
  const turns: Turn[] = [];
  const worth = (bid: Bid): [number, number] => [utilityOf(parties[0].space, bid), utilityOf(parties[1].space, bid)];
  const noDeal: readonly [number, number] = [parties[0].space.reservation, parties[1].space.reservation];

  for (let round = 0; round < rounds; round += 1) {
    for (const party of [0, 1] as const) {
      const { space, strategy } = parties[party];
      const theirs = bids[party === 0 ? 1 : 0];
      const move = strategy.move({ space, own: bids[party], theirs, round, rounds });
      if (move.type === 'offer') {
        assertBid(space.issues, move.bid);
        bids[party].push(move.bid);
        turns.push({ round, party, move: 'offer', bid: move.bid, utilities: worth(move.bid) });
        continue;
      }
      if (move.type === 'end') {
        turns.push({ round, party, move: 'end' });
        return { turns, utilities: noDeal, outcome: 'left', rounds: round + 1 };
      }
      const agreement = theirs.at(-1);
      if (agreement === undefined) {
        throw new NegotiationError('NEGOTIATION_PROTOCOL', 'nothing is on the table to accept');
      }
      turns.push({ round, party, move: 'accept', bid: agreement, utilities: worth(agreement) });
      return { turns, agreement, utilities: worth(agreement), outcome: 'agreement', rounds: round + 1 };
    }
  }
  return { turns, utilities: noDeal, outcome: 'deadline', rounds };
}

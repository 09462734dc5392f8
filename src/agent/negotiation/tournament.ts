/** Every strategy against every other and itself over several domains, on both sides: who gets the most on average. */
import { negotiate } from './alternating-offers.ts';
import type { Strategy } from './strategy.ts';
import type { UtilitySpace } from './utility.ts';

export interface Contest {
  readonly name: string;
  readonly spaces: readonly [UtilitySpace, UtilitySpace];
}

export interface Standing {
  readonly strategy: string;
  /** Mean utility over all its negotiations; what no agreement is worth counts for those that failed. */
  readonly meanUtility: number;
  /** Mean over its negotiations against others only, without itself. */
  readonly meanAgainstOthers: number;
  readonly agreements: number;
  readonly negotiations: number;
}

/** Best first. */
export function holdTournament(options: {
  readonly strategies: readonly Strategy[];
  readonly contests: readonly Contest[];
  readonly rounds: number;
}): readonly Standing[] {
  const tallies = options.strategies.map((strategy) => ({
    strategy,
    all: [] as number[],
    others: [] as number[],
    agreements: 0,
  }));
  for (const { spaces } of options.contests) {
    for (const first of tallies) {
      for (const second of tallies) {
        const result = negotiate(
          [
            { name: first.strategy.name, space: spaces[0], strategy: first.strategy },
            { name: second.strategy.name, space: spaces[1], strategy: second.strategy },
          ],
          options.rounds,
        );
        [first, second].forEach((tally, side) => {
          const utility = result.utilities[side]!;
          tally.all.push(utility);
          if (first !== second) tally.others.push(utility);
          if (result.agreement) tally.agreements += 1;
        });
      }
    }
  }
  return tallies
    .map(({ strategy, all, others, agreements }) => ({
      strategy: strategy.name,
      meanUtility: mean(all),
      meanAgainstOthers: mean(others),
      agreements,
      negotiations: all.length,
    }))
    .sort((a, b) => b.meanUtility - a.meanUtility);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

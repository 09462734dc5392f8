import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { negotiate } from '../../../src/agent/negotiation/alternating-offers.ts';
import { modelOpponent } from '../../../src/agent/negotiation/opponent-model.ts';
import { outcomesOf } from '../../../src/agent/negotiation/outcomes.ts';
import { randomContest } from '../../../src/agent/negotiation/random-contest.ts';
import { strategies, strategyByName } from '../../../src/agent/negotiation/strategy-by-name.ts';
import { boulware, conceder, linear } from '../../../src/agent/negotiation/time-dependent.ts';
import { titForTat } from '../../../src/agent/negotiation/tit-for-tat.ts';
import { utilityOf } from '../../../src/agent/negotiation/utility.ts';

const [buyer, seller] = randomContest(7).spaces;
const ownUtilities = (strategy: typeof boulware, rounds: number) =>
  Array.from({ length: rounds }, (_, round) => {
    const move = strategy.move({ space: buyer, own: [], theirs: [], round, rounds });
    return move.type === 'offer' ? utilityOf(buyer, move.bid) : Number.NaN;
  });

describe('strategies', () => {
  test('time-dependent ones start at the best bid and end at the reservation value, at their own pace', () => {
    const [late, even, early] = [boulware, linear, conceder].map((strategy) => ownUtilities(strategy, 41));
    for (const curve of [late!, even!, early!]) {
      expect(curve[0]).toBeCloseTo(outcomesOf(buyer).utilities[0]!, 6);
      expect(curve.at(-1)!).toBeGreaterThanOrEqual(buyer.reservation);
      expect(curve.at(-1)!).toBeLessThan(buyer.reservation + 0.05);
    }
    expect(late![20]!).toBeGreaterThan(even![20]! + 0.1);
    expect(even![20]!).toBeGreaterThan(early![20]! + 0.1);
  });

  test('tit-for-tat gives nothing to one who does not move, and as much as it got to one who does', () => {
    const bids = outcomesOf(buyer).bids;
    const worst = bids.at(-1)!;
    const better = bids[Math.floor(bids.length / 3)]!;
    const top = outcomesOf(buyer).utilities[0]!;
    const asked = (theirs: readonly (typeof worst)[]) => {
      const move = titForTat.move({ space: buyer, own: [bids[0]!], theirs, round: 5, rounds: 50 });
      return move.type === 'offer' ? utilityOf(buyer, move.bid) : utilityOf(buyer, theirs.at(-1)!);
    };
    expect(asked([worst, worst, worst])).toBeGreaterThan(top - 0.05);
    const gift = utilityOf(buyer, better) - utilityOf(buyer, worst);
    expect(asked([worst, better])).toBeLessThan(top - Math.min(gift, 0.3) + 0.05);
  });

  test('the opponent model ranks values by how the other side insists on them', () => {
    const issues = [
      { type: 'discrete', name: 'a', values: ['x', 'y', 'z'] },
      { type: 'discrete', name: 'b', values: ['p', 'q'] },
      { type: 'integer', name: 'price', lower: 0, upper: 100 },
    ] as const;
    const model = modelOpponent(issues, [
      ['x', 'p', 100],
      ['x', 'q', 95],
      ['x', 'p', 90],
      ['y', 'q', 85],
    ]);
    expect(model.weights[0]!).toBeGreaterThan(model.weights[1]!);
    expect(model.utilityOf(['x', 'p', 90])).toBeGreaterThan(model.utilityOf(['y', 'p', 90]));
    expect(model.utilityOf(['y', 'p', 90])).toBeGreaterThan(model.utilityOf(['z', 'p', 90]));
    expect(model.utilityOf(['x', 'p', 80])).toBeGreaterThan(model.utilityOf(['x', 'p', 20]));
  });

  test('no strategy ever agrees to less than its reservation value, and none sees the other profile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.constantFrom(...strategies),
        fc.constantFrom(...strategies),
        fc.integer({ min: 1, max: 30 }),
        (seed, first, second, rounds) => {
          const { spaces } = randomContest(seed);
          const result = negotiate(
            [
              { name: 'a', space: spaces[0], strategy: first },
              { name: 'b', space: spaces[1], strategy: second },
            ],
            rounds,
          );
          expect(result.utilities[0]).toBeGreaterThanOrEqual(spaces[0].reservation - 1e-12);
          expect(result.utilities[1]).toBeGreaterThanOrEqual(spaces[1].reservation - 1e-12);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('the same views give the same moves', () => {
    const run = () =>
      negotiate(
        [
          { name: 'a', space: buyer, strategy: strategyByName('pareto-seeking') },
          { name: 'b', space: seller, strategy: titForTat },
        ],
        25,
      );
    expect(run()).toEqual(run());
  });

  test('refuses an unknown strategy by name', () => {
    expect(() => strategyByName('ruthless')).toThrow(expect.objectContaining({ code: 'NEGOTIATION_STRATEGY_UNKNOWN' }));
  });
});

import { expect, test } from 'vitest';
import { negotiate } from '../../../src/agent/negotiation/alternating-offers.ts';
import { distanceTo, frontierOf } from '../../../src/agent/negotiation/frontier.ts';
import { assertBid } from '../../../src/agent/negotiation/issue.ts';
import type { Strategy } from '../../../src/agent/negotiation/strategy.ts';
import { createUtilitySpace } from '../../../src/agent/negotiation/utility.ts';

const issues = [{ type: 'integer', name: 'price', lower: 0, upper: 10 }] as const;
const cheap = createUtilitySpace({
  issues,
  weights: [1],
  evaluations: [{ type: 'linear', offset: 1, slope: -0.1 }],
  reservation: 0.2,
});
const dear = createUtilitySpace({
  issues,
  weights: [1],
  evaluations: [{ type: 'linear', offset: 0, slope: 0.1 }],
  reservation: 0.3,
});
const always = (price: number): Strategy => ({ name: 'always', move: () => ({ type: 'offer', bid: [price] }) });
const party = (space: typeof cheap, strategy: Strategy) => ({ name: 'p', space, strategy });

test('without acceptance the deadline ends it and each is left with its reservation value', () => {
  const result = negotiate([party(cheap, always(1)), party(dear, always(9))], 3);
  expect(result).toMatchObject({ outcome: 'deadline', utilities: [0.2, 0.3], rounds: 3 });
  expect(result.turns.map((turn) => turn.party)).toEqual([0, 1, 0, 1, 0, 1]);
});

test('acceptance takes the bid on the table', () => {
  const accept: Strategy = { name: 'accept', move: () => ({ type: 'accept' }) };
  const result = negotiate([party(cheap, always(4)), party(dear, accept)], 3);
  expect(result).toMatchObject({ outcome: 'agreement', agreement: [4], rounds: 1 });
  expect(result.utilities[0]).toBeCloseTo(0.6);
  expect(() => negotiate([party(cheap, accept), party(dear, accept)], 3)).toThrow(
    expect.objectContaining({ code: 'NEGOTIATION_PROTOCOL' }),
  );
});

test('leaving ends it, and a bid outside the domain is refused', () => {
  const leave: Strategy = { name: 'leave', move: () => ({ type: 'end' }) };
  expect(negotiate([party(cheap, leave), party(dear, leave)], 3).outcome).toBe('left');
  for (const value of [-1, 11, 0.5, '3', Number.NaN]) {
    expect(() => assertBid(issues, [value])).toThrow(
      expect.objectContaining({ code: 'NEGOTIATION_BID_OUTSIDE_DOMAIN' }),
    );
  }
});

test('the Nash point has the largest product of gains', () => {
  const { pareto, nash } = frontierOf(cheap, dear);
  expect(pareto).toHaveLength(11);
  // Gains (0.8 − p/10)(p/10 − 0.3) are largest at p = 5.5: 5 or 6.
  expect([5, 6]).toContain(nash!.bid[0]);
  expect(distanceTo(pareto, [0.5, 0.5])).toBeCloseTo(0);
});

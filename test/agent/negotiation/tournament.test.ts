import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { randomContest } from '../../../src/agent/negotiation/random-contest.ts';
import { readGeniusDomain, readGeniusProfile } from '../../../src/agent/negotiation/read-genius.ts';
import { strategies } from '../../../src/agent/negotiation/strategy-by-name.ts';
import { type Contest, holdTournament } from '../../../src/agent/negotiation/tournament.ts';

function shipped(name: string, sides: readonly [string, string]): Contest {
  const read = (part: string) =>
    readFileSync(new URL(`../../../examples/negotiation/${name}-${part}.xml`, import.meta.url), 'utf8');
  const domain = readGeniusDomain(read('domain'));
  return { name, spaces: [readGeniusProfile(read(sides[0]), domain), readGeniusProfile(read(sides[1]), domain)] };
}

const contests = [
  shipped('data-set', ['buyer', 'seller']),
  ...Array.from({ length: 16 }, (_, at) => randomContest(500 + at)),
];

test.each([10, 40])('the strategy with an opponent model gets the highest mean utility in %i rounds', (rounds) => {
  const [first, second] = holdTournament({ strategies, contests, rounds });
  expect(first!.strategy).toBe('pareto-seeking');
  expect(first!.meanUtility).toBeGreaterThan(second!.meanUtility + 0.03);
  expect(first!.agreements / first!.negotiations).toBeGreaterThan(0.95);
});

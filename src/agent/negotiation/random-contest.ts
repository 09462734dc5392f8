/** Made-up domains with opposed but not opposite profiles, for tournaments: the same seed always gives the same one. */
import type { Issue } from './issue.ts';
import { seededRandom } from './outcomes.ts';
import type { Contest } from './tournament.ts';
import { createUtilitySpace, type Evaluation, type UtilitySpace } from './utility.ts';

/** A sale-like domain: a price that the sides want opposite, and discrete issues each judges in its own way. */
export function randomContest(seed: number): Contest {
  const random = seededRandom(seed);
  const issues: Issue[] = [{ type: 'integer', name: 'price', lower: 0, upper: 20 }];
  for (let at = 1 + Math.floor(random() * 3); at >= 0; at -= 1) {
    const size = 2 + Math.floor(random() * 4);
    issues.push({
      type: 'discrete',
      name: `issue ${at}`,
      values: Array.from({ length: size }, (_, item) => `value ${item}`),
    });
  }
  const profile = (rising: boolean): UtilitySpace =>
    createUtilitySpace({
      issues,
      weights: issues.map(() => 0.2 + random()),
      evaluations: issues.map((issue): Evaluation => {
        if (issue.type !== 'discrete') {
          return { type: 'linear', offset: rising ? 0 : 1, slope: (rising ? 1 : -1) / 20 };
        }
        const raw = issue.values.map(() => random());
        const most = Math.max(...raw);
        return { type: 'table', values: new Map(issue.values.map((value, item) => [value, raw[item]! / most])) };
      }),
      reservation: 0.2 + random() * 0.3,
    });
  return { name: `random ${seed}`, spaces: [profile(false), profile(true)] };
}

/** Stands in for `src/deposit/customer/spending-chains.ts` in most seeds: what was hashed once is not hashed again. */
import * as real from '../../../src/deposit/customer/spending-chains.ts';

export type { ChainPlan, Chains } from '../../../src/deposit/customer/spending-chains.ts';
export const { anchorsOf, lengthsFor, PURCHASES_A_CHECKPOINT, wordAt, wordsAt } = real;

const MOST_REMEMBERED = 1000;
const made = new Map<string, real.Chains>();

export function makeChains(plan: real.ChainPlan, of: Parameters<typeof real.makeChains>[1]): real.Chains {
  const name = `${of.transaction} ${plan.index} ${plan.lengths.join()} ${Buffer.from(of.seed).toString('latin1')}`;
  let chains = made.get(name);
  if (chains === undefined) {
    chains = real.makeChains(plan, of);
    if (made.size >= MOST_REMEMBERED) made.delete(made.keys().next().value!);
    made.set(name, chains);
  }
  return chains;
}

/** The strategies a person or a merchant can name. */
import { NegotiationError } from './negotiation-error.ts';
import { paretoSeeking } from './pareto-seeking.ts';
import type { Strategy } from './strategy.ts';
import { boulware, conceder, linear } from './time-dependent.ts';
import { titForTat } from './tit-for-tat.ts';

export const strategies: readonly Strategy[] = [boulware, linear, conceder, titForTat, paretoSeeking];

export const strategyNames: readonly string[] = strategies.map((strategy) => strategy.name);

/** @throws NegotiationError `NEGOTIATION_STRATEGY_UNKNOWN` */
export function strategyByName(name: string): Strategy {
  const found = strategies.find((strategy) => strategy.name === name);
  if (found === undefined) {
    throw new NegotiationError(
      'NEGOTIATION_STRATEGY_UNKNOWN',
      `unknown strategy; known are ${strategyNames.join(', ')}`,
    );
  }
  return found;
}

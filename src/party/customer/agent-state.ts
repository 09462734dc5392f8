/**
 * How an agent fares, in one word and a reason: from what the station itself knows (it is the authority on money) and what the
 * agent's platform says (it is the authority on the negotiation).
 */
import type { Terms } from '../../agent/guard/allowance.ts';
import { explanationOf } from '../../agent/guard/guard-error.ts';
import type { GuardedPayment, GuardState, Mandated } from '../../agent/guard/guard-record.ts';
import type { AgentStatus } from '../../agent/message/hosting.ts';
import { amountOf, formatAmount } from '../../money/amount.ts';

export type AgentState =
  | 'awaiting-approval'
  | 'paying'
  | 'negotiating'
  | 'calling'
  | 'launching'
  /** Its platform cannot be asked now; nothing the station knows says that it has ended. */
  | 'unreachable'
  | 'done'
  | 'recalled'
  | 'expired'
  | 'failed';

/** What a platform said: its status of the agent, that it has no such agent, or nothing. */
export type PlatformWord = AgentStatus | 'no such agent' | 'unreachable';

export const RECALLED_BY_PERSON = 'recalled by the person';

const ENDED: ReadonlySet<AgentState> = new Set(['done', 'recalled', 'expired', 'failed']);

export const isEnded = (state: AgentState) => ENDED.has(state);

/** How the station's own books decide it; undefined where only the agent's platform knows. */
export function stateByBooks(
  { terms, recalled, recalledFor }: Mandated,
  payments: readonly GuardedPayment[],
): AgentState | undefined {
  if (payments.some(({ status }) => status === 'awaiting-approval')) return 'awaiting-approval';
  if (payments.some(({ status }) => status === 'paying')) return 'paying';
  if (payments.filter(({ status }) => status === 'paid').length >= terms.count) return 'done';
  if (recalled) return recalledFor === '' || recalledFor === RECALLED_BY_PERSON ? 'recalled' : 'failed';
  return undefined;
}

export function stateOf(
  mandate: Mandated,
  payments: readonly GuardedPayment[],
  word: PlatformWord,
  nowMs: number,
): AgentState {
  const known = stateByBooks(mandate, payments);
  if (known !== undefined) return known;
  const bought = payments.some(({ status }) => status === 'paid');
  const phase = typeof word === 'string' ? undefined : word.phase;
  if (phase === 'done' || (phase === 'failed' && bought)) return 'done';
  // What the agent saw as a failure was that the person let the time go by.
  if (phase === 'failed' && payments.at(-1)?.status === 'expired') return 'expired';
  if (phase === 'failed' || phase === 'recalled') return phase;
  if (nowMs >= mandate.terms.expiresAtMs) return bought ? 'done' : 'expired';
  if (phase === 'calling' || phase === 'negotiating' || phase === 'paying') return phase;
  return word === 'unreachable' ? 'unreachable' : 'launching';
}

/** Why it ended so, in words; undefined where nothing needs to be said. */
export function reasonOf(mandate: Mandated, word: PlatformWord, guard: Readonly<GuardState>): string | undefined {
  const { recalled, recalledFor, terms } = mandate;
  if (recalled && recalledFor !== '')
    return recalledFor === RECALLED_BY_PERSON ? recalledFor : launchFailure(recalledFor);
  const reason = typeof word === 'string' ? undefined : word.reason;
  return reason?.replace(/the station refused to pay: ([A-Z_]+)/, (_, code: string) => refused(code, terms, guard));
}

function launchFailure(code: string): string {
  return code === 'EXPIRED' ? 'the market cannot be reached' : `the market did not take the agent: ${code}`;
}

/** A platform hears the code of a refusal only: what is left in a purse is between station and person. */
function refused(code: string, terms: Terms, { mandates, purses }: Readonly<GuardState>): string {
  const left = (minor: bigint) => formatAmount(amountOf(terms.currency, minor > 0n ? minor : 0n));
  const { purse } = terms;
  if (code === 'PURSE_EXCEEDED' && purse !== undefined) {
    return `the purse ${purse.name} has ${left(purse.limitMinor - (purses.get(purse.name) ?? 0n))} left`;
  }
  if (code === 'BUDGET_EXCEEDED') {
    return `the budget has ${left(terms.budgetMinor - (mandates.get(terms.mandateId)?.committedMinor ?? 0n))} left`;
  }
  return `not paid: ${explanationOf(code) ?? code}`;
}

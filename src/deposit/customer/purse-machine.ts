/**
 * The purse: the customer's side of deposits (US 09/718,411, claims 1, 3, 8, 10 and 11). It decides what may be set aside and keeps what
 * was released; the purchases themselves are made by the spender (`spender.ts`), which writes ahead here how far it may go.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import type { Decision, Env, Machine } from '../../journal/machine.ts';
import { decideClose, decideDue, decideMark, decideStatement, decideUnsettled } from './conclude-deposit.ts';
import { checkedLimit, type Limit } from './limit.ts';
import { decideLoggedOn, decideLogOnRefused, decideOpened, decideRefused, decideWant } from './open-deposit.ts';
import { PurseError } from './purse-error.ts';
import type { PurseInput, PurseOptions } from './purse-input.ts';
import {
  applyPurse,
  emptyPurse,
  type PurseRecord,
  type PurseState,
  restorePurse,
  snapshotPurse,
} from './purse-state.ts';
import { askRates, RATES_TIMER, takeRates } from './rates.ts';
import { receiveAnswer } from './receive-answer.ts';

const ACKNOWLEDGED = encodeCbor(null);
const MAX_LIMITS = 1000;
const LIMIT_TIMER = 'limit:';

export function createPurse(options: PurseOptions): Machine<PurseState, PurseInput, PurseRecord> {
  return {
    name: 'purse',
    initial: emptyPurse,
    decide: (state, input, env) => decide(state, input, env, options),
    apply: applyPurse,
    snapshot: snapshotPurse,
    restore: restorePurse,
    received: (reply) => receiveAnswer(reply, options),
    fired: ({ id }) => ({ type: 'due', timer: id }),
  };
}

function decide(state: PurseState, input: PurseInput, env: Env, options: PurseOptions): Decision<PurseRecord> {
  switch (input.type) {
    case 'limit':
      return decideLimit(state, input.limit, env);
    case 'end-limit':
      return forgetLimit(state, input.limitId, env);
    case 'want':
      return decideWant(state, input, env, options);
    case 'rates':
      return { ...askRates(state, env, options), answer: ACKNOWLEDGED };
    case 'mark':
      return decideMark(state, input);
    case 'close':
      return decideClose(state, input, env, options);
    case 'logged-on':
      return decideLoggedOn(state, input, env, options);
    case 'log-on-refused':
      return decideLogOnRefused(state, input, env);
    case 'opened':
      return decideOpened(state, input, env, options);
    case 'refused':
      return decideRefused(state, input, env, options);
    case 'statement':
      return decideStatement(state, input, env);
    case 'unsettled':
      return decideUnsettled(state, input, env);
    case 'rate-table':
      return input.rates === null ? { records: [{ type: 'rates', rates: null }] } : takeRates(state, input.rates, env);
    case 'due':
      return decideTimer(state, input.timer, env, options);
    case 'told':
      return { records: [] };
  }
}

function decideLimit({ limits }: PurseState, given: Limit, env: Env): Decision<PurseRecord> {
  const limit = checkedLimit(given);
  const { limitId, expiresAtMs } = limit;
  if (limits.has(limitId)) throw new PurseError('LIMIT_REUSED', 'there is a limit of this name');
  if (limits.size >= MAX_LIMITS) throw new PurseError('PURSE_FULL', `at most ${MAX_LIMITS} limits`);
  if (expiresAtMs <= env.nowMs) throw new PurseError('LIMIT_EXPIRED', 'the limit has expired');
  return {
    records: [{ type: 'limited', limit }],
    answer: ACKNOWLEDGED,
    timers: [{ id: LIMIT_TIMER + limitId, atMs: expiresAtMs }],
  };
}

function decideTimer(state: PurseState, timer: string, env: Env, options: PurseOptions): Decision<PurseRecord> {
  if (timer === RATES_TIMER) return state.deposits.size === 0 ? { records: [] } : askRates(state, env, options);
  if (timer.startsWith(LIMIT_TIMER)) return forgetLimit(state, timer.slice(LIMIT_TIMER.length), env);
  return decideDue(state, timer, env, options);
}

/** Deposits under it end before it does, but their statements come later. */
function forgetLimit({ limits }: PurseState, limitId: string, env: Env): Decision<PurseRecord> {
  const use = limits.get(limitId);
  if (use === undefined) return { records: [] };
  if (use.heldMinor > 0n) return { records: [], timers: [{ id: LIMIT_TIMER + limitId, atMs: env.nowMs + 86_400_000 }] };
  return { records: [{ type: 'limit-over', limitId }] };
}

/** Closing batches and settling them with the issuers (ISO 8583:1987 reconciliation, 0500 and 0510). */
import type { Env } from '../../journal/machine.ts';
import { clearingAccount } from '../../ledger/clearing.ts';
import type { CardResponse } from '../message/card-message.ts';
import { nextStan, transmissionTime } from '../message/card-message-identity.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import { type AcquirerDecision, type AcquirerPolicy, outboxId, reconcileTimer, toNetwork } from './acquirer-request.ts';
import type { AcquirerRecord, AcquirerState } from './acquirer-state.ts';
import { InterchangeError } from './interchange-error.ts';
import { requireLedger, settlementAccount } from './ledger-step.ts';
import { netMinor, settlementLegs } from './settlement-book.ts';

/** From now on captures count in the next batch; the books of this one are reconciled as soon as nothing in them moves. */
export function decideCloseBatch(state: AcquirerState): AcquirerDecision {
  return { records: [{ type: 'batch', batch: state.batch + 1 }], inputs: [{ type: 'reconcile' }] };
}

/** Asks the issuers about every closed book that has come to rest and is old enough. */
export function decideReconcile(state: AcquirerState, env: Env, policy: AcquirerPolicy): AcquirerDecision {
  const transmittedAt = transmissionTime(env.nowMs);
  const records: AcquirerRecord[] = [];
  const send = [];
  let { stan } = state;
  let againMs = Number.POSITIVE_INFINITY;
  for (const [key, book] of state.books) {
    if (book.phase !== 'open' || book.batch >= state.batch || book.moving.size > 0) continue;
    const restsMs = book.countedMs + (policy.reversalMs ?? 0);
    if (env.nowMs < restsMs) {
      againMs = Math.min(againMs, restsMs);
      continue;
    }
    stan = nextStan(stan);
    const { issuerId, batch, currency } = book;
    const totals = { ...book.totals, currency };
    const own = { transmittedAt, stan, acquirerId: policy.acquirerId };
    send.push(
      toNetwork(policy, outboxId('reconcile', key, stan), { type: 'reconcile', ...own, issuerId, batch, totals }),
    );
    records.push({ type: 'reconciling', book: key, asked: { stan, transmittedAt } });
  }
  const timers = againMs === Number.POSITIVE_INFINITY ? [] : [{ id: reconcileTimer, atMs: againMs }];
  if (send.length === 0) return { records, timers };
  return { records: [...records, { type: 'numbered', stan }], send, timers };
}

/** The issuer counted the same: its debt is paid. Otherwise both keep their books as they are, for people to look at. */
export function decideReconciled(
  state: AcquirerState,
  { book: key, response }: { readonly book: string; readonly response: CardResponse },
  env: Env,
): AcquirerDecision {
  const book = state.books.get(key);
  if (book?.phase !== 'sent') return { records: [] };
  if (response.stan !== book.asked?.stan || response.transmittedAt !== book.asked.transmittedAt) {
    throw new InterchangeError('ANSWER_UNFIT', 'the answer is not to the reconciliation that was asked');
  }
  if (response.responseCode !== RESPONSE_CODES.approved) return { records: [{ type: 'disputed', book: key }] };

  const { issuerId, currency, totals } = book;
  const minor = netMinor(totals);
  const [from, to] = [settlementAccount(currency), clearingAccount(issuerId, currency)];
  const legs = settlementLegs({ from, to, currency, minor });
  const steps = minor === 0n ? [] : requireLedger(state.ledger, env, { type: 'transfer', id: `settle:${key}`, legs });
  return { records: [...steps, { type: 'settled', book: key }], keys: [`book:${key}`] };
}

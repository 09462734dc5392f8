/** What the person sees of an agent and its payments: plain data, the same as JSON and for people. */
import type {
  GuardedPayment,
  GuardRecord,
  GuardState,
  Mandated,
  PaymentStatus,
} from '../../agent/guard/guard-record.ts';
import { formatAmount } from '../../money/amount.ts';
import type { PaymentPhase } from '../../set/wallet/payment.ts';
import { type AgentState, isEnded, type PlatformWord, reasonOf, stateOf } from './agent-state.ts';
import type { Deliveries } from './deliveries.ts';
import type { Receipt } from './receipt.ts';

export interface PaymentView {
  readonly payment: string;
  readonly status: PaymentStatus | 'delivered' | 'undeliverable';
  readonly product: string;
  readonly merchant: string;
  readonly price: string;
  readonly reason?: string;
  /** True while the merchant has not answered the wallet's last message. */
  readonly unanswered?: boolean;
  readonly receipt?: Receipt;
}

/** An agent at a glance. */
export interface AgentSummary {
  readonly mandate: string;
  readonly state: AgentState;
  /** Why it ended so. */
  readonly reason?: string;
  /** What it was sent for, in the person's words as far as there are some. */
  readonly want: string;
  readonly max: string;
  readonly budget: string;
  /** How many purchases it may make, and has made. */
  readonly count: number;
  readonly bought: number;
  readonly spent: string;
  /** For payments under way, and for orders that came to nothing but could still be charged. */
  readonly setAside: string;
  /** Both together. */
  readonly committed: string;
  readonly recalled: boolean;
  /** When it was sent; absent for what an older version sent. */
  readonly sent?: string;
  readonly ageMs?: number;
  readonly expires: string;
  /** Payments that wait for the person. */
  readonly waiting: readonly string[];
}

/** The wallet has asked the merchant and waits for its answer. */
const UNANSWERED: ReadonlySet<PaymentPhase> = new Set(['initiating', 'ordering', 'waiting', 'inquiring']);
export function summaryOf(
  mandate: Mandated,
  payments: readonly GuardedPayment[],
  word: PlatformWord,
  guard: Readonly<GuardState>,
  nowMs: number,
): AgentSummary {
  const { terms, recalled, committedMinor, givenAtMs } = mandate;
  const { wanted } = terms;
  const paid = payments.filter(({ status }) => status === 'paid');
  const spentMinor = paid.reduce((sum, { price }) => sum + price.minor, 0n);
  const written = (minor: bigint) => formatAmount({ currency: terms.currency, minor });
  const state = stateOf(mandate, payments, word, nowMs);
  const reason = isEnded(state) ? reasonOf(mandate, word, guard) : undefined;
  return {
    mandate: terms.mandateId,
    state,
    ...(reason !== undefined && { reason }),
    want: wanted.terms.join(' ') || wanted.category || Object.keys(wanted.mustHaves).join(', '),
    max: written(terms.priceLimitMinor),
    budget: written(terms.budgetMinor),
    count: terms.count,
    bought: paid.length,
    spent: written(spentMinor),
    setAside: written(committedMinor - spentMinor),
    committed: written(committedMinor),
    recalled,
    ...(givenAtMs > 0 && { sent: new Date(givenAtMs).toISOString(), ageMs: Math.max(0, nowMs - givenAtMs) }),
    expires: new Date(terms.expiresAtMs).toISOString(),
    waiting: payments.filter(({ status }) => status === 'awaiting-approval').map(({ paymentId }) => paymentId),
  };
}

/** What needs the person first, then what is under way, then what has ended; within each the newest first. */
export function inOrder(all: readonly AgentSummary[]): readonly AgentSummary[] {
  const rank = ({ state }: AgentSummary) => (state === 'awaiting-approval' ? 0 : isEnded(state) ? 2 : 1);
  return all.toSorted((a, b) => rank(a) - rank(b) || (a.ageMs ?? Infinity) - (b.ageMs ?? Infinity) || 0);
}

/** The payments of a mandate as its records leave them: what state and records say at two moments may differ. */
export function paymentsOf(records: readonly GuardRecord[]): readonly GuardedPayment[] {
  const payments = new Map<string, GuardedPayment>();
  for (const record of records) {
    if (record.type === 'claimed') payments.set(record.payment.paymentId, { ...record.payment });
    else if (record.type === 'approved') payments.get(record.paymentId)!.status = 'paying';
    else if (record.type === 'ended') payments.get(record.paymentId)!.status = record.status;
  }
  return [...payments.values()];
}

export function paymentView(
  { paymentId, status, product, merchant, price }: GuardedPayment,
  records: readonly GuardRecord[],
  {
    deliveries,
    walletPhase,
  }: {
    readonly deliveries: Deliveries;
    readonly walletPhase: (paymentId: string) => PaymentPhase | undefined;
  },
): PaymentView {
  const ended = records.find((record) => record.type === 'ended' && record.paymentId === paymentId);
  const failure = deliveries.failure(paymentId);
  const reason = failure ?? (ended?.type === 'ended' ? ended.reason : '');
  const receipt = deliveries.receipt(paymentId);
  const phase = status === 'paying' ? walletPhase(paymentId) : undefined;
  const unanswered = phase !== undefined && UNANSWERED.has(phase);
  return {
    payment: paymentId,
    status: receipt !== undefined ? 'delivered' : failure ? 'undeliverable' : status,
    ...{ product, merchant, price: formatAmount(price) },
    ...(reason !== '' && { reason }),
    ...(unanswered && { unanswered }),
    ...(receipt && { receipt }),
  };
}

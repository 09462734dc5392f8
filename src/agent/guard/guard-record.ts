/** What the guard writes down, and what each record does to its state; nothing else changes the state. */
import type { Amount } from '../../money/amount.ts';
import type { Token } from '../message/token.ts';
import type { Spending, Terms } from './allowance.ts';

/** A key made for one item to be bought (EP 1 006 469, paragraph 0019: "a new key shall be generated for each item"). */
export interface ItemKey {
  readonly itemId: string;
  readonly key: Uint8Array;
}

export interface Mandated extends Spending {
  /** When the person gave it, Unix milliseconds; 0 in snapshots of older versions. */
  readonly givenAtMs: number;
  /** Why it was recalled: by the person, or because no platform took the agent; empty while it is not. */
  recalledFor: string;
  /** Item keys not used yet or in use; a finished purchase's key is destroyed. */
  readonly itemKeys: Map<string, Uint8Array>;
  /** Items a purchase is under way for: a second agreement may not ride on the same token. */
  readonly itemsInUse: Set<string>;
  /** The wallet key under the authorisation code; absent where the person is asked each time. */
  readonly wrappedWalletKey: Uint8Array | undefined;
}

/** `expired` and `recalled`: nobody approved it while the mandate was in force, so nothing was ever sent to the merchant. */
export type PaymentStatus = 'awaiting-approval' | 'paying' | 'paid' | 'declined' | 'failed' | 'expired' | 'recalled';
export type EndStatus = Exclude<PaymentStatus, 'awaiting-approval' | 'paying'>;

/** A purchase from claim to end, with what is needed to go on with it after a restart. */
export interface GuardedPayment {
  readonly paymentId: string;
  readonly mandateId: string;
  /** The token as the agent presented it. */
  token: Token;
  readonly price: Amount;
  readonly merchant: string;
  readonly merchantUrl: string;
  /** What is bought, for people. */
  readonly product: string;
  /** SET's order description: the agreement as both agents signed it. */
  agreement: Uint8Array;
  status: PaymentStatus;
  /** True once the agent's notice of completion is on record. */
  noticed: boolean;
}

export type GuardRecord =
  | {
      readonly type: 'mandated';
      readonly terms: Terms;
      readonly itemKeys: readonly ItemKey[];
      readonly wrappedWalletKey: Uint8Array | null;
      readonly atMs: number;
    }
  | { readonly type: 'recalled'; readonly mandateId: string; readonly reason: string; readonly atMs: number }
  | { readonly type: 'claimed'; readonly payment: GuardedPayment; readonly atMs: number }
  | { readonly type: 'approved'; readonly paymentId: string; readonly atMs: number }
  | {
      readonly type: 'ended';
      readonly paymentId: string;
      readonly status: EndStatus;
      readonly reason: string;
      /** SET's transaction identity in hexadecimal; empty when none was agreed. */
      readonly xid: string;
      /** True when the amount stays set aside although nothing was charged yet: it is freed by a record of its own. */
      readonly held: boolean;
      readonly atMs: number;
    }
  | { readonly type: 'freed'; readonly paymentId: string; readonly atMs: number }
  | {
      /** Step III reached the customer: the agent's notice of completion, as it was signed. */
      readonly type: 'noticed';
      readonly paymentId: string;
      readonly notice: Uint8Array;
      readonly atMs: number;
    };

export interface GuardState {
  readonly mandates: Map<string, Mandated>;
  /** Set aside and spent per shared budget, minor units. */
  readonly purses: Map<string, bigint>;
  readonly payments: Map<string, GuardedPayment>;
}

/** Key under which the records about a mandate are read back. */
export const historyKey = (mandateId: string) => `mandate:${mandateId}`;

const NOTHING = new Uint8Array();

export function emptyGuard(): GuardState {
  return { mandates: new Map(), purses: new Map(), payments: new Map() };
}

function commit(state: GuardState, mandate: Mandated, minor: bigint, count: number): void {
  mandate.committedMinor += minor;
  mandate.committedCount += count;
  const purse = mandate.terms.purse?.name;
  if (purse !== undefined) state.purses.set(purse, (state.purses.get(purse) ?? 0n) + minor);
}

export function applyGuardRecord(state: GuardState, record: GuardRecord): void {
  switch (record.type) {
    case 'mandated':
      state.mandates.set(record.terms.mandateId, {
        terms: record.terms,
        recalled: false,
        givenAtMs: record.atMs,
        recalledFor: '',
        committedMinor: 0n,
        committedCount: 0,
        itemKeys: new Map(record.itemKeys.map(({ itemId, key }) => [itemId, key])),
        itemsInUse: new Set(),
        wrappedWalletKey: record.wrappedWalletKey ?? undefined,
      });
      return;
    case 'recalled': {
      const mandate = state.mandates.get(record.mandateId)!;
      mandate.recalled = true;
      mandate.recalledFor = record.reason;
      return;
    }
    case 'claimed':
      state.payments.set(record.payment.paymentId, { ...record.payment });
      claimed(state, record.payment);
      return;
    case 'approved':
      state.payments.get(record.paymentId)!.status = 'paying';
      return;
    case 'ended':
      ended(state, state.payments.get(record.paymentId)!, record);
      return;
    case 'freed': {
      const payment = state.payments.get(record.paymentId)!;
      commit(state, state.mandates.get(payment.mandateId)!, -payment.price.minor, -1);
      return;
    }
    case 'noticed':
      state.payments.get(record.paymentId)!.noticed = true;
  }
}

function claimed(state: GuardState, payment: GuardedPayment): void {
  const mandate = state.mandates.get(payment.mandateId)!;
  mandate.itemsInUse.add(payment.token.itemId);
  commit(state, mandate, payment.price.minor, 1);
}

function ended(
  state: GuardState,
  payment: GuardedPayment,
  { status, held }: Extract<GuardRecord, { type: 'ended' }>,
): void {
  const mandate = state.mandates.get(payment.mandateId)!;
  payment.status = status;
  // Only the identity must be remembered, against a second claim; the bytes stay in the journal.
  payment.agreement = NOTHING;
  payment.token = { ...payment.token, body: NOTHING };
  mandate.itemKeys.delete(payment.token.itemId);
  mandate.itemsInUse.delete(payment.token.itemId);
  if (status !== 'paid' && !held) commit(state, mandate, -payment.price.minor, -1);
}

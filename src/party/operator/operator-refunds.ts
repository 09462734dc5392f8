/** What an operator paid back for its merchants, and which of them left it to the operator. */
import { readMessage } from '../../crypto/signed-message.ts';
import { refundReceiptType } from '../../delivery/message/refund.ts';
import { isTrusted } from '../../delivery/trustee/decide-refund.ts';
import type { TrusteePolicy } from '../../delivery/trustee/trustee-policy.ts';
import { REFUNDS_KEY, type TrusteeRecord, type TrusteeState } from '../../delivery/trustee/trustee-state.ts';
import { type RefundEntry, refundEntry } from '../message/refund-entry.ts';

export interface OperatorRefunds {
  /** The newest first. */
  readonly refunds: readonly RefundEntry[];
  /** Orders whose merchant still has time to pay back by itself, or is just being debited. */
  readonly waiting: readonly { readonly order: string; readonly merchant: string }[];
  readonly unfollowed: readonly {
    readonly merchant: string;
    /** Rulings that it left to us, ever. */
    readonly times: number;
    /** Whether anything new of it is taken. */
    readonly trusted: boolean;
  }[];
}

const MOST = 1000;

interface Trustee {
  readonly state: Readonly<TrusteeState>;
  readByKey(key: string, options?: { readonly limit?: number }): Promise<readonly TrusteeRecord[]>;
}

export async function operatorRefunds(host: Trustee, policy: TrusteePolicy): Promise<OperatorRefunds> {
  const { refunds, unfollowed } = host.state;
  const records = await host.readByKey(REFUNDS_KEY, { limit: MOST });
  const done = records.flatMap((record) => {
    const receipt = record.type === 'refund' ? record.refund.receipt : null;
    return receipt === null ? [] : [refundEntry(readMessage(refundReceiptType, receipt).value)];
  });
  return {
    refunds: done.reverse(),
    waiting: [...refunds.values()].flatMap(({ order, merchant, phase }) =>
      phase === 'done' ? [] : [{ order, merchant }],
    ),
    unfollowed: [...unfollowed].map(([merchant, { length: times }]) => {
      return { merchant, times, trusted: isTrusted(host.state, merchant, policy.nowMs(), policy) };
    }),
  };
}

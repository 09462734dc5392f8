/** A refund of something that was sold across the counter, as each party's statement has it. */
import { toHex } from '../../codec/hex.ts';
import type { RefundReceipt } from '../../delivery/message/refund.ts';
import { formatAmount } from '../../money/amount.ts';

export interface RefundEntry {
  /** Digest of the order of delivery. */
  readonly order: string;
  readonly merchant: string;
  readonly amount: string;
  /** `impossible`: not by the way it was paid. */
  readonly outcome: 'refunded' | 'impossible';
  /** At whose word: the merchant's, or its operator's in its place. */
  readonly by: 'merchant' | 'operator';
  /** Who signed that it did it. */
  readonly operator: string;
  readonly at: string;
  readonly reason?: string;
}

/** Of a receipt whose signature was checked. */
export function refundEntry(receipt: RefundReceipt): RefundEntry {
  const { order, merchant, amount, outcome, by, trustee, atMs, reason } = receipt;
  return {
    ...{ order: toHex(order), merchant, amount: formatAmount(amount), outcome, operator: trustee },
    ...{ by: by === 'merchant' ? 'merchant' : 'operator', at: new Date(atMs).toISOString() },
    ...(reason !== undefined && { reason }),
  };
}

/** What a merchant paid back, as its operator signed it. */
import { readMessage } from '../../crypto/signed-message.ts';
import { refundReceiptType } from '../../delivery/message/refund.ts';
import type { SenderRecord } from '../../delivery/sender/sender-state.ts';
import { type RefundEntry, refundEntry } from '../message/refund-entry.ts';

/** One for an order, the newest first: who asked for it may be told of it besides. */
export function refundsIn(records: readonly SenderRecord[]): readonly RefundEntry[] {
  const refunds = new Map<string, RefundEntry>();
  for (const record of records) {
    if (record.type !== 'refunded') continue;
    // Checked when it came.
    refunds.set(record.order, refundEntry(readMessage(refundReceiptType, record.receipt).value));
  }
  return [...refunds.values()].reverse();
}

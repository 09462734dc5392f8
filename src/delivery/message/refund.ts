/**
 * Money back by the way it was paid: the merchant has its operator, who is the trustee here, pay back what was paid for one accept; where it
 * does not, the customer shows the operator the ruling with all it rests on. Either way the operator signs what it did.
 */
import { bytes, oneOf, optional, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { acceptanceType } from './acceptance.ts';
import { CHAIN_BYTES, money, orderDigest, partyName } from './identity.ts';
import { bundleType } from './ruling.ts';

/** Merchant → trustee: pay it back. The answer is a receipt. Signed by the merchant. */
const refundOrderShape = record({
  order: orderDigest,
  /** Absent when the merchant never had it: then it is paid back once the customer shows it. */
  acceptance: optional(bytes({ min: 1, max: acceptanceType.maxBytes })),
  merchant: partyName,
  trustee: partyName,
  atMs: timeMs(),
});
export type RefundOrder = Shaped<typeof refundOrderShape>;
export const refundOrderType: MessageType<RefundOrder> = {
  name: 'delivery-refund-order',
  shape: refundOrderShape,
  maxBytes: acceptanceType.maxBytes + 1024 + CHAIN_BYTES,
};

/** Customer → trustee: an arbiter has ruled that I get my money back. The answer, however late, is a receipt. Signed by the customer. */
const refundClaimShape = record({
  /** The ruling and everything it rests on, to be judged again. */
  bundle: bytes({ min: 1, max: bundleType.maxBytes }),
  trustee: partyName,
  atMs: timeMs(),
});
export type RefundClaim = Shaped<typeof refundClaimShape>;
export const refundClaimType: MessageType<RefundClaim> = {
  name: 'delivery-refund-claim',
  shape: refundClaimShape,
  maxBytes: bundleType.maxBytes + 1024 + CHAIN_BYTES,
};

/** What became of it, to customer and merchant alike. Signed by the trustee. */
const refundReceiptShape = record({
  order: orderDigest,
  merchant: partyName,
  amount: money,
  /** `impossible`: by that way it cannot be paid back, say because there is no such card any more. */
  outcome: oneOf('refunded', 'impossible'),
  /** At whose word: the merchant's own, or the trustee's in its place, from the merchant's account. */
  by: oneOf('merchant', 'trustee'),
  reason: optional(text({ max: 100 })),
  trustee: partyName,
  atMs: timeMs(),
});
export type RefundReceipt = Shaped<typeof refundReceiptShape>;
export const refundReceiptType: MessageType<RefundReceipt> = {
  name: 'delivery-refund-receipt',
  shape: refundReceiptShape,
  maxBytes: 1024 + CHAIN_BYTES,
};

/** A refund as the trustee keeps it, and what it has done by its own party: paying back by the way it was paid. */
import { bytes, digest, oneOf, record, type Shaped, text } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { money } from '../message/identity.ts';

/** What was paid, for whom: a merchant can agree before it is known. */
interface Paid {
  readonly evidence: Uint8Array;
  readonly payee: string;
  readonly currency: string;
  readonly minor: bigint;
}

export interface Refund {
  /** Digest of the order, hexadecimal. */
  readonly order: string;
  readonly merchant: string;
  /** `granted`: the merchant wants it, and the payment is not known yet. `claimed`: ruled, and the merchant still has time to do it itself. */
  readonly phase: 'granted' | 'claimed' | 'paying' | 'done';
  readonly granted: boolean;
  readonly paid: Paid | null;
  readonly by: 'merchant' | 'trustee' | null;
  /** Messages that wait for the receipt. */
  readonly waiting: readonly string[];
  readonly receipt: Uint8Array | null;
}

const payBackShape = record({
  order: digest(),
  /** That it was paid, in the words of the payment method, and to whom. */
  evidence: bytes({ min: 1, max: 65_536 }),
  payee: text({ min: 1, max: 200 }),
  amount: money,
});
export type PayBack = Shaped<typeof payBackShape>;
/** Answered once it is paid back, or cannot be; never done twice for one order. */
export const payBackType: MessageType<PayBack> = { name: 'delivery-pay-back', shape: payBackShape, maxBytes: 66_560 };

const paidBackShape = record({ outcome: oneOf('refunded', 'impossible'), reason: text({ max: 100 }) });
export type PaidBack = Shaped<typeof paidBackShape>;
export const paidBackType: MessageType<PaidBack> = { name: 'delivery-paid-back', shape: paidBackShape, maxBytes: 256 };

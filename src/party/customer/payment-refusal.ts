/** The station's word to the platform of its agent that the person does not pay what the agent agreed (`message/payment.ts`). */
import type { Terms } from '../../agent/guard/allowance.ts';
import type { GuardedPayment } from '../../agent/guard/guard-record.ts';
import { type PaymentRefusal, paymentRefusalType } from '../../agent/message/payment.ts';
import { fromHex } from '../../codec/hex.ts';
import { type Signer, signMessage } from '../../crypto/signed-message.ts';
import type { Outgoing } from '../../journal/machine.ts';

/** A platform knows an agent for an hour after its mandate has expired: later there is nobody to tell. */
const TELL_MS = 3_600_000;

export function paymentRefusal(options: {
  readonly payment: GuardedPayment;
  readonly terms: Terms;
  readonly why: PaymentRefusal['why'];
  readonly atMs: number;
  readonly signer: Signer;
  readonly platform: string;
}): Outgoing {
  const { payment, terms, why, atMs, signer, platform } = options;
  const { paymentId } = payment;
  // The agent bears the mandate's name.
  const refusal: PaymentRefusal = { agent: terms.mandateId, orderId: fromHex(paymentId), why, atMs };
  return {
    id: `refusal ${paymentId}`,
    to: `${platform}/agent/payment-refusal`,
    kind: 'payment-refusal',
    body: signMessage(paymentRefusalType, refusal, signer),
    expiresAtMs: Math.max(terms.expiresAtMs, atMs) + TELL_MS,
  };
}

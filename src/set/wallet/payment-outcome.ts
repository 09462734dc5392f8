/** What the wallet tells whoever asked for a payment: how it ended, or at the deadline that the end is not known yet. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { HandselError } from '../../handsel-error.ts';
import { type Amount, amountOf } from '../../money/amount.ts';

export interface PaymentOutcome {
  readonly paymentId: string;
  /** `pending` is followed by one of the others; `failed` says that nothing was charged. */
  readonly status: 'paid' | 'declined' | 'failed' | 'pending';
  /** For `declined` an AuthCode of SET, for `failed` the reason; empty otherwise. */
  readonly reason: string;
  readonly amount: Amount;
  /** SET's transaction identity in hexadecimal; empty when none was agreed. */
  readonly xid: string;
}

const STATUSES: readonly string[] = ['paid', 'declined', 'failed', 'pending'] satisfies PaymentOutcome['status'][];
const MAX_BYTES = 1024;

export function encodePaymentOutcome({ amount, ...outcome }: PaymentOutcome): Uint8Array {
  return encodeCbor({ ...outcome, currency: amount.currency, minor: amount.minor });
}

/** @throws HandselError on anything but an encoded outcome. */
export function decodePaymentOutcome(bytes: Uint8Array): PaymentOutcome {
  const value = decodeCbor(bytes, { maxBytes: MAX_BYTES }) as Readonly<Record<string, unknown>> | null;
  const { paymentId, status, reason, currency, minor, xid } = typeof value === 'object' && value !== null ? value : {};
  if (
    typeof paymentId !== 'string' ||
    typeof status !== 'string' ||
    !STATUSES.includes(status) ||
    typeof reason !== 'string' ||
    typeof currency !== 'string' ||
    (typeof minor !== 'bigint' && typeof minor !== 'number') ||
    typeof xid !== 'string'
  ) {
    throw new HandselError('PAYMENT_OUTCOME_MALFORMED', 'not the outcome of a payment');
  }
  const amount = amountOf(currency, BigInt(minor));
  return { paymentId, status: status as PaymentOutcome['status'], reason, amount, xid };
}

/** The card network's state as bytes, for snapshots of its sealed journal. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { CardNetworkState, CardPayment } from './card-payment.ts';

interface Stored {
  readonly payments: readonly CardPayment[];
  readonly aborted: readonly string[];
  readonly number: number;
}

export function snapshotCardNetwork({ payments, aborted, number }: CardNetworkState): Uint8Array {
  const stored: Stored = { payments: [...payments.values()], aborted: [...aborted], number };
  return encodeCborExact(stored as unknown as CborValue);
}

export function restoreCardNetwork(bytes: Uint8Array): CardNetworkState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as Stored;
  const { payments, aborted, number } = stored;
  return {
    payments: new Map(payments.map((payment) => [payment.transaction, payment])),
    ...{ aborted: new Set(aborted), number },
  };
}

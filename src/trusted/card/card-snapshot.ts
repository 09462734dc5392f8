/** The card network's state as bytes, for snapshots of its sealed journal. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { restoreLists, type StoredLists, storeLists } from '../message/trust-lists.ts';
import type { CardNetworkState, CardPayment } from './card-payment.ts';

interface Stored {
  readonly payments: readonly CardPayment[];
  readonly aborted: readonly (readonly [transaction: string, atMs: number])[];
  readonly lists: StoredLists;
  readonly listsAtMs: number | undefined;
  readonly number: number;
}

export function snapshotCardNetwork({ payments, aborted, lists, listsAtMs, number }: CardNetworkState): Uint8Array {
  const stored: Stored = {
    ...{ payments: [...payments.values()], aborted: [...aborted], lists: storeLists(lists), listsAtMs, number },
  };
  return encodeCborExact(stored as unknown as CborValue);
}

export function restoreCardNetwork(bytes: Uint8Array): CardNetworkState {
  const stored = decodeCborExact(bytes, { maxBytes: Number.MAX_SAFE_INTEGER }) as unknown as Stored;
  const { payments, aborted, lists, listsAtMs, number } = stored;
  return {
    payments: new Map(payments.map((payment) => [payment.transaction, payment])),
    ...{ aborted: new Map(aborted), lists: restoreLists(lists), listsAtMs, number },
  };
}

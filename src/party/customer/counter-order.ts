/** A payment with the goods it is for, as the counter keeps it: written and read in this party, so its form is ours. */
import { readAgreement } from '../../agent/message/agreement.ts';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { amountOf } from '../../money/amount.ts';
import type { PaymentToMake } from '../../set/wallet/payment.ts';
import { fileNamesOf } from '../files/file-names.ts';

export interface GoodsToFetch {
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** Of our own making, see `file-names.ts`. */
  readonly fileName: string;
}

export interface CounterOrder {
  readonly payment: PaymentToMake;
  readonly goods: readonly GoodsToFetch[];
}

interface AgreedGoods {
  readonly sku: string;
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

export function counterOrder(payment: PaymentToMake, agreed: readonly AgreedGoods[]): CounterOrder {
  const names = fileNamesOf(agreed);
  const goods = agreed.map(({ sha256, sizeBytes, mediaType }, index) => ({
    ...{ sha256, sizeBytes, mediaType, fileName: names[index]! },
  }));
  return { payment, goods };
}

/** What agents agreed on. */
export function agreedOrder(payment: PaymentToMake): CounterOrder {
  return counterOrder(payment, readAgreement(payment.description).terms.items);
}

const MAX_BYTES = 1 << 20;

export function encodeCounterOrder({ payment, goods }: CounterOrder): Uint8Array {
  return encodeCbor({ payment, goods } as unknown as CborValue);
}

export function decodeCounterOrder(bytes: Uint8Array): CounterOrder {
  const { payment, goods } = decodeCbor(bytes, { maxBytes: MAX_BYTES }) as unknown as CounterOrder;
  const { currency, minor } = payment.amount;
  return { payment: { ...payment, amount: amountOf(currency, BigInt(minor)) }, goods };
}

/** By what a payment is known from end to end: the transaction or settlement, and a UETR that follows from it. */
import { toHex, utf8 } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { BillingRecord } from '../../deposit/message/billing-record.ts';
import { code, type Element, shortened, textOf } from './element.ts';

/** In a message that is made again the same payment has the same UETR, in the form of a random UUID (RFC 9562, version 4). */
export function uetrOf(reference: string): string {
  const hex = toHex(sha256(utf8(`handsel uetr ${reference}`)));
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) % 4];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** PaymentIdentification7, without its element. */
export function paymentIdentification(reference: string): readonly Element[] {
  const id = shortened(reference, 35);
  return [
    textOf('InstrId', id, 35),
    textOf('EndToEndId', id, 35),
    textOf('TxId', id, 35),
    code('UETR', uetrOf(reference)),
  ];
}

/** In TransactionReferences6, for what was paid by a payment between operators. */
export function paymentReferences(record: BillingRecord): readonly Element[] {
  const reference = referenceOf(record);
  const id = shortened(reference, 35);
  return [textOf('EndToEndId', id, 35), code('UETR', uetrOf(reference)), textOf('TxId', id, 35)];
}

function referenceOf(record: BillingRecord): string {
  if ('transaction' in record) return record.transaction;
  return 'settlement' in record ? record.settlement : record.reference;
}

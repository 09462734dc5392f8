/** The receipt of the "Payment" scheme (draft-httpauth-payment-01, section "Payment-Receipt Header"), and what else an answer says. */
import { z } from 'zod';
import { toBase64Url, utf8 } from '../../codec/hex.ts';
import { PaymentError } from './payment-error.ts';
import { decodePaymentJson } from './payment-json.ts';
import { DEPOSIT_METHOD, nanoOfOffer, type Offer } from './payment-offer.ts';

export const RECEIPT_HEADER = 'payment-receipt';
/**
 * The number of the purchase that was taken, on every answer to it: the draft allows a receipt on success only, and a customer has to
 * know that it paid also where what it paid for failed.
 */
export const PURCHASE_HEADER = 'deposit-purchase';
/** What a receipt may be long, in characters. */
const MAX_RECEIPT_LENGTH = 2048;

export interface PaymentReceipt {
  readonly transaction: string;
  readonly number: number;
  readonly atMs: number;
}

/** The transaction, and the number of the purchase in it. */
const REFERENCE = /^(.{5,104})\/([1-9][0-9]{0,14})$/;

const receiptSchema = z.object({
  status: z.literal('success'),
  method: z.literal(DEPOSIT_METHOD),
  timestamp: z.iso.datetime(),
  reference: z.string().regex(REFERENCE),
});

/** Canonical JSON as all of the scheme, put together by hand: there is one for every answer. */
export function formatReceipt(receipt: PaymentReceipt, offer: Pick<Offer, 'currency' | 'units' | 'unitNano'>): string {
  const { transaction, number, atMs } = receipt;
  const amount = nanoOfOffer(offer).nano;
  const reference = JSON.stringify(`${transaction}/${number}`);
  const json = `{"amount":"${amount}","currency":"${offer.currency.toLowerCase()}","method":"${DEPOSIT_METHOD}","reference":${reference},"status":"success","timestamp":"${isoTime(atMs)}"}`;
  return toBase64Url(utf8(json));
}

let newest = { atMs: Number.NaN, text: '' };

/** Many receipts are of the same millisecond. */
function isoTime(atMs: number): string {
  if (newest.atMs !== atMs) newest = { atMs, text: new Date(atMs).toISOString() };
  return newest.text;
}

/** @throws PaymentError `RECEIPT_MALFORMED` */
export function parseReceipt(header: string): PaymentReceipt {
  const read = receiptSchema.safeParse(decodePaymentJson(header, MAX_RECEIPT_LENGTH));
  if (!read.success) throw new PaymentError('RECEIPT_MALFORMED', 'this is no receipt of a deposit');
  const [, transaction, number] = REFERENCE.exec(read.data.reference) as unknown as [string, string, string];
  return { transaction, number: Number(number), atMs: Date.parse(read.data.timestamp) };
}

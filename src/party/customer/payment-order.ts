/** The guard's order to the wallet, handed over inside the station: the facts of the payment, encoded so that a repeat is the same bytes. */
import type { GuardedPayment } from '../../agent/guard/guard-record.ts';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex } from '../../codec/hex.ts';
import type { Outgoing } from '../../journal/machine.ts';
import { amountOf } from '../../money/amount.ts';
import type { PaymentToMake } from '../../set/wallet/payment.ts';

/** The card a payment is made with, as the wallet knows it while locked. */
export interface CardChoice {
  readonly cardId: string;
  readonly brandId: string;
  /** The first six digits, which the merchant may see. */
  readonly bin: string;
}

/** The card's name carries the payment's, so that the wallet opens a card for that payment only. */
export const cardNameOf = (paymentId: string, cardId: string) => `${paymentId} ${cardId}`;

export function paymentOrder(payment: GuardedPayment, card: CardChoice, deadlineMs: number): Outgoing {
  const { paymentId, price, merchant, merchantUrl, agreement } = payment;
  const body = encodeCbor({
    ...card,
    paymentId,
    agreement,
    currency: price.currency,
    minor: price.minor,
    merchant,
    merchantUrl,
    deadlineMs,
  });
  return { id: `pay ${paymentId}`, to: 'local:wallet', kind: 'pay', body };
}

/** What the guard wrote a moment ago in this process or before a restart: its form is ours. */
export function readPaymentOrder(body: Uint8Array): PaymentToMake {
  const order = decodeCbor(body) as unknown as CardChoice & {
    paymentId: string;
    agreement: Uint8Array;
    currency: string;
    minor: number | bigint;
    merchant: string;
    merchantUrl: string;
    deadlineMs: number;
  };
  return {
    paymentId: order.paymentId,
    orderId: fromHex(order.paymentId),
    description: order.agreement,
    amount: amountOf(order.currency, BigInt(order.minor)),
    merchant: { url: order.merchantUrl, merchantId: order.merchant },
    brandId: order.brandId,
    cardId: cardNameOf(order.paymentId, order.cardId),
    bin: order.bin,
    deadlineMs: order.deadlineMs,
    notify: 'local:guard',
  };
}

/** The shop's order to the payment server next door, encoded so that a repeat is the same bytes. */
import type { ShopOrder } from '../../agent/shop/shop-record.ts';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex } from '../../codec/hex.ts';
import type { Outgoing } from '../../journal/machine.ts';
import { amountOf } from '../../money/amount.ts';
import type { OrderToTake } from '../../set/merchant/order.ts';

export function orderToTake(order: ShopOrder, description: Uint8Array): Outgoing {
  const { orderId, amount, expiresAtMs } = order;
  const body = encodeCbor({ orderId, description, currency: amount.currency, minor: amount.minor, expiresAtMs });
  return { id: `order ${orderId}`, to: 'local:payment-server', kind: 'order', body };
}

/** Written by `orderToTake` in this party: its form is ours. */
export function readOrderToTake(body: Uint8Array): OrderToTake {
  const order = decodeCbor(body) as unknown as {
    orderId: string;
    description: Uint8Array;
    currency: string;
    minor: number | bigint;
    expiresAtMs: number;
  };
  return {
    orderId: fromHex(order.orderId),
    description: order.description,
    amount: amountOf(order.currency, BigInt(order.minor)),
    expiresAtMs: order.expiresAtMs,
    captureNow: true,
    notify: 'local:shop',
  };
}

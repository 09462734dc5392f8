/** What a shop remembers of an order, and what each record does to that. Finished orders are read back from the journal. */
import type { Amount } from '../../money/amount.ts';

export interface OrderedItem {
  readonly sku: string;
  readonly quantity: number;
  /** Of the goods as they were when the order was made. */
  readonly sha256: Uint8Array;
}

/** Whom to tell when it is paid; absent where a wallet without an agent buys. */
export interface Teller {
  /** Base URL of the platform. */
  readonly platform: string;
}

export interface ShopOrder {
  /** LID-M, hexadecimal. */
  readonly orderId: string;
  readonly items: readonly OrderedItem[];
  readonly amount: Amount;
  readonly expiresAtMs: number;
  readonly teller: Teller | null;
  /** The identity of the station that buys, and alone may fetch the goods. */
  readonly buyer: string;
}

export type ShopRecord =
  | { readonly type: 'ordered'; readonly order: ShopOrder; readonly atMs: number }
  | {
      readonly type: 'ended';
      readonly orderId: string;
      readonly outcome: 'paid' | 'failed';
      readonly reason: string;
      readonly xid: string;
      readonly atMs: number;
    };

export interface ShopState {
  /** Orders that are not paid yet, by LID-M. */
  readonly open: Map<string, ShopOrder>;
  /** How many of them each buyer has. */
  readonly openOf: Map<string, number>;
}

export function emptyShop(): ShopState {
  return { open: new Map(), openOf: new Map() };
}

export function applyShopRecord(state: ShopState, record: ShopRecord): void {
  if (record.type === 'ordered') openOrder(state, record.order);
  else closeOrder(state, record.orderId);
}

export function openOrder({ open, openOf }: ShopState, order: ShopOrder): void {
  open.set(order.orderId, order);
  openOf.set(order.buyer, (openOf.get(order.buyer) ?? 0) + 1);
}

function closeOrder({ open, openOf }: ShopState, orderId: string): void {
  const buyer = open.get(orderId)?.buyer;
  if (buyer === undefined) return;
  open.delete(orderId);
  const left = (openOf.get(buyer) ?? 0) - 1;
  if (left > 0) openOf.set(buyer, left);
  else openOf.delete(buyer);
}

/** Key under which the records of an order are read back. */
export const orderKey = (orderId: string) => `order:${orderId}`;

/** An order as the merchant keeps it while it is open, how it ended, and the facts recorded about it. */
import { fromHex } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import type { AuthCode } from '../message/authorization-code.ts';
import type { TransIds } from '../message/transaction.ts';

/** What the shop tells: this may be paid for. */
export interface OrderToTake {
  /** LID-M; 1 to 20 bytes, unique for ever. */
  readonly orderId: Uint8Array;
  /** The order description that merchant and customer agreed on, byte for byte. */
  readonly description: Uint8Array;
  readonly amount: Amount;
  /** Unix milliseconds: orders not placed by then are dropped. */
  readonly expiresAtMs: number;
  /** False authorizes only; `reverse` can then give the money back. */
  readonly captureNow: boolean;
  /** Route to tell of the end, e.g. `local:shop`. */
  readonly notify: string;
}

/** `offered`: the shop has told of it. `initiated`: PInitRes was given. `authorizing`: AuthReq is out. */
export type OrderPhase = 'offered' | 'initiated' | 'authorizing' | 'authorized' | 'reversing';

/** Bytes are kept as hexadecimal text: small strings take a third of the memory of small byte arrays. */
export interface OpenOrder {
  readonly orderId: string;
  /** Hash of the order description. */
  readonly od: string;
  readonly amount: Amount;
  readonly expiresAtMs: number;
  readonly captureNow: boolean;
  readonly notify: string;
  phase: OrderPhase;
  initiation: Initiation | undefined;
  purchase: Purchase | undefined;
  authorization: Authorization | undefined;
}

export interface Initiation {
  readonly xid: string;
  readonly challM: string;
  readonly lidC: string;
  readonly preqDateMs: number;
  readonly language: string;
  readonly brandId: string;
}

export interface Purchase {
  /** The PReq that still waits for its PRes, by message identity; absent once it was answered. */
  readonly waiting?: string;
  readonly rrpid: string;
  readonly challC: string;
  /** Hash of PReq, which PRes repeats. */
  readonly hash: string;
  readonly cardThumb: string;
  /** Of AuthReq: its RRPID and hash. */
  readonly auth: SentToGateway;
}

export interface SentToGateway {
  readonly rrpid: string;
  readonly hash: string;
}

export interface Authorization {
  /** Unix milliseconds, by the gateway's clock. */
  readonly dateMs: number;
  readonly capToken: Uint8Array | undefined;
  readonly reversal: SentToGateway | undefined;
}

/** What is known of an order for good. */
export interface FinishedOrder {
  readonly orderId: string;
  readonly status: 'paid' | 'declined' | 'failed' | 'expired' | 'reversed';
  /** For `declined` an AuthCode of SET, for `failed` the reason; else empty. */
  readonly reason: string;
  readonly amount: Amount;
  readonly initiation: Initiation | undefined;
  /** Absent when nothing was ordered. */
  readonly cardThumb: string | undefined;
  readonly result: PurchaseResult;
}

/** What PRes says: how far the purchase came. */
export interface PurchaseResult {
  readonly completion:
    | 'orderRejected'
    | 'orderReceived'
    | 'orderNotReceived'
    | 'authorizationPerformed'
    | 'capturePerformed';
  readonly authCode?: AuthCode;
  /** Unix milliseconds. */
  readonly dateMs?: number;
}

export type MerchantRecord =
  | { readonly type: 'offered'; readonly order: OpenOrder }
  | { readonly type: 'initiated'; readonly orderId: string; readonly initiation: Initiation }
  | { readonly type: 'ordered'; readonly orderId: string; readonly purchase: Purchase }
  | { readonly type: 'answered'; readonly orderId: string }
  | { readonly type: 'authorized'; readonly orderId: string; readonly authorization: Authorization }
  | { readonly type: 'reversing'; readonly orderId: string; readonly reversal: SentToGateway }
  | { readonly type: 'reversal-refused'; readonly orderId: string }
  | { readonly type: 'finished'; readonly finished: FinishedOrder };

export interface MerchantState {
  /** Open orders by LID-M. */
  readonly orders: Map<string, OpenOrder>;
  /** LID-M by XID, for the open orders that have one. */
  readonly xids: Map<string, string>;
  /** The orders finished last, by XID; older ones are found in the journal. */
  readonly recent: Map<string, FinishedOrder>;
}

/** Enough that no order can finish and be forgotten between looking for it in the journal and deciding about it. */
const RECENT = 1024;

/** All transitions of an order. */
export function applyMerchantRecord(state: MerchantState, record: MerchantRecord): void {
  if (record.type === 'offered') {
    state.orders.set(record.order.orderId, { ...record.order });
    return;
  }
  if (record.type === 'finished') {
    close(state, record.finished);
    return;
  }
  const order = state.orders.get(record.orderId)!;
  switch (record.type) {
    case 'initiated':
      if (order.initiation !== undefined) state.xids.delete(order.initiation.xid);
      state.xids.set(record.initiation.xid, order.orderId);
      order.phase = 'initiated';
      order.initiation = record.initiation;
      break;
    case 'ordered':
      order.phase = 'authorizing';
      order.purchase = record.purchase;
      break;
    case 'answered': {
      const { waiting: _, ...purchase } = order.purchase!;
      order.purchase = purchase;
      break;
    }
    case 'authorized':
      order.phase = 'authorized';
      order.authorization = record.authorization;
      break;
    case 'reversing':
      order.phase = 'reversing';
      order.authorization = { ...order.authorization!, reversal: record.reversal };
      break;
    case 'reversal-refused':
      order.phase = 'authorized';
      break;
  }
}

function close({ orders, xids, recent }: MerchantState, finished: FinishedOrder): void {
  orders.delete(finished.orderId);
  const xid = finished.initiation?.xid;
  if (xid === undefined) return;
  xids.delete(xid);
  recent.set(xid, finished);
  if (recent.size > RECENT) recent.delete(recent.keys().next().value!);
}

/** The names under which an initiated order runs. */
export function transIdsOf(orderId: string, { lidC, xid, preqDateMs, language }: Initiation): TransIds {
  return {
    lidC: fromHex(lidC),
    lidM: fromHex(orderId),
    xid: fromHex(xid),
    preqDate: new Date(preqDateMs),
    language,
  };
}

/** Index keys of an order's history in the merchant's journal. */
export const orderKey = (orderId: string): string => `order:${orderId}`;
export const xidKey = (xid: string): string => `xid:${xid}`;

/** How an order is closed: recorded for good, the shop told, and the cardholder's waiting PReq answered. */
import { fromHex } from '../../codec/hex.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { encodePRes } from './answer-purchase.ts';
import { expiryTimer, waitTimer } from './merchant-input.ts';
import { brandOf, type MerchantBrands } from './merchant-keys.ts';
import {
  type FinishedOrder,
  type MerchantRecord,
  type OpenOrder,
  orderKey,
  type PurchaseResult,
  transIdsOf,
  xidKey,
} from './order.ts';
import { encodeOrderOutcome, type OrderOutcome } from './order-outcome.ts';

export interface End {
  readonly status: FinishedOrder['status'];
  readonly reason: string;
  readonly result: PurchaseResult;
}

export function endOrder(order: OpenOrder, { status, reason, result }: End): Decision<MerchantRecord> {
  const { orderId, amount, initiation, purchase } = order;
  const finished: FinishedOrder = {
    ...{ orderId, status, reason, amount, initiation, result },
    cardThumb: purchase?.cardThumb,
  };
  return {
    records: [{ type: 'finished', finished }],
    keys: [orderKey(orderId), ...(initiation === undefined ? [] : [xidKey(initiation.xid)])],
    clearTimers: [expiryTimer(orderId), waitTimer(orderId)],
    send: [tellShop(order, status, reason)],
  };
}

export function tellShop(order: OpenOrder, status: OrderOutcome['status'], reason: string): Outgoing {
  const { orderId, amount, notify, initiation, authorization } = order;
  return {
    // A reversal may be refused more than once, each under its own RRPID.
    id: `outcome/${orderId}/${status}/${authorization?.reversal?.rrpid ?? ''}`,
    to: notify,
    kind: 'OrderOutcome',
    body: encodeOrderOutcome({ orderId, xid: initiation?.xid, status, reason, amount }),
  };
}

/** The answer to the PReq that waits, if one still does. */
export function answerWaiting(
  { orderId, amount, initiation, purchase }: OpenOrder,
  result: PurchaseResult,
  { brands, env }: { readonly brands: MerchantBrands; readonly env: Env },
): Pick<Decision<MerchantRecord>, 'answers'> {
  if (initiation === undefined || purchase?.waiting === undefined) return {};
  const body = encodePRes({
    name: 'PRes',
    transIds: transIdsOf(orderId, initiation),
    rrpid: fromHex(purchase.rrpid),
    challC: fromHex(purchase.challC),
    request: fromHex(purchase.hash),
    cardThumb: fromHex(purchase.cardThumb),
    ...{ result, amount },
    brand: brandOf(brands, initiation.brandId),
    nowMs: env.nowMs,
  });
  return { answers: [{ messageId: purchase.waiting, body }] };
}

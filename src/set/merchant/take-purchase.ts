/** The merchant decides about an order until its authorization is asked for: offered, initiated, ordered, or gone. */
import { equalBytes, toHex } from '../../codec/hex.ts';
import type { Decision, Env } from '../../journal/machine.ts';
import { newId, newNonce } from '../message/identifiers.ts';
import { digestOrder, digestOrderDescription } from '../message/order-information.ts';
import { SetError } from '../message/set-error.ts';
import { sameTransaction } from '../message/transaction.ts';
import { encodePInitRes, type ReceivedPInitReq } from './answer-initiation.ts';
import { endOrder } from './end-order.ts';
import { expiryTimer, gatewayRequestId, waitTimer } from './merchant-input.ts';
import { brandOf, type MerchantBrands } from './merchant-keys.ts';
import {
  type Initiation,
  type MerchantRecord,
  type MerchantState,
  type OpenOrder,
  type OrderToTake,
  orderKey,
  transIdsOf,
  xidKey,
} from './order.ts';
import type { ReceivedPurchase } from './receive-purchase.ts';
import { encodeAuthorization } from './request-authorization.ts';

export type MerchantDecision = Decision<MerchantRecord>;

export const NOTHING: MerchantDecision = { records: [] };

const MAX_ORDER_ID = 20;

/** @throws SetError `unknownLID` when the name is not one, or is that of another open order. */
export function takeOrder({ orders }: MerchantState, order: OrderToTake): MerchantDecision {
  const { amount, expiresAtMs, captureNow, notify } = order;
  const orderId = toHex(order.orderId);
  if (order.orderId.length === 0 || order.orderId.length > MAX_ORDER_ID || orders.has(orderId)) {
    throw new SetError('unknownLID', 'an order needs a name of 1 to 20 bytes that no other one has');
  }
  const open: OpenOrder = {
    ...{ orderId, amount, expiresAtMs, captureNow, notify },
    od: toHex(digestOrderDescription(order.description)),
    phase: 'offered',
    initiation: undefined,
    purchase: undefined,
    authorization: undefined,
  };
  return {
    records: [{ type: 'offered', order: open }],
    keys: [orderKey(orderId)],
    timers: [{ id: expiryTimer(orderId), atMs: expiresAtMs }],
    answer: new Uint8Array(),
  };
}

/** @throws SetError `unknownLID` for an order that is not there, ordered already, or too old. */
export function initiate(
  state: MerchantState,
  request: ReceivedPInitReq,
  { brands, env }: { readonly brands: MerchantBrands; readonly env: Env },
): MerchantDecision {
  const orderId = request.lidM === undefined ? '' : toHex(request.lidM);
  const order = state.orders.get(orderId);
  const open = order?.phase === 'offered' || order?.phase === 'initiated';
  if (!open || env.nowMs >= order.expiresAtMs) throw new SetError('unknownLID', 'no such order can be paid for');
  const { brandId, language } = request;
  const brand = brandOf(brands, brandId);

  const lidC = toHex(request.lidC);
  const known = order.initiation;
  // Asked again by the same wallet: the same transaction. Another wallet, or another card, begins a new one in its place.
  const same = known?.lidC === lidC && known.brandId === brandId;
  const initiation: Initiation = same
    ? known
    : {
        ...{ lidC, language, brandId },
        xid: toHex(newId(env.random)),
        challM: toHex(newNonce(env.random)),
        preqDateMs: Math.floor(env.nowMs / 1000) * 1000,
      };
  return {
    records: same ? [] : [{ type: 'initiated', orderId, initiation }],
    answer: encodePInitRes({ request, orderId, initiation, brand, nowMs: env.nowMs }),
  };
}

export interface PurchaseToTake {
  readonly messageId: string;
  readonly purchase: ReceivedPurchase;
  readonly brands: MerchantBrands;
  /** How long PReq waits for the authorization before it is answered without. */
  readonly answerWaitMs: number;
  readonly env: Env;
}

/** Asks the gateway; PRes follows its answer. @throws SetError unless this is what was initiated and agreed. */
export function takePurchase(state: MerchantState, request: PurchaseToTake): MerchantDecision {
  const { messageId, purchase, brands, answerWaitMs, env } = request;
  const { oiData } = purchase;
  const order = state.orders.get(state.xids.get(toHex(oiData.transIds.xid)) ?? '');
  const { orderId, initiation, amount, captureNow } = requireInitiated(order, purchase);

  const brand = brandOf(brands, initiation.brandId);
  const rrpid = newId(env.random);
  const { random, nowMs } = env;
  const authReq = encodeAuthorization({ brand, purchase, rrpid, amount, captureNow, random, nowMs });
  return {
    records: [
      {
        type: 'ordered',
        orderId,
        purchase: {
          waiting: messageId,
          rrpid: toHex(oiData.rrpid),
          challC: toHex(oiData.challC),
          hash: toHex(purchase.hash),
          cardThumb: toHex(purchase.cardThumb),
          auth: { rrpid: toHex(rrpid), hash: toHex(authReq.hash) },
        },
      },
    ],
    keys: [orderKey(orderId), xidKey(initiation.xid)],
    clearTimers: [expiryTimer(orderId)],
    timers: [{ id: waitTimer(orderId), atMs: nowMs + answerWaitMs }],
    send: [
      {
        id: gatewayRequestId({ orderId, name: 'AuthReq', brandId: initiation.brandId }, toHex(rrpid)),
        to: `${brand.gateway.url}/set`,
        kind: 'AuthReq',
        body: authReq.bytes,
      },
    ],
  };
}

interface InitiatedOrder extends OpenOrder {
  readonly initiation: Initiation;
}

function requireInitiated(order: OpenOrder | undefined, { oiData }: ReceivedPurchase): InitiatedOrder {
  const initiation = order?.initiation;
  if (order?.phase !== 'initiated' || initiation === undefined) {
    throw new SetError('unknownXID', 'no such transaction waits for its order');
  }
  if (!sameTransaction(oiData.transIds, transIdsOf(order.orderId, initiation))) {
    throw new SetError('unknownXID', 'the order goes by other names than it was initiated under');
  }
  if (toHex(oiData.challM) !== initiation.challM) {
    throw new SetError('challengeMismatch', 'another Chall-M than was given');
  }
  if (oiData.brandId !== initiation.brandId) {
    throw new SetError('signatureFailure', 'another brand than the transaction was initiated for');
  }
  const od = new Uint8Array(Buffer.from(order.od, 'hex'));
  if (!equalBytes(oiData.hod, digestOrder({ od, purchAmt: order.amount, odSalt: oiData.odSalt }))) {
    throw new SetError('signatureFailure', 'another description or amount was ordered than was offered');
  }
  return { ...order, initiation };
}

/** The deadline is over: an order that was never placed is dropped. */
export function expire({ orders }: MerchantState, orderId: string): MerchantDecision {
  const order = orders.get(orderId);
  if (order?.phase !== 'offered' && order?.phase !== 'initiated') return NOTHING;
  return endOrder(order, { status: 'expired', reason: '', result: { completion: 'orderNotReceived' } });
}

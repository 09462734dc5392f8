/**
 * The merchant server's shop (EP 1 006 469, the merchant station 3): told by its agent of an agreement to be paid, it opens the order
 * at its payment server, and when that is paid tells its agent (steps I and III) and releases the goods.
 */
import { decodeCborExact, encodeCbor, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { fromHex } from '../../codec/hex.ts';
import { type Signer, signMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Decision, Env, Machine, Outgoing } from '../../journal/machine.ts';
import { type Completion, completionType } from '../message/payment.ts';
import {
  applyShopRecord,
  emptyShop,
  openOrder,
  orderKey,
  type ShopOrder,
  type ShopRecord,
  type ShopState,
} from './shop-record.ts';

export type ShopInput =
  | {
      readonly type: 'order';
      readonly order: ShopOrder;
      /** What is paid for, byte for byte: SET's order description. */
      readonly description: Uint8Array;
      /** The answer to whoever ordered. */
      readonly answer: Uint8Array;
    }
  | {
      readonly type: 'ended';
      readonly orderId: string;
      readonly outcome: 'paid' | 'failed';
      readonly reason: string;
      readonly xid: string;
    }
  | { readonly type: 'told' };

export interface ShopOptions {
  /** The merchant's identity and how its word is signed. */
  readonly merchant: string;
  readonly signer: Signer;
  /** Base URL where goods are fetched. */
  readonly url: string;
  /** The order for the payment server next door. */
  openOrder(order: ShopOrder, description: Uint8Array): Outgoing;
}

const ACKNOWLEDGED = encodeCbor(null);
/** How long the platform is told of a completion before it is given up: the money and the goods do not depend on it. */
const TELL_MS = 24 * 3_600_000;
/** Orders are quoted for nothing: one buyer may not fill the shop's memory with them. */
const MAX_OPEN_OF_BUYER = 5000;

function decideOrder(
  { open, openOf }: ShopState,
  input: Extract<ShopInput, { type: 'order' }>,
  env: Env,
  options: ShopOptions,
) {
  const { order, description, answer } = input;
  if (open.has(order.orderId)) return { records: [], answer };
  if (order.expiresAtMs <= env.nowMs) throw new HandselError('ORDER_EXPIRED', 'the order can no longer be paid');
  if ((openOf.get(order.buyer) ?? 0) >= MAX_OPEN_OF_BUYER) {
    throw new HandselError('ORDERS_UNPAID', 'too many orders of this buyer wait for payment');
  }
  return {
    records: [{ type: 'ordered' as const, order, atMs: env.nowMs }],
    keys: [orderKey(order.orderId)],
    answer,
    send: [options.openOrder(order, description)],
  };
}

function decideEnd({ open }: ShopState, input: Extract<ShopInput, { type: 'ended' }>, env: Env, options: ShopOptions) {
  const order = open.get(input.orderId);
  if (order === undefined) return { records: [], answer: ACKNOWLEDGED };
  const { orderId, outcome, reason, xid } = input;
  return {
    records: [{ type: 'ended' as const, orderId, outcome, reason, xid, atMs: env.nowMs }],
    keys: [orderKey(orderId)],
    answer: ACKNOWLEDGED,
    ...(order.teller && { send: [completionFor(order, order.teller.platform, input, env, options)] }),
  };
}

function completionFor(
  order: ShopOrder,
  platform: string,
  { outcome, reason }: Extract<ShopInput, { type: 'ended' }>,
  env: Env,
  { merchant, signer, url }: ShopOptions,
): Outgoing {
  const completion: Completion = {
    orderId: fromHex(order.orderId),
    merchant,
    outcome,
    ...(outcome === 'paid' ? { goodsUrl: `${url}/goods/${order.orderId}` } : { reason: reason.slice(0, 200) }),
    atMs: env.nowMs,
  };
  return {
    id: `completion ${order.orderId}`,
    to: `${platform}/agent/completion`,
    kind: 'completion',
    body: signMessage(completionType, completion, signer),
    expiresAtMs: env.nowMs + TELL_MS,
  };
}

function decide(state: ShopState, input: ShopInput, env: Env, options: ShopOptions): Decision<ShopRecord> {
  if (input.type === 'order') return decideOrder(state, input, env, options);
  if (input.type === 'ended') return decideEnd(state, input, env, options);
  return { records: [] };
}

export function createShop(options: ShopOptions): Machine<ShopState, ShopInput, ShopRecord> {
  return {
    name: 'shop',
    initial: emptyShop,
    decide: (state, input, env) => decide(state, input, env, options),
    apply: applyShopRecord,
    snapshot: ({ open }) => encodeCborExact([...open.values()] as unknown as CborValue),
    restore(bytes) {
      const orders = decodeCborExact(bytes) as unknown as readonly ShopOrder[]; // our own snapshot
      const state = emptyShop();
      for (const order of orders) openOrder(state, order);
      return state;
    },
    received({ id, outcome }): ShopInput {
      if (!id.startsWith('order ') || outcome.type === 'answered') return { type: 'told' };
      const reason = outcome.type === 'refused' ? outcome.code : 'EXPIRED';
      return { type: 'ended', orderId: id.slice('order '.length), outcome: 'failed', reason, xid: '' };
    },
    fired: () => ({ type: 'told' }),
  };
}

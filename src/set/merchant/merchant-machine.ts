/** The merchant's payment server as a machine: takes orders of its shop, is paid for them over SET, and tells the shop (`../README.md`). */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Machine } from '../../journal/machine.ts';
import { decideRefusal } from '../message/endpoint.ts';
import type { DateWindow } from '../message/receive.ts';
import type { Trust } from '../message/trust.ts';
import { type MerchantInput, readGatewayReply, readTimer } from './merchant-input.ts';
import type { MerchantBrands } from './merchant-keys.ts';
import {
  applyMerchantRecord,
  type FinishedOrder,
  type MerchantRecord,
  type MerchantState,
  type OpenOrder,
} from './order.ts';
import { type Context, inquire, refused, reverse, reversed, settle, stopWaiting } from './settle-purchase.ts';
import { expire, initiate, type MerchantDecision, NOTHING, takeOrder, takePurchase } from './take-purchase.ts';

export interface MerchantOptions {
  readonly brands: MerchantBrands;
  readonly trust: Trust;
  /** For the stateless checks of answers, Unix milliseconds. */
  readonly nowMs: () => number;
  readonly window: DateWindow;
  /** How long PReq waits for the authorization before PRes says only that the order was received. */
  readonly answerWaitMs: number;
}

export function createMerchantMachine(options: MerchantOptions): Machine<MerchantState, MerchantInput, MerchantRecord> {
  const { brands, trust, nowMs, window, answerWaitMs } = options;
  return {
    name: 'set-merchant',
    initial: () => ({ orders: new Map(), xids: new Map(), recent: new Map() }),
    decide: (state, input, env) => decide(state, input, { brands, env, answerWaitMs }),
    apply: applyMerchantRecord,
    snapshot: ({ orders, recent }) => {
      return encodeCborExact([[...orders.values()], [...recent.values()]] as unknown as CborValue);
    },
    restore,
    received: (reply) => readGatewayReply(reply, { brands, trust, nowMs: nowMs(), window }),
    fired: readTimer,
  };
}

function decide(
  state: MerchantState,
  input: MerchantInput,
  context: Context & { readonly answerWaitMs: number },
): MerchantDecision {
  switch (input.type) {
    case 'order':
      return takeOrder(state, input.order);
    case 'initiate':
      return initiate(state, input.request, context);
    case 'purchase':
      return takePurchase(state, { ...input, ...context });
    case 'authorized':
      return settle(state, input.key, input.authorization, context);
    case 'errored':
      return refused(state, input, context);
    case 'inquire':
      return inquire(state, input, context);
    case 'reverse':
      return reverse(state, input.orderId, context);
    case 'reversed':
      return reversed(state, input.key, input.reversal, context);
    case 'waited':
      return stopWaiting(state, input.orderId, context);
    case 'expired':
      return expire(state, input.orderId);
    case 'refuse':
      return decideRefusal(input.refusal);
    case 'told':
      return NOTHING;
  }
}

/** The snapshot was written by this party into its own journal, which vouches for it. */
function restore(bytes: Uint8Array): MerchantState {
  const [open, recent] = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as readonly [
    readonly OpenOrder[],
    readonly FinishedOrder[],
  ];
  const xids = open.flatMap(({ orderId, initiation }) =>
    initiation === undefined ? [] : [[initiation.xid, orderId] as const],
  );
  return {
    orders: new Map(open.map((order) => [order.orderId, order])),
    xids: new Map(xids),
    recent: new Map(recent.map((finished) => [finished.initiation!.xid, finished])),
  };
}

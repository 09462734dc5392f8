/** Paying back what an arbiter ruled, or of the merchant's own will: its operator does it, by the way it was paid, and signs that it did. */
import { fromHex, toHex } from '../../codec/hex.ts';
import { signMessage } from '../../crypto/signed-message.ts';
import type { Decision, Env, Outgoing } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { ACKNOWLEDGED, routeOf } from '../message/endpoint.ts';
import { type RefundOrder, refundOrderType } from '../message/refund.ts';
import type { OrderToRefund, RefundedInput } from './sender-input.ts';
import type { SenderPolicy } from './sender-policy.ts';
import { orderKey, REFUNDS_KEY, type SenderRecord } from './sender-state.ts';

const REFUND = 'refund:';
/** After that the operator has done it in our place. */
const REFUND_MS = 90 * 86_400_000;

/** One message for an order, whatever asks for it. */
export function refundOrder(
  order: string,
  { trustee, acceptance }: Pick<OrderToRefund, 'trustee' | 'acceptance'>,
  env: Env,
  { name, signer, trustees }: SenderPolicy,
): readonly Outgoing[] {
  const known = trustee === undefined ? undefined : trustees.get(trustee);
  if (trustee === undefined || known === undefined) return [];
  const said: RefundOrder = {
    ...{ order: fromHex(order), merchant: name, trustee, atMs: env.nowMs },
    ...(acceptance && { acceptance }),
  };
  return [
    {
      ...{ id: `${REFUND}${order}`, to: routeOf(known.url, refundOrderType), kind: refundOrderType.name },
      ...{ body: signMessage(refundOrderType, said, signer), expiresAtMs: env.nowMs + REFUND_MS },
    },
  ];
}

/** For the books. @throws DeliveryError `REFUND_UNFIT` for a receipt of somebody who is not our operator, or about somebody else */
export function decideRefunded({ receipt }: RefundedInput, env: Env, policy: SenderPolicy): Decision<SenderRecord> {
  const { value, signer, bytes } = receipt;
  if (!policy.trustees.has(signer.name) || value.trustee !== signer.name || value.merchant !== policy.name) {
    throw new DeliveryError('REFUND_UNFIT', 'a receipt of somebody else, or for somebody else');
  }
  const order = toHex(value.order);
  return {
    records: [{ type: 'refunded', order, receipt: bytes, atMs: env.nowMs }],
    keys: [orderKey(order), REFUNDS_KEY],
    answer: ACKNOWLEDGED,
  };
}

/** After a ruling for a refund: the evidence is fetched, the merchant's operator is shown it, and what it did is kept as it signed it. */

import { equalBytes } from '../../codec/hex.ts';
import { digest, record, type Shaped } from '../../codec/shape.ts';
import { encodeShape, type MessageType, signMessage } from '../../crypto/signed-message.ts';
import type { Env } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { routeOf } from '../message/endpoint.ts';
import { type RefundReceipt, refundClaimType } from '../message/refund.ts';
import type { Signed } from '../message/signed-by.ts';
import { type Purchase, purchaseKey, REFUNDS_KEY, type ReceiverState } from './purchase.ts';
import { NOTHING, type ReceiverDecision } from './receiver-decision.ts';
import { idOf } from './receiver-input.ts';
import type { ReceiverPolicy } from './receiver-policy.ts';

const evidenceShape = record({ case: digest() });
export type CaseEvidence = Shaped<typeof evidenceShape>;
/** Answered with the bundle of a case, as its arbiter gives it to anybody. */
export const caseEvidenceType: MessageType<CaseEvidence> = {
  name: 'delivery-case-evidence',
  shape: evidenceShape,
  maxBytes: 128,
};

/** Where nobody fetches evidence, the person is left with the ruling. */
export function awaitRefund(purchase: Purchase, env: Env, { arbiter }: ReceiverPolicy): ReceiverDecision {
  const { reference, orderDigest, trustee, trusteeUrl, complaint } = purchase;
  if (arbiter?.evidence === undefined || complaint === null) return NOTHING;
  const refund = { reference, order: orderDigest, trustee, trusteeUrl };
  return {
    records: [{ type: 'refund-due', refund, atMs: env.nowMs }],
    keys: [purchaseKey(reference), REFUNDS_KEY],
    send: [
      {
        ...{ id: idOf(reference, 'evidence'), to: arbiter.evidence, kind: caseEvidenceType.name },
        body: encodeShape(caseEvidenceType, { case: complaint.digest }),
      },
    ],
  };
}

/** It is asked for until it is answered, however long the operator gives its merchant. */
export function claimRefund(
  { refunds }: ReceiverState,
  { reference, bundle }: { readonly reference: string; readonly bundle: Uint8Array },
  env: Env,
  { signer }: ReceiverPolicy,
): ReceiverDecision {
  const due = refunds.get(reference);
  if (due === undefined) return NOTHING;
  const { trustee, trusteeUrl } = due;
  const body = signMessage(refundClaimType, { bundle, trustee, atMs: env.nowMs }, signer);
  const to = routeOf(trusteeUrl, refundClaimType);
  return { records: [], send: [{ id: idOf(reference, 'refund'), to, kind: refundClaimType.name, body }] };
}

/** @throws DeliveryError `REFUND_UNFIT` for a receipt of something else: it is asked for again */
export function refunded(
  { refunds }: ReceiverState,
  { reference, receipt }: { readonly reference: string; readonly receipt: Signed<RefundReceipt> },
  env: Env,
): ReceiverDecision {
  const due = refunds.get(reference);
  if (due === undefined) return NOTHING;
  const { value, signer, bytes } = receipt;
  if (signer.name !== due.trustee || value.trustee !== signer.name || !equalBytes(value.order, due.order)) {
    throw new DeliveryError('REFUND_UNFIT', 'a receipt for something else');
  }
  return {
    records: [{ type: 'refunded', reference, receipt: bytes, atMs: env.nowMs }],
    keys: [purchaseKey(reference), REFUNDS_KEY],
  };
}

/** The operator will not: the ruling stays, and what it answered is kept beside it. */
export function notRefunded({ refunds }: ReceiverState, reference: string, code: string, env: Env): ReceiverDecision {
  if (!refunds.has(reference)) return NOTHING;
  return {
    records: [{ type: 'not-refunded', reference, code, atMs: env.nowMs }],
    keys: [purchaseKey(reference), REFUNDS_KEY],
  };
}

/** What asks a trustee to pay back: whatever can be checked of it without knowing what was paid back already. */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { decodeShape } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { acceptanceType, type CheckedAcceptance, readAcceptance } from '../message/acceptance.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { type Received, requirePaid } from '../message/endpoint.ts';
import { refundClaimType, refundOrderType } from '../message/refund.ts';
import { bundleType } from '../message/ruling.ts';
import { readSigned } from '../message/signed-by.ts';
import type { TrusteeInput } from './trustee-input.ts';
import type { TrusteePolicy } from './trustee-policy.ts';
import { orderKey, type TrusteeRecord } from './trustee-state.ts';

type History = (key: string) => Promise<readonly TrusteeRecord[]>;

/** @throws DeliveryError `REFUND_UNFIT`, `ACCEPTANCE_UNFIT`, `PAYMENT_UNPROVED`; TransportError `ANSWER_PENDING`; CryptographicError … */
export async function receiveRefundOrder(
  bytes: Uint8Array,
  policy: TrusteePolicy,
  history: History,
): Promise<Received<TrusteeInput>> {
  const { value, signer } = readSigned(refundOrderType, bytes, {
    identify: policy.identify.merchant,
    atMs: policy.nowMs(),
  });
  const { order: digest, merchant } = value;
  requireRefunds(policy, value.trustee);
  if (signer.name !== merchant || !policy.merchants.has(merchant)) throw unfit('only a merchant of ours pays back');
  const order = toHex(digest);
  const acceptance = value.acceptance && (await readPaid(value.acceptance, policy));
  if (acceptance === undefined) {
    const passed = (await history(orderKey(order))).some(({ type }) => type === 'passing');
    if (!passed) throw unfit('there is no such order');
  } else if (acceptance.order.value.merchant !== merchant || !equalBytes(acceptance.order.digest, digest)) {
    throw unfit('what was accepted is another order, or another merchant’s');
  }
  const messageId = `refund-order:${merchant}:${order}`;
  return { messageId, input: { type: 'refund-order', messageId, order, merchant, acceptance } };
}

/**
 * @throws DeliveryError `REFUND_UNFIT` for a ruling that gives no money back or is about somebody else's sale, `RULING_UNFIT` for one that its
 * evidence contradicts, `PAYMENT_UNPROVED`; TransportError `ANSWER_PENDING`; CryptographicError for a forged one, or somebody else's …
 */
export async function receiveRefundClaim(bytes: Uint8Array, policy: TrusteePolicy): Promise<Received<TrusteeInput>> {
  const claim = readSigned(refundClaimType, bytes, { identify: policy.identify.customer, atMs: policy.nowMs() });
  const { verify } = requireRefunds(policy, claim.value.trustee);
  const { ruling, complaint } = verify(decodeShape(bundleType, claim.value.bundle));
  if (!policy.arbiters.has(ruling.arbiter)) throw unfit('the arbiter is not known here');
  if (ruling.outcome !== 'refund') throw unfit('the ruling gives no money back');
  const acceptance = await readPaid(complaint.acceptance, policy);
  const { order } = acceptance;
  if (!claim.signer.publicKey.equals(order.signer.publicKey)) {
    throw new CryptographicError(new Error('a ruling on somebody else’s order'));
  }
  const messageId = `refund-claim:${toHex(ruling.case)}`;
  return { messageId, input: { type: 'refund-claim', messageId, acceptance, ruledMs: ruling.atMs } };
}

/** An acceptance by which a merchant of ours was paid, through us. */
async function readPaid(bytes: Uint8Array, policy: TrusteePolicy): Promise<CheckedAcceptance> {
  const acceptance = readAcceptance(decodeShape(acceptanceType, bytes), policy.identify);
  const { trustee, merchant } = acceptance.order.value;
  if (trustee !== policy.name || !policy.merchants.has(merchant)) throw unfit('the sale was not settled here');
  await requirePaid(policy.proof, acceptance);
  return acceptance;
}

function requireRefunds({ refunds, name }: TrusteePolicy, trustee: string): NonNullable<TrusteePolicy['refunds']> {
  if (refunds === undefined || trustee !== name) throw unfit('nothing is paid back here, or another trustee is meant');
  return refunds;
}

const unfit = (message: string) => new DeliveryError('REFUND_UNFIT', message);

/** The stateless half of the trustee: whatever can be checked of a message without knowing what is kept. */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { decodeShape, type MessageType } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { acceptanceType, readAcceptance } from '../message/acceptance.ts';
import { claimType } from '../message/claim.ts';
import { keyRequestType } from '../message/complaint.ts';
import { lodgingType, unsealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { nameOfKey, type Received, requirePaid } from '../message/endpoint.ts';
import { handoverType } from '../message/key-handover.ts';
import { isKeyOf, manifestType } from '../message/manifest.ts';
import { isOrderKey } from '../message/order.ts';
import { rulingType } from '../message/ruling.ts';
import { type Identify, readSigned, type Signed } from '../message/signed-by.ts';
import type { TrusteeInput } from './trustee-input.ts';
import type { TrusteePolicy } from './trustee-policy.ts';
import { orderKey, type TrusteeRecord } from './trustee-state.ts';

/** @throws DeliveryError `CUSTODY_REFUSED` for strangers, `KEY_UNFIT` when the manifest does not commit to the key; CryptographicError … */
export function receiveLodging(bytes: Uint8Array, policy: TrusteePolicy): Received<TrusteeInput> {
  const { identify, merchants, name, signer } = policy;
  const lodging = fresh(lodgingType, bytes, identify.merchant, policy);
  if (!merchants.has(lodging.signer.name)) throw new DeliveryError('CUSTODY_REFUSED', 'the merchant is not known here');
  requireMe(lodging.value.trustee, name);
  const manifest = readSigned(manifestType, lodging.value.manifest, {
    identify: identify.merchant,
    atMs: policy.nowMs(),
  });
  if (manifest.value.merchant !== manifest.signer.name || manifest.signer.name !== lodging.signer.name) {
    throw new DeliveryError('CUSTODY_REFUSED', 'the package is another merchant’s');
  }
  const productKey = unsealKey(lodging.value.key, { privateKey: signer.privateKey, binding: manifest.digest });
  if (!isKeyOf(productKey, manifest.value)) throw new DeliveryError('KEY_UNFIT', 'the manifest commits to another key');
  return {
    messageId: `lodging:${lodging.signer.name}:${toHex(lodging.digest)}`,
    input: { type: 'lodging', lodging, manifest, productKey },
  };
}

/** @throws DeliveryError `HANDOVER_UNFIT`, `ORDER_EXPIRED`; CryptographicError … */
export function receiveHandover(bytes: Uint8Array, policy: TrusteePolicy): Received<TrusteeInput> {
  const handover = fresh(handoverType, bytes, policy.identify.customer, policy);
  requireMe(handover.value.trustee, policy.name);
  if (!policy.merchants.has(handover.value.merchant)) {
    throw new DeliveryError('HANDOVER_UNFIT', 'nothing is passed on to this merchant here');
  }
  if (policy.nowMs() >= handover.value.deadlineMs)
    throw new DeliveryError('ORDER_EXPIRED', 'the order’s deadline is over');
  return {
    messageId: `handover:${nameOfKey(handover.signer)}:${toHex(handover.value.order)}`,
    input: { type: 'handover', handover },
  };
}

type History = (key: string) => Promise<readonly TrusteeRecord[]>;

/** @throws DeliveryError `ACCEPTANCE_UNFIT`, `KEY_UNFIT`, `PAYMENT_UNPROVED`; TransportError `ANSWER_PENDING`; CryptographicError … */
export async function receiveClaim(
  bytes: Uint8Array,
  policy: TrusteePolicy,
  history: History,
): Promise<Received<TrusteeInput>> {
  const claim = fresh(claimType, bytes, policy.identify.customer, policy);
  requireMe(claim.value.trustee, policy.name);
  const acceptanceBytes = claim.value.acceptance;
  const acceptance = readAcceptance(decodeShape(acceptanceType, acceptanceBytes), policy.identify);
  const { order, accept, evidence } = acceptance;
  if (!claim.signer.publicKey.equals(order.signer.publicKey)) {
    throw new CryptographicError(new Error('a claim for somebody else’s order'));
  }
  requireMe(order.value.trustee, policy.name);
  const orderSecret = unsealKey(claim.value.key, { privateKey: policy.signer.privateKey, binding: order.digest });
  if (!isOrderKey(orderSecret, order.value)) throw new DeliveryError('KEY_UNFIT', 'this is not the key of the order');
  await requirePaid(policy.proof, { order, accept, evidence });
  const past = await history(orderKey(toHex(order.digest)));
  const refunded = past.some((one) => one.type === 'refund' || (one.type === 'ruled' && one.outcome === 'refund'));
  return {
    messageId: `claim:${toHex(order.digest)}:${toHex(accept.digest)}`,
    input: { type: 'claim', acceptance, acceptanceBytes, orderKey: orderSecret, refunded },
  };
}

/** @throws DeliveryError `COMPLAINT_UNFIT`, `ACCEPTANCE_UNFIT`, `PAYMENT_UNPROVED`; TransportError `ANSWER_PENDING`; CryptographicError … */
export async function receiveKeyRequest(bytes: Uint8Array, policy: TrusteePolicy): Promise<Received<TrusteeInput>> {
  const request = fresh(keyRequestType, bytes, policy.identify.arbiter, policy);
  const { signer: arbiter } = request;
  if (!policy.arbiters.has(arbiter.name)) throw new DeliveryError('COMPLAINT_UNFIT', 'the arbiter is not known here');
  requireMe(request.value.trustee, policy.name);
  const acceptance = readAcceptance(decodeShape(acceptanceType, request.value.acceptance), policy.identify);
  const { order, accept, evidence } = acceptance;
  if (!equalBytes(order.value.package, request.value.package)) {
    throw new DeliveryError('COMPLAINT_UNFIT', 'the key of another package is asked for than was bought');
  }
  await requirePaid(policy.proof, { order, accept, evidence });
  return {
    messageId: `key-request:${arbiter.name}:${toHex(request.value.case)}`,
    input: { type: 'key-request', request, acceptance, arbiter },
  };
}

/** @throws DeliveryError `RULING_UNFIT`; CryptographicError … */
export function receiveRuling(bytes: Uint8Array, policy: TrusteePolicy): Received<TrusteeInput> {
  const ruling = fresh(rulingType, bytes, policy.identify.arbiter, policy);
  if (!policy.arbiters.has(ruling.signer.name) || ruling.value.arbiter !== ruling.signer.name) {
    throw new DeliveryError('RULING_UNFIT', 'the arbiter is not known here');
  }
  return { messageId: `ruling:${ruling.signer.name}:${toHex(ruling.value.case)}`, input: { type: 'ruling', ruling } };
}

function fresh<T>(type: MessageType<T>, bytes: Uint8Array, identify: Identify, { nowMs }: TrusteePolicy): Signed<T> {
  return readSigned(type, bytes, { identify, atMs: nowMs() });
}

function requireMe(named: string, name: string): void {
  if (named !== name) throw new DeliveryError('HANDOVER_UNFIT', 'another trustee is meant');
}

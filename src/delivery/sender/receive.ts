/** The stateless half of the merchant's side: whatever can be checked of a message without knowing what is open. */
import { toHex } from '../../codec/hex.ts';
import { decodeShape, type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Reply } from '../../journal/machine.ts';
import { type Acceptance, acceptanceType, type CheckedAcceptance, readAcceptance } from '../message/acceptance.ts';
import { passedAcceptanceType } from '../message/claim.ts';
import { type Complaint, complaintType, type Hearing, hearingType } from '../message/complaint.ts';
import { custodyReceiptType, lodgingType, unsealKey } from '../message/custody.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { nameOfKey, type Received, requirePaid } from '../message/endpoint.ts';
import { readPassedKey } from '../message/key-handover.ts';
import { readGoods } from '../message/offer.ts';
import { isOrderKey, orderType } from '../message/order.ts';
import { refundOrderType, refundReceiptType } from '../message/refund.ts';
import { notAcceptType } from '../message/resending.ts';
import { rulingType } from '../message/ruling.ts';
import { type Identify, readSigned, type Signed } from '../message/signed-by.ts';
import type { PackedProduct } from './make-package.ts';
import type { OrderToRefund, Past, PublishInput, SenderInput } from './sender-input.ts';
import type { SenderPolicy } from './sender-policy.ts';
import { orderKey, type SenderRecord } from './sender-state.ts';

/** What a packed product becomes: told to the machine by `host.submit`. @throws DeliveryError `OFFER_UNFIT`; CryptographicError … */
export function publishInput(
  packed: Omit<PackedProduct, 'package'>,
  sold: { readonly trustee: string; readonly urls: readonly string[] },
  { identify, name, trustees }: SenderPolicy,
): PublishInput {
  const { description, manifest } = readGoods(packed, identify.merchant);
  if (manifest.signer.name !== name) throw new DeliveryError('OFFER_UNFIT', 'the package is another merchant’s');
  if (!trustees.has(sold.trustee)) throw new DeliveryError('OFFER_UNFIT', 'the trustee is not known here');
  return {
    type: 'publish',
    description: description.bytes,
    edition: {
      package: toHex(manifest.digest),
      product: manifest.value.product,
      description: toHex(description.digest),
      manifest: manifest.bytes,
      productKey: toHex(packed.productKey),
      ...sold,
    },
  };
}

/** @throws DeliveryError `ORDER_REFUSED`, or what the merchant's terms throw; CryptographicError … */
export function receiveOrder(bytes: Uint8Array, policy: SenderPolicy): Received<SenderInput> {
  const order = fresh(orderType, bytes, policy.identify.customer, policy);
  if (order.value.merchant !== policy.name) throw new DeliveryError('ORDER_REFUSED', 'another merchant is meant');
  policy.terms(order);
  return { messageId: `order:${nameOfKey(order.signer)}:${toHex(order.value.order)}`, input: { type: 'order', order } };
}

/** @throws DeliveryError `HANDOVER_UNFIT`; CryptographicError … */
export function receivePassedKey(bytes: Uint8Array, policy: SenderPolicy): Received<SenderInput> {
  const { passed, handover } = readPassedKey(bytes, { ...policy.identify, atMs: policy.nowMs() });
  if (handover.value.merchant !== policy.name) throw new DeliveryError('HANDOVER_UNFIT', 'another merchant is meant');
  openK1(handover.value.key, handover.value.order, handover.value, policy);
  const order = toHex(handover.value.order);
  return {
    messageId: `key:${passed.signer.name}:${nameOfKey(handover.signer)}:${order}`,
    input: { type: 'key', passed, order },
  };
}

function openK1(
  sealed: Uint8Array,
  order: Uint8Array,
  named: { readonly keyDigest: Uint8Array },
  { signer }: SenderPolicy,
): Uint8Array {
  const key = unsealKey(sealed, { privateKey: signer.privateKey, binding: order });
  if (!isOrderKey(key, named)) throw new DeliveryError('HANDOVER_UNFIT', 'another key was sealed than was named');
  return key;
}

type History = (key: string) => Promise<readonly SenderRecord[]>;

/** @throws DeliveryError `ACCEPTANCE_UNFIT`, `HANDOVER_UNFIT`, `PAYMENT_UNPROVED`; TransportError `ANSWER_PENDING`; CryptographicError … */
export async function receiveAcceptance(
  bytes: Uint8Array,
  policy: SenderPolicy,
  history: History,
): Promise<Received<SenderInput>> {
  const acceptance = readOurs(decodeShape(acceptanceType, bytes), policy);
  const { order, accept, handover } = acceptance;
  const orderSecret = openK1(handover.value.key, order.digest, order.value, policy);
  await requirePaid(policy.proof, acceptance);
  return {
    messageId: `acceptance:${toHex(order.digest)}:${toHex(accept.digest)}`,
    input: { type: 'acceptance', acceptance, bytes, orderKey: orderSecret, ...(await pastOf(order.digest, history)) },
  };
}

/** @throws DeliveryError `ORDER_UNKNOWN` is the machine's; CryptographicError … */
export function receiveNotAccept(bytes: Uint8Array, policy: SenderPolicy): Received<SenderInput> {
  const notAccept = fresh(notAcceptType, bytes, policy.identify.customer, policy);
  const { order, attempt } = notAccept.value;
  return {
    messageId: `not-accept:${nameOfKey(notAccept.signer)}:${toHex(order)}:${attempt}`,
    input: { type: 'not-accept', notAccept },
  };
}

/** @throws DeliveryError `ACCEPTANCE_UNFIT`; TransportError `ANSWER_PENDING`; CryptographicError … */
export async function receivePassedAcceptance(
  bytes: Uint8Array,
  policy: SenderPolicy,
  history: History,
): Promise<Received<SenderInput>> {
  const passed = fresh(passedAcceptanceType, bytes, policy.identify.trustee, policy);
  const acceptanceBytes = passed.value.acceptance;
  const acceptance = readOurs(decodeShape(acceptanceType, acceptanceBytes), policy);
  const { order, accept } = acceptance;
  if (order.value.trustee !== passed.signer.name) {
    throw new DeliveryError('ACCEPTANCE_UNFIT', 'another trustee passes it on than the order names');
  }
  const paid = await isPaid(acceptance, policy);
  return {
    messageId: `passed-acceptance:${passed.signer.name}:${toHex(order.digest)}:${toHex(accept.digest)}`,
    input: {
      ...{ type: 'passed-acceptance', acceptance, acceptanceBytes, bytes, paid },
      ...(await pastOf(order.digest, history)),
    },
  };
}

/** @throws DeliveryError `COMPLAINT_UNFIT` for an unknown arbiter; TransportError `ANSWER_PENDING`; CryptographicError … */
export async function receiveHearing(bytes: Uint8Array, policy: SenderPolicy): Promise<Received<SenderInput>> {
  const hearing = fresh(hearingType, bytes, policy.identify.arbiter, policy);
  const { signer: arbiter } = hearing;
  if (!policy.arbiters.has(arbiter.name)) throw new DeliveryError('COMPLAINT_UNFIT', 'the arbiter is not known here');
  const messageId = `hearing:${arbiter.name}:${toHex(hearing.value.case)}`;
  const founded = await foundedOn(hearing, policy);
  return {
    messageId,
    input: {
      ...{ type: 'hearing', messageId, hearing, arbiter, acceptance: founded?.acceptance },
      isAboutWords: founded?.complaint.about === 'not-as-described',
    },
  };
}

/** The paid acceptance of a package of ours that the complaint is about; undefined when it shows none. */
async function foundedOn(
  hearing: Signed<Hearing>,
  policy: SenderPolicy,
): Promise<{ readonly complaint: Complaint; readonly acceptance: CheckedAcceptance } | undefined> {
  try {
    const complaint = readMessage(complaintType, hearing.value.complaint).value;
    const acceptance = readOurs(decodeShape(acceptanceType, complaint.acceptance), policy);
    return (await isPaid(acceptance, policy)) ? { complaint, acceptance } : undefined;
  } catch (cause) {
    // Whatever is wrong with it is for the arbiter to say.
    if (cause instanceof HandselError && cause.code !== 'ANSWER_PENDING') return undefined;
    throw cause;
  }
}

/** @throws DeliveryError `RULING_UNFIT`; CryptographicError … */
export async function receiveRuling(
  bytes: Uint8Array,
  policy: SenderPolicy,
  history: History,
): Promise<Received<SenderInput>> {
  const ruling = fresh(rulingType, bytes, policy.identify.arbiter, policy);
  if (!policy.arbiters.has(ruling.signer.name) || ruling.value.arbiter !== ruling.signer.name) {
    throw new DeliveryError('RULING_UNFIT', 'the arbiter is not known here');
  }
  const toRefund = toRefundIn(await history(orderKey(toHex(ruling.value.order))));
  return {
    messageId: `ruling:${ruling.signer.name}:${toHex(ruling.value.case)}`,
    input: { type: 'ruling', ruling, ...toRefund },
  };
}

/** @throws CryptographicError … */
export function receiveRefundReceipt(bytes: Uint8Array, policy: SenderPolicy): Received<SenderInput> {
  const receipt = fresh(refundReceiptType, bytes, policy.identify.trustee, policy);
  const messageId = `refund-receipt:${receipt.signer.name}:${toHex(receipt.value.order)}`;
  return { messageId, input: { type: 'refunded', receipt } };
}

/** What paying back takes, from whatever is on record about the order. */
function toRefundIn(records: readonly SenderRecord[]): OrderToRefund {
  const ordered = records.find((record) => record.type === 'ordered');
  const sold = records.find((record) => record.type === 'sold');
  const heard = records.find((record) => record.type === 'heard');
  const complaint = heard && readMessage(hearingType, heard.hearing).value.complaint;
  return {
    // Our own journal: all of it was checked when it came.
    trustee: ordered && readMessage(orderType, ordered.bytes).value.trustee,
    acceptance: sold?.acceptance ?? (complaint && readMessage(complaintType, complaint).value.acceptance),
    refunding: records.some((one) => one.type === 'refunded' || (one.type === 'ruled' && one.outcome === 'refund')),
  };
}

/** What became of a message of ours. @throws HandselError when a receipt is of no use: asked again */
export function receivedReply({ id, kind, outcome }: Reply, policy: SenderPolicy): SenderInput {
  if (kind === refundOrderType.name && outcome.type === 'answered') {
    return { type: 'refunded', receipt: fresh(refundReceiptType, outcome.body, policy.identify.trustee, policy) };
  }
  if (kind !== lodgingType.name) return { type: 'told' };
  const of = id.split(':')[1]!;
  if (outcome.type !== 'answered') {
    return { type: 'custody-refused', package: of, code: outcome.type === 'refused' ? outcome.code : 'EXPIRED' };
  }
  return {
    type: 'custody',
    package: of,
    receipt: fresh(custodyReceiptType, outcome.body, policy.identify.trustee, policy),
  };
}

function fresh<T>(type: MessageType<T>, bytes: Uint8Array, identify: Identify, { nowMs }: SenderPolicy): Signed<T> {
  return readSigned(type, bytes, { identify, atMs: nowMs() });
}

function readOurs(acceptance: Acceptance, { identify, name }: SenderPolicy): CheckedAcceptance {
  const checked = readAcceptance(acceptance, identify);
  if (checked.order.value.merchant !== name) {
    throw new DeliveryError('ACCEPTANCE_UNFIT', 'another merchant is meant');
  }
  return checked;
}

/** @throws TransportError `ANSWER_PENDING` while it cannot be said */
async function isPaid(acceptance: CheckedAcceptance, { proof }: SenderPolicy): Promise<boolean> {
  try {
    await requirePaid(proof, acceptance);
    return true;
  } catch (cause) {
    if (cause instanceof DeliveryError) return false;
    throw cause;
  }
}

async function pastOf(order: Uint8Array, history: History): Promise<Past> {
  const records = await history(orderKey(toHex(order)));
  const sold = records.find((record) => record.type === 'sold');
  // Of several rulings on one order, one that refunds it is enough.
  const refunded = records.some((one) => one.type === 'refunded' || (one.type === 'ruled' && one.outcome === 'refund'));
  return { soldFor: sold?.accept, refunded };
}

/**
 * The acceptance (US 09/718,411, claim 24 and figure 4): `sign(accept, unique)`, with everything that shows what was accepted, that the
 * merchant had taken the order, and that it is paid. Merchant, trustee and arbiter release K2 for this and for nothing else.
 */
import { equalBytes } from '../../codec/hex.ts';
import { bytes, record, type Shaped, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { DeliveryError } from './delivery-error.ts';
import { CHAIN_BYTES, orderDigest, packageDigest } from './identity.ts';
import { type Handover, handoverType, type PassedKey, passedKeyType } from './key-handover.ts';
import { type Order, type OrderTaken, orderTakenType, orderType } from './order.ts';
import { atItsTime, type Identify, type Party, readSigned, readSignedBy, type Signed } from './signed-by.ts';

/** Signed by the customer, once for an order; whoever is paid, is paid for this. */
const acceptShape = record({
  order: orderDigest,
  package: packageDigest,
  /** The "unique identifier", at random: with the time it tells a second acceptance from a repeated one. */
  unique: bytes({ min: 16, max: 16 }),
  atMs: timeMs(),
});
export type Accept = Shaped<typeof acceptShape>;
export const acceptType: MessageType<Accept> = {
  name: 'delivery-accept',
  shape: acceptShape,
  maxBytes: 512 + CHAIN_BYTES,
};

const MAX_EVIDENCE = 65_536;

/** Customer → merchant. Not signed itself: every part is. The answer is a release. */
const acceptanceShape = record({
  order: bytes({ min: 1, max: orderType.maxBytes }),
  taken: bytes({ min: 1, max: orderTakenType.maxBytes }),
  /** What the trustee signed: should it not have passed it on, the merchant has K1 from here. */
  passedKey: bytes({ min: 1, max: passedKeyType.maxBytes }),
  accept: bytes({ min: 1, max: acceptType.maxBytes }),
  /** Of payment, in the words of the payment method. */
  evidence: bytes({ max: MAX_EVIDENCE }),
});
export type Acceptance = Shaped<typeof acceptanceShape>;
export const acceptanceType: MessageType<Acceptance> = {
  name: 'delivery-acceptance',
  shape: acceptanceShape,
  maxBytes:
    orderType.maxBytes + orderTakenType.maxBytes + passedKeyType.maxBytes + acceptType.maxBytes + MAX_EVIDENCE + 1024,
};

/** Whom the parts are signed by: each role knows customers, merchants and trustees in its own way. */
export interface IdentifyRoles {
  readonly customer: Identify;
  readonly merchant: Identify;
  readonly trustee: Identify;
}

/** An order with what merchant and trustee signed about it. */
export interface SettledOrder {
  readonly order: Signed<Order>;
  readonly taken: Signed<OrderTaken>;
  readonly passed: Signed<PassedKey>;
  readonly handover: Signed<Handover>;
}

export interface CheckedAcceptance extends SettledOrder {
  readonly accept: Signed<Accept>;
  readonly evidence: Uint8Array;
}

/**
 * Everything but the payment, which is for a `SettlementProof` to judge.
 * @throws DeliveryError `ACCEPTANCE_UNFIT` saying what does not belong together; CryptographicError, MessageError, CborError
 */
export function readAcceptance(acceptance: Acceptance, identify: IdentifyRoles): CheckedAcceptance {
  const order = readSigned(orderType, acceptance.order, atItsTime(identify.customer));
  const taken = readTaken(acceptance.taken, order, identify.merchant);
  const { passed, handover } = readPassing(acceptance.passedKey, order, identify.trustee);
  const accept = readSignedBy(acceptType, acceptance.accept, order.signer);
  if (!equalBytes(accept.value.order, order.digest)) throw unfit('the accept is for another order');
  if (!equalBytes(accept.value.package, order.value.package)) throw unfit('another package was accepted than ordered');
  if (accept.value.atMs > order.value.deadlineMs) throw unfit('accepted after the order’s deadline');
  return { order, taken, passed, handover, accept, evidence: acceptance.evidence };
}

/** That the merchant of the order took it. @throws as `readAcceptance` */
export function readTaken(bytes: Uint8Array, order: Signed<Order>, merchant: Identify): Signed<OrderTaken> {
  const taken = readSigned(orderTakenType, bytes, atItsTime(merchant));
  requireName(taken.signer, order.value.merchant, 'merchant');
  if (!equalBytes(taken.value.order, order.digest)) throw unfit('the merchant took another order');
  return taken;
}

/** That the trustee of the order signed this order's K1 and nothing else. @throws as `readAcceptance` */
export function readPassing(
  bytes: Uint8Array,
  order: Signed<Order>,
  trustee: Identify,
): Pick<SettledOrder, 'passed' | 'handover'> {
  const passed = readSigned(passedKeyType, bytes, atItsTime(trustee));
  requireName(passed.signer, order.value.trustee, 'trustee');
  const handover = readSignedBy(handoverType, passed.value.handover, order.signer);
  const { merchant, keyDigest } = handover.value;
  const fits = equalBytes(handover.value.order, order.digest) && merchant === order.value.merchant;
  if (!fits || !equalBytes(keyDigest, order.value.keyDigest)) throw unfit('the key passed on is of another order');
  return { passed, handover };
}

function requireName({ name }: Party, expected: string, role: string): void {
  if (name !== expected) throw unfit(`signed by another ${role} than the order names`);
}

const unfit = (message: string) => new DeliveryError('ACCEPTANCE_UNFIT', message);

/**
 * K1 on its way (US 09/718,411, claim 25): "receiving a second key (K1) from the consumer via a mediating trusted agent, which signs the
 * second key before delivery". The trustee signs what it cannot read, and the customer keeps that signature too.
 */
import { equalBytes } from '../../codec/hex.ts';
import { bytes, digest, record, type Shaped, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { sealedKey } from './custody.ts';
import { DeliveryError } from './delivery-error.ts';
import { CHAIN_BYTES, orderDigest, partyName } from './identity.ts';
import { type Identify, readSigned, type Signed } from './signed-by.ts';

/** Customer → trustee. Signed by the customer. */
const handoverShape = record({
  order: orderDigest,
  merchant: partyName,
  trustee: partyName,
  keyDigest: digest(),
  /** K1, sealed to the merchant for the order. */
  key: sealedKey,
  /** Of the order: later nobody needs it. */
  deadlineMs: timeMs(),
  atMs: timeMs(),
});
export type Handover = Shaped<typeof handoverShape>;
export const handoverType: MessageType<Handover> = {
  name: 'delivery-key-handover',
  shape: handoverShape,
  maxBytes: 2048 + CHAIN_BYTES,
};

/** Trustee → merchant, and the answer to the customer. Signed by the trustee. */
const passedKeyShape = record({
  handover: bytes({ min: 1, max: handoverType.maxBytes }),
  trustee: partyName,
  atMs: timeMs(),
});
export type PassedKey = Shaped<typeof passedKeyShape>;
export const passedKeyType: MessageType<PassedKey> = {
  name: 'delivery-passed-key',
  shape: passedKeyShape,
  maxBytes: handoverType.maxBytes + 1024 + CHAIN_BYTES,
};

export interface CheckedPassing {
  readonly passed: Signed<PassedKey>;
  readonly handover: Signed<Handover>;
}

/** @throws DeliveryError `HANDOVER_UNFIT`; CryptographicError, MessageError, CborError */
export function readPassedKey(
  bytes: Uint8Array,
  { trustee, customer, atMs }: { readonly trustee: Identify; readonly customer: Identify; readonly atMs: number },
): CheckedPassing {
  const passed = readSigned(passedKeyType, bytes, { identify: trustee, atMs });
  const handover = readSigned(handoverType, passed.value.handover, { identify: customer, atMs });
  if (passed.value.trustee !== passed.signer.name || handover.value.trustee !== passed.signer.name) {
    throw new DeliveryError('HANDOVER_UNFIT', 'another trustee passed the key than it was handed to');
  }
  return { passed, handover };
}

/** Whether the trustee passed on exactly what it was given. */
export function passesOn({ value }: Signed<PassedKey>, handover: Uint8Array): boolean {
  return equalBytes(value.handover, handover);
}

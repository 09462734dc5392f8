/**
 * What an agent tells a payment port when it has committed: its signature that it did. A card network captures nothing without it, so a host
 * side in the middle can neither keep a commit from becoming money for long, nor make money of a transaction whose merchandise was never given.
 */
import type { KeyObject } from 'node:crypto';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';

const LABEL = utf8('Handsel trusted commitment 1');

export function signCommitment(transaction: Uint8Array, privateKey: KeyObject): Uint8Array {
  return signCompact(privateKey, concatBytes(LABEL, transaction));
}

export function isCommitment(publicKey: Uint8Array, transaction: Uint8Array, proof: Uint8Array): boolean {
  return verifyCompact(publicKey, concatBytes(LABEL, transaction), proof);
}

const REFUND_LABEL = utf8('Handsel trusted refund 1');

/** That the payee gives back what a refund's order says: the customer's agent, which signed that order, cannot take it by itself. */
export function signRefund(order: Uint8Array, privateKey: KeyObject): Uint8Array {
  return signCompact(privateKey, concatBytes(REFUND_LABEL, order));
}

export function isRefundSigned(publicKey: Uint8Array, order: Uint8Array, consent: Uint8Array): boolean {
  return verifyCompact(publicKey, concatBytes(REFUND_LABEL, order), consent);
}

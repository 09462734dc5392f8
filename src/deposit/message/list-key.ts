/**
 * The key of a transaction's purchase list, which only its two ends can make: what their temporary keys agree on (SP 800-56A), bound
 * through HKDF's info (RFC 5869) to the transaction and to both keys. No operator has either private key (ERI-D).
 */
import type { KeyObject } from 'node:crypto';
import { encodeCbor } from '../../codec/cbor.ts';
import { agreeP256, deriveKey, importPoint } from '../../crypto/agreement.ts';

const KEY_LENGTH = 32;

export interface ListKeyOptions {
  readonly transaction: string;
  /** Whose private key it is. */
  readonly own: 'customer' | 'merchant';
  readonly privateKey: KeyObject;
  /** Both public keys as in the temporary certificates: uncompressed P-256 points. */
  readonly customer: Uint8Array;
  readonly merchant: Uint8Array;
}

/** @throws CryptographicError when the other's point is none */
export function listKeyOf({ transaction, own, privateKey, customer, merchant }: ListKeyOptions): Uint8Array {
  const other = importPoint(own === 'customer' ? merchant : customer);
  return deriveKey({
    secret: agreeP256(privateKey, other),
    salt: new Uint8Array(0),
    info: encodeCbor(['Handsel deposit list', transaction, customer, merchant]),
    length: KEY_LENGTH,
  });
}

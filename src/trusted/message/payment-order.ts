/**
 * What a payer's agent signs when it pays by card, or asks for its money back (US 5,671,280, figure 21): which amount, to whom, for what, and
 * from which card credential. The signature is the customer's commit: whoever authorises can show later that it was asked for.
 */
import type { KeyObject } from 'node:crypto';
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, optional, type Shaped, whole } from '../../codec/shape.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { agentIdShape } from './agent-id.ts';
import { amountShape } from './amount-shape.ts';
import { type AgentCertificate, agentCertificateShape } from './certificate.ts';
import { TRANSACTION_ID_LENGTH } from './statement.ts';

const number16 = () => bytes({ min: TRANSACTION_ID_LENGTH, max: TRANSACTION_ID_LENGTH });

const claimFields = {
  transaction: number16(),
  /** The agent that is paid; in a refund the one that gives back. */
  payee: agentIdShape(),
  amount: amountShape(),
  /** The ticket that is bought, or given back. */
  ticketId: number16(),
  /** The card credential, a ticket that the payer's agent holds. */
  credentialId: number16(),
  /** Unix seconds. */
  atS: whole({ max: 0xffff_ffff }),
  /** In a refund, the transaction in which it was paid. */
  refundOf: optional(number16()),
};
const claimsShape = row(claimFields);
export type PaymentClaims = Shaped<typeof claimsShape>;

const orderShape = row({
  ...claimFields,
  payer: agentCertificateShape(),
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});
export type PaymentOrder = Shaped<typeof orderShape>;

export const maxOrderBytes = 1024;
const LABEL = utf8('Handsel trusted payment order 1');
const textOf = (claims: PaymentClaims) => concatBytes(LABEL, encodeCbor(claimsShape.encode(claims)));

export function signPaymentOrder(
  claims: PaymentClaims,
  by: { readonly certificate: AgentCertificate; readonly privateKey: KeyObject },
): Uint8Array {
  const signature = signCompact(by.privateKey, textOf(claims));
  return encodeCbor(orderShape.encode({ ...claims, payer: by.certificate, signature }));
}

/**
 * An order whose signature holds under the certificate in it; whether that certificate counts is another question.
 * @throws CryptographicError for whatever is wrong with it
 */
export function readPaymentOrder(order: Uint8Array): PaymentOrder {
  let read: PaymentOrder;
  try {
    read = orderShape.decode(decodeCbor(order, { maxBytes: maxOrderBytes }), 'order');
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new CryptographicError(cause);
  }
  if (!verifyCompact(read.payer.publicKey, textOf(read), read.signature)) {
    throw new CryptographicError(new Error('a payment order that its payer did not sign'));
  }
  return read;
}

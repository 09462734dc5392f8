/**
 * Evidence that what was accepted is paid by card over SET. The wallet puts a digest of all the accepts in the place of ODSalt, so the
 * cardholder's dual signature covers them, the merchant checks them with HOD, and the gateway keeps HOD with the charge. Shown what went
 * into HOD, the operator of the gateway signs whether it was charged; it learns of the order nothing but digests.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import { equalBytes, toHex } from '../../codec/hex.ts';
import { bytes, digest, list, oneOf, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape, encodeShape, type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { MAX_PARTS, type PaidPart, paidPart } from '../../delivery/counter/counter-errand.ts';
import { CHAIN_BYTES, money, partyName } from '../../delivery/message/identity.ts';
import type { SettlementProof } from '../../delivery/message/settlement-proof.ts';
import { atItsTime, type Identify, readSigned } from '../../delivery/message/signed-by.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';

const transactionId = text({ min: 1, max: 40 });
const merchantId = text({ min: 1, max: 30 });

/** Customer → the merchant's operator: what became of this transaction? If nothing did, nothing is to become of it any more. */
const inquiryShape = record({
  merchant: merchantId,
  /** SET's XID, hexadecimal. */
  transaction: transactionId,
  /** What went into HOD. */
  ...{ od: digest(), odSalt: digest(), price: money },
});
export type PaymentInquiry = Shaped<typeof inquiryShape>;
export const paymentInquiryType: MessageType<PaymentInquiry> = {
  name: 'delivery-payment-inquiry',
  shape: inquiryShape,
  maxBytes: 512,
};

/** The answer, signed by the operator. `void`: nothing was charged under this transaction, and nothing will be. */
const paymentReceiptShape = record({
  outcome: oneOf('paid', 'void'),
  ...{ merchant: merchantId, transaction: transactionId, od: digest(), odSalt: digest(), price: money },
  by: partyName,
  atMs: timeMs(),
});
export type PaymentReceipt = Shaped<typeof paymentReceiptShape>;
export const paymentReceiptType: MessageType<PaymentReceipt> = {
  name: 'delivery-payment-receipt',
  shape: paymentReceiptShape,
  maxBytes: 1024 + CHAIN_BYTES,
};

const evidenceShape = record({
  receipt: bytes({ min: 1, max: paymentReceiptType.maxBytes }),
  /** Everything the payment was for. */
  parts: list(paidPart, { min: 1, max: MAX_PARTS }),
});
export type PaymentEvidence = Shaped<typeof evidenceShape>;
const evidenceType: MessageType<PaymentEvidence> = {
  name: 'delivery-payment-evidence',
  shape: evidenceShape,
  maxBytes: paymentReceiptType.maxBytes + 4096,
};

export const encodeEvidence = (evidence: PaymentEvidence) => encodeShape(evidenceType, evidence);

/** The transaction under which it was charged, of evidence that was checked. @throws MessageError, CborError */
export function chargedUnder(evidence: Uint8Array): { readonly merchant: string; readonly transaction: string } {
  const { receipt } = decodeShape(evidenceType, evidence);
  const { merchant, transaction } = readMessage(paymentReceiptType, receipt).value;
  return { merchant, transaction };
}

/** What takes the place of ODSalt: nobody can guess it, because every accept holds random bytes. */
export function saltOf(parts: readonly PaidPart[]): Uint8Array {
  const said = parts.map(({ accept, minor }) => [accept, minor]);
  return sha256(encodeCbor(['Handsel accepts paid for', said]));
}

/** Where an order of delivery says it is paid: the merchant in SET, the order there (LID-M) and the hash of its description. */
export interface SetPayee {
  readonly merchant: string;
  readonly orderId: string;
  readonly od: string;
}

export const payeeOf = ({ merchant, orderId, od }: SetPayee) => `set:${merchant}/${orderId}/${od}`;

const PAYEE = /^set:([^/]{1,30})\/([0-9a-f]{2,40})\/([0-9a-f]{64})$/;

/** Undefined for anything else. */
export function readPayee(payee: string): SetPayee | undefined {
  const [, merchant, orderId, od] = PAYEE.exec(payee) ?? [];
  return merchant === undefined ? undefined : { merchant, orderId: orderId!, od: od! };
}

/** The price of each of several goods that one amount pays for: even shares, what is left over with the first. */
export function sharesOf(minor: bigint, count: number): readonly bigint[] {
  const each = minor / BigInt(count);
  return Array.from({ length: count }, (_, index) => (index === 0 ? minor - each * BigInt(count - 1) : each));
}

/**
 * An order is paid when the trustee it names, who must be the operator of its payee's gateway, has signed so.
 * @param operatorOf whose gateway charges for a merchant: its name, undefined for an unknown merchant
 */
export function createSettlementProof(options: {
  readonly identify: Identify;
  operatorOf(merchant: string): string | undefined;
}): SettlementProof {
  return {
    async check({ order, accept, evidence }) {
      try {
        return isPaid({ order: order.value, accept: accept.digest, evidence }, options) ? 'paid' : 'unproved';
      } catch (cause) {
        if (cause instanceof CryptographicError || cause instanceof HandselError) return 'unproved';
        throw cause;
      }
    },
  };
}

function isPaid(
  claim: {
    readonly order: Parameters<SettlementProof['check']>[0]['order']['value'];
    readonly accept: Uint8Array;
    readonly evidence: Uint8Array;
  },
  { identify, operatorOf }: Parameters<typeof createSettlementProof>[0],
): boolean {
  const { order, accept } = claim;
  const { receipt: bytes, parts } = decodeShape(evidenceType, claim.evidence);
  const { value: receipt, signer } = readSigned(paymentReceiptType, bytes, atItsTime(identify));
  const { outcome, price, merchant, od, odSalt, by } = receipt;
  const payee = readPayee(order.payee);
  if (outcome !== 'paid' || payee === undefined) return false;
  if (signer.name !== by || by !== order.trustee || operatorOf(payee.merchant) !== by) return false;
  if (payee.merchant !== merchant || payee.merchant !== order.merchant || payee.od !== toHex(od)) return false;
  if (price.currency !== order.price.currency || !equalBytes(saltOf(parts), odSalt)) return false;
  const total = parts.reduce((sum, { minor }) => sum + minor, 0n);
  const own = parts.find((part) => equalBytes(part.accept, accept));
  return own !== undefined && own.minor >= order.price.minor && total === price.minor;
}

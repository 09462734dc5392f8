/**
 * The agreement: the terms that follow from the last offer, signed by both agents. Its bytes are SET's order description, and the
 * first 20 bytes of their hash the merchant's order identifier (LID-M).
 */
import { equalBytes, toHex } from '../../codec/hex.ts';
import { MessageError } from '../../codec/message-error.ts';
import { bytes, dictionary, digest, list, minorUnits, record, type Shaped, text } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import { decodeShape, encodeShape, type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { Amount } from '../../money/amount.ts';
import { amountOf } from '../../money/amount.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { type CallForProposals, itemShape, type Proposal } from './call-for-proposals.ts';
import { identity, url } from './mandate.ts';
import { acceptanceType, type Offer } from './offer.ts';
import { productShape } from './wanted.ts';

const termsShape = record({
  negotiation: identity,
  call: identity,
  merchant: record({ id: identity, name: text({ min: 1, max: 200 }), url }),
  merchantAgent: identity,
  brands: list(text({ min: 1, max: 40 }), { max: 16 }),
  lot: text({ min: 1, max: 64 }),
  product: productShape,
  items: list(itemShape, { min: 1, max: 16 }),
  currency: text({ min: 3, max: 3 }),
  /** For all items together. */
  priceMinor: minorUnits(),
  /** The agreed value of every other issue. */
  values: dictionary(text({ max: 200 }), { max: 8 }),
  /** SHA-256 of the last signed offer, and through it of the whole chain. */
  chainHead: digest(),
});

export type AgreementTerms = Shaped<typeof termsShape>;
const termsType: MessageType<AgreementTerms> = { name: 'agreement-terms', shape: termsShape, maxBytes: 65_536 };

const chainShape = list(bytes({ min: 1, max: 16_384 }), { min: 1, max: 6 });

const agreementShape = record({
  terms: bytes({ min: 1, max: 65_536 }),
  customerChain: chainShape,
  merchantChain: chainShape,
  /** Signed acceptances of the two agents. */
  customerAcceptance: bytes({ min: 1, max: 4096 }),
  merchantAcceptance: bytes({ min: 1, max: 4096 }),
});

type AgreementParts = Shaped<typeof agreementShape>;
const agreementType: MessageType<AgreementParts> = { name: 'agreement', shape: agreementShape, maxBytes: 262_144 };

export interface Agreement {
  /** SET's order description. */
  readonly bytes: Uint8Array;
  /** Hex of SHA-256 of the bytes. */
  readonly id: string;
  /** LID-M: 20 bytes. */
  readonly orderId: Uint8Array;
  readonly terms: AgreementTerms;
  readonly termsBytes: Uint8Array;
  readonly price: Amount;
  readonly customerAgent: Certificate;
  readonly merchantAgent: Certificate;
  /** Leaf first; whoever relies on the agreement validates these paths against its own anchors. */
  readonly customerChain: readonly Certificate[];
  readonly merchantChain: readonly Certificate[];
}

/** The terms that a proposal and the last offer over it lead to: both sides derive the same bytes. */
export function termsOf(options: {
  readonly call: CallForProposals;
  readonly proposal: Proposal;
  readonly lot: string;
  readonly offer: Offer;
  readonly chainHead: Uint8Array;
}): Uint8Array {
  const { call, proposal, offer, chainHead } = options;
  const lot = proposal.lots.find((candidate) => candidate.id === options.lot);
  if (lot === undefined) throw new MessageError('AGREEMENT_INVALID', 'the proposal has no such lot');
  const { price, ...values } = offer.values;
  if (typeof price !== 'number') throw new MessageError('AGREEMENT_INVALID', 'the last offer names no price');
  return encodeShape(termsType, {
    negotiation: offer.negotiation,
    call: call.id,
    merchant: proposal.merchant,
    merchantAgent: proposal.agent,
    brands: proposal.brands,
    lot: lot.id,
    product: lot.product,
    items: lot.items,
    currency: lot.currency,
    priceMinor: BigInt(price),
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
    chainHead,
  });
}

export function composeAgreement(parts: AgreementParts): Uint8Array {
  return encodeShape(agreementType, parts);
}

/** The order identifier a merchant and a wallet both derive. */
export function orderIdOf(agreement: Uint8Array): Uint8Array {
  return sha256(agreement).slice(0, 20);
}

/**
 * Reads an agreement and checks that both certificates it carries signed exactly its terms. The certificates themselves are
 * NOT trusted yet: validate both chains.
 * @throws MessageError, CborError, DerError or PkiError when malformed, CryptographicError when a signature does not hold
 */
export function readAgreement(agreement: Uint8Array): Agreement {
  const parts = decodeShape(agreementType, agreement);
  const terms = decodeShape(termsType, parts.terms);
  const customerChain = parts.customerChain.map((der) => readCertificate(der));
  const merchantChain = parts.merchantChain.map((der) => readCertificate(der));
  const termsDigest = sha256(parts.terms);
  const requireAcceptance = (signed: Uint8Array, signer: Certificate) => {
    const { value, requireSignature } = readMessage(acceptanceType, signed);
    const same = equalBytes(value.terms, termsDigest) && equalBytes(value.previous, terms.chainHead);
    if (!same || value.negotiation !== terms.negotiation) {
      throw new CryptographicError(new Error('an acceptance of other terms'));
    }
    requireSignature(signer.publicKey);
  };
  requireAcceptance(parts.customerAcceptance, customerChain[0]!);
  requireAcceptance(parts.merchantAcceptance, merchantChain[0]!);
  const id = sha256(agreement);
  return {
    bytes: agreement,
    id: toHex(id),
    orderId: id.slice(0, 20),
    terms,
    termsBytes: parts.terms,
    price: amountOf(terms.currency, terms.priceMinor),
    customerAgent: customerChain[0]!,
    merchantAgent: merchantChain[0]!,
    customerChain,
    merchantChain,
  };
}

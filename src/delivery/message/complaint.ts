/**
 * A controversy before the arbiter (US 09/718,411, figure 4: "the consumer sends the product and the product description … requests the
 * key (K2) from the trusted party"): complaint, key request, disclosure, hearing.
 */
import { bytes, digest, list, oneOf, optional, record, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { acceptanceType } from './acceptance.ts';
import { custodyReceiptType, sealedKey } from './custody.ts';
import { descriptionType } from './description.ts';
import { CHAIN_BYTES, MAX_URLS, packageDigest, partyName, url } from './identity.ts';
import { LARGEST_SEGMENT, manifestType } from './manifest.ts';

/** Of the Merkle tree: as deep as the number of segments can make it. */
const MAX_PATH = 32;
const TAG_LENGTH = 16;

/** One encrypted segment with its place under the manifest's root. */
export const segmentEvidence = record({
  number: whole(),
  path: list(digest(), { max: MAX_PATH }),
  bytes: bytes({ min: TAG_LENGTH, max: LARGEST_SEGMENT + TAG_LENGTH }),
});
export type SegmentEvidence = Shaped<typeof segmentEvidence>;

/** Customer → arbiter: the answer, however late, is the ruling. Signed by the customer. */
const complaintShape = record({
  arbiter: partyName,
  /**
   * `withheld`: neither merchant nor trustee released K2. `does-not-open`: a segment is not what K2 would make. `content-differs`:
   * length or digest are not the description's. `not-as-described`: its words are wrong, for people to see.
   */
  about: oneOf('withheld', 'does-not-open', 'content-differs', 'not-as-described'),
  acceptance: bytes({ min: 1, max: acceptanceType.maxBytes }),
  description: bytes({ min: 1, max: descriptionType.maxBytes }),
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  custody: bytes({ min: 1, max: custodyReceiptType.maxBytes }),
  /** K1, sealed to the arbiter for the order. */
  key: sealedKey,
  /** For `does-not-open`. */
  segment: optional(segmentEvidence),
  /** Where the package is to be had; whatever is there counts only as far as the manifest vouches for it. */
  urls: list(url, { max: MAX_URLS }),
  statement: text({ max: 4000 }),
  atMs: timeMs(),
});
export type Complaint = Shaped<typeof complaintShape>;
export const complaintType: MessageType<Complaint> = {
  name: 'delivery-complaint',
  shape: complaintShape,
  maxBytes:
    acceptanceType.maxBytes +
    descriptionType.maxBytes +
    manifestType.maxBytes +
    custodyReceiptType.maxBytes +
    LARGEST_SEGMENT +
    32_768 +
    CHAIN_BYTES,
};

/** Arbiter → trustee. Signed by the arbiter: the trustee logs who asked for which key, and why. */
const keyRequestShape = record({
  /** SHA-256 of the signed complaint. */
  case: digest(),
  /** Of the order and package complained about, so that no arbiter collects keys without a buyer's signature. */
  acceptance: bytes({ min: 1, max: acceptanceType.maxBytes }),
  package: packageDigest,
  trustee: partyName,
  atMs: timeMs(),
});
export type KeyRequest = Shaped<typeof keyRequestShape>;
export const keyRequestType: MessageType<KeyRequest> = {
  name: 'delivery-key-request',
  shape: keyRequestShape,
  maxBytes: acceptanceType.maxBytes + 2048 + CHAIN_BYTES,
};

/** The answer. Signed by the trustee. */
const disclosureShape = record({
  case: digest(),
  package: packageDigest,
  /** `commitmentTo` of what is disclosed: whether it is the key of the manifest shows without seeing it. */
  commitment: digest(),
  /** K2, sealed to the arbiter for the case. */
  key: sealedKey,
  trustee: partyName,
  atMs: timeMs(),
});
export type Disclosure = Shaped<typeof disclosureShape>;
export const disclosureType: MessageType<Disclosure> = {
  name: 'delivery-disclosure',
  shape: disclosureShape,
  maxBytes: 2048 + CHAIN_BYTES,
};

/** Arbiter → merchant: this is said about you. Signed by the arbiter. */
const hearingShape = record({
  case: digest(),
  complaint: bytes({ min: 1, max: complaintType.maxBytes }),
  /** Until then an answer is waited for. */
  untilMs: timeMs(),
  atMs: timeMs(),
});
export type Hearing = Shaped<typeof hearingShape>;
export const hearingType: MessageType<Hearing> = {
  name: 'delivery-hearing',
  shape: hearingShape,
  maxBytes: complaintType.maxBytes + 1024 + CHAIN_BYTES,
};

/** The answer: what the merchant says to it, for whoever decides. Signed by the merchant. */
const statementShape = record({
  case: digest(),
  merchant: partyName,
  /** K2, sealed to the arbiter for the case: an honest merchant does not depend on the trustee to show it. */
  key: optional(sealedKey),
  statement: text({ max: 4000 }),
  atMs: timeMs(),
});
export type Statement = Shaped<typeof statementShape>;
export const statementType: MessageType<Statement> = {
  name: 'delivery-statement',
  shape: statementShape,
  maxBytes: 8192 + CHAIN_BYTES,
};

/** What an arbiter decides, with its reasons, and the bundle from which anyone can see whether it is right. */
import { bytes, digest, list, oneOf, optional, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { complaintType, disclosureType, segmentEvidence, statementType } from './complaint.ts';
import { CHAIN_BYTES, orderDigest, partyName } from './identity.ts';
import { PRODUCT_KEY_LENGTH } from './manifest.ts';
import { releaseType } from './release.ts';

/** `refund`: the customer gets its money back. `released`: it gets K2. `dismissed`: everything stays as it is. */
const outcome = oneOf('refund', 'released', 'dismissed');
export type Outcome = Shaped<typeof outcome>;
/** Who broke its word. */
const breach = oneOf('merchant', 'trustee');
export type Breach = Shaped<typeof breach>;

/** What each reason leads to, and whose breach it is. Those without an outcome say what was found on the way. */
export const REASONS: Readonly<Record<ReasonCode, { readonly outcome?: Outcome; readonly breach?: Breach }>> = {
  UNSIGNED: { outcome: 'dismissed' },
  NOT_WHAT_WAS_ACCEPTED: { outcome: 'dismissed' },
  NOT_PAID: { outcome: 'dismissed' },
  DOCUMENTS_CONTRADICT: { outcome: 'refund', breach: 'merchant' },
  TRUSTEE_SILENT: { breach: 'trustee' },
  TRUSTEE_DISCLOSED_ANOTHER_KEY: { breach: 'trustee' },
  KEY_FROM_TRUSTEE: {},
  KEY_FROM_MERCHANT: {},
  KEY_NOT_SHOWN: { outcome: 'refund', breach: 'merchant' },
  KEY_RELEASED: { outcome: 'released' },
  SEGMENT_OF_ANOTHER_PACKAGE: { outcome: 'dismissed' },
  KEY_DOES_NOT_OPEN: { outcome: 'refund', breach: 'merchant' },
  KEY_OPENS: { outcome: 'dismissed' },
  CONTENT_DIFFERS: { outcome: 'refund', breach: 'merchant' },
  CONTENT_AS_STATED: { outcome: 'dismissed' },
  PACKAGE_NOT_SHOWN: { outcome: 'dismissed' },
  /** What it leads to is what the person says. */
  SEEN_BY_A_PERSON: {},
};

const reasonCode = oneOf(
  'UNSIGNED',
  'NOT_WHAT_WAS_ACCEPTED',
  'NOT_PAID',
  'DOCUMENTS_CONTRADICT',
  'TRUSTEE_SILENT',
  'TRUSTEE_DISCLOSED_ANOTHER_KEY',
  'KEY_FROM_TRUSTEE',
  'KEY_FROM_MERCHANT',
  'KEY_NOT_SHOWN',
  'KEY_RELEASED',
  'SEGMENT_OF_ANOTHER_PACKAGE',
  'KEY_DOES_NOT_OPEN',
  'KEY_OPENS',
  'CONTENT_DIFFERS',
  'CONTENT_AS_STATED',
  'PACKAGE_NOT_SHOWN',
  'SEEN_BY_A_PERSON',
);
export type ReasonCode = Shaped<typeof reasonCode>;

const reasonShape = record({
  code: reasonCode,
  /** In plain words. */
  text: text({ min: 1, max: 500 }),
});
export type Reason = Shaped<typeof reasonShape>;

/** Arbiter → customer (as the answer to the complaint) and merchant. Signed by the arbiter. */
const rulingShape = record({
  /** SHA-256 of the signed complaint. */
  case: digest(),
  arbiter: partyName,
  order: orderDigest,
  outcome,
  breaches: list(breach, { max: 2 }),
  /** The last one decides; those before it say what was found on the way. */
  reasons: list(reasonShape, { min: 1, max: 8 }),
  /** Who decided, where only eyes could. */
  person: optional(text({ min: 1, max: 100 })),
  /** SHA-256 of the content as it was opened, where that was looked at. */
  content: optional(digest()),
  /** For `released`. */
  release: optional(bytes({ min: 1, max: releaseType.maxBytes })),
  atMs: timeMs(),
});
export type Ruling = Shaped<typeof rulingShape>;
export const rulingType: MessageType<Ruling> = {
  name: 'delivery-ruling',
  shape: rulingShape,
  maxBytes: releaseType.maxBytes + 8192 + CHAIN_BYTES,
};

/** All of a case: checked by `verifyRuling`, offline. */
const bundleShape = record({
  complaint: bytes({ min: 1, max: complaintType.maxBytes }),
  disclosure: optional(bytes({ min: 1, max: disclosureType.maxBytes })),
  statement: optional(bytes({ min: 1, max: statementType.maxBytes })),
  /** A segment the arbiter found itself. */
  segment: optional(segmentEvidence),
  /** K2, only where it does not open the package: elsewhere it would give the goods away. */
  productKey: optional(bytes({ min: PRODUCT_KEY_LENGTH, max: PRODUCT_KEY_LENGTH })),
  ruling: bytes({ min: 1, max: rulingType.maxBytes }),
});
export type Bundle = Shaped<typeof bundleShape>;
export const bundleType: MessageType<Bundle> = {
  name: 'delivery-ruling-bundle',
  shape: bundleShape,
  maxBytes: 2 * complaintType.maxBytes + disclosureType.maxBytes + statementType.maxBytes + rulingType.maxBytes,
};

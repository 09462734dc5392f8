/** What the receiver has done by its own party: downloading and opening packages, paying. Messages within one party, not signed. */
import { bytes, digest, list, oneOf, optional, record, type Shaped, text, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { acceptType } from '../message/acceptance.ts';
import { segmentEvidence } from '../message/complaint.ts';
import { MAX_URLS, orderDigest, packageDigest, url } from '../message/identity.ts';
import { LARGEST_SEGMENT, manifestType, PRODUCT_KEY_LENGTH } from '../message/manifest.ts';
import { orderType } from '../message/order.ts';
import { MAX_RUNS, segmentRun } from '../message/resending.ts';

const downloadShape = record({
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  urls: list(url, { max: MAX_URLS }),
  /** What is there already may have been damaged since it was checked. */
  recheck: oneOf('yes', 'no'),
});
export type Download = Shaped<typeof downloadShape>;
export const downloadType: MessageType<Download> = {
  name: 'delivery-download',
  shape: downloadShape,
  maxBytes: manifestType.maxBytes + 4096,
};

const downloadedShape = record({
  outcome: oneOf('whole', 'faulty'),
  fault: optional(oneOf('segments', 'package', 'unreachable')),
  segments: list(segmentRun, { max: MAX_RUNS }),
});
export type Downloaded = Shaped<typeof downloadedShape>;
export const downloadedType: MessageType<Downloaded> = {
  name: 'delivery-downloaded',
  shape: downloadedShape,
  maxBytes: 4096,
};

const openShape = record({
  /** The purchase: names the file that is made. */
  reference: text({ min: 1, max: 64 }),
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  productKey: bytes({ min: PRODUCT_KEY_LENGTH, max: PRODUCT_KEY_LENGTH }),
});
export type Open = Shaped<typeof openShape>;
export const openType: MessageType<Open> = {
  name: 'delivery-open',
  shape: openShape,
  maxBytes: manifestType.maxBytes + 1024,
};

const openedShape = record({
  /** `damaged`: on this side, since it was checked. */
  outcome: oneOf('opened', 'does-not-open', 'damaged'),
  content: optional(digest()),
  length: optional(whole()),
  /** The segment that does not open. */
  segment: optional(segmentEvidence),
});
export type Opened = Shaped<typeof openedShape>;
export const openedType: MessageType<Opened> = {
  name: 'delivery-opened',
  shape: openedShape,
  maxBytes: LARGEST_SEGMENT + 4096,
};

const prepareShape = record({ order: bytes({ min: 1, max: orderType.maxBytes }) });
export type Prepare = Shaped<typeof prepareShape>;
/** Answered with anything, or refused. */
export const prepareType: MessageType<Prepare> = {
  name: 'delivery-prepare-payment',
  shape: prepareShape,
  maxBytes: orderType.maxBytes + 64,
};

const commitShape = record({
  order: bytes({ min: 1, max: orderType.maxBytes }),
  accept: bytes({ min: 1, max: acceptType.maxBytes }),
});
export type Commit = Shaped<typeof commitShape>;
/** Answered with the evidence, or refused when nothing was paid and nothing will be. */
export const commitType: MessageType<Commit> = {
  name: 'delivery-commit-payment',
  shape: commitShape,
  maxBytes: orderType.maxBytes + acceptType.maxBytes + 64,
};

const cancelShape = record({ order: orderDigest });
export type Cancel = Shaped<typeof cancelShape>;
export const cancelType: MessageType<Cancel> = { name: 'delivery-cancel-payment', shape: cancelShape, maxBytes: 64 };

const outcomeShape = record({
  reference: text({ min: 1, max: 64 }),
  order: orderDigest,
  package: packageDigest,
  /**
   * `delivered`: paid and opened, and what the description says. `unpaid`: nothing was paid, nothing is owed. `faulty`: paid, and the goods
   * are not as signed. `withheld`: paid, and nobody released the key. `ruled`: an arbiter decided.
   */
  outcome: oneOf('delivered', 'unpaid', 'faulty', 'withheld', 'ruled'),
  reason: text({ max: 100 }),
});
export type Outcome = Shaped<typeof outcomeShape>;
/** To whoever asked for the purchase. */
export const outcomeType: MessageType<Outcome> = { name: 'delivery-outcome', shape: outcomeShape, maxBytes: 1024 };

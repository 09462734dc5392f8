/** What came is not what was signed (US 09/718,411, claim 27): not-accept, and the re-sending that answers it, up to a bound. */
import { list, oneOf, record, type Shaped, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { CHAIN_BYTES, MAX_URLS, orderDigest, packageDigest, url } from './identity.ts';

/** After so many the purchase is over, unpaid. */
export const MAX_RESENDINGS = 3;

/** What a not-accept can name: more is said as the whole. */
export const MAX_RUNS = 64;

/** Segments from first to last, both included. */
export const segmentRun = record({ first: whole(), last: whole() });
export type SegmentRun = Shaped<typeof segmentRun>;

/** Customer → merchant. Signed by the customer. */
const notAcceptShape = record({
  order: orderDigest,
  package: packageDigest,
  /** 1 for the first. */
  attempt: whole({ min: 1, max: MAX_RESENDINGS + 1 }),
  /** `segments`: these differ from their digests; `package`: it is another one, or none; `unreachable`: nothing, or not all, could be had. */
  fault: oneOf('segments', 'package', 'unreachable'),
  segments: list(segmentRun, { max: MAX_RUNS }),
  atMs: timeMs(),
});
export type NotAccept = Shaped<typeof notAcceptShape>;
export const notAcceptType: MessageType<NotAccept> = {
  name: 'delivery-not-accept',
  shape: notAcceptShape,
  maxBytes: 4096 + CHAIN_BYTES,
};

/** The answer: fetch them again, there. Signed by the merchant. */
const resendingShape = record({
  order: orderDigest,
  attempt: whole({ min: 1, max: MAX_RESENDINGS + 1 }),
  /** `over`: the bound is reached, the order is off and nothing is owed. */
  outcome: oneOf('again', 'over'),
  urls: list(url, { max: MAX_URLS }),
  atMs: timeMs(),
});
export type Resending = Shaped<typeof resendingShape>;
export const resendingType: MessageType<Resending> = {
  name: 'delivery-resending',
  shape: resendingShape,
  maxBytes: 4096 + CHAIN_BYTES,
};

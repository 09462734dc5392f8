/** Opening the package of a case: an errand within the arbiter's party, and who does it. */
import { join } from 'node:path';
import { bytes, digest, list, oneOf, optional, record, type Shaped, text } from '../../codec/shape.ts';
import { decodeShape, encodeShape, type MessageType, readMessage } from '../../crypto/signed-message.ts';
import type { Courier } from '../../journal/courier.ts';
import { segmentEvidence } from '../message/complaint.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { MAX_URLS, url } from '../message/identity.ts';
import { LARGEST_SEGMENT, manifestType, PRODUCT_KEY_LENGTH } from '../message/manifest.ts';
import { fetchPackage, recheckPackage } from '../package/fetch-package.ts';
import { openFile } from '../package/open-file.ts';
import { segmentEvidenceOf } from '../package/package-file.ts';
import type { FetchRange } from '../package/ranges.ts';

const examineShape = record({
  /** Hexadecimal: names the files. */
  case: text({ min: 64, max: 64 }),
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  productKey: bytes({ min: PRODUCT_KEY_LENGTH, max: PRODUCT_KEY_LENGTH }),
  urls: list(url, { max: MAX_URLS }),
});
export type Examine = Shaped<typeof examineShape>;
export const examineType: MessageType<Examine> = {
  name: 'delivery-examine',
  shape: examineShape,
  maxBytes: manifestType.maxBytes + 4096,
};

const examinedShape = record({
  /** `not-shown`: the package, as the manifest signs it, is nowhere to be had. */
  outcome: oneOf('opened', 'does-not-open', 'not-shown'),
  content: optional(digest()),
  segment: optional(segmentEvidence),
});
export type Examined = Shaped<typeof examinedShape>;
export const examinedType: MessageType<Examined> = {
  name: 'delivery-examined',
  shape: examinedShape,
  maxBytes: LARGEST_SEGMENT + 4096,
};

export interface ExaminerOptions {
  readonly fetch: FetchRange;
  /** Where packages and what they hold are put, named by their cases, for whoever has to look. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly pauseMs?: number;
}

export const examinedPackage = (folder: string, of: string) => join(folder, `${of}.package`);
export const examinedContent = (folder: string, of: string) => join(folder, `${of}.content`);

/** For the routes that begin with `local:examination`. */
export function createExaminer(options: ExaminerOptions): Courier {
  const running = new Map<string, Promise<Examined>>();
  return {
    async deliver({ id, body }) {
      const work = running.get(id) ?? examine(decodeShape(examineType, body), options);
      running.set(id, work);
      try {
        return { type: 'answered', body: encodeShape(examinedType, await work) };
      } finally {
        running.delete(id);
      }
    },
  };
}

/** @throws DeliveryError `STORE_FAILED`, or whatever is not the package's fault: it is tried again */
export async function examine(
  { case: of, manifest: bytes, productKey, urls }: Examine,
  { folder, ...options }: ExaminerOptions,
): Promise<Examined> {
  const { value: manifest } = readMessage(manifestType, bytes);
  const target = examinedPackage(folder, of);
  const wanted = { ...options, urls, bytes, manifest, target };
  const fetched = await fetchPackage(wanted);
  if (fetched.outcome === 'faulty') return { outcome: 'not-shown' };
  try {
    const content = await openFile({
      source: target,
      target: examinedContent(folder, of),
      bytes,
      manifest,
      productKey,
    });
    return { outcome: 'opened', content };
  } catch (cause) {
    if (!(cause instanceof DeliveryError)) throw cause;
    const { segment } = cause.detail;
    if (cause.code === 'PACKAGE_DAMAGED') await recheckPackage(wanted); // fetched again when it is tried again
    if (cause.code !== 'KEY_UNFIT' || typeof segment !== 'number') throw cause;
    return { outcome: 'does-not-open', segment: await segmentEvidenceOf(target, segment, { bytes, manifest }) };
  }
}

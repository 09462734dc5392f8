/** Reading a package file: its manifest, the digests of its segments, one segment with its place under the root. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { equalBytes } from '../../codec/hex.ts';
import type { SegmentEvidence } from '../message/complaint.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { type Manifest, manifestType } from '../message/manifest.ts';
import type { SegmentRun } from '../message/resending.ts';
import { DIGEST_LENGTH, type Layout, layoutOf, longestHead, manifestIn, segmentSpan } from './layout.ts';
import { entriesOf, pathTo, rootOf } from './merkle-tree.ts';
import { readWholly } from './whole-reads.ts';

/** The signed manifest of a package file; its signature is for the caller to check. @throws DeliveryError `PACKAGE_MALFORMED` */
export async function manifestOfFile(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const beginning = new Uint8Array(longestHead(manifestType.maxBytes));
    const { bytesRead } = await handle.read(beginning, 0, beginning.length, 0);
    return manifestIn(beginning.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Whether these are the digests the manifest's root was made over. */
export function areDigestsOf(manifest: Manifest, digests: Uint8Array): boolean {
  return equalBytes(rootOf(entriesOf(digests)), manifest.root);
}

/** @throws DeliveryError `PACKAGE_DAMAGED` when they are not the manifest's */
export async function readDigests(file: FileHandle, manifest: Manifest, layout: Layout): Promise<Uint8Array> {
  const digests = new Uint8Array(layout.digests.end - layout.digests.start);
  await readWholly(file, digests, layout.digests.start);
  if (!areDigestsOf(manifest, digests))
    throw new DeliveryError('PACKAGE_DAMAGED', 'the digests are not the manifest’s');
  return digests;
}

export function digestOf(number: number, digests: Uint8Array): Uint8Array {
  return digests.subarray(number * DIGEST_LENGTH, (number + 1) * DIGEST_LENGTH);
}

/**
 * Which segments of the file are not there, or not as their digests say; none for a whole package. Memory does not grow with the file.
 * @param digests checked against the manifest
 */
export async function findMissing(
  file: FileHandle,
  {
    manifest,
    layout,
    digests,
    signal,
    onChecked,
  }: {
    readonly manifest: Manifest;
    readonly layout: Layout;
    readonly digests: Uint8Array;
    readonly signal?: AbortSignal | undefined;
    /** Told of each segment how much of the file was looked at. */
    readonly onChecked?: (bytes: number) => void;
  },
): Promise<readonly SegmentRun[]> {
  const { size } = await file.stat();
  const runs: { first: number; last: number }[] = [];
  const buffer = Buffer.allocUnsafeSlow(segmentSpan(0, manifest, layout).end - layout.digests.end);
  for (let number = 0; number < layout.segments; number++) {
    signal?.throwIfAborted();
    const { start, end } = segmentSpan(number, manifest, layout);
    onChecked?.(end);
    if (end <= size) {
      const sealed = buffer.subarray(0, end - start);
      await readWholly(file, sealed, start);
      const digest = createHash('sha256').update(sealed).digest();
      if (equalBytes(digest, digestOf(number, digests))) continue;
    }
    const last = runs.at(-1);
    if (last?.last === number - 1) last.last = number;
    else runs.push({ first: number, last: number });
  }
  return runs;
}

/** One segment as evidence: with it and the manifest anybody sees that it belongs to the package. */
export async function segmentEvidenceOf(
  file: string,
  number: number,
  { bytes, manifest }: { readonly bytes: Uint8Array; readonly manifest: Manifest },
): Promise<SegmentEvidence> {
  const handle = await open(file, 'r');
  try {
    const layout = layoutOf(bytes, manifest);
    const { start, end } = segmentSpan(number, manifest, layout);
    const sealed = new Uint8Array(end - start);
    await readWholly(handle, sealed, start);
    const digests = await readDigests(handle, manifest, layout);
    return { number, path: pathTo(number, digests), bytes: sealed };
  } finally {
    await handle.close();
  }
}

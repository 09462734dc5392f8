/**
 * Opens a package with K2: decrypts it segment by segment into a file, and gives the digest of what came out, for comparison with the
 * signed description. A segment that does not open is told apart from one that was damaged on this side after it was checked.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { TAG_LENGTH } from '../../crypto/sealing.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { isKeyOf, type Manifest } from '../message/manifest.ts';
import { giveBack } from './cipher-pieces.ts';
import { contentSpan, DIGEST_LENGTH, type Layout, layoutOf, segmentSpan } from './layout.ts';
import { flushFolder } from './seal-file.ts';
import { doesNotOpen, segmentKeys, segmentOpener } from './segment-cipher.ts';
import { readWholly, writeWholly } from './whole-reads.ts';

/** Segments under way at one time. */
const IN_FLIGHT = 3;

export interface PackageToOpen {
  /** Checked against the manifest before. */
  readonly source: string;
  /** The content: there as a whole, or not at all. */
  readonly target: string;
  /** The signed manifest, and what it says. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly productKey: Uint8Array;
  readonly signal?: AbortSignal;
}

/**
 * SHA-256 of the content.
 * @throws DeliveryError `KEY_UNFIT` when the key is not the manifest's, or (with the segment's number) does not open it: both are then the
 * merchant's doing; `PACKAGE_DAMAGED` when the file is not the package any more
 */
export async function openFile(options: PackageToOpen): Promise<Uint8Array> {
  const { source, target, manifest, productKey } = options;
  if (!isKeyOf(productKey, manifest)) {
    throw new DeliveryError('KEY_UNFIT', 'this is not the key the manifest commits to');
  }
  const partial = `${target}.part`;
  const from = await open(source, 'r');
  try {
    const to = await open(partial, 'w', 0o600);
    try {
      const digest = await openSegments(options, { from, to });
      await to.datasync();
      await rename(partial, target);
      await flushFolder(dirname(target));
      return digest;
    } catch (cause) {
      await rm(partial, { force: true });
      throw cause;
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

interface Files {
  readonly from: FileHandle;
  readonly to: FileHandle;
}

/**
 * The content's digest is one long computation, longer than decrypting: this thread does that, and Node's others decrypt and write
 * meanwhile.
 */
async function openSegments(options: PackageToOpen, { from, to }: Files): Promise<Uint8Array> {
  const { manifest, productKey, signal } = options;
  const layout = layoutOf(options.bytes, manifest);
  const openSegment = await segmentOpener(segmentKeys(productKey, manifest));
  const hash = createHash('sha256');
  let next = 0;
  /** Done when the segment before the next one is in the hash. */
  let hashed = Promise.resolve();

  const openWhatIsLeft = async () => {
    const buffer = Buffer.allocUnsafeSlow(Math.min(manifest.segmentLength, manifest.length) + TAG_LENGTH);
    while (next < layout.segments) {
      signal?.throwIfAborted();
      const number = next++;
      const before = hashed;
      const mine = Promise.withResolvers<void>();
      hashed = mine.promise;
      try {
        const { start, end } = segmentSpan(number, manifest, layout);
        const sealed = buffer.subarray(0, end - start);
        await readWholly(from, sealed, start);
        const content = await openSegment(sealed, number);
        if (content === undefined) {
          await requireUndamaged(sealed, number, { from, layout });
          throw doesNotOpen(number);
        }
        await before;
        hash.update(content);
        mine.resolve();
        await writeWholly(to, content, contentSpan(number, manifest).start);
        giveBack(content);
      } catch (cause) {
        // Whoever is next comes to its end, too: the first failure is the one that counts.
        next = layout.segments;
        mine.resolve();
        throw cause;
      }
    }
  };
  const lanes = Array.from({ length: IN_FLIGHT }, openWhatIsLeft);
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
  return new Uint8Array(hash.digest());
}

/** @throws DeliveryError `PACKAGE_DAMAGED` unless the segment is still the one that was checked */
async function requireUndamaged(
  sealed: Uint8Array,
  number: number,
  { from, layout }: { readonly from: FileHandle; readonly layout: Layout },
): Promise<void> {
  const digest = new Uint8Array(DIGEST_LENGTH);
  await readWholly(from, digest, layout.digests.start + number * DIGEST_LENGTH);
  if (!equalBytes(sha256(sealed), digest)) {
    throw new DeliveryError('PACKAGE_DAMAGED', `segment ${number} was damaged after it was checked`, {
      detail: { segment: number },
    });
  }
}

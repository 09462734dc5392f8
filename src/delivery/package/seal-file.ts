/**
 * Makes a package file out of a content file, once for all buyers (US 09/718,411: "all products may be pre-ciphered and pre-signed").
 * Any size in constant memory: segments are encrypted and hashed on two threads, and nothing of the content is kept.
 */
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DeliveryError } from '../message/delivery-error.ts';
import { startThread, WORTH_A_THREAD } from './helping-thread.ts';
import { DIGEST_LENGTH, type Layout, layoutOf } from './layout.ts';
import { entriesOf, rootOf } from './merkle-tree.ts';
import { runSealLane, type SealJob } from './seal-lane.ts';
import { type Sealed, segmentKeys } from './segment-cipher.ts';
import { writeWholly } from './whole-reads.ts';

export interface FileToSeal {
  readonly source: string;
  /** The package: there as a whole, or not at all. */
  readonly target: string;
  readonly productKey: Uint8Array;
  readonly sealed: Sealed;
  /** Signs the manifest over this root. Its length must not depend on the root: it is asked for once before there is one. */
  readonly sign: (root: Uint8Array) => Uint8Array;
}

/** Gives the signed manifest. @throws DeliveryError `CONTENT_DIFFERS` when the source is not as long as stated, or changes meanwhile */
export async function sealFile(options: FileToSeal): Promise<Uint8Array> {
  const { source, target, sealed } = options;
  const before = await versionOf(source);
  if (before.size !== BigInt(sealed.length)) {
    throw new DeliveryError('CONTENT_DIFFERS', `the content has ${before.size} bytes, not ${sealed.length}`);
  }
  const layout = layoutOf(options.sign(new Uint8Array(DIGEST_LENGTH)), sealed);
  const partial = `${target}.part`;
  const file = await open(partial, 'w');
  try {
    const digests = await sealSegments(options, layout, partial);
    const after = await versionOf(source);
    if (after.changed !== before.changed || after.size !== before.size) {
      throw new DeliveryError('CONTENT_DIFFERS', 'the content changed while it was encrypted');
    }
    const manifest = options.sign(rootOf(entriesOf(digests)));
    await writeHead(file, { manifest, digests, layout, sealed });
    await file.datasync();
    await rename(partial, target);
    await flushFolder(dirname(target));
    return manifest;
  } catch (cause) {
    await rm(partial, { force: true });
    throw cause;
  } finally {
    await file.close();
  }
}

async function versionOf(file: string) {
  const { size, mtimeNs } = await stat(file, { bigint: true });
  return { size, changed: mtimeNs };
}

/** The digests of all segments, once they are in the file. */
async function sealSegments(options: FileToSeal, layout: Layout, partial: string): Promise<Uint8Array> {
  const { source, productKey, sealed } = options;
  const job: SealJob = {
    ...{ source, target: partial, base: layout.digests.end, cut: sealed, keys: segmentKeys(productKey, sealed) },
    next: new SharedArrayBuffer(4),
    digests: new SharedArrayBuffer(layout.segments * DIGEST_LENGTH),
  };
  const helper =
    sealed.length < WORTH_A_THREAD ? undefined : startThread(new URL('./seal-thread.ts', import.meta.url), job);
  try {
    await Promise.all([runSealLane(job), helper?.result]);
  } finally {
    await helper?.stop();
  }
  // A copy that belongs to this thread alone, which hash functions insist on.
  return new Uint8Array(job.digests).slice();
}

async function writeHead(
  file: FileHandle,
  parts: {
    readonly manifest: Uint8Array;
    readonly digests: Uint8Array;
    readonly layout: Layout;
    readonly sealed: Sealed;
  },
): Promise<void> {
  const { manifest, digests, layout, sealed } = parts;
  const { head, digests: place } = layoutOf(manifest, sealed);
  if (place.start !== layout.digests.start) throw new Error('a signed manifest changed its length with its root');
  await writeWholly(file, head, 0);
  await writeWholly(file, digests, place.start);
}

/** A new name, too, is to survive a power cut. */
export async function flushFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

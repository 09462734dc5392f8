/**
 * Opens a package with K2: decrypts it segment by segment into a file, and gives the digest of what came out, for comparison with the
 * signed description. A segment that does not open is told apart from one that was damaged on this side after it was checked.
 */
import { createHash, type DecipherGCM } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { TAG_LENGTH } from '../../crypto/sealing.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { isKeyOf, type Manifest } from '../message/manifest.ts';
import { throughCipher } from './cipher-pieces.ts';
import { tellWritten } from './digest-follower.ts';
import { startThread, WORTH_A_THREAD } from './helping-thread.ts';
import { contentSpan, DIGEST_LENGTH, type Layout, layoutOf, segmentSpan } from './layout.ts';
import { flushFolder } from './seal-file.ts';
import { decipherFor, doesNotOpen, keyObjectOf, segmentKeys } from './segment-cipher.ts';
import { readWholly, writeWholly } from './whole-reads.ts';

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
      const digest = await openSegments(options, { from, to, partial });
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
  readonly partial: string;
}

/** The content's digest is one long computation, longer than decrypting: a second thread follows with it. */
async function openSegments(options: PackageToOpen, files: Files): Promise<Uint8Array> {
  const { length } = options.manifest;
  if (length < WORTH_A_THREAD) {
    const hash = createHash('sha256');
    await decryptSegments(options, files, { seen: (piece) => void hash.update(piece), done: () => {} });
    return new Uint8Array(hash.digest());
  }
  const written = new SharedArrayBuffer(8);
  const followed = { file: files.partial, length, written };
  const follower = startThread<Uint8Array>(new URL('./digest-thread.ts', import.meta.url), followed);
  try {
    await decryptSegments(options, files, { done: (bytes) => tellWritten(written, bytes) });
    const digest = await follower.result;
    if (digest === undefined) throw new Error('the digest of the content was not told');
    return digest;
  } finally {
    tellWritten(written, -1);
    await follower.stop();
  }
}

interface Progress {
  readonly seen?: (piece: Uint8Array) => void;
  /** So many bytes of the content are written. */
  readonly done: (bytes: number) => void;
}

async function decryptSegments(options: PackageToOpen, { from, to }: Files, { seen, done }: Progress): Promise<void> {
  const { manifest, productKey, signal } = options;
  const layout = layoutOf(options.bytes, manifest);
  const keys = segmentKeys(productKey, manifest);
  const key = keyObjectOf(keys);
  const longest = Math.min(manifest.segmentLength, manifest.length);
  const buffers = [0, 1].map(() => ({
    sealed: Buffer.allocUnsafeSlow(longest + TAG_LENGTH),
    content: Buffer.allocUnsafeSlow(longest),
  }));
  const read = async (number: number) => {
    const { start, end } = segmentSpan(number, manifest, layout);
    const sealed = buffers[number % 2]!.sealed.subarray(0, end - start);
    await readWholly(from, sealed, start);
    return sealed;
  };
  let writing = Promise.resolve();
  let reading = read(0);
  try {
    for (let number = 0; number < layout.segments; number++) {
      signal?.throwIfAborted();
      const sealed = await reading;
      const { start, end } = contentSpan(number, manifest);
      const content = buffers[number % 2]!.content.subarray(0, end - start);
      // The next one is read while this one is decrypted and the one before is written.
      if (number + 1 < layout.segments) reading = read(number + 1);
      const decipher = decipherFor(number, keys, key);
      decipher.setAuthTag(sealed.subarray(content.length));
      throughCipher(decipher, sealed.subarray(0, content.length), content, seen);
      if (!isAuthentic(decipher)) {
        await requireUndamaged(sealed, number, { from, layout });
        throw doesNotOpen(number);
      }
      await writing;
      writing = writeWholly(to, content, start).then(() => done(end));
    }
    await writing;
  } finally {
    await Promise.allSettled([reading, writing]); // nobody closes the files under them
  }
}

function isAuthentic(decipher: DecipherGCM): boolean {
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
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

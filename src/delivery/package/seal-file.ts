/**
 * Makes a package file out of a content file, once for all buyers (US 09/718,411: "all products may be pre-ciphered and pre-signed").
 * Any size in constant memory: while one segment is hashed and written on Node's threads, the next is read and encrypted.
 */
import { webcrypto } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TAG_LENGTH } from '../../crypto/sealing.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { throughCipher } from './cipher-pieces.ts';
import { contentSpan, DIGEST_LENGTH, type Layout, layoutOf, segmentSpan } from './layout.ts';
import { entriesOf, rootOf } from './merkle-tree.ts';
import { cipherFor, keyObjectOf, type Sealed, segmentKeys } from './segment-cipher.ts';
import { readWholly, writeWholly } from './whole-reads.ts';

/** Segments under way at one time. */
const IN_FLIGHT = 2;

export interface FileToSeal {
  readonly source: string;
  /** The package: there as a whole, or not at all. */
  readonly target: string;
  readonly productKey: Uint8Array;
  readonly sealed: Sealed;
  /** Signs the manifest over this root. Its length must not depend on the root: it is asked for once before there is one. */
  readonly sign: (root: Uint8Array) => Uint8Array;
  /** Told of each segment how many bytes of content are done. */
  readonly onSealed?: (bytes: number) => void;
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
    const digests = await sealSegments(options, file, layout);
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
async function sealSegments(
  { source, productKey, sealed: cut, onSealed }: FileToSeal,
  target: FileHandle,
  layout: Layout,
): Promise<Uint8Array> {
  const digests = new Uint8Array(layout.segments * DIGEST_LENGTH);
  const keys = segmentKeys(productKey, cut);
  const key = keyObjectOf(keys);
  const longest = Math.min(cut.segmentLength, cut.length);
  let next = 0;
  let done = 0;

  const sealWhatIsLeft = async (from: FileHandle) => {
    const content = Buffer.allocUnsafeSlow(longest);
    const sealed = Buffer.allocUnsafeSlow(longest + TAG_LENGTH);
    while (next < layout.segments) {
      const number = next++;
      const { start, end } = contentSpan(number, cut);
      const length = end - start;
      await readWholly(from, content.subarray(0, length), start);
      const cipher = cipherFor(number, keys, key);
      throughCipher(cipher, content.subarray(0, length), sealed);
      cipher.final(); // makes the tag; GCM holds nothing back
      sealed.set(cipher.getAuthTag(), length);
      const whole = sealed.subarray(0, length + TAG_LENGTH);
      const [digest] = await Promise.all([
        webcrypto.subtle.digest('SHA-256', whole),
        writeWholly(target, whole, segmentSpan(number, cut, layout).start),
      ]);
      digests.set(new Uint8Array(digest), number * DIGEST_LENGTH);
      done += length;
      onSealed?.(done);
    }
  };
  const from = await open(source, 'r');
  try {
    const lanes = Array.from({ length: IN_FLIGHT }, () => sealWhatIsLeft(from));
    // None may use the files after the other has failed.
    await Promise.allSettled(lanes);
    await Promise.all(lanes);
  } finally {
    await from.close();
  }
  return digests;
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

/** One of several lanes that encrypt and hash the segments of a file side by side, each taking the next segment nobody has taken. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { TAG_LENGTH } from '../../crypto/sealing.ts';
import { throughCipher } from './cipher-pieces.ts';
import { type Cut, contentSpan, DIGEST_LENGTH } from './layout.ts';
import { cipherFor, keyObjectOf, type SegmentKeys } from './segment-cipher.ts';
import { readWholly, writeWholly } from './whole-reads.ts';

/** Plain data and shared memory: lanes run on several threads. */
export interface SealJob {
  readonly source: string;
  readonly target: string;
  /** Where the segments begin in the target. */
  readonly base: number;
  readonly cut: Cut;
  readonly keys: SegmentKeys;
  /** One number: the next segment to take. */
  readonly next: SharedArrayBuffer;
  /** The digest of each segment, put here by whoever sealed it. */
  readonly digests: SharedArrayBuffer;
}

/** While one segment is read or written, another is encrypted. */
const IN_FLIGHT = 2;

/** Works until no segment is left. */
export async function runSealLane(job: SealJob): Promise<void> {
  const source = await open(job.source, 'r');
  try {
    const target = await open(job.target, 'r+');
    try {
      await Promise.all(Array.from({ length: IN_FLIGHT }, () => sealWhatIsLeft(job, { source, target })));
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function sealWhatIsLeft(job: SealJob, files: { readonly source: FileHandle; readonly target: FileHandle }) {
  const { cut, keys, base } = job;
  const next = new Int32Array(job.next);
  const digests = new Uint8Array(job.digests);
  const key = keyObjectOf(keys);
  const longest = Math.min(cut.segmentLength, cut.length);
  const content = Buffer.allocUnsafeSlow(longest);
  const sealed = Buffer.allocUnsafeSlow(longest + TAG_LENGTH);
  for (let number = take(next); number < keys.segments; number = take(next)) {
    const { start, end } = contentSpan(number, cut);
    const length = end - start;
    await readWholly(files.source, content.subarray(0, length), start);

    const cipher = cipherFor(number, keys, key);
    const hash = createHash('sha256');
    throughCipher(cipher, content.subarray(0, length), sealed, (piece) => hash.update(piece));
    cipher.final(); // makes the tag; GCM holds nothing back
    const tag = cipher.getAuthTag();
    sealed.set(tag, length);
    digests.set(hash.update(tag).digest(), number * DIGEST_LENGTH);

    await writeWholly(files.target, sealed.subarray(0, length + TAG_LENGTH), base + start + number * TAG_LENGTH);
  }
}

function take(next: Int32Array): number {
  return Atomics.add(next, 0, 1);
}

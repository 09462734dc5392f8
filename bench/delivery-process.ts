/**
 * A process that does one thing to a file: makes a package of it or opens one, or does no more than the AES-GCM of that: by Node's own
 * streams (`stream-…`), or with the same reads and writes, segments under way and threads as packages have (`bare-…`). Tells how long it
 * took, and how much memory at the most.
 */
import { createCipheriv, createDecipheriv, createSecretKey, webcrypto } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { generateP256 } from '../src/crypto/signature.ts';
import { readMessage, signMessage } from '../src/crypto/signed-message.ts';
import { commitmentTo, manifestType } from '../src/delivery/message/manifest.ts';
import { giveBack, throughCipher } from '../src/delivery/package/cipher-pieces.ts';
import { openFile } from '../src/delivery/package/open-file.ts';
import { manifestOfFile } from '../src/delivery/package/package-file.ts';
import { sealFile } from '../src/delivery/package/seal-file.ts';
import { readWholly, writeWholly } from '../src/delivery/package/whole-reads.ts';

type Act = 'make' | 'open' | 'bare-make' | 'bare-open' | 'stream-make' | 'stream-open';

const [act, source, target] = process.argv.slice(2) as [Act, string, string];
const productKey = new Uint8Array(32).fill(7);
const identity = { merchant: 'bench', product: 'file' };
const SEGMENT = 1024 * 1024;
const TAG = 16;

const before = process.memoryUsage.rss();
const start = performance.now();
const acts = { make, open: opening, 'bare-make': bareMake, 'bare-open': bareOpen };
await { ...acts, 'stream-make': streamMake, 'stream-open': streamOpen }[act]();
const seconds = (performance.now() - start) / 1000;
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ seconds, beforeMb: before / 1e6, peakMb: peak / 1e6 }));

async function make(): Promise<void> {
  const sealed = {
    ...{ ...identity, length: statSync(source).size, segmentLength: SEGMENT },
    noncePrefix: new Uint8Array(7),
  };
  const { privateKey } = generateP256();
  const rest = { mediaType: 'application/octet-stream', commitment: commitmentTo(productKey, identity), atMs: 0 };
  const sign = (root: Uint8Array) =>
    signMessage(manifestType, { ...sealed, ...rest, root, description: root }, { privateKey });
  await sealFile({ source, target, productKey, sealed, sign });
}

async function opening(): Promise<void> {
  const bytes = await manifestOfFile(source);
  await openFile({ source, target, bytes, manifest: readMessage(manifestType, bytes).value, productKey });
}

/** Two segments under way: one is written while the next is read and encrypted, as in making a package. */
async function bareMake(): Promise<void> {
  const key = createSecretKey(productKey);
  const size = statSync(source).size;
  await inLanes(2, Math.ceil(size / SEGMENT), ({ from, to }) => {
    const content = Buffer.allocUnsafeSlow(SEGMENT);
    const sealed = Buffer.allocUnsafeSlow(SEGMENT + TAG);
    return async (number) => {
      const length = Math.min(SEGMENT, size - number * SEGMENT);
      await readWholly(from, content.subarray(0, length), number * SEGMENT);
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number), { authTagLength: TAG });
      throughCipher(cipher, content.subarray(0, length), sealed);
      cipher.final();
      sealed.set(cipher.getAuthTag(), length);
      await writeWholly(to, sealed.subarray(0, length + TAG), number * (SEGMENT + TAG));
    };
  });
}

/** Three under way on Node's threads, as in opening a package. */
async function bareOpen(): Promise<void> {
  const key = await webcrypto.subtle.importKey('raw', productKey, 'AES-GCM', false, ['decrypt']);
  const size = statSync(source).size;
  await inLanes(3, Math.ceil(size / (SEGMENT + TAG)), ({ from, to }) => {
    const sealed = Buffer.allocUnsafeSlow(SEGMENT + TAG);
    return async (number) => {
      const length = Math.min(SEGMENT + TAG, size - number * (SEGMENT + TAG));
      await readWholly(from, sealed.subarray(0, length), number * (SEGMENT + TAG));
      const parameters = { name: 'AES-GCM', iv: nonceOf(number) };
      const content = new Uint8Array(await webcrypto.subtle.decrypt(parameters, key, sealed.subarray(0, length)));
      await writeWholly(to, content, number * SEGMENT);
      giveBack(content);
    };
  });
}

/** As anybody would write it: one encryption of it all, in Node's streams. */
async function streamMake(): Promise<void> {
  const cipher = createCipheriv('aes-256-gcm', productKey, nonceOf(0), { authTagLength: TAG });
  await throughStream(cipher, statSync(source).size);
  const to = await open(target, 'a');
  await to.write(cipher.getAuthTag());
  await to.datasync();
  await to.close();
}

async function streamOpen(): Promise<void> {
  const size = statSync(source).size - TAG;
  const from = await open(source, 'r');
  const tag = new Uint8Array(TAG);
  await readWholly(from, tag, size);
  await from.close();
  const decipher = createDecipheriv('aes-256-gcm', productKey, nonceOf(0), { authTagLength: TAG }).setAuthTag(tag);
  await throughStream(decipher, size);
  const to = await open(target, 'r+');
  await to.datasync();
  await to.close();
}

async function throughStream(cipher: Transform, size: number): Promise<void> {
  const chunk = { highWaterMark: 262_144 };
  await pipeline(createReadStream(source, { ...chunk, end: size - 1 }), cipher, createWriteStream(target, chunk));
}

function nonceOf(number: number): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, number);
  return nonce;
}

async function inLanes(
  lanes: number,
  segments: number,
  lane: (files: { readonly from: FileHandle; readonly to: FileHandle }) => (number: number) => Promise<void>,
): Promise<void> {
  const from = await open(source, 'r');
  const to = await open(target, 'w');
  let next = 0;
  const work = async () => {
    const one = lane({ from, to });
    while (next < segments) await one(next++);
  };
  await Promise.all(Array.from({ length: lanes }, work));
  await to.datasync();
  await from.close();
  await to.close();
}

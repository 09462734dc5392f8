/** A process that does nothing but make a package of a file, or open one, and tells how much memory that took at the most. */
import { statSync } from 'node:fs';
import { generateP256 } from '../src/crypto/signature.ts';
import { readMessage, signMessage } from '../src/crypto/signed-message.ts';
import { commitmentTo, manifestType } from '../src/delivery/message/manifest.ts';
import { openFile } from '../src/delivery/package/open-file.ts';
import { manifestOfFile } from '../src/delivery/package/package-file.ts';
import { sealFile } from '../src/delivery/package/seal-file.ts';

const [act, source, target] = process.argv.slice(2) as ['make' | 'open', string, string];
const productKey = new Uint8Array(32).fill(7);
const identity = { merchant: 'bench', product: 'file' };
const before = process.memoryUsage.rss();

if (act === 'make') {
  const sealed = {
    ...identity,
    length: statSync(source).size,
    segmentLength: 1024 * 1024,
    noncePrefix: new Uint8Array(7),
  };
  const { privateKey } = generateP256();
  const rest = { mediaType: 'application/octet-stream', commitment: commitmentTo(productKey, identity), atMs: 0 };
  const sign = (root: Uint8Array) =>
    signMessage(manifestType, { ...sealed, ...rest, root, description: root }, { privateKey });
  await sealFile({ source, target, productKey, sealed, sign });
} else {
  const bytes = await manifestOfFile(source);
  await openFile({ source, target, bytes, manifest: readMessage(manifestType, bytes).value, productKey });
}
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ beforeMb: before / 1e6, peakMb: peak / 1e6 }));

/** Packages in files and in memory, made by the real maker. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { commitmentTo, type Manifest, manifestType } from '../../../src/delivery/message/manifest.ts';
import { sealFile } from '../../../src/delivery/package/seal-file.ts';
import { person } from '../people.ts';

export interface MadePackage {
  readonly source: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly productKey: Uint8Array;
}

export function newFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-package-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const ada = person('ada', 'merchant');

export async function makePackage(
  folder: string,
  content: Uint8Array,
  options: { readonly segmentLength?: number; readonly name?: string; readonly source?: string } = {},
): Promise<MadePackage> {
  const { segmentLength = 256, name = 'thing' } = options;
  const source = options.source ?? join(folder, name);
  if (options.source === undefined) writeFileSync(source, content);
  const file = join(folder, `${name}.package`);
  const productKey = systemRandom(32);
  const identity = { merchant: 'ada', product: name };
  const sealed = { ...identity, length: content.length, segmentLength, noncePrefix: systemRandom(7) };
  const rest = {
    description: sha256(content),
    mediaType: 'text/plain',
    commitment: commitmentTo(productKey, identity),
    atMs: 1,
  };
  const sign = (root: Uint8Array) => signMessage(manifestType, { ...sealed, ...rest, root }, ada);
  const bytes = await sealFile({ source, target: file, productKey, sealed, sign });
  return { source, file, bytes, manifest: readMessage(manifestType, bytes).value, productKey };
}

/** What is sold in the world: honest goods, and goods a merchant lies about; all real packages, held in memory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { linkOf, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import type { SegmentEvidence } from '../../../src/delivery/message/complaint.ts';
import { DeliveryError } from '../../../src/delivery/message/delivery-error.ts';
import { descriptionType } from '../../../src/delivery/message/description.ts';
import { commitmentTo, type Manifest, manifestType } from '../../../src/delivery/message/manifest.ts';
import { layoutOf, segmentSpan } from '../../../src/delivery/package/layout.ts';
import { pathTo } from '../../../src/delivery/package/merkle-tree.ts';
import { openSegment, segmentKeys } from '../../../src/delivery/package/segment-cipher.ts';
import { packProduct } from '../../../src/delivery/sender/make-package.ts';
import { newFolder } from '../package/package-fixture.ts';
import { person } from '../people.ts';

/**
 * `flaky` arrives wrong twice and then right; `spoiled` never arrives right; `locked` is not encrypted under the key its manifest commits
 * to; `other` is not what its description states.
 */
export const productNames = ['good', 'flaky', 'spoiled', 'locked', 'other'] as const;
export type ProductName = (typeof productNames)[number];

export interface Product {
  readonly name: ProductName;
  readonly description: Uint8Array;
  readonly manifestBytes: Uint8Array;
  readonly manifest: Manifest;
  readonly package: string;
  /** The K2 that is lodged and released. */
  readonly productKey: Uint8Array;
  readonly file: Uint8Array;
  readonly content: Uint8Array;
}

const madeMs = 1_699_000_000_000;

async function makeProduct(folder: string, name: ProductName): Promise<Product> {
  const ada = person('ada', 'merchant');
  const content = systemRandom(150);
  const source = join(folder, name);
  writeFileSync(source, content);
  const target = `${source}.package`;
  const packed = await packProduct({
    ...{ source, target, merchant: 'ada', signer: ada, product: name, name, text: '', mediaType: 'text/plain' },
    ...{ segmentLength: 64, nowMs: madeMs, random: systemRandom },
  });
  const said = readMessage(descriptionType, packed.description).value;
  const stated = name === 'other' ? systemRandom(32) : said.content;
  const description = signMessage(descriptionType, { ...said, content: stated }, ada);
  const productKey = name === 'locked' ? systemRandom(32) : packed.productKey;
  const made = readMessage(manifestType, packed.manifest).value;
  const manifest = { ...made, description: linkOf(description), commitment: commitmentTo(productKey, made) };
  const manifestBytes = signMessage(manifestType, manifest, ada);
  const file = new Uint8Array(readFileSync(target));
  file.set(manifestBytes, 12);
  return {
    name,
    description,
    manifestBytes,
    manifest,
    package: toHex(linkOf(manifestBytes)),
    productKey,
    file,
    content,
  };
}

export async function makeProducts(): Promise<ReadonlyMap<string, Product>> {
  const { folder, remove } = newFolder();
  const products = await Promise.all(productNames.map((name) => makeProduct(folder, name)));
  remove();
  return new Map(products.map((product) => [product.package, product]));
}

/** As `openFile` does it with files. */
export function openProduct(
  { file, manifest, manifestBytes }: Product,
  productKey: Uint8Array,
): { readonly content: Uint8Array } | { readonly segment: SegmentEvidence } {
  const layout = layoutOf(manifestBytes, manifest);
  const keys = segmentKeys(productKey, manifest);
  const opened: Uint8Array[] = [];
  for (let number = 0; number < layout.segments; number++) {
    const { start, end } = segmentSpan(number, manifest, layout);
    const bytes = file.slice(start, end);
    try {
      opened.push(openSegment(bytes, number, keys));
    } catch (cause) {
      if (!(cause instanceof DeliveryError)) throw cause;
      const table = file.subarray(layout.digests.start, layout.digests.end);
      return { segment: { number, path: pathTo(number, table), bytes } };
    }
  }
  return { content: sha256(Buffer.concat(opened)) };
}

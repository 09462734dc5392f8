/**
 * Makes the documents and the package of a product, once for all its buyers (ERI-I). A changed content is another edition: with another
 * product name, another K2, and a package of its own.
 */
import type { Random } from '../../crypto/random.ts';
import { linkOf, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { type Description, descriptionType } from '../message/description.ts';
import {
  commitmentTo,
  LARGEST_SEGMENT,
  manifestType,
  NONCE_PREFIX_LENGTH,
  PRODUCT_KEY_LENGTH,
} from '../message/manifest.ts';
import { contentOf, type StatedContent } from '../package/content-digest.ts';
import { sealFile } from '../package/seal-file.ts';

export interface ProductToPack {
  /** The content, and the package that becomes of it. */
  readonly source: string;
  readonly target: string;
  readonly merchant: string;
  readonly signer: Signer;
  readonly product: string;
  readonly name: string;
  readonly text: string;
  readonly mediaType: string;
  /** Bytes of content a segment holds, 64 to 1,048,576; default the most. */
  readonly segmentLength?: number;
  readonly nowMs: number;
  readonly random: Random;
  /** Of the source as it was just read; read once more where it is not given. */
  readonly stated?: StatedContent;
  /** Told of each segment how many bytes of content are encrypted. */
  readonly onSealed?: (bytes: number) => void;
}

export interface PackedProduct {
  /** Signed. */
  readonly description: Uint8Array;
  readonly manifest: Uint8Array;
  /** SHA-256 of the signed manifest. */
  readonly package: Uint8Array;
  /** K2: secret. */
  readonly productKey: Uint8Array;
}

/** @throws DeliveryError `CONTENT_DIFFERS` when the content changes meanwhile, `PACKAGE_MALFORMED` when it has too many segments */
export async function packProduct(options: ProductToPack): Promise<PackedProduct> {
  const { product, merchant, mediaType, signer, random, source, target } = options;
  const stated = options.stated ?? (await contentOf(source));
  const said: Description = {
    ...{ product, merchant, mediaType, name: options.name, text: options.text },
    ...stated,
    atMs: options.nowMs,
  };
  const description = signMessage(descriptionType, said, signer);
  const productKey = random(PRODUCT_KEY_LENGTH);
  const sealed = {
    ...{ product, merchant, length: stated.length },
    segmentLength: options.segmentLength ?? LARGEST_SEGMENT,
    noncePrefix: random(NONCE_PREFIX_LENGTH),
  };
  const unrooted = {
    ...{ ...sealed, mediaType, description: linkOf(description), atMs: options.nowMs },
    commitment: commitmentTo(productKey, { merchant, product }),
  };
  const sign = (root: Uint8Array) => signMessage(manifestType, { ...unrooted, root }, signer);
  const { onSealed } = options;
  const manifest = await sealFile({ source, target, productKey, sealed, sign, ...(onSealed && { onSealed }) });
  return { description, manifest, package: linkOf(manifest), productKey };
}

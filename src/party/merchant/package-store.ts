/**
 * A merchant's packages on disk, each made once for all its buyers (ERI-I): the package file as web servers serve it, and beside it its
 * edition: the signed documents and K2, for the merchant's own eyes, by which a merchant that runs puts it on sale.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeCbor } from '../../codec/cbor.ts';
import { equalBytes, toHex, utf8 } from '../../codec/hex.ts';
import { bytes, digest, record, type Shaped } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal } from '../../crypto/sealing.ts';
import { decodeShape, encodeShape, type MessageType, readMessage, type Signer } from '../../crypto/signed-message.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { descriptionType } from '../../delivery/message/description.ts';
import { manifestType, PRODUCT_KEY_LENGTH } from '../../delivery/message/manifest.ts';
import { contentOf } from '../../delivery/package/content-digest.ts';
import { packProduct } from '../../delivery/sender/make-package.ts';
import { makeFolder } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';

const editionShape = record({
  description: bytes({ min: 1, max: descriptionType.maxBytes }),
  manifest: bytes({ min: 1, max: manifestType.maxBytes }),
  /** SHA-256 of the signed manifest: names the package, and its file. */
  package: digest(),
  productKey: bytes({ min: PRODUCT_KEY_LENGTH, max: PRODUCT_KEY_LENGTH }),
});
export type StoredEdition = Shaped<typeof editionShape>;
const editionType: MessageType<StoredEdition> = {
  name: 'stored-edition',
  shape: editionShape,
  maxBytes: descriptionType.maxBytes + manifestType.maxBytes + 1024,
};

/** Where a merchant keeps them. */
export interface PackageStore {
  readonly folder: string;
  /** Seals what holds K2; 32 bytes. */
  readonly key: Uint8Array;
}

export interface Goods {
  readonly file: string;
  readonly sku: string;
  readonly name: string;
  readonly text: string;
  readonly mediaType: string;
}

export interface PackingProgress {
  readonly phase: 'reading' | 'encrypting';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

const EDITION = '.edition';
const PACKAGE = '.package';

/** Files of a package, by the digest of its content or of its manifest, hexadecimal. */
export const editionFile = (folder: string, content: string) => join(folder, `${content}${EDITION}`);
export const packageFileName = (of: string) => `${of}${PACKAGE}`;
export const packageFileIn = (folder: string, of: string) => join(folder, packageFileName(of));

type Described = Omit<Goods, 'file'>;

/** The product's name for one edition: another content is another edition, and so is another description of it. */
export function productNameOf({ sku, name, text, mediaType }: Described, content: string): string {
  const described = toHex(sha256(encodeCbor([name, text, mediaType])));
  return `${sku.slice(0, 64)}@${content.slice(0, 24)}.${described.slice(0, 8)}`;
}

/** Whether an edition is of the goods as they are described now: whoever agreed to these would not take another. */
export function describes({ description }: StoredEdition, goods: Described): boolean {
  const said = readMessage(descriptionType, description).value;
  return said.product === productNameOf(goods, toHex(said.content));
}

const binding = (content: string) => utf8(`Handsel stored edition ${content}`);

/**
 * What is packed, by the digest of its content; undefined where nothing, or not all, is there.
 * @throws CryptographicError when it was sealed under another key
 */
export function readEdition({ folder, key }: PackageStore, content: string): StoredEdition | undefined {
  const file = editionFile(folder, content);
  if (!existsSync(file)) return undefined;
  const sealed = new Uint8Array(readFileSync(file));
  const edition = decodeShape(editionType, open({ key, sealed, associatedData: binding(content) }));
  return existsSync(packageFileIn(folder, toHex(edition.package))) ? edition : undefined;
}

export function storeEdition(
  { folder, key }: PackageStore,
  content: string,
  { edition, random }: { readonly edition: StoredEdition; readonly random: Random },
): void {
  const plaintext = encodeShape(editionType, edition);
  replaceFile(editionFile(folder, content), seal({ key, plaintext, associatedData: binding(content), random }));
}

/** Digests of the contents that are packed there, hexadecimal. */
export function packedContents({ folder }: PackageStore): readonly string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.edition$/.test(name));
  return names.map((name) => name.slice(0, -EDITION.length)).sort();
}

/**
 * Encrypts and signs goods of any size in constant memory; what is packed already, and described alike, stays as it is. A crash leaves at most a file that the
 * next attempt writes over.
 * @throws DeliveryError `CONTENT_DIFFERS` when they are not, or do not stay, as expected, `PACKAGE_MALFORMED` when they are too large
 */
export async function packGoods(
  goods: Goods,
  options: PackageStore & {
    readonly merchant: string;
    readonly signer: Signer;
    readonly nowMs: number;
    readonly random: Random;
    /** The digest the goods should have. */
    readonly expected?: Uint8Array;
    readonly onProgress?: (progress: PackingProgress) => void;
  },
): Promise<{
  readonly content: string;
  readonly lengthBytes: number;
  readonly edition: StoredEdition;
  readonly made: boolean;
}> {
  const { folder, merchant, signer, nowMs, random, expected, onProgress } = options;
  makeFolder(folder);
  const { file: source, name, text, mediaType } = goods;
  const totalBytes = (await stat(source)).size;
  const stated = await contentOf(source, (doneBytes) => onProgress?.({ phase: 'reading', doneBytes, totalBytes }));
  if (expected !== undefined && !equalBytes(stated.content, expected)) {
    throw new DeliveryError('CONTENT_DIFFERS', `${source} was changed since it was described`);
  }
  const content = toHex(stated.content);
  const lengthBytes = stated.length;
  const known = readEdition(options, content);
  if (known !== undefined && describes(known, goods)) return { content, lengthBytes, edition: known, made: false };
  const target = join(folder, `.${content}.packing`);
  try {
    const edition = await packProduct({
      ...{ source, target, merchant, signer, name, text, mediaType, nowMs, random, stated },
      product: productNameOf(goods, content),
      onSealed: (doneBytes) => onProgress?.({ phase: 'encrypting', doneBytes, totalBytes }),
    });
    await rename(target, packageFileIn(folder, toHex(edition.package)));
    // Last: without the key the package is nobody's.
    storeEdition(options, content, { edition, random });
    return { content, lengthBytes, edition, made: true };
  } finally {
    await rm(target, { force: true });
  }
}

/** Whether this can name a content or a package. */
export const isDigest = (text: string) => /^[0-9a-f]{64}$/.test(text);

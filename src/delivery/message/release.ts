/** K2 under K1 (US 09/718,411, claim 26): "the first encryption key (K2) is encrypted with the second key (K1) before [it] is sent". */
import { encodeCbor } from '../../codec/cbor.ts';
import { equalBytes } from '../../codec/hex.ts';
import { bytes, digest, oneOf, record, type Shaped, timeMs } from '../../codec/shape.ts';
import type { Random } from '../../crypto/random.ts';
import { NONCE_LENGTH, open, seal, TAG_LENGTH } from '../../crypto/sealing.ts';
import { type MessageType, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { DeliveryError } from './delivery-error.ts';
import { CHAIN_BYTES, orderDigest, packageDigest, partyName } from './identity.ts';
import { isKeyOf, type Manifest, PRODUCT_KEY_LENGTH } from './manifest.ts';
import type { Signed } from './signed-by.ts';

const SEALED_LENGTH = NONCE_LENGTH + PRODUCT_KEY_LENGTH + TAG_LENGTH;

/** Merchant, trustee or arbiter → customer. Signed by whoever releases. */
const releaseShape = record({
  order: orderDigest,
  /** SHA-256 of the signed accept it is for. */
  accept: digest(),
  package: packageDigest,
  role: oneOf('merchant', 'trustee', 'arbiter'),
  by: partyName,
  /** K2 under K1. */
  key: bytes({ min: SEALED_LENGTH, max: SEALED_LENGTH }),
  atMs: timeMs(),
});
export type Release = Shaped<typeof releaseShape>;
export const releaseType: MessageType<Release> = {
  name: 'delivery-release',
  shape: releaseShape,
  maxBytes: 1024 + CHAIN_BYTES,
};

/** What a release is of: bound into its encryption. */
export type ReleaseOf = Pick<Release, 'order' | 'accept' | 'package'>;

const binding = ({ order, accept, package: of }: ReleaseOf) => encodeCbor(['Handsel release', order, accept, of]);

export function signRelease(
  released: ReleaseOf & Pick<Release, 'role' | 'by' | 'atMs'>,
  keys: {
    readonly orderKey: Uint8Array;
    readonly productKey: Uint8Array;
    readonly signer: Signer;
    readonly random: Random;
  },
): Uint8Array {
  const { orderKey, productKey, signer, random } = keys;
  const key = seal({ key: orderKey, plaintext: productKey, associatedData: binding(released), random });
  return signMessage(releaseType, { ...released, key }, signer);
}

/**
 * K2, when the release holds it. Its signature is the caller's to check.
 * @throws DeliveryError `RELEASE_UNFIT` when it is of something else, does not open under K1, or holds another key than the manifest's
 */
export function openRelease(
  { value: release }: Pick<Signed<Release>, 'value'>,
  expected: ReleaseOf & { readonly orderKey: Uint8Array; readonly manifest: Manifest },
): Uint8Array {
  const same = equalBytes(release.order, expected.order) && equalBytes(release.accept, expected.accept);
  if (!same || !equalBytes(release.package, expected.package)) throw unfit('the release is for another acceptance');
  let productKey: Uint8Array;
  try {
    productKey = open({ key: expected.orderKey, sealed: release.key, associatedData: binding(release) });
  } catch (cause) {
    throw unfit('the release does not open under the key of the order', cause);
  }
  if (!isKeyOf(productKey, expected.manifest)) throw unfit('what was released is not the key the manifest commits to');
  return productKey;
}

const unfit = (message: string, cause?: unknown) => new DeliveryError('RELEASE_UNFIT', message, { cause });

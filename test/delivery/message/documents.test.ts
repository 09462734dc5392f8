/** What is signed about a purchase belongs together, or is refused, one check after the other. */
import { Sign1 } from '@auth0/cose';
import { describe, expect, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { acceptType, readAcceptance } from '../../../src/delivery/message/acceptance.ts';
import { sealKey, unsealKey } from '../../../src/delivery/message/custody.ts';
import { descriptionType } from '../../../src/delivery/message/description.ts';
import { commitmentTo, isKeyOf, manifestType } from '../../../src/delivery/message/manifest.ts';
import { readOffer } from '../../../src/delivery/message/offer.ts';
import { isOrderKey, orderKeyDigest, orderType } from '../../../src/delivery/message/order.ts';
import { openRelease, releaseType, signRelease } from '../../../src/delivery/message/release.ts';
import { identifyAll } from '../people.ts';
import {
  ada,
  bob,
  type Changes,
  carl,
  dora,
  makeAcceptance,
  makeOffer,
  NOW,
  orderKey,
  productKey,
  tess,
  tom,
} from './documents-fixture.ts';

const coded = (code: string) => expect.objectContaining({ code });
const offered = (changes: Changes) => readOffer(makeOffer(changes), identifyAll);
const accepted = (changes: Changes) => readAcceptance(makeAcceptance(changes), identifyAll);

describe('what is signed', () => {
  test('is verified by a COSE library we did not write', async () => {
    const offer = makeOffer();
    const acceptance = makeAcceptance();
    for (const [bytes, { publicKey }] of [
      [offer.description, ada],
      [offer.manifest, ada],
      [offer.custody, tess],
      [acceptance.order, carl],
      [acceptance.passedKey, tess],
      [acceptance.accept, carl],
    ] as const) {
      await expect(Sign1.decode(bytes).verify(publicKey)).resolves.toBeUndefined();
      await expect(Sign1.decode(bytes).verify(dora.publicKey)).rejects.toThrow();
    }
  });
});

describe('an offer', () => {
  test('of one merchant, one product, and a receipt for its key is taken', () => {
    const { description, manifest, custody } = offered({});
    expect([description.value.product, manifest.signer.name, custody.value.trustee]).toEqual(['song', 'ada', 'tess']);
  });

  test.each<[string, Changes]>([
    ['description and package of different products', { description: { product: 'film' } }],
    ['a manifest for another description', { manifest: { description: systemRandom(32) } }],
    ['another length', { description: { length: 99 } }],
    ['another media type', { manifest: { mediaType: 'video/mp4' } }],
    ['a description of another merchant', { signers: { description: bob }, description: { merchant: 'bob' } }],
    ['a document that names another merchant than signed it', { description: { merchant: 'bob' } }],
    ['a manifest that names another merchant than signed it', { manifest: { merchant: 'bob' } }],
    ['a receipt for another package', { custody: { package: systemRandom(32) } }],
    ['a receipt for another key', { custody: { commitment: systemRandom(32) } }],
    ['a receipt for another product', { custody: { product: 'film' } }],
    ['a receipt of another trustee than signed it', { signers: { custody: tom } }],
  ])('with %s is refused', (_, changes) => {
    expect(() => offered(changes)).toThrow(coded('OFFER_UNFIT'));
  });

  test.each<[string, Changes]>([
    ['a customer signed as the merchant', { signers: { manifest: carl } }],
    ['the merchant signed as the trustee', { signers: { custody: ada } }],
  ])('where %s is refused', (_, changes) => {
    expect(() => offered(changes)).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
  });

  test('altered in one byte of any document is refused', () => {
    const offer = makeOffer();
    for (const part of ['description', 'manifest', 'custody'] as const) {
      const altered = offer[part].slice();
      altered[altered.length >> 1]! ^= 1;
      expect(() => readOffer({ ...offer, [part]: altered }, identifyAll), part).toThrow();
    }
  });
});

describe('an acceptance', () => {
  test('of an order that merchant and trustee signed for is taken', () => {
    const { order, accept, taken, handover } = accepted({});
    expect([order.signer.name, taken.signer.name]).toEqual(['carl', 'ada']);
    expect(accept.value.package).toEqual(order.value.package);
    expect(unsealKey(handover.value.key, { privateKey: ada.privateKey, binding: order.digest })).toEqual(orderKey);
  });

  test.each<[string, Changes]>([
    ['that is for another order', { accept: { order: systemRandom(32) } }],
    ['of another package than was ordered', { accept: { package: systemRandom(32) } }],
    ['after the deadline', { accept: { atMs: NOW + 60_001 } }],
    ['of an order the merchant did not take', { taken: { order: systemRandom(32) } }],
    ['of an order another merchant took', { signers: { taken: bob } }],
    ['with the key of another order', { handover: { order: systemRandom(32) } }],
    ['with another key', { handover: { keyDigest: systemRandom(32) } }],
    ['with a key handed over for another merchant', { handover: { merchant: 'bob' } }],
    ['with a key that another trustee passed on', { signers: { passed: tom } }],
  ])('%s is refused', (_, changes) => {
    expect(() => accepted(changes)).toThrow(coded('ACCEPTANCE_UNFIT'));
  });

  test('at the very deadline is in time', () => {
    expect(accepted({ accept: { atMs: NOW + 60_000 } }).accept.value.atMs).toBe(NOW + 60_000);
  });

  test.each<[string, Changes]>([
    ['another customer signed the accept', { signers: { accept: dora } }],
    ['another customer handed the key over', { signers: { handover: dora } }],
    ['the customer signed for the merchant', { signers: { taken: carl } }],
    ['the customer signed for the trustee', { signers: { passed: carl } }],
    ['a merchant ordered', { signers: { order: ada } }],
  ])('where %s is refused', (_, changes) => {
    expect(() => accepted(changes)).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
  });

  test('one kind of document never passes for another', () => {
    const { order, accept } = makeAcceptance();
    expect(() => readMessage(acceptType, order)).toThrow(coded('MESSAGE_OF_ANOTHER_KIND'));
    expect(() => readMessage(orderType, accept)).toThrow(coded('MESSAGE_OF_ANOTHER_KIND'));
    expect(() => readMessage(manifestType, makeOffer().description)).toThrow(coded('MESSAGE_OF_ANOTHER_KIND'));
    expect(() => readMessage(descriptionType, makeOffer().manifest)).toThrow(coded('MESSAGE_OF_ANOTHER_KIND'));
  });
});

describe('keys', () => {
  test('are committed to for one product of one merchant', () => {
    const manifest = readMessage(manifestType, makeOffer().manifest).value;
    expect(isKeyOf(productKey, manifest)).toBe(true);
    expect(isKeyOf(systemRandom(32), manifest)).toBe(false);
    expect(isKeyOf(productKey.subarray(1), manifest)).toBe(false);
    expect(isKeyOf(productKey, { ...manifest, product: 'film' })).toBe(false);
    expect(isKeyOf(productKey, { ...manifest, merchant: 'bob' })).toBe(false);
    expect(commitmentTo(productKey, { merchant: 'ad', product: 'asong' })).not.toEqual(manifest.commitment);
  });

  test('of an order are known by their digest', () => {
    expect(isOrderKey(orderKey, { keyDigest: orderKeyDigest(orderKey) })).toBe(true);
    expect(isOrderKey(systemRandom(32), { keyDigest: orderKeyDigest(orderKey) })).toBe(false);
    expect(isOrderKey(new Uint8Array(), { keyDigest: orderKeyDigest(new Uint8Array()) })).toBe(false);
  });

  test('sealed to somebody for something open to him, and for that, only', () => {
    const binding = systemRandom(32);
    const sealed = sealKey(productKey, { recipient: tess.publicKey, binding, random: systemRandom });
    expect(unsealKey(sealed, { privateKey: tess.privateKey, binding })).toEqual(productKey);
    for (const other of [
      { privateKey: tom.privateKey, binding },
      { privateKey: tess.privateKey, binding: systemRandom(32) },
    ]) {
      expect(() => unsealKey(sealed, other)).toThrow(coded('CRYPTOGRAPHIC_FAILURE'));
    }
  });
});

describe('a release', () => {
  const manifest = readMessage(manifestType, makeOffer().manifest).value;
  const of = { order: systemRandom(32), accept: systemRandom(32), package: systemRandom(32) };
  const released = (key = productKey) =>
    readMessage(
      releaseType,
      signRelease(
        { ...of, role: 'merchant', by: 'ada', atMs: NOW },
        { orderKey, productKey: key, signer: ada, random: systemRandom },
      ),
    );

  test('opens under K1, for what it was made for', () => {
    expect(openRelease(released(), { ...of, orderKey, manifest })).toEqual(productKey);
  });

  test('for another accept, order or package, under another K1, or of another K2 is refused', () => {
    for (const change of [
      { order: systemRandom(32) },
      { accept: systemRandom(32) },
      { package: systemRandom(32) },
      { orderKey: systemRandom(32) },
    ]) {
      expect(() => openRelease(released(), { ...of, orderKey, manifest, ...change })).toThrow(coded('RELEASE_UNFIT'));
    }
    expect(() => openRelease(released(systemRandom(32)), { ...of, orderKey, manifest })).toThrow(
      coded('RELEASE_UNFIT'),
    );
  });

  test('moved to another accept does not open: the accept is inside its encryption', () => {
    const { value } = released();
    const moved = { value: { ...value, accept: systemRandom(32) } };
    expect(() => openRelease(moved, { ...of, accept: moved.value.accept, orderKey, manifest })).toThrow(
      coded('RELEASE_UNFIT'),
    );
  });
});

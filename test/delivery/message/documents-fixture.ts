/** Everything signed about one purchase, made without machines; `changes` are what a liar would sign instead. */
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { linkOf, signMessage } from '../../../src/crypto/signed-message.ts';
import { type Accept, type Acceptance, acceptType } from '../../../src/delivery/message/acceptance.ts';
import { type CustodyReceipt, custodyReceiptType, sealKey } from '../../../src/delivery/message/custody.ts';
import { type Description, descriptionType } from '../../../src/delivery/message/description.ts';
import {
  type Handover,
  handoverType,
  type PassedKey,
  passedKeyType,
} from '../../../src/delivery/message/key-handover.ts';
import { commitmentTo, type Manifest, manifestType } from '../../../src/delivery/message/manifest.ts';
import type { Offer } from '../../../src/delivery/message/offer.ts';
import {
  type Order,
  type OrderTaken,
  orderKeyDigest,
  orderTakenType,
  orderType,
} from '../../../src/delivery/message/order.ts';
import { person } from '../people.ts';

export const ada = person('ada', 'merchant');
export const bob = person('bob', 'merchant');
export const carl = person('carl', 'customer');
export const dora = person('dora', 'customer');
export const tess = person('tess', 'trustee');
export const tom = person('tom', 'trustee');

export const productKey = systemRandom(32);
export const orderKey = systemRandom(32);
export const NOW = 1_700_000_000_000;

export interface Changes {
  readonly description?: Partial<Description>;
  readonly manifest?: Partial<Manifest>;
  readonly custody?: Partial<CustodyReceipt>;
  readonly order?: Partial<Order>;
  readonly taken?: Partial<OrderTaken>;
  readonly handover?: Partial<Handover>;
  readonly passed?: Partial<PassedKey>;
  readonly accept?: Partial<Accept>;
  /** Who signs what, instead of whom it should be. */
  readonly signers?: Partial<
    Record<'description' | 'manifest' | 'custody' | 'order' | 'taken' | 'handover' | 'passed' | 'accept', typeof ada>
  >;
}

export function makeOffer({ signers = {}, ...changes }: Changes = {}): Offer {
  const named = { merchant: 'ada', product: 'song' };
  const content = sha256(new Uint8Array([7]));
  const description = signMessage(
    descriptionType,
    {
      ...named,
      name: 'Song',
      text: '',
      mediaType: 'audio/mpeg',
      length: 100,
      content,
      atMs: NOW,
      ...changes.description,
    },
    signers.description ?? ada,
  );
  const made: Manifest = {
    ...{ ...named, description: linkOf(description), mediaType: 'audio/mpeg', length: 100, segmentLength: 64 },
    ...{ noncePrefix: new Uint8Array(7), root: content, commitment: commitmentTo(productKey, named), atMs: NOW },
    ...changes.manifest,
  };
  const manifest = signMessage(manifestType, made, signers.manifest ?? ada);
  const receipt: CustodyReceipt = {
    ...{ trustee: 'tess', package: linkOf(manifest), merchant: made.merchant, product: made.product },
    ...{ commitment: made.commitment, keptUntilMs: NOW + 1e10, atMs: NOW },
    ...changes.custody,
  };
  const custody = signMessage(custodyReceiptType, receipt, signers.custody ?? tess);
  return { description, manifest, custody, urls: ['https://ada.test/song'] };
}

export function makeAcceptance({ signers = {}, ...changes }: Changes = {}, offer = makeOffer()): Acceptance {
  const said: Order = {
    ...{ order: systemRandom(16), merchant: 'ada', product: 'song', package: linkOf(offer.manifest) },
    ...{
      description: linkOf(offer.description),
      price: { currency: 'EUR', minor: 500n },
      payee: 'ada',
      trustee: 'tess',
    },
    ...{ keyDigest: orderKeyDigest(orderKey), deadlineMs: NOW + 60_000, atMs: NOW },
    ...changes.order,
  };
  const order = signMessage(orderType, said, signers.order ?? carl);
  const digest = linkOf(order);
  const taken = signMessage(
    orderTakenType,
    { order: digest, merchant: 'ada', urls: ['https://ada.test/song'], atMs: NOW, ...changes.taken },
    signers.taken ?? ada,
  );
  const key = sealKey(orderKey, { recipient: ada.publicKey, binding: digest, random: systemRandom });
  const handover = signMessage(
    handoverType,
    {
      ...{
        order: digest,
        merchant: 'ada',
        trustee: 'tess',
        keyDigest: said.keyDigest,
        key,
        deadlineMs: said.deadlineMs,
      },
      ...{ atMs: NOW, ...changes.handover },
    },
    signers.handover ?? signers.order ?? carl,
  );
  const passedKey = signMessage(
    passedKeyType,
    { handover, trustee: 'tess', atMs: NOW, ...changes.passed },
    signers.passed ?? tess,
  );
  const accept = signMessage(
    acceptType,
    { order: digest, package: said.package, unique: systemRandom(16), atMs: NOW + 1000, ...changes.accept },
    signers.accept ?? signers.order ?? carl,
  );
  return { order, taken, passedKey, accept, evidence: new Uint8Array([1]) };
}

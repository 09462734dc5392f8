/** Purchases across the counter between real parties, and merchants that lie in what they sign. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../src/codec/hex.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { linkOf, readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import { commitmentTo, manifestType } from '../../src/delivery/message/manifest.ts';
import { packProduct } from '../../src/delivery/sender/make-package.ts';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import { readKeyFile } from '../../src/party/configuration/key-file.ts';
import type { DeliveryView } from '../../src/party/customer/delivery-view.ts';
import { loadCatalogue } from '../../src/party/merchant/catalogue.ts';
import { packageFileIn, productNameOf, storeEdition } from '../../src/party/merchant/package-store.ts';
import { readCommunication } from '../../src/party/running/communication.ts';
import type { PartyWorld } from './party-world.ts';
import { until } from './until.ts';

type Json = Record<string, unknown>;

/** Changes a party's configuration in a home where nothing runs yet. */
export function configure(home: string, party: string, change: (configuration: Json & { delivery: Json }) => void) {
  const file = join(home, party, 'party.json');
  const configuration = JSON.parse(readFileSync(file, 'utf8'));
  change(configuration);
  writeFileSync(file, JSON.stringify(configuration));
}

/** Nobody is waited for longer than a test can wait. */
export function impatient(home: string): void {
  configure(home, 'customer', ({ delivery }) => {
    Object.assign(delivery, { paymentWaitSeconds: 2, releaseWaitSeconds: 1, claimWaitSeconds: 2 });
  });
  configure(home, 'arbiter', (configuration) => {
    Object.assign(configuration, { trusteeWaitSeconds: 2, hearingSeconds: 3 });
  });
}

const SKU = 'borders-110m';

/** Begins a purchase at atlas, whose trustee is north; gives the payment. */
export async function begin(world: PartyWorld, sku = SKU): Promise<string> {
  const order = { merchant: world.urlOf('atlas'), sku, currency: 'EUR', quantity: 1, max: '9.00EUR' };
  return (await world.station().buy({ ...order, password: world.password })).payment;
}

export const partOf = ({ parts }: DeliveryView) => parts[0]!;

export async function followed(
  world: PartyWorld,
  payment: string,
  wanted: (view: DeliveryView) => boolean,
): Promise<DeliveryView> {
  return until(() => world.deliveries().show(payment), wanted, 40_000);
}

const OVER = ['delivered', 'unpaid', 'faulty', 'withheld', 'ruled'];
export const isOver = (view: DeliveryView) => OVER.includes(partOf(view).phase);

/** The content of the goods as they lie in the merchant's catalogue, and the package it becomes there. */
export async function goodsOf(home: string, sku = SKU) {
  const items = await loadCatalogue(join(home, 'atlas/catalogue'));
  const { goods, product } = items.find((item) => item.product.sku === sku)!;
  return { ...goods, product, content: toHex(goods.sha256), bytes: readFileSync(goods.path) };
}

export const packagesOf = (home: string) => join(home, 'atlas/packages');

/** All packages there are on the merchant's disk. */
export const packageFiles = (home: string) =>
  readdirSync(packagesOf(home))
    .filter((name) => name.endsWith('.package'))
    .map((name) => join(packagesOf(home), name));

/** Atlas commits to, and lodges, another key than it encrypted the goods under. */
export async function packUnderAnotherKey(home: string): Promise<void> {
  const { configuration, path } = readConfiguration('merchant', join(home, 'atlas/party.json'));
  const { privateKey, chain } = readCommunication(configuration.communication, path);
  const signer = { privateKey, certificateChain: chain.map(({ der }) => der) };
  const { path: source, product, content } = await goodsOf(home);
  const folder = path(configuration.delivery!.packages.folder);
  const key = readKeyFile(path(configuration.delivery!.storageKey));
  const target = join(home, 'lie.package');
  const { sku, name, description: text } = product;
  const described = { sku, name, text, mediaType: product.goods.encodingFormat };
  const packed = await packProduct({
    ...{ source, target, merchant: 'atlas', signer, ...described, product: productNameOf(described, content) },
    ...{ segmentLength: 16_384, nowMs: Date.now(), random: systemRandom },
  });
  const made = readMessage(manifestType, packed.manifest).value;
  const productKey = systemRandom(32);
  const manifest = signMessage(manifestType, { ...made, commitment: commitmentTo(productKey, made) }, signer);
  const file = readFileSync(target);
  file.set(manifest, 12);
  const of = linkOf(manifest);
  storeEdition({ folder, key }, content, {
    edition: { description: packed.description, manifest, package: of, productKey },
    random: systemRandom,
  });
  writeFileSync(packageFileIn(folder, toHex(of)), file);
}

/** Packages of a merchant that lies in what it signs: made honestly, then signed anew as it pleases. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../../src/crypto/random.ts';
import { linkOf, readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import { type Description, descriptionType } from '../../src/delivery/message/description.ts';
import { commitmentTo, type Manifest, manifestType } from '../../src/delivery/message/manifest.ts';
import type { CheckedOffer } from '../../src/delivery/message/offer.ts';
import { packProduct } from '../../src/delivery/sender/make-package.ts';
import type { Network } from './network.ts';
import { person } from './people.ts';

export interface Lie {
  readonly description?: Partial<Description>;
  readonly manifest?: Partial<Manifest>;
  /** Commits to this key, and lodges it, though the package was encrypted under another. */
  readonly otherKey?: boolean;
  readonly segmentLength?: number;
}

export async function sellLie(net: Network, content: Uint8Array, lie: Lie): Promise<CheckedOffer> {
  const ada = person('ada', 'merchant');
  const source = join(net.folder, `lie-${net.served.size}`);
  writeFileSync(source, content);
  const target = `${source}.package`;
  const packed = await packProduct({
    ...{
      source,
      target,
      merchant: 'ada',
      signer: ada,
      product: `lie-${net.served.size}`,
      name: 'Lie',
      text: 'A thing.',
    },
    ...{
      mediaType: 'application/octet-stream',
      segmentLength: lie.segmentLength ?? 4096,
      nowMs: Date.now(),
      random: systemRandom,
    },
  });
  const said = readMessage(descriptionType, packed.description).value;
  const made = readMessage(manifestType, packed.manifest).value;
  const description = signMessage(descriptionType, { ...said, ...lie.description }, ada);
  const productKey = lie.otherKey ? systemRandom(32) : packed.productKey;
  const changed = {
    ...made,
    description: linkOf(description),
    commitment: commitmentTo(productKey, made),
    ...lie.manifest,
  };
  const manifest = signMessage(manifestType, changed, ada);
  if (manifest.length !== packed.manifest.length) throw new Error('the lie does not fit into the file');
  const file = readFileSync(target);
  file.set(manifest, 12);
  writeFileSync(target, file);
  return net.publish({ description, manifest, package: linkOf(manifest), productKey }, target);
}

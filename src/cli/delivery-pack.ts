/** `handsel delivery pack`: makes packages of goods of any size, once for all their buyers, before anybody orders them. */
import { basename, extname } from 'node:path';
import { Command } from 'commander';
import { toHex } from '../codec/hex.ts';
import { systemRandom } from '../crypto/random.ts';
import { contentOf } from '../delivery/package/content-digest.ts';
import { HandselError } from '../handsel-error.ts';
import { systemClock } from '../journal/clock.ts';
import { configurationFile, readConfiguration } from '../party/configuration/configuration.ts';
import { readKeyFile } from '../party/configuration/key-file.ts';
import { type CatalogueItem, loadCatalogue } from '../party/merchant/catalogue.ts';
import { type Goods, packageFileIn, packGoods } from '../party/merchant/package-store.ts';
import { goodsOf } from '../party/merchant/packages-on-sale.ts';
import { skuOf } from '../party/merchant/sku-of.ts';
import { readCommunication } from '../party/running/communication.ts';
import type { GlobalOptions } from './global-options.ts';
import { createProgressLine } from './progress-line.ts';

interface PackOptions extends GlobalOptions {
  readonly merchant: string;
  readonly sku?: string;
  readonly name?: string;
  readonly text?: string;
  readonly format?: string;
}

const EXAMPLES = `
Examples:
  $ handsel delivery pack --merchant .handsel/atlas                    all of its catalogue that is not packed yet
  $ handsel delivery pack film.mp4 --merchant .handsel/atlas --json    one of its goods, or a file it sells elsewhere

A merchant that runs finds new packages by itself when somebody asks for the goods. The files named are encrypted and signed: any web
server or content network may serve them (docs/delivery.md).`;

type Write = (text: string) => void;

export function deliveryPackCommand(write: Write): Command {
  return new Command('pack')
    .description("encrypt and sign a merchant's goods once for all buyers; what is packed already stays as it is")
    .argument('[file...]', 'goods; by default everything in its catalogue')
    .requiredOption('--merchant <dir>', "the merchant's folder, or its configuration")
    .option('--sku <sku>', 'of a file that is not in the catalogue; by default made from its name')
    .option('--name <text>', 'what it is called')
    .option('--text <text>', 'what it is, in words that the merchant signs')
    .option('--format <media type>', 'its media type')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: PackOptions) => {
      for await (const packed of packAll(files, options)) {
        const { sku, sizeBytes, package: of, file, made } = packed;
        const done = made ? 'packed' : 'there already';
        write(
          options.json ? `${JSON.stringify(packed)}\n` : `${done}  ${sku}  ${sizeBytes} bytes\n  ${of}\n  ${file}\n`,
        );
      }
    });
}

interface Packed {
  readonly sku: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content, and of the signed manifest. */
  readonly sha256: string;
  readonly package: string;
  readonly file: string;
  readonly made: boolean;
}

async function* packAll(files: readonly string[], options: PackOptions): AsyncGenerator<Packed> {
  const { configuration, path } = readConfiguration('merchant', configurationFile(options.merchant));
  const { delivery, name: merchant } = configuration;
  if (delivery === undefined) {
    throw new HandselError('DELIVERY_MISSING', `${merchant} has no secure delivery: its configuration has none`);
  }
  const identity = readCommunication(configuration.communication, path);
  const folder = path(delivery.packages.folder);
  const key = readKeyFile(path(delivery.storageKey));
  const signer = { privateKey: identity.privateKey, certificateChain: identity.chain.map(({ der }) => der) };
  const items = await loadCatalogue(path(configuration.catalogue));
  const progress = createProgressLine(options.json === true);
  const goods =
    files.length === 0 ? items.map(goodsOf) : await Promise.all(files.map((file) => named(file, items, options)));
  for (const one of goods) {
    const {
      content,
      lengthBytes: sizeBytes,
      edition,
      made,
    } = await packGoods(one, {
      ...{ folder, key, merchant, signer, nowMs: systemClock().nowMs(), random: systemRandom },
      onProgress: ({ phase, doneBytes, totalBytes }) => progress.show(`${phase} ${one.sku}`, doneBytes, totalBytes),
    });
    progress.end();
    const of = toHex(edition.package);
    yield { sku: one.sku, sizeBytes, sha256: content, package: of, file: packageFileIn(folder, of), made };
  }
}

/** In the merchant's own words where the catalogue has the same content. */
async function named(file: string, items: readonly CatalogueItem[], options: PackOptions): Promise<Goods> {
  const { content } = await contentOf(file);
  const known = items.find(({ goods }) => toHex(goods.sha256) === toHex(content));
  if (known !== undefined) return { ...goodsOf(known), file };
  const stem = basename(file, extname(file));
  const sku = options.sku ?? skuOf(stem);
  const name = options.name ?? stem;
  return { file, sku, name, text: options.text ?? name, mediaType: options.format ?? 'application/octet-stream' };
}

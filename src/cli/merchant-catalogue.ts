/** `handsel merchant catalogue add|list|check`: puts products into a merchant's catalogue folder and says whether it is sound. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { strategyNames } from '../agent/negotiation/strategy-by-name.ts';
import { formatAmount } from '../money/amount.ts';
import { type CatalogueItem, loadCatalogue, readCatalogue } from '../party/merchant/catalogue.ts';
import { addDescribed, addGoods, CatalogueEntryError, type NewProduct } from '../party/merchant/catalogue-entry.ts';
import { amount } from './agent-options.ts';

type Write = (text: string) => void;

const EXAMPLES = `
Examples:
  Describe a file and offer it for 2.49 EUR, going down to 1.60 EUR at most:
    $ handsel merchant catalogue add shop words.txt --name "English words" \\
        --price 2.49EUR --floor 1.60EUR --license CC0-1.0 --keyword english --keyword words

  Take over a schema.org description together with the goods beside it:
    $ handsel merchant catalogue add shop words.jsonld

  See what is on offer, and whether all of it is sound:
    $ handsel merchant catalogue list shop
    $ handsel merchant catalogue check shop --json

A merchant reads its catalogue when it starts: one that runs offers what was changed after its next start.
`;
const NEXT_START = 'a merchant that runs offers it after its next start\n';

/** To be mounted below `handsel merchant`. `write` receives what goes to standard output. */
export function merchantCatalogueCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const catalogue = new Command('catalogue')
    .description("manage a merchant's catalogue: a folder of schema.org products with their goods beside them")
    .addHelpText('after', EXAMPLES);
  catalogue.addCommand(addCommand(write));
  catalogue.addCommand(listCommand(write));
  catalogue.addCommand(checkCommand(write));
  return catalogue;
}

function addCommand(write: Write): Command {
  return new Command('add')
    .description('add products: .jsonld files as they are, any other file with a description made from the options')
    .argument('<folder>', "the merchant's catalogue folder, made when it is not there")
    .argument('<file...>', 'schema.org JSON-LD files, or one file of goods')
    .option('--sku <sku>', "the product's number; by default made from the file's name", skuText)
    .option('--name <text>', 'what the product is called; by default the file name')
    .option('--description <text>', 'what it is, in a sentence or two; by default the name')
    .option('--price <amount>', '(required) first price, such as 2.49EUR; once for each currency', amounts, [])
    .option('--floor <amount>', 'lowest price, in the currency of a --price; by default the price', amounts, [])
    .option('--stock <number>', 'how many may be sold; by default no limit', wholeNumber)
    .option('--license <licence>', '(required) SPDX identifier or address of the licence')
    .option('--credit <text>', 'whom the licence asks to name')
    .option('--category <text>', 'category', 'Data')
    .option('--keyword <word>', 'what a buyer would look for; repeat it', collect, [])
    .option('--format <media type>', "media type; by default from the file's ending")
    .addOption(
      new Option('--concession <strategy>', 'how the agent gives way').choices(strategyNames).default('linear'),
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nThe options marked as required are for a file of goods; .jsonld files say all of it themselves.',
    )
    .action(async (folder: string, files: string[], options: NewProduct & { json?: true }) => {
      const items = await add(folder, files, options);
      const added = items.map((item) => `added ${line(item)}\n`).join('');
      write(options.json ? asJson({ added: items.map(row) }) : `${added}${NEXT_START}`);
    });
}

async function add(folder: string, files: readonly string[], options: NewProduct): Promise<readonly CatalogueItem[]> {
  if (files.every((file) => file.endsWith('.jsonld'))) return addDescribed(folder, files);
  const [file, ...more] = files;
  if (more.length > 0) {
    throw new CatalogueEntryError(
      'CATALOGUE_ENTRY_INCOMPLETE',
      'describe one file of goods at a time, or give .jsonld files only',
    );
  }
  return addGoods(folder, file!, options);
}

function listCommand(write: Write): Command {
  return new Command('list')
    .description('list what is on offer')
    .argument('<path>', 'catalogue folder or JSON-LD file')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: { json?: true }) => {
      const items = await loadCatalogue(path);
      write(options.json ? asJson({ products: items.map(row) }) : items.map((item) => `${line(item)}\n`).join(''));
    });
}

function checkCommand(write: Write): Command {
  return new Command('check')
    .description('check every description, its goods and their hashes; exits 1 when anything is wrong')
    .argument('<path>', 'catalogue folder or JSON-LD file')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: { json?: true }) => {
      const { items, problems } = await readCatalogue(path);
      if (options.json) {
        write(asJson({ ok: problems.length === 0, products: items.length, problems }));
      } else {
        write(problems.map((problem) => `${problem.source}: ${problem.message}\n`).join(''));
        const sound = items.length === 1 ? '1 product is' : `${items.length} products are`;
        write(`${sound} sound, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n`);
      }
      if (problems.length > 0) process.exitCode = 1;
    });
}

function row({ product, goods }: CatalogueItem) {
  return {
    sku: product.sku,
    name: product.name,
    category: product.category,
    license: product.license,
    offers: product.offers.map((offer) => ({
      price: formatAmount(offer.price),
      floor: formatAmount(offer.floor),
      available: offer.available,
      stock: offer.stock,
    })),
    concession: product.concession,
    goods: { file: product.goods.contentUrl, size: goods.size, sha256: Buffer.from(goods.sha256).toString('hex') },
  };
}

function line({ product, goods }: CatalogueItem): string {
  const prices = product.offers.map((offer) => `${formatAmount(offer.price)} (floor ${formatAmount(offer.floor)})`);
  return `${product.sku.padEnd(26)} ${prices.join(', ').padEnd(32)} ${product.license.padEnd(16)} ${goods.size} bytes  ${product.name}`;
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function amounts(value: string, before: readonly string[]): readonly string[] {
  return [...before, amount(value)];
}

function skuText(value: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(value)) {
    throw new InvalidArgumentError('small letters, digits, dots and dashes, at most 64.');
  }
  return value;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function wholeNumber(value: string): number {
  if (!/^[0-9]{1,9}$/.test(value)) throw new InvalidArgumentError('expected a whole number.');
  return Number(value);
}

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { merchantCatalogueCommand } from '../../src/cli/merchant-catalogue.ts';

let folder: string;
let shop: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handsel-merchant-'));
  shop = join(folder, 'shop');
  await writeFile(join(folder, 'My Words.txt'), 'one\ntwo\n');
});
afterEach(async () => {
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

async function run(...args: string[]): Promise<string> {
  let output = '';
  const command = merchantCatalogueCommand((text) => {
    output += text;
  });
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput({ writeErr: () => {} });
  await command.parseAsync(args, { from: 'user' });
  return output;
}

const words = () => join(folder, 'My Words.txt');
const offer = ['--license', 'CC0-1.0', '--price', '2.49EUR', '--floor', '1.60EUR'];

describe('handsel merchant catalogue', () => {
  it('describes a file of goods, and the result is listed and sound', async () => {
    const options = [...offer, '--price', '2.75USD', '--keyword', 'words', '--stock', '5', '--json'];
    const { added } = JSON.parse(await run('add', shop, words(), ...options));
    expect(added).toMatchObject([
      {
        sku: 'my-words',
        license: 'CC0-1.0',
        offers: [
          { price: '2.49 EUR', floor: '1.60 EUR', available: true, stock: 5 },
          { price: '2.75 USD', floor: '2.75 USD' },
        ],
        goods: { file: 'goods/My Words.txt', size: 8 },
      },
    ]);
    expect(await run('list', shop)).toContain('2.49 EUR (floor 1.60 EUR)');
    expect(JSON.parse(await run('check', shop, '--json'))).toEqual({ ok: true, products: 1, problems: [] });
    expect(process.exitCode).toBeUndefined();
  });

  it('takes over descriptions with the goods beside them', async () => {
    const files = ['borders-110m', 'timezones-full'].map((sku) => `catalogue/atlas/${sku}.jsonld`);
    const { added } = JSON.parse(await run('add', shop, ...files, '--json'));
    expect(added.map((item: { sku: string }) => item.sku)).toEqual(['borders-110m', 'timezones-full']);
    expect(await readFile(join(shop, 'borders-110m.jsonld'))).toEqual(await readFile(files[0]!));
    await expect(run('add', shop, files[0]!)).rejects.toMatchObject({ code: 'CATALOGUE_ENTRY_EXISTS' });
  });

  it('leaves the folder as it was when the addition is unsound', async () => {
    await run('add', shop, words(), ...offer);
    const before = await readdir(shop, { recursive: true });
    const other = join(folder, 'other.txt');
    await writeFile(other, 'three\n');
    const dearer = run('add', shop, other, ...offer, '--floor', '2.50EUR');
    await expect(dearer).rejects.toMatchObject({ code: 'CATALOGUE_INVALID' });
    const bundleOfNothing = run('add', shop, 'catalogue/atlas/us-states.jsonld');
    await expect(bundleOfNothing).rejects.toMatchObject({ code: 'CATALOGUE_INVALID' });
    expect((await readdir(shop, { recursive: true })).sort()).toEqual(before.sort());
  });

  it.each([
    ['a licence', ['--price', '1EUR'], 'CATALOGUE_ENTRY_INCOMPLETE'],
    ['a price', ['--license', 'CC0-1.0'], 'CATALOGUE_ENTRY_INCOMPLETE'],
    ['a price that can be read', ['--price', '1,50 EUR'], 'commander.invalidArgument'],
    ['a price for every floor', [...offer, '--floor', '1USD'], 'CATALOGUE_ENTRY_INCOMPLETE'],
    ['a floor not above the price', ['--license', 'X', '--price', '1EUR', '--floor', '2EUR'], 'CATALOGUE_INVALID'],
    ['a strategy that exists', ['--concession', 'bluffing'], 'commander.invalidArgument'],
    ['a number in small letters', [...offer, '--sku', 'UPPER'], 'commander.invalidArgument'],
    ['a stock that is a number', [...offer, '--stock', 'many'], 'commander.invalidArgument'],
  ])('asks for %s', async (_what, options, code) => {
    await expect(run('add', shop, words(), ...options)).rejects.toMatchObject({ code });
  });

  it('asks for the media type of an ending it does not know, and for one file at a time', async () => {
    const odd = join(folder, 'goods.xyz');
    await writeFile(odd, 'x');
    await expect(run('add', shop, odd, ...offer)).rejects.toThrow('--format');
    await run('add', shop, odd, ...offer, '--format', 'application/x-odd');
    await expect(run('add', shop, odd, words(), ...offer)).rejects.toThrow('one file of goods at a time');
  });

  it('says all that is missing at once', async () => {
    const odd = join(folder, 'goods.xyz');
    await writeFile(odd, 'x');
    await expect(run('add', shop, odd)).rejects.toThrow(/--price.*--license.*--format/);
  });

  it('takes a second product from a file of the same name under another number, and none under the same', async () => {
    expect(await run('add', shop, words(), ...offer)).toContain('after its next start');
    await expect(run('add', shop, words(), ...offer)).rejects.toThrow(/my-words already.*--sku/);
    await run('add', shop, words(), ...offer, '--sku', 'my-words-2');
    const { products } = JSON.parse(await run('list', shop, '--json'));
    expect(products.map(({ goods }: { goods: { file: string } }) => goods.file)).toEqual([
      'goods/My Words.txt',
      'goods/my-words-2-My Words.txt',
    ]);
  });

  it('names a path that is not there as it was given, and counts one as one', async () => {
    await expect(run('list', '/nonexistent')).rejects.toThrow(/^\/nonexistent: /);
    await run('add', shop, words(), ...offer);
    expect(await run('check', shop)).toBe('1 product is sound, 0 problems\n');
  });

  it('says every problem and fails the command when a catalogue is unsound', async () => {
    await mkdir(shop);
    await writeFile(join(shop, 'broken.jsonld'), '{');
    expect(await run('check', shop)).toMatch(/broken\.jsonld: not JSON.*\n0 products are sound, 1 problem\n/s);
    expect(process.exitCode).toBe(1);
    await expect(run('list', shop)).rejects.toMatchObject({ code: 'CATALOGUE_INVALID' });
  });
});

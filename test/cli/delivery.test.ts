/** `handsel delivery` where no party runs: packing goods, and checking packages. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { provisionIn, temporaryFolder } from '../party/network/network-fixture.ts';
import { handsel, killAll } from './handsel-process.ts';

const { folder, remove } = temporaryFolder();
const home = join(folder, 'home');
const merchant = ['--merchant', join(home, 'atlas')];

beforeAll(async () => {
  await provisionIn(home);
});
afterEach(killAll);
afterAll(remove);

interface Packed {
  readonly package: string;
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly made: boolean;
}

async function pack(...files: string[]): Promise<readonly Packed[]> {
  const { code, out, err } = await handsel('delivery', 'pack', ...files, ...merchant, '--json').ended;
  expect([code, err]).toEqual([0, '']);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('packing', () => {
  test('all of the catalogue once; a second time everything is there already', async () => {
    const first = await pack();
    expect(first.length).toBeGreaterThan(10);
    expect(first.every(({ made }) => made)).toBe(true);
    const again = await pack();
    expect(again).toEqual(first.map((one) => ({ ...one, made: false })));
  });

  test('a file that is in no catalogue; another content is another package', async () => {
    const film = join(folder, 'film.mp4');
    writeFileSync(film, Buffer.alloc(3_000_000, 7));
    const [one] = await pack(film);
    expect(one).toMatchObject({ sizeBytes: 3_000_000, made: true });
    writeFileSync(film, Buffer.alloc(3_000_000, 8));
    const [two] = await pack(film);
    expect(two!.package).not.toBe(one!.package);
    // The content cannot be seen in what is served.
    expect(readFileSync(one!.file).includes(Buffer.alloc(64, 7))).toBe(false);
  });

  test('a merchant without secure delivery is told so', async () => {
    const file = join(folder, 'party.json');
    const configuration = JSON.parse(readFileSync(join(home, 'lexicon/party.json'), 'utf8'));
    configuration.delivery = undefined;
    writeFileSync(file, JSON.stringify(configuration));
    const { code, err } = await handsel('delivery', 'pack', '--merchant', file).ended;
    expect([code, err.includes('DELIVERY_MISSING')]).toEqual([1, true]);
  });
});

describe('checking', () => {
  const check = (file: string, ...more: string[]) =>
    handsel('delivery', 'check', file, '--home', home, '--json', ...more).ended;

  test('a whole package, and one with a segment that was changed', async () => {
    const [packed] = await pack(join(home, 'atlas/catalogue/goods/raw-time-zones.json'));
    const { code, out } = await check(packed!.file);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      whole: true,
      package: packed!.package,
      signedBy: 'atlas',
      merchant: 'atlas',
    });

    const damaged = join(folder, 'damaged.package');
    const bytes = readFileSync(packed!.file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(damaged, bytes);
    const wrong = await check(damaged);
    expect([wrong.code, JSON.parse(wrong.out).whole]).toEqual([1, false]);
    writeFileSync(damaged, readFileSync(packed!.file).subarray(0, -100));
    expect((await check(damaged)).code).toBe(1);
  });

  test('what is no package, and one signed under another root', async () => {
    const none = join(folder, 'none.package');
    writeFileSync(none, 'nothing');
    const { code, err } = await check(none);
    expect([code, err.includes('PACKAGE_MALFORMED')]).toEqual([1, true]);

    const [packed] = await pack(join(home, 'atlas/catalogue/goods/raw-time-zones.json'));
    await provisionIn(join(folder, 'other'));
    const anchors = join(folder, 'other/customer/communication/anchors.pem');
    const stranger = await check(packed!.file, '--anchors', anchors);
    expect([stranger.code, stranger.err.includes('CRYPTOGRAPHIC_FAILURE')]).toEqual([1, true]);
  });
});

test('a ruling that is none, and a missing root, are said to be', async () => {
  const file = join(folder, 'ruling.bundle');
  writeFileSync(file, 'nothing');
  expect((await handsel('verify-ruling', file, '--home', home).ended).code).toBe(1);
  const missing = await handsel('verify-ruling', file, '--home', join(folder, 'nowhere')).ended;
  expect([missing.code, missing.err.includes('ANCHORS_MISSING')]).toEqual([1, true]);
});

import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { commitmentTo } from '../../../src/delivery/message/manifest.ts';
import { contentOf } from '../../../src/delivery/package/content-digest.ts';
import { layoutOf, segmentSpan } from '../../../src/delivery/package/layout.ts';
import { isUnder } from '../../../src/delivery/package/merkle-tree.ts';
import { openFile } from '../../../src/delivery/package/open-file.ts';
import {
  findMissing,
  manifestOfFile,
  readDigests,
  segmentEvidenceOf,
} from '../../../src/delivery/package/package-file.ts';
import { sealFile } from '../../../src/delivery/package/seal-file.ts';
import { openSegment, segmentKeys } from '../../../src/delivery/package/segment-cipher.ts';
import { type MadePackage, makePackage, newFolder } from './package-fixture.ts';

const { folder, remove } = newFolder();
afterAll(remove);

const target = join(folder, 'opened');
const coded = (code: string) => expect.objectContaining({ code });
const opening = ({ file, ...rest }: MadePackage) => ({ ...rest, source: file, target });

async function missingOf({ file, bytes, manifest }: MadePackage) {
  const handle = await open(file, 'r');
  const layout = layoutOf(bytes, manifest);
  try {
    return await findMissing(handle, { manifest, layout, digests: await readDigests(handle, manifest, layout) });
  } finally {
    await handle.close();
  }
}

describe('a package', () => {
  test.each([0, 1, 255, 256, 257, 512, 1000, 70_000])('of %i bytes opens to what it was made of', async (length) => {
    const content = systemRandom(length);
    const made = await makePackage(folder, content);
    expect(await manifestOfFile(made.file)).toEqual(made.bytes);
    expect(readFileSync(made.file).length).toBe(layoutOf(made.bytes, made.manifest).size);
    expect(await missingOf(made)).toEqual([]);
    expect(toHex(await openFile(opening(made)))).toBe(toHex(sha256(content)));
    expect(new Uint8Array(readFileSync(target))).toEqual(content);
  });

  test('that is long enough for a second thread is the same, byte for byte, as one made segment by segment', async () => {
    const content = systemRandom(9 * 1024 * 1024 + 5);
    const made = await makePackage(folder, content, { segmentLength: 1024 * 1024 });
    const file = readFileSync(made.file);
    const layout = layoutOf(made.bytes, made.manifest);
    const keys = segmentKeys(made.productKey, made.manifest);
    for (let number = 0; number < layout.segments; number++) {
      const { start, end } = segmentSpan(number, made.manifest, layout);
      const opened = openSegment(file.subarray(start, end), number, keys);
      expect(toHex(sha256(opened))).toBe(toHex(sha256(content.subarray(number * 1048576, (number + 1) * 1048576))));
    }
    expect(await missingOf(made)).toEqual([]);
    expect(toHex(await openFile(opening(made)))).toBe(createHash('sha256').update(content).digest('hex'));
    expect(readFileSync(target).equals(content)).toBe(true);
  });

  test('can be checked by anybody without its key, and says which segments are wrong', async () => {
    const made = await makePackage(folder, systemRandom(2600));
    const layout = layoutOf(made.bytes, made.manifest);
    const file = readFileSync(made.file);
    for (const number of [2, 3, 9]) file[segmentSpan(number, made.manifest, layout).start]! ^= 1;
    writeFileSync(made.file, file);
    expect(await missingOf(made)).toEqual([
      { first: 2, last: 3 },
      { first: 9, last: 9 },
    ]);
    writeFileSync(made.file, file.subarray(0, segmentSpan(5, made.manifest, layout).end - 1));
    expect(await missingOf(made)).toEqual([
      { first: 2, last: 3 },
      { first: 5, last: 10 },
    ]);
    file[layout.digests.start]! ^= 1;
    writeFileSync(made.file, file);
    await expect(missingOf(made)).rejects.toThrow(coded('PACKAGE_DAMAGED'));
  });

  test('shows one segment in its place under the signed root', async () => {
    const made = await makePackage(folder, systemRandom(2600));
    const { number, path, bytes } = await segmentEvidenceOf(made.file, 7, made);
    expect(isUnder(made.manifest.root, { entry: sha256(bytes), number, count: 11, path })).toBe(true);
    expect(isUnder(made.manifest.root, { entry: sha256(bytes), number: 6, count: 11, path })).toBe(false);
  });

  test('is not made of a content that is shorter, longer or changing', async () => {
    const made = await makePackage(folder, systemRandom(600), { name: 'changing' });
    const { manifest, source, productKey } = made;
    const again = (during: () => void) => {
      let asked = 0;
      return sealFile({
        ...{ source, target: `${made.file}.again`, productKey, sealed: manifest },
        sign: () => {
          if (asked++ === 0) during();
          return made.bytes;
        },
      });
    };
    await expect(again(() => appendFileSync(source, 'x'))).rejects.toThrow(coded('CONTENT_DIFFERS'));
    await expect(again(() => {})).rejects.toThrow(coded('CONTENT_DIFFERS'));
    expect(existsSync(`${made.file}.again`)).toBe(false);
    expect(existsSync(`${made.file}.again.part`)).toBe(false);
  });

  test('of more segments than are allowed is refused before anything is made', () => {
    const cut = { length: 2 ** 20 * 64, segmentLength: 64 };
    expect(layoutOf(new Uint8Array(10), cut).segments).toBe(2 ** 20);
    expect(() => layoutOf(new Uint8Array(10), { ...cut, length: cut.length + 1 })).toThrow(coded('PACKAGE_MALFORMED'));
  });

  test('that is none is told apart', async () => {
    const file = join(folder, 'none');
    for (const bytes of [[], [1, 2, 3], [...Buffer.from('HANDSELP'), 0, 0, 1, 0, 1]]) {
      writeFileSync(file, Uint8Array.from(bytes));
      await expect(manifestOfFile(file)).rejects.toThrow(coded('PACKAGE_MALFORMED'));
    }
  });
});

describe('opening', () => {
  test('with another key leaves nothing behind', async () => {
    const made = await makePackage(folder, systemRandom(600), { name: 'other' });
    const other = { ...opening(made), productKey: systemRandom(32), target: join(folder, 'never') };
    await expect(openFile(other)).rejects.toThrow(coded('KEY_UNFIT'));
    expect(existsSync(other.target)).toBe(false);
  });

  test.each([3_000, 9_000_000])(
    'a package of %i bytes that its own key does not open names the segment',
    async (length) => {
      const made = await makePackage(folder, systemRandom(length), {
        name: 'lie',
        segmentLength: Math.ceil(length / 10),
      });
      // The merchant commits to a key it did not encrypt with.
      const productKey = systemRandom(32);
      const manifest = { ...made.manifest, commitment: commitmentTo(productKey, made.manifest) };
      const lie = { ...opening(made), productKey, manifest, target: join(folder, 'never') };
      await expect(openFile(lie)).rejects.toThrow(
        expect.objectContaining({ code: 'KEY_UNFIT', detail: { segment: 0 } }),
      );
      expect(existsSync(lie.target)).toBe(false);
      expect(existsSync(`${lie.target}.part`)).toBe(false);
    },
  );

  test('tells damage on this side from a lie of the merchant', async () => {
    const made = await makePackage(folder, systemRandom(2600), { name: 'hurt' });
    const file = readFileSync(made.file);
    file[segmentSpan(4, made.manifest, layoutOf(made.bytes, made.manifest)).start]! ^= 1;
    writeFileSync(made.file, file);
    const damaged = expect.objectContaining({ code: 'PACKAGE_DAMAGED', detail: { segment: 4 } });
    await expect(openFile(opening(made))).rejects.toThrow(damaged);
    writeFileSync(made.file, file.subarray(0, file.length - 1));
    await expect(openFile(opening(made))).rejects.toThrow(coded('PACKAGE_DAMAGED'));
  });

  test('stops when it is told to', async () => {
    const made = await makePackage(folder, systemRandom(2600), { name: 'stopped' });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(openFile({ ...opening(made), target: join(folder, 'never'), signal })).rejects.toThrow('enough');
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});

test('length and digest of a content are what its description states', async () => {
  const content = systemRandom(300_000);
  const file = join(folder, 'content');
  writeFileSync(file, content);
  expect(await contentOf(file)).toEqual({ length: 300_000, content: sha256(content) });
});

/** What is packed once, and what is packed anew. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { toHex } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { readMessage } from '../../../src/crypto/signed-message.ts';
import { descriptionType } from '../../../src/delivery/message/description.ts';
import { packageFileIn, packGoods, readEdition } from '../../../src/party/merchant/package-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'handsel-packages-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('goods that are described anew are packed anew, so that whoever agreed to these words gets them; others stay as they are', async () => {
  const file = join(folder, 'song.mp3');
  writeFileSync(file, 'la la la');
  const store = { folder: join(folder, 'packages'), key: systemRandom(32) };
  const { privateKey } = generateP256();
  const rest = { ...store, merchant: 'atlas', signer: { privateKey, certificateChain: [] }, random: systemRandom };
  const song = { file, sku: 'song', name: 'Song', text: 'A song', mediaType: 'application/octet-stream' };
  const packed = async (goods: typeof song) => {
    const { content, edition, made } = await packGoods(goods, { ...rest, nowMs: 1 });
    return { content, made, edition, of: toHex(edition.package) };
  };

  const first = await packed(song);
  const again = await packed({ ...song });
  expect([first.made, again.made, again.of]).toEqual([true, false, first.of]);
  for (const change of [{ mediaType: 'audio/mpeg' }, { name: 'Another' }, { text: 'Words' }, { sku: 'melody' }]) {
    const before = readEdition(store, first.content)!;
    const anew = await packed({ ...song, ...change });
    expect(anew.made).toBe(true);
    expect(readMessage(descriptionType, anew.edition.description).value).toMatchObject(
      'sku' in change ? { product: expect.stringMatching(/^melody@/) } : change,
    );
    expect(readEdition(store, first.content)).toEqual(anew.edition);
    // For those who bought it.
    expect(existsSync(packageFileIn(store.folder, toHex(before.package)))).toBe(true);
  }
});

/** Files of electronic objects: opened whole by their key, by no other, and not after any change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandselError } from '../../../src/handsel-error.ts';
import { cipherObject, inspectObject, openObject } from '../../../src/trusted/object/object-file.ts';

const key = new Uint8Array(32).fill(9);

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}

async function ciphered(content: Uint8Array, length = content.length) {
  const pieces: Uint8Array[] = [];
  const header = { objectId: 'urn:film:1', title: 'Metropolis', contentType: 'video/mp4', length };
  const write = async (piece: Uint8Array) => void pieces.push(piece);
  const facts = await cipherObject(inPieces(content, 10_000), { header, key, write });
  return { ...facts, file: new Uint8Array(Buffer.concat(pieces)) };
}

const film = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

describe('an electronic object', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 200_000])('of %i bytes opens as it was', async (length) => {
    const { file, ...facts } = await ciphered(film(length));
    for (const size of [777, 65_552, 1_000_000]) {
      expect(Buffer.compare(await collect(openObject(inPieces(file, size), key)), film(length))).toBe(0);
      expect(await inspectObject(inPieces(file, size))).toEqual(facts);
    }
  });

  it('does not open by another key', async () => {
    const { file } = await ciphered(film(100));
    await expect(collect(openObject(inPieces(file, 50), new Uint8Array(32)))).rejects.toThrow(HandselError);
  });

  it('shows nothing of its content or its header', async () => {
    const secret = Buffer.from('a very particular sentence that nobody else writes');
    const { file } = await ciphered(secret);
    for (const word of ['particular sentence', 'Metropolis', 'urn:film:1'])
      expect(Buffer.from(file).includes(word)).toBe(false);
  });

  it('that was changed, cut off, mixed or made longer does not open', async () => {
    const { file } = await ciphered(film(200_000));
    const refused = async (changed: Uint8Array) =>
      expect(collect(openObject(inPieces(changed, 40_000), key))).rejects.toThrow(HandselError);
    for (const at of [0, 9, 30, 500, 70_000, file.length - 1]) {
      const changed = file.slice();
      changed[at]! ^= 1;
      await refused(changed);
    }
    for (const length of [0, 5, 60, file.length - 1, file.length - 70_000]) await refused(file.slice(0, length));
    await refused(new Uint8Array([...file, 0]));
    const start = file.length - 3 * 65_552 - (200_000 - 3 * 65_536 + 16);
    const [first, second] = [file.slice(start, start + 65_552), file.slice(start + 65_552, start + 2 * 65_552)];
    const swapped = file.slice();
    swapped.set(second, start);
    swapped.set(first, start + 65_552);
    await refused(swapped);
  });

  it('of another length than its header says is not made', async () => {
    await expect(ciphered(film(100), 101)).rejects.toMatchObject({ code: 'MERCHANDISE_WRONG' });
  });

  it('is told from arbitrary bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await expect(inspectObject(inPieces(bytes, 100))).rejects.toThrow(HandselError);
        await expect(collect(openObject(inPieces(bytes, 100), key))).rejects.toThrow(HandselError);
      }),
      { numRuns: 100 },
    );
  });
});

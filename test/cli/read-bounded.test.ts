/** Files that came from somebody else: as long as they like, or without an end. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readBounded } from '../../src/cli/read-bounded.ts';
import { verifyRulingCommand } from '../../src/cli/verify-ruling.ts';

const folder = mkdtempSync(join(tmpdir(), 'handsel-bounded-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('are read up to their bound and not further', () => {
  const file = join(folder, 'file');
  writeFileSync(file, Buffer.alloc(3 << 20, 7));
  expect(readBounded(file, 3 << 20)).toEqual(new Uint8Array(3 << 20).fill(7));
  expect(() => readBounded(file, (3 << 20) - 1)).toThrow(expect.objectContaining({ code: 'FILE_TOO_LARGE' }));
  expect(() => readBounded('/dev/zero', 1 << 20)).toThrow(expect.objectContaining({ code: 'FILE_TOO_LARGE' }));
});

it('are no bundle when they are longer than any', async () => {
  const file = join(folder, 'ruling.bundle');
  writeFileSync(file, '');
  truncateSync(file, 3 * 2 ** 30);
  const checked = verifyRulingCommand(() => undefined).parseAsync([file], { from: 'user' });
  await expect(checked).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
});

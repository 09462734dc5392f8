import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from '../../../src/party/files/make-folder.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

test('a folder is made with those above it, for its owner only; one that is there stays', () => {
  const deep = join(folder, 'a/b/c');
  makeFolder(deep);
  makeFolder(deep);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
});

test('a file in the way is named', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const wanted of [file, join(file, 'below')]) {
    expect(() => makeFolder(wanted)).toThrow(
      expect.objectContaining({ code: 'FOLDER_IS_FILE', message: expect.stringContaining(file) }),
    );
  }
});

test.runIf(process.platform === 'linux')('where no folder can be made it is refused, and nothing hangs', () => {
  expect(() => makeFolder('/proc/x/y')).toThrow(expect.objectContaining({ code: 'FOLDER_IMPOSSIBLE' }));
});

/** A package is served as any file is: by ranges, with an entity tag that is its name for ever. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { servePackage } from '../../../src/delivery/sender/serve-package.ts';
import { newFolder } from '../package/package-fixture.ts';

const { folder, remove } = newFolder();
afterAll(remove);
const file = join(folder, 'any.package');
const bytes = Buffer.from(systemRandom(1000));
writeFileSync(file, bytes);

async function ask(headers: Readonly<Record<string, string>> = {}) {
  const response = await servePackage({ header: (name) => headers[name] }, { file, package: 'c0ffee' });
  const body =
    response.body instanceof Readable ? await buffer(response.body) : Buffer.from(response.body as Uint8Array);
  return { status: response.status, headers: response.headers ?? {}, body };
}

test('whole, and in any range', async () => {
  const whole = await ask();
  expect([whole.status, whole.body.equals(bytes)]).toEqual([200, true]);
  expect(whole.headers).toMatchObject({ etag: '"c0ffee"', 'accept-ranges': 'bytes', 'content-length': '1000' });
  const part = await ask({ range: 'bytes=10-19' });
  expect([part.status, part.body.equals(bytes.subarray(10, 20))]).toEqual([206, true]);
  expect(part.headers).toMatchObject({ 'content-range': 'bytes 10-19/1000', 'content-length': '10' });
  await expect(ask({ range: 'bytes=1000-' })).rejects.toThrow(
    expect.objectContaining({ code: 'RANGE_NOT_SATISFIABLE' }),
  );
});

test('not again to whoever has it', async () => {
  for (const tag of ['"c0ffee"', 'W/"c0ffee"', '"other", "c0ffee"', '*']) {
    expect(await ask({ 'if-none-match': tag })).toMatchObject({ status: 304, body: Buffer.alloc(0) });
  }
  expect((await ask({ 'if-none-match': '"other"' })).status).toBe(200);
});

test('by range only to whoever has the beginning of this very file', async () => {
  expect((await ask({ range: 'bytes=10-19', 'if-range': '"c0ffee"' })).status).toBe(206);
  expect((await ask({ range: 'bytes=10-19', 'if-range': '"other"' })).status).toBe(200);
});

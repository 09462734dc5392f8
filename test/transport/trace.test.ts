import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/codec/hex.ts';
import { createClient } from '../../src/transport/client.ts';
import { silentLog } from '../../src/transport/log.ts';
import { serve } from '../../src/transport/server.ts';
import { createTracer } from '../../src/transport/trace.ts';

let around: string;
let directory: string;
beforeEach(() => {
  around = mkdtempSync(join(tmpdir(), 'handsel-trace-'));
  directory = join(around, 'trace');
});
afterEach(() => rmSync(around, { recursive: true, force: true }));

const message = (kind: string) => ({ from: 'customer', to: 'merchant', kind, extension: 'der', bytes: utf8(kind) });
const files = () => readdirSync(directory).filter((name) => /^\d/.test(name));

describe('the trace', () => {
  test('writes each message to a file of its own, in order, with an index', () => {
    const tracer = createTracer({ directory, nowMs: () => 0 });
    tracer.record(message('PInitReq'));
    tracer.record({ ...message('PInitRes'), from: 'merchant', to: 'customer' });
    expect(files()).toEqual(['0001-customer-merchant-PInitReq.der', '0002-merchant-customer-PInitRes.der']);
    expect(readFileSync(join(directory, files()[0]!), 'utf8')).toBe('PInitReq');
    const index = readFileSync(join(directory, 'index.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(index[1]).toEqual({
      number: 2,
      at: '1970-01-01T00:00:00.000Z',
      from: 'merchant',
      to: 'customer',
      kind: 'PInitRes',
      bytes: 8,
      file: '0002-merchant-customer-PInitRes.der',
    });
    expect(readFileSync(join(directory, 'index.txt'), 'utf8')).toContain(
      '0001  1970-01-01T00:00:00.000Z  customer → merchant  PInitReq',
    );
  });

  test('goes on counting after a restart, and beside another writer', () => {
    const [a, b] = [createTracer({ directory }), createTracer({ directory })];
    a.record(message('A'));
    b.record(message('B'));
    a.record(message('C'));
    createTracer({ directory }).record(message('D'));
    expect(files().map((name) => name.slice(0, 4))).toEqual(['0001', '0002', '0003', '0004']);
  });

  test('no name leaves the directory', () => {
    createTracer({ directory }).record({ ...message('../../x'), from: '/etc', to: '..', extension: '../y' });
    expect(files()).toEqual(['0001-_etc-_-_.._x._y']);
    expect(readdirSync(around)).toEqual(['trace']);
  });

  test('the client traces what it sends and what it is answered', async () => {
    const server = await serve({
      routes: { 'POST /set': async () => ({ contentType: 'application/set-payment', body: utf8('answer') }) },
      listen: { host: '127.0.0.1', port: 0 },
      limits: { maxBytes: 100, timeoutMs: 1000, perPeerPerSecond: 100, burst: 100 },
      log: silentLog(),
    });
    const client = createClient({
      name: 'customer',
      limits: { maxBytes: 1000, timeoutMs: 1000 },
      tracer: createTracer({ directory }),
      nameOf: () => 'merchant',
    });
    const body = utf8('question');
    await client.post(`${server.url}/set`, {
      kind: 'PInitReq',
      contentType: 'application/set-payment',
      extension: 'der',
      body,
    });
    await client.post(`${server.url}/gone`, {
      kind: 'PReq',
      contentType: 'application/set-payment',
      extension: 'der',
      body,
    });
    expect(files()).toEqual([
      '0001-customer-merchant-PInitReq.der',
      '0002-merchant-customer-PInitRes.der',
      '0003-customer-merchant-PReq.der',
      '0004-merchant-customer-PReqRefused.json',
    ]);
    client.close();
    await server.close(0);
  });
});

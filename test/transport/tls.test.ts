import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../../src/codec/hex.ts';
import { type Client, createClient } from '../../src/transport/client.ts';
import { silentLog } from '../../src/transport/log.ts';
import { type RunningServer, serve } from '../../src/transport/server.ts';
import type { ClientTls, ServerTls } from '../../src/transport/tls.ts';
import { createAuthority, type TestAuthority } from './openssl-certificates.ts';

let agency: TestAuthority;
let stranger: TestAuthority;
let shop: { certificateChainPem: string; privateKeyPem: string };
let buyer: typeof shop;
const closers: (() => unknown)[] = [];

beforeAll(() => {
  agency = createAuthority('Agency');
  stranger = createAuthority('Stranger');
  shop = agency.issue('/C=NL/O=Shop/CN=merchant');
  buyer = agency.issue('/C=NL/O=Home/CN=station');
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

afterAll(() => {
  agency.remove();
  stranger.remove();
});

async function start(tls: Partial<ServerTls> = {}): Promise<RunningServer> {
  const server = await serve({
    routes: {
      'POST /who': async ({ peer }) => ({ contentType: 'text/plain', body: utf8(peer?.subject ?? 'nobody') }),
    },
    listen: { host: '127.0.0.1', port: 0 },
    tls: { ...shop, anchorsPem: agency.anchorsPem, requireClient: true, ...tls },
    limits: { maxBytes: 1000, timeoutMs: 2000, perPeerPerSecond: 1000, burst: 1000 },
    log: silentLog(),
  });
  closers.push(() => server.close(0));
  return server;
}

function clientWith(tls: ClientTls): Client {
  const client = createClient({ name: 'station', tls, limits: { maxBytes: 1000, timeoutMs: 2000 } });
  closers.push(() => client.close());
  return client;
}

const who = async (client: Client, server: RunningServer) => {
  const message = { kind: 'Who', contentType: 'text/plain', extension: 'txt', body: utf8('?') };
  return fromUtf8((await client.post(`${server.url}/who`, message)).body);
};

describe('TLS between parties', () => {
  test('both sides authenticated: the server knows the peer by its certificate', async () => {
    const server = await start();
    expect(await who(clientWith({ anchorsPem: agency.anchorsPem, ...buyer }), server)).toBe('C=NL, O=Home, CN=station');
  });

  test('a client without a certificate is refused where one is required', async () => {
    const server = await start();
    await expect(who(clientWith({ anchorsPem: agency.anchorsPem }), server)).rejects.toThrow(
      expect.objectContaining({ name: 'TransportError' }),
    );
  });

  test('a client without a certificate is nobody where none is required', async () => {
    const server = await start({ requireClient: false });
    expect(await who(clientWith({ anchorsPem: agency.anchorsPem }), server)).toBe('nobody');
  });

  test('a server that does not ask is shown no certificate, and a bad one does not matter to it', async () => {
    const server = await start({ requireClient: false, askClient: false });
    expect(await who(clientWith({ anchorsPem: agency.anchorsPem, ...buyer }), server)).toBe('nobody');
    const other = { anchorsPem: agency.anchorsPem, ...stranger.issue('/CN=station') };
    expect(await who(clientWith(other), server)).toBe('nobody');
  });

  test.each([true, false])(
    'a client certificate of another authority is refused (required: %s)',
    async (requireClient) => {
      const server = await start({ requireClient });
      const tls = { anchorsPem: agency.anchorsPem, ...stranger.issue('/CN=station') };
      await expect(who(clientWith(tls), server)).rejects.toThrow(expect.objectContaining({ name: 'TransportError' }));
    },
  );

  test('a server certificate of another authority is refused by the client', async () => {
    const server = await start();
    await expect(who(clientWith({ anchorsPem: stranger.anchorsPem, ...buyer }), server)).rejects.toThrow(
      expect.objectContaining({ code: 'PEER_NOT_TRUSTED' }),
    );
  });

  test('TLS 1.2 is refused', async () => {
    const server = await start({ requireClient: false });
    const dial = (version: 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string>((resolve, reject) => {
        const only = { minVersion: version, maxVersion: version, ca: agency.anchorsPem } as const;
        const socket = connect({ host: '127.0.0.1', port: server.port, ...only }, () => {
          resolve(socket.getProtocol()!);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    await expect(dial('TLSv1.2')).rejects.toThrow(/protocol version/i);
    expect(await dial('TLSv1.3')).toBe('TLSv1.3');
  });

  test('a revoked client certificate is refused, from the moment the list is renewed', async () => {
    const server = await start();
    expect(await who(clientWith({ anchorsPem: agency.anchorsPem, ...buyer }), server)).toContain('station');
    const revoked = agency.issue('/CN=thief');
    expect(await who(clientWith({ anchorsPem: agency.anchorsPem, ...revoked }), server)).toContain('thief');

    const revocationListsPem = [agency.revoke(revoked.certificateChainPem)];
    server.renewTls({ ...shop, anchorsPem: agency.anchorsPem, requireClient: true, revocationListsPem });
    await expect(who(clientWith({ anchorsPem: agency.anchorsPem, ...revoked }), server)).rejects.toThrow(
      expect.objectContaining({ name: 'TransportError' }),
    );
    expect(await who(clientWith({ anchorsPem: agency.anchorsPem, ...buyer }), server)).toContain('station');
  });

  test('a client with TLS does not send to a plain address', async () => {
    const client = clientWith({ anchorsPem: agency.anchorsPem, ...buyer });
    await expect(client.get('http://127.0.0.1:1/')).rejects.toThrow(expect.objectContaining({ code: 'INSECURE_URL' }));
    await expect(client.get('nonsense')).rejects.toThrow(expect.objectContaining({ code: 'INSECURE_URL' }));
  });

  test('curl talks to it as well', async () => {
    const server = await start();
    const file = (name: string, text: string) => {
      writeFileSync(join(agency.directory, name), text);
      return join(agency.directory, name);
    };
    const { stdout } = await promisify(execFile)('curl', [
      '--silent',
      '--cacert',
      join(agency.directory, 'ca.pem'),
      '--cert',
      file('curl.pem', buyer.certificateChainPem),
      '--key',
      file('curl.key', buyer.privateKeyPem),
      '--data',
      'x',
      `${server.url}/who`,
    ]);
    expect(stdout).toBe('C=NL, O=Home, CN=station');
  });
});

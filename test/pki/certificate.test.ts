import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as peculiar from '@peculiar/x509';
import fc from 'fast-check';
import * as pkijs from 'pkijs';
import { afterAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256 } from '../../src/crypto/signature.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { createCertificate, randomSerial, readCertificate } from '../../src/pki/certificate.ts';
import { createCertificateCache } from '../../src/pki/certificate-cache.ts';
import { createCertificateRequest, readCertificateRequest } from '../../src/pki/certificate-request.ts';
import { makeExtension } from '../../src/pki/extension.ts';
import { hostName } from '../../src/pki/general-name.ts';
import { extendName, formatName, isWithin, makeName, nameAttribute, readName } from '../../src/pki/name.ts';
import { fromPem, fromPemLabelled, toPem } from '../../src/pki/pem.ts';
import { createRevocationList, readRevocationList } from '../../src/pki/revocation-list.ts';
import { extendedKeyUsage, SERVER_AUTH, subjectAltName } from '../../src/pki/standard-extensions.ts';
import { DAY, makeHolder, makeWorld, NOON } from './world.ts';

const directory = mkdtempSync(join(tmpdir(), 'handsel-pki-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A flipped bit anywhere, a cut, or anything at all. */
function damaged(der: Uint8Array): fc.Arbitrary<Uint8Array> {
  const flipped = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
    const copy = der.slice();
    copy[at]! ^= bits;
    return copy;
  });
  return fc.oneof(
    flipped,
    fc.nat(der.length - 1).map((length) => der.slice(0, length)),
    fc.uint8Array({ maxLength: 400 }),
  );
}

function onlyOurErrors(read: (der: Uint8Array) => unknown, sample: Uint8Array): void {
  fc.assert(
    fc.property(damaged(sample), (der) => {
      try {
        read(der);
      } catch (error) {
        if (!(error instanceof HandselError)) throw error;
      }
    }),
    { numRuns: 600 },
  );
}

const { root, middle, leaf } = makeWorld();

describe('certificates', () => {
  it('are read back as they were made', () => {
    const read = readCertificate(leaf.certificate.der);
    expect(formatName(read.subject)).toBe('C=NL,O=Agency,OU=Parties,CN=Alice');
    expect(formatName(read.issuer)).toBe('C=NL,O=Agency,CN=Issuer');
    expect(read.keyUsage).toEqual(new Set(['digitalSignature']));
    expect(read.ca).toBe(false);
    expect(middle.certificate).toMatchObject({ ca: true, pathLength: 0 });
    expect(read.thumb).toHaveLength(32);
  });

  it('hold for openssl from leaf to root', () => {
    const out = openssl(
      'verify',
      '-x509_strict',
      '-attime',
      String(NOON / 1000),
      '-CAfile',
      file('root.pem', toPem('CERTIFICATE', root.certificate.der)),
      '-untrusted',
      file('middle.pem', toPem('CERTIFICATE', middle.certificate.der)),
      file('leaf.pem', toPem('CERTIFICATE', leaf.certificate.der)),
    );
    expect(out).toContain('leaf.pem: OK');
    const text = openssl('x509', '-in', join(directory, 'middle.pem'), '-noout', '-text');
    expect(text).toContain('CA:TRUE, pathlen:0');
    expect(text).toContain('ecdsa-with-SHA256');
  });

  it('hold for @peculiar/x509 and pkijs', async () => {
    const cert = new peculiar.X509Certificate(leaf.certificate.der.slice().buffer);
    const issuer = new peculiar.X509Certificate(middle.certificate.der.slice().buffer);
    expect(await cert.verify({ publicKey: issuer.publicKey, date: new Date(NOON) })).toBe(true);
    const theirs = pkijs.Certificate.fromBER(leaf.certificate.der.slice().buffer);
    expect(await theirs.verify(pkijs.Certificate.fromBER(middle.certificate.der.slice().buffer))).toBe(true);
    expect(await theirs.verify(pkijs.Certificate.fromBER(root.certificate.der.slice().buffer))).toBe(false);
  });

  it('made by openssl are read', () => {
    openssl(
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /C=NL/O=Other/CN=host.example'.split(
        ' ',
      ),
      ...'-addext subjectAltName=DNS:host.example,IP:10.0.0.1 -addext extendedKeyUsage=serverAuth'.split(' '),
      '-keyout',
      join(directory, 'other.key'),
      '-out',
      join(directory, 'other.pem'),
    );
    const der = openssl('x509', '-in', join(directory, 'other.pem'));
    const read = readCertificate(fromPemLabelled(der, 'CERTIFICATE')[0]!);
    expect(read.subjectAltNames).toEqual([hostName('host.example'), hostName('10.0.0.1')]);
    expect(read.extendedKeyUsage).toEqual([SERVER_AUTH]);
  });

  it('made with a validity that is empty, or a repeated extension, are refused before signing', () => {
    const keys = generateP256();
    const subject = makeName({ CN: 'x' });
    const content = {
      serial: 1n,
      issuer: subject,
      subject,
      notBefore: new Date(NOON),
      notAfter: new Date(NOON),
      publicKey: keys.publicKey,
      extensions: [],
    };
    expect(() => createCertificate(content, keys.privateKey)).toThrow(
      expect.objectContaining({ code: 'PKI_VALIDITY_EMPTY' }),
    );
    const names = makeExtension(subjectAltName, [hostName('a.example')]);
    expect(() =>
      createCertificate({ ...content, notAfter: new Date(NOON + DAY), extensions: [names, names] }, keys.privateKey),
    ).toThrow(expect.objectContaining({ code: 'PKI_EXTENSION_REPEATED' }));
  });

  it('that name another algorithm inside than outside are refused', () => {
    const der = leaf.certificate.der.slice();
    const inside = Buffer.from(der).indexOf(Buffer.from('2a8648ce3d040302', 'hex'));
    der[inside + 7] = 3;
    expect(() => readCertificate(der)).toThrow(expect.objectContaining({ code: 'PKI_ALGORITHM_MISMATCH' }));
  });

  it('beyond 2049 are written and read with generalized time', () => {
    const late = makeHolder({ subject: makeName({ CN: 'late' }), untilMs: Date.UTC(2060, 0, 1) });
    expect(late.certificate.notAfter.toISOString()).toBe('2060-01-01T00:00:00.000Z');
  });

  it('never fail with anything but our own error', () => onlyOurErrors(readCertificate, leaf.certificate.der));

  it('are read once when cached, and still refused when malformed', () => {
    const cache = createCertificateCache({ maxEntries: 1 });
    const first = cache.read(leaf.certificate.der);
    expect(cache.read(leaf.certificate.der.slice())).toBe(first);
    cache.read(middle.certificate.der);
    expect(cache.read(leaf.certificate.der)).not.toBe(first);
    expect(() => cache.read(leaf.certificate.der.slice(1))).toThrow(HandselError);
  });

  it('have serials that are positive and never shorter', () => {
    const zeros = randomSerial((length) => new Uint8Array(length));
    const ones = randomSerial((length) => new Uint8Array(length).fill(255));
    expect([zeros, ones].map((serial) => serial.toString(2).length)).toEqual([127, 127]);
    expect(randomSerial(systemRandom)).not.toBe(randomSerial(systemRandom));
  });
});

describe('certification requests', () => {
  const keys = generateP256();
  const subject = makeName({ C: 'NL', O: 'Shop', CN: 'shop.example' });
  const extensions = [
    makeExtension(subjectAltName, [hostName('shop.example')]),
    makeExtension(extendedKeyUsage, [SERVER_AUTH]),
  ];
  const der = createCertificateRequest({ subject, ...keys, extensions });

  it('come back with name, key and wishes', () => {
    const request = readCertificateRequest(der);
    expect(formatName(request.subject)).toBe('C=NL,O=Shop,CN=shop.example');
    expect(request.publicKey.equals(keys.publicKey)).toBe(true);
    expect([...request.extensions.keys()]).toEqual(['2.5.29.17', '2.5.29.37']);
  });

  it('are verified by openssl', () => {
    const path = file('request.pem', toPem('CERTIFICATE REQUEST', der));
    expect(openssl('req', '-in', path, '-verify', '-noout', '-text')).toContain('DNS:shop.example');
  });

  it('made by openssl are read', () => {
    openssl(
      ...'req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /C=NL/O=Other/CN=x -keyout'.split(' '),
      join(directory, 'theirs.key'),
      '-out',
      join(directory, 'theirs.csr'),
    );
    const text = openssl('req', '-in', join(directory, 'theirs.csr'));
    const request = readCertificateRequest(fromPemLabelled(text, 'CERTIFICATE REQUEST')[0]!);
    expect(nameAttribute(request.subject, 'O')).toBe('Other');
  });

  it('signed by another key are refused', () => {
    const forged = createCertificateRequest({
      subject,
      publicKey: keys.publicKey,
      privateKey: generateP256().privateKey,
    });
    expect(() => readCertificateRequest(forged)).toThrow(expect.objectContaining({ code: 'PKI_REQUEST_SIGNATURE' }));
  });

  it('never fail with anything but our own error', () => onlyOurErrors(readCertificateRequest, der));
});

describe('revocation lists', () => {
  const entry = { serial: leaf.certificate.serial, revokedAt: new Date(NOON), reason: 'keyCompromise' } as const;
  const content = { number: 7n, thisUpdate: new Date(NOON), nextUpdate: new Date(NOON + DAY), revoked: [entry] };
  const list = createRevocationList(content, middle.certificate, middle.keys.privateKey);

  it('come back with their number and what is revoked', () => {
    const read = readRevocationList(list.der);
    expect(read.number).toBe(7n);
    expect(read.revoked.get(leaf.certificate.serial)).toEqual(entry);
  });

  it('are verified by openssl, which then refuses the revoked certificate', () => {
    const crl = file('list.pem', toPem('X509 CRL', list.der));
    const issuer = file('issuer.pem', toPem('CERTIFICATE', middle.certificate.der));
    const text = openssl('crl', '-in', crl, '-CAfile', issuer, '-noout', '-text');
    expect(text).toContain('Key Compromise');
    const args = ['verify', '-partial_chain', '-crl_check', '-attime', String(NOON / 1000 + 60), '-trusted', issuer];
    const target = file('target.pem', toPem('CERTIFICATE', leaf.certificate.der));
    expect(() => openssl(...args, '-CRLfile', crl, target)).toThrow(/certificate revoked/);
    const clean = createRevocationList(
      { ...content, number: 8n, revoked: [] },
      middle.certificate,
      middle.keys.privateKey,
    );
    expect(openssl(...args, '-CRLfile', file('clean.pem', toPem('X509 CRL', clean.der)), target)).toContain('OK');
  });

  it('hold for @peculiar/x509', async () => {
    const theirs = new peculiar.X509Crl(list.der.slice().buffer);
    const issuer = new peculiar.X509Certificate(middle.certificate.der.slice().buffer);
    expect(await theirs.verify({ publicKey: issuer.publicKey })).toBe(true);
    expect(theirs.findRevoked(leaf.certificate.serial.toString(16))).not.toBeNull();
  });

  it('never fail with anything but our own error', () => onlyOurErrors(readRevocationList, list.der));
});

describe('names', () => {
  it('lie within the subtree of their own first attributes, and only there', () => {
    const station = makeName({ C: 'NL', O: 'Agency', OU: 'Stations', CN: 'alice' });
    const agent = extendName(station, { CN: 'agent 1' });
    expect(isWithin(agent, station)).toBe(true);
    expect(isWithin(station, agent)).toBe(false);
    expect(isWithin(makeName({ C: 'NL', O: 'Agency', OU: 'Stations', CN: 'alice2' }), station)).toBe(false);
    expect(nameAttribute(readName(agent.der), 'CN')).toBe('alice');
  });

  it('escape separators for people, so that a value cannot pose as an attribute', () => {
    expect(formatName(makeName({ O: 'A,CN=root', CN: 'b' }))).toBe('O=A\\,CN\\=root,CN=b');
  });

  it('refuse unknown attributes and values that are empty or too long', () => {
    for (const attributes of [{ X: 'a' }, { CN: '' }, { CN: 'a'.repeat(65) }, { C: 'é' }]) {
      expect(() => makeName(attributes)).toThrow(expect.objectContaining({ code: 'PKI_NAME_INVALID' }));
    }
  });

  it('never fail with anything but our own error', () => onlyOurErrors(readName, leaf.certificate.subject.der));
});

describe('host names', () => {
  it('become DNS names or addresses', () => {
    expect(hostName('Shop.Example')).toEqual({ type: 'dns', value: 'shop.example' });
    expect(hostName('127.0.0.1').value).toEqual(Uint8Array.of(127, 0, 0, 1));
    expect(hostName('::1').value).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
    expect(hostName('2001:db8::ff:1').value).toEqual(
      Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 1),
    );
    for (const bad of ['', 'a..b', '*.example', 'a b', '-a', 'fe80::1%eth0']) {
      expect(() => hostName(bad)).toThrow(expect.objectContaining({ code: 'PKI_HOST_INVALID' }));
    }
  });
});

describe('PEM', () => {
  it('carries several blocks and ignores what stands between', () => {
    const text = `before\n${toPem('CERTIFICATE', leaf.certificate.der)}between\n${toPem('X509 CRL', Uint8Array.of(48, 0))}`;
    expect(fromPem(text).map((block) => block.label)).toEqual(['CERTIFICATE', 'X509 CRL']);
    expect(fromPem(text)[0]!.der).toEqual(leaf.certificate.der);
  });

  it('refuses text without a block and base64 that is not canonical', () => {
    expect(() => fromPem('nothing')).toThrow(expect.objectContaining({ code: 'PKI_PEM_INVALID' }));
    const stray = '-----BEGIN X-----\nAB==\n-----END X-----\n';
    expect(() => fromPem(stray)).toThrow(expect.objectContaining({ code: 'PKI_PEM_INVALID' }));
    fc.assert(fc.property(fc.string(), (text) => void expect(() => fromPem(text)).toThrow(HandselError)));
  });
});

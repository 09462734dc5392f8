import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import * as peculiar from '@peculiar/x509';
import { afterAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import { issueAgentCertificate } from '../../../src/pki/agent-certificate.ts';
import { identifyIssuer } from '../../../src/pki/authority-key.ts';
import { type Certificate, createCertificate, randomSerial } from '../../../src/pki/certificate.ts';
import { createCertificateRequest, readCertificateRequest } from '../../../src/pki/certificate-request.ts';
import { type Extension, makeExtension } from '../../../src/pki/extension.ts';
import { hostName } from '../../../src/pki/general-name.ts';
import { extendName, isWithin, makeName, type Name } from '../../../src/pki/name.ts';
import { collectChain, validatePath } from '../../../src/pki/path.ts';
import { toPem } from '../../../src/pki/pem.ts';
import type { Purpose } from '../../../src/pki/purpose.ts';
import { createRevocationStore } from '../../../src/pki/revocation-store.ts';
import {
  basicConstraints,
  DOCUMENT_SIGNING,
  extendedKeyUsage,
  keyUsage,
  SERVER_AUTH,
  subjectAltName,
} from '../../../src/pki/standard-extensions.ts';
import { createAgency } from '../../../src/set/authority/create-agency.ts';
import { issueAgentAuthority, issueCommunication } from '../../../src/set/authority/issue-communication.ts';
import { makeCrl, revoke } from '../../../src/set/authority/revocation.ts';

const DAY = 86_400_000;
/** The handshakes below look at the machine's own clock, so this agency lives by it. */
const START = Math.floor(Date.now() / 1000) * 1000 - 60_000;

const clock = { nowMs: () => START };
const agency = createAgency({
  organization: 'Agency',
  country: 'NL',
  brands: [{ brandId: 'ACME', country: 'NL' }],
  clock,
  random: systemRandom,
});
const anchor = agency.authorities.get('communication-root')!.certificate;
const ca = agency.authorities.get('communication-ca')!;

function party(name: string, hosts: readonly string[] = ['localhost', '127.0.0.1', '::1']) {
  const keys = generateP256();
  return { keys, ...issueCommunication(agency, { name, hosts, publicKey: keys.publicKey }) };
}

function station(name: string) {
  const holder = party(name, []);
  const keys = generateP256();
  const authority = issueAgentAuthority(agency, { station: holder.certificate, publicKey: keys.publicKey });
  return { holder, keys, authority };
}

function agentOf(owner: ReturnType<typeof station>, lifetimeMs = DAY) {
  const keys = generateP256();
  const request = createCertificateRequest({ subject: makeName({ CN: 'whatever it says' }), ...keys });
  const certificate = issueAgentCertificate({
    authority: owner.authority.certificate,
    authorityKey: owner.keys.privateKey,
    request: readCertificateRequest(request),
    agentName: 'mandate-1',
    notBeforeMs: START,
    notAfterMs: START + lifetimeMs,
    random: systemRandom,
  });
  return { keys, certificate };
}

/** What a station could sign if it did not care for what its authority allows. */
function misuse(
  owner: ReturnType<typeof station>,
  subject: Name,
  extensions: readonly Extension[],
  isCa = false,
): Certificate {
  return createCertificate(
    {
      serial: randomSerial(systemRandom),
      issuer: owner.authority.certificate.subject,
      subject,
      notBefore: new Date(START),
      notAfter: new Date(START + DAY),
      publicKey: generateP256().publicKey,
      extensions: [
        makeExtension(basicConstraints, { ca: isCa }),
        makeExtension(keyUsage, new Set(isCa ? (['keyCertSign'] as const) : (['digitalSignature'] as const))),
        identifyIssuer(owner.authority.certificate),
        ...extensions,
      ],
    },
    owner.keys.privateKey,
  );
}

function validate(leaf: Certificate, pool: readonly Certificate[], purpose: Purpose, atMs = START) {
  return validatePath({ chain: collectChain(leaf, pool), anchors: [anchor], atMs, purpose });
}

function code(expected: string) {
  return expect.objectContaining({ code: expected });
}

describe('communication certificates', () => {
  const shop = party('shop');

  it('serve TLS both ways, signing and being sealed to, under a root apart from SET', () => {
    for (const purpose of ['tls-server', 'tls-client', 'signature', 'encryption'] as const) {
      expect(validate(shop.certificate, shop.chain, purpose).chain).toHaveLength(3);
    }
    expect(() => validate(shop.certificate, shop.chain, 'certificate-signing')).toThrow(code('PKI_KEY_USAGE'));
    expect(() => validate(shop.certificate, shop.chain, 'agent')).toThrow(code('PKI_KEY_USAGE'));
    const setRoot = agency.authorities.get('root-1')!.certificate;
    const chain = shop.chain.slice(0, 2);
    expect(() => validatePath({ chain, anchors: [setRoot], atMs: START, purpose: 'signature' })).toThrow(
      code('PKI_PATH_UNTRUSTED'),
    );
  });

  it('turn invalid when they expire, and when their CA revokes them', () => {
    const end = shop.certificate.notAfter.getTime();
    expect(() => validate(shop.certificate, shop.chain, 'tls-server', end)).not.toThrow();
    expect(() => validate(shop.certificate, shop.chain, 'tls-server', end + 1)).toThrow(code('PKI_EXPIRED'));

    const bad = party('bad');
    const revocation = createRevocationStore({ maxAgeMs: DAY });
    revocation.add(makeCrl(agency, 'communication-root'), anchor);
    revocation.add(makeCrl(agency, 'communication-ca'), ca.certificate);
    const check = () =>
      validatePath({ chain: bad.chain, anchors: [anchor], atMs: START, purpose: 'tls-client', revocation });
    expect(check).not.toThrow();
    revoke(agency, { serial: bad.certificate.serial, reason: 'keyCompromise' });
    revocation.add(makeCrl(agency, 'communication-ca'), ca.certificate);
    expect(check).toThrow(code('PKI_REVOKED'));
  });

  it('are given to one party under a name, in whatever unit and case, until it renews or they are revoked', () => {
    const { certificate } = party('only-one');
    const again = (name: string, options: { unit?: string; renew?: boolean } = {}) =>
      issueCommunication(agency, { name, hosts: [], publicKey: generateP256().publicKey, ...options });
    expect(() => again('only-one')).toThrow(code('AGENCY_NAME_TAKEN'));
    expect(() => again('ONLY-one', { unit: 'Others' })).toThrow(code('AGENCY_NAME_TAKEN'));
    expect(again('only').certificate.serial).toBeDefined();
    const renewed = again('only-one', { renew: true });
    for (const { serial } of [certificate, renewed.certificate]) revoke(agency, { serial, reason: 'superseded' });
    expect(again('only-one').certificate.serial).toBeDefined();
  });

  it('name only hosts that are hosts', () => {
    expect(() => party('x', ['*'])).toThrow(code('PKI_HOST_INVALID'));
  });
});

describe('agent certificates', () => {
  const alice = station('alice');
  const agent = agentOf(alice);
  const pool = alice.authority.chain;
  const below = extendName(alice.authority.certificate.subject, { CN: 'evil' });

  it('are issued by the station for names below its own, and are good for signing as an agent only', () => {
    expect(isWithin(agent.certificate.subject, alice.holder.certificate.subject)).toBe(true);
    expect(validate(agent.certificate, pool, 'agent').chain).toHaveLength(4);
    expect(validate(agent.certificate, pool, 'encryption').chain).toHaveLength(4);
    for (const purpose of ['tls-server', 'tls-client'] as const) {
      expect(() => validate(agent.certificate, pool, purpose)).toThrow(code('PKI_KEY_USAGE'));
    }
  });

  it('live as long as the mandate, and never beyond the authority', () => {
    expect(() => validate(agent.certificate, pool, 'agent', START + DAY)).not.toThrow();
    expect(() => validate(agent.certificate, pool, 'agent', START + DAY + 1)).toThrow(code('PKI_EXPIRED'));
    const long = agentOf(alice, 100 * 365 * DAY);
    expect(long.certificate.notAfter).toEqual(alice.authority.certificate.notAfter);
    expect(() => agentOf(alice, 0)).toThrow(code('PKI_VALIDITY_EMPTY'));
  });

  it('of one station are not accepted in the name of another', () => {
    const bob = station('bob');
    const signing = makeExtension(extendedKeyUsage, [DOCUMENT_SIGNING]);
    const posing = misuse(alice, extendName(bob.authority.certificate.subject, { CN: 'x' }), [signing]);
    expect(() => validate(posing, pool, 'agent')).toThrow(code('PKI_NAME_CONSTRAINT'));
    const self = misuse(alice, alice.holder.certificate.subject, [signing]);
    expect(() => validate(self, pool, 'agent')).toThrow(code('PKI_NAME_CONSTRAINT'));
    expect(() => validate(misuse(alice, below, [signing]), pool, 'agent')).not.toThrow();
  });

  it('cannot be made into servers or authorities', () => {
    const server = makeExtension(extendedKeyUsage, [SERVER_AUTH]);
    const host = makeExtension(subjectAltName, [hostName('shop.example')]);
    expect(() => validate(misuse(alice, below, [server]), pool, 'tls-server')).toThrow(code('PKI_KEY_USAGE'));
    expect(() => validate(misuse(alice, below, [server, host]), pool, 'tls-server')).toThrow(
      code('PKI_NAME_CONSTRAINT'),
    );

    const keys = generateP256();
    const subCa = misuse(alice, below, [], true);
    const signing = makeExtension(extendedKeyUsage, [DOCUMENT_SIGNING]);
    const leaf = createCertificate(
      {
        serial: 5n,
        issuer: subCa.subject,
        subject: extendName(below, { CN: 'deeper' }),
        notBefore: new Date(START),
        notAfter: new Date(START + DAY),
        publicKey: keys.publicKey,
        extensions: [makeExtension(keyUsage, new Set(['digitalSignature'] as const)), signing],
      },
      keys.privateKey,
    );
    const chain = [leaf, subCa, ...pool];
    expect(() => validatePath({ chain, anchors: [anchor], atMs: START, purpose: 'agent' })).toThrow(
      code('PKI_PATH_LENGTH'),
    );
  });

  it('need an agent authority, which only a station with a certificate of this agency gets', () => {
    const foreign = createAgency({ organization: 'F', country: 'NL', brands: [], clock, random: systemRandom });
    const publicKey = generateP256().publicKey;
    const { certificate } = issueCommunication(foreign, { name: 'eve', hosts: [], publicKey });
    const ask = { station: certificate, publicKey: generateP256().publicKey };
    expect(() => issueAgentAuthority(agency, ask)).toThrow(code('AGENCY_STATION_UNKNOWN'));
    const fired = party('fired', []);
    revoke(agency, { serial: fired.certificate.serial });
    expect(() => issueAgentAuthority(agency, { ...ask, station: fired.certificate })).toThrow(
      code('AGENCY_STATION_UNKNOWN'),
    );
    const again = { station: alice.holder.certificate, publicKey: alice.holder.keys.publicKey };
    expect(() => issueAgentAuthority(agency, again)).toThrow(code('AGENCY_KEY_REUSED'));
  });
});

describe('openssl and @peculiar/x509', () => {
  const directory = mkdtempSync(join(tmpdir(), 'handsel-communication-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const alice = station('alice-2');
  const pem = (name: string, ...certificates: readonly Certificate[]) => {
    const path = join(directory, name);
    writeFileSync(path, pemOf(...certificates));
    return path;
  };
  const verify = (leaf: Certificate, pool: readonly Certificate[], ...args: readonly string[]) =>
    execFileSync(
      'openssl',
      [
        ...['verify', '-x509_strict', ...args, '-CAfile', pem('root.pem', anchor)],
        ...['-untrusted', pem('pool.pem', ...pool), pem('leaf.pem', leaf)],
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );

  it('find the certificates strictly by RFC 5280, for the purposes they are for', () => {
    const shop = party('shop-2');
    expect(verify(shop.certificate, shop.chain, '-purpose', 'sslserver', '-verify_hostname', 'localhost')).toContain(
      'OK',
    );
    expect(verify(shop.certificate, shop.chain, '-purpose', 'sslclient', '-verify_ip', '127.0.0.1')).toContain('OK');
    expect(verify(agentOf(alice).certificate, alice.authority.chain)).toContain('OK');
    expect(() => verify(agentOf(alice).certificate, alice.authority.chain, '-purpose', 'sslserver')).toThrow(/purpose/);
  });

  it('refuse, as we do, an agent in the name of another station or of a host', () => {
    const host = makeExtension(subjectAltName, [hostName('shop.example')]);
    const pool = alice.authority.chain;
    const below = extendName(alice.authority.certificate.subject, { CN: 'x' });
    // By RFC 5280 every certificate has the key identifier that strict checking asks for; here the names are in question.
    expect(() => verify(misuse(alice, makeName({ C: 'NL', CN: 'bob' }), []), pool)).toThrow(
      /permitted subtree violation/,
    );
    expect(() => verify(misuse(alice, below, [host]), pool)).toThrow(/excluded subtree violation/);
    // A host in the common name, which TLS libraries fall back on.
    const hostInName = extendName(alice.authority.certificate.subject, { CN: 'shop.example' });
    expect(() => verify(misuse(alice, hostInName, []), pool)).toThrow(/excluded subtree violation/);
  });

  it('build the chain of an agent', async () => {
    const builder = new peculiar.X509ChainBuilder({
      certificates: alice.authority.chain.map((c) => new peculiar.X509Certificate(c.der.slice().buffer)),
    });
    const chain = await builder.build(new peculiar.X509Certificate(agentOf(alice).certificate.der.slice().buffer));
    expect(chain).toHaveLength(4);
  });
});

describe('TLS 1.3 of node', () => {
  const shop = party('tls-shop');
  const buyer = party('tls-buyer', []);

  it('authenticates both sides with communication certificates', async () => {
    const { server, client } = await handshake(shop, buyer);
    expect(server.protocol).toBe('TLSv1.3');
    expect(server.peer).toBe('tls-buyer');
    expect(client).toEqual({ authorized: true, peer: 'tls-shop' });
  });

  it('refuses a client without a certificate, and one with a certificate of another hierarchy', async () => {
    await expect(handshake(shop, undefined)).rejects.toThrow();
    const foreign = createAgency({ organization: 'F', country: 'NL', brands: [], clock, random: systemRandom });
    const keys = generateP256();
    const mallory = issueCommunication(foreign, { name: 'm', hosts: ['localhost'], publicKey: keys.publicKey });
    await expect(handshake(shop, { keys, ...mallory })).rejects.toThrow();
    await expect(handshake({ keys, ...mallory }, buyer)).rejects.toThrow(/self-signed|verify|issuer/);
  });

  it('refuses a server under another name than it was called by, and an agent as a server', async () => {
    const elsewhere = party('elsewhere', ['elsewhere.example']);
    await expect(handshake(elsewhere, buyer)).rejects.toThrow(/altnames/);
    const alice = station('alice-3');
    const server = makeExtension(extendedKeyUsage, [SERVER_AUTH]);
    const keys = generateP256();
    const posing = createCertificate(
      {
        ...misuse(alice, extendName(alice.authority.certificate.subject, { CN: 'localhost' }), []),
        publicKey: keys.publicKey,
        extensions: [makeExtension(keyUsage, new Set(['digitalSignature'] as const)), server],
      },
      alice.keys.privateKey,
    );
    const impostor = { keys, certificate: posing, chain: [posing, ...alice.authority.chain] };
    await expect(handshake(impostor, buyer)).rejects.toThrow(/unsuitable certificate purpose/);
  });
});

interface TlsParty {
  readonly keys: KeyPair;
  readonly chain: readonly Certificate[];
}

async function handshake(serverParty: TlsParty, clientParty: TlsParty | undefined) {
  const ca = pemOf(anchor);
  const credentials = (side: TlsParty) => ({ key: pemOfKey(side.keys.privateKey), cert: pemOf(...side.chain) });
  const server = createServer({
    ...credentials(serverParty),
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const seen = new Promise<TLSSocket>((resolve, reject) => {
      server.once('secureConnection', resolve);
      server.once('tlsClientError', reject);
    });
    const { port } = server.address() as AddressInfo;
    const socket = connect({
      ...{ host: '127.0.0.1', port, servername: 'localhost', ca },
      ...(clientParty && credentials(clientParty)),
    });
    socket.on('error', () => undefined);
    const failed = new Promise<never>((_, reject) => socket.once('error', reject));
    failed.catch(() => undefined);
    seen.catch(() => undefined);
    try {
      await Promise.race([once(socket, 'secureConnect'), failed]);
      const accepted = await Promise.race([seen, failed]);
      return {
        server: { protocol: accepted.getProtocol(), peer: accepted.getPeerCertificate().subject.CN },
        client: { authorized: socket.authorized, peer: socket.getPeerCertificate().subject.CN },
      };
    } finally {
      socket.destroy();
    }
  } finally {
    server.close();
  }
}

function pemOf(...certificates: readonly Certificate[]): string {
  return certificates.map((certificate) => toPem('CERTIFICATE', certificate.der)).join('');
}

function pemOfKey(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

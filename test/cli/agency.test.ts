import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { agencyCommand } from '../../src/cli/agency.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { validatePath } from '../../src/pki/path.ts';
import { fromPemLabelled } from '../../src/pki/pem.ts';
import { readRevocationList } from '../../src/pki/revocation-list.ts';
import { readBrandCrlIdentifier } from '../../src/set/message/brand-crl-identifier.ts';
import { isCertificateOfCard } from '../../src/set/message/cardholder-identity.ts';
import { createSetTrust } from '../../src/set/message/set-trust.ts';

const home = mkdtempSync(join(tmpdir(), 'handsel-agency-cli-'));
afterAll(() => rmSync(home, { recursive: true }));
const at = (...parts: readonly string[]) => join(home, ...parts);
const DIRECTORY = ['--directory', at('agency')];

async function run(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  const command = agencyCommand((text) => void written.push(text)).exitOverride();
  await command.parseAsync(args, { from: 'user' });
  return written.join('');
}

async function facts(...args: readonly string[]) {
  return JSON.parse(await run(...args, ...DIRECTORY, '--json'));
}

function certificates(...file: readonly string[]) {
  return fromPemLabelled(readFileSync(at(...file), 'utf8'), 'CERTIFICATE').map(readCertificate);
}

function code(expected: string) {
  return expect.objectContaining({ code: expected });
}

describe('handsel agency', () => {
  it('makes an agency, once', async () => {
    const made = await facts('init', '--brand', 'ACME:NL:Benelux', '--organization', 'Test Agency');
    expect(made.authorities.map((row: { id: string }) => row.id)).toEqual([
      'root-1',
      'ACME.brand-1',
      'ACME.geopolitical-1',
      'ACME.cardholder-ca-1',
      'ACME.merchant-ca-1',
      'ACME.gateway-ca-1',
      'communication-root',
      'communication-ca',
    ]);
    await expect(run('init', ...DIRECTORY)).rejects.toThrow(code('AGENCY_EXISTS'));
    for (const name of readdirSync(at('agency', 'keys'))) {
      expect(statSync(at('agency', 'keys', name)).mode & 0o777).toBe(0o600);
    }
  });

  it('issues communication certificates that openssl finds good, with keys made here or elsewhere', async () => {
    await facts('issue', 'communication', '--name', 'shop', '--host', 'localhost', '--out', at('shop'));
    const [leaf, issuer] = certificates('shop', 'communication.chain.pem');
    const anchors = certificates('shop', 'communication.anchors.pem');
    const atMs = Date.now();
    expect(() => validatePath({ chain: [leaf!, issuer!], anchors, atMs, purpose: 'tls-server' })).not.toThrow();
    expect(statSync(at('shop', 'communication.key.pem')).mode & 0o777).toBe(0o600);

    const subject = '-subj /CN=x -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'.split(' ');
    execFileSync('openssl', ['req', '-new', ...subject, '-keyout', at('k.pem'), '-out', at('r.pem')], {
      stdio: 'ignore',
    });
    await facts('issue', 'communication', '--name', 'market', '--request', at('r.pem'), '--out', at('market'));
    expect(readdirSync(at('market'))).not.toContain('communication.key.pem');
    const verified = execFileSync(
      'openssl',
      [
        ...['verify', '-x509_strict', '-CAfile', at('market', 'communication.anchors.pem')],
        ...['-untrusted', at('market', 'communication.chain.pem'), at('market', 'communication.chain.pem')],
      ],
      { encoding: 'utf8' },
    );
    expect(verified).toContain('OK');
  });

  it('gives a station an agent authority', async () => {
    await facts('issue', 'communication', '--name', 'alice', '--out', at('alice'));
    const station = at('alice', 'communication.chain.pem');
    await facts('issue', 'agent-authority', '--station', station, '--out', at('alice'));
    expect(certificates('alice', 'agent-authority.chain.pem')[0]).toMatchObject({ ca: true, pathLength: 0 });
  });

  it('issues for SET, and what it publishes is what parties need to rely on it', async () => {
    writeFileSync(at('given.json'), '{"pan":"4444333322221111","expiry":"209912"}');
    const bank = ['--brand', 'ACME', '--issuer', 'Bank', '--card', at('given.json')];
    await facts('issue', 'cardholder', ...bank, '--out', at('alice'));
    const who = ['--brand', 'ACME', '--country', 'NL', '--acquirer', 'Bank'];
    const shop = ['--id', 'SHOP-1', '--name', 'Shop', '--city', 'Delft', '--country-number', '528', '--bin', '400000'];
    await facts('issue', 'merchant', ...who, ...shop, '--out', at('shop'));
    await facts('issue', 'gateway', ...who, '--id', 'GATE-1', '--out', at('gate'));
    await facts('bci', 'ACME', '--out', at('published'));

    const trust = createSetTrust({ roots: certificates('published', 'root.pem'), maxAgeMs: 86_400_000 });
    const lists = fromPemLabelled(readFileSync(at('published', 'revocation-lists.pem'), 'utf8'), 'X509 CRL');
    const atMs = Date.now();
    trust.learn({
      brandCrlIdentifier: readBrandCrlIdentifier(readFileSync(at('published', 'brand-crl-identifier.der'))),
      revocationLists: lists.map(readRevocationList),
      certificates: certificates('published', 'authorities.pem'),
      brandId: 'ACME',
      atMs,
    });
    const check = (
      file: readonly string[],
      holder: 'card' | 'merchant' | 'gateway',
      purpose: 'signature' | 'encryption',
    ) => {
      const [leaf, ...pool] = certificates(...file);
      return trust.validate({ leaf: leaf!, pool, holder, purpose, brandId: 'ACME', atMs });
    };
    const card = check(['alice', 'set.chain.pem'], 'card', 'signature').leaf;
    check(['shop', 'signature.chain.pem'], 'merchant', 'signature');
    check(['shop', 'encryption.chain.pem'], 'merchant', 'encryption');
    check(['gate', 'encryption.chain.pem'], 'gateway', 'encryption');
    const kept = JSON.parse(readFileSync(at('alice', 'card.json'), 'utf8'));
    expect(isCertificateOfCard(card, kept, Buffer.from(kept.panSecret, 'hex'))).toBe(true);
  });

  it('revokes, lists and shows', async () => {
    const before = await facts('list');
    const market = before.issued.find(({ subject }: { subject: string }) => subject.endsWith('CN=market'));
    await facts('revoke', market.serial, '--reason', 'keyCompromise');
    const { lists } = await facts('crl', '--out', at('lists'));
    expect(lists).toMatchObject([{ revoked: 0 }, { authority: 'communication-ca', number: 1, revoked: 1 }]);
    expect(await facts('show', market.serial)).toMatchObject({ kind: 'communication', revoked: true });
    expect(await run('list', ...DIRECTORY)).toMatch(/CN=market {2}REVOKED/);
    expect(await run('show', 'root-1', ...DIRECTORY)).toContain('BEGIN CERTIFICATE');
    const text = execFileSync('openssl', ['crl', '-in', lists[1].file, '-noout', '-text'], { encoding: 'utf8' });
    expect(text).toContain('Key Compromise');
    await expect(run('show', 'nothing', ...DIRECTORY)).rejects.toThrow(code('AGENCY_SERIAL_UNKNOWN'));
  });

  it('rolls the root', async () => {
    expect(await facts('roll-root')).toEqual({ root: 'root-2' });
    expect((await facts('list')).authorities.map(({ id }: { id: string }) => id)).toContain('ACME.brand-2');
  });

  it('writes over no key, and leaves the record as it was when it refuses', async () => {
    const before = (await facts('list')).issued.length;
    const again = run('issue', 'communication', '--name', 'shop', '--out', at('shop'), ...DIRECTORY);
    await expect(again).rejects.toThrow(code('AGENCY_FILE_EXISTS'));
    expect((await facts('list')).issued).toHaveLength(before);
    await expect(run('list', '--directory', at('nowhere'))).rejects.toThrow(code('AGENCY_MISSING'));
  });

  it('keeps another process out while one is at work, and takes over from one that died', async () => {
    writeFileSync(at('agency', 'agency.lock'), String(process.ppid));
    await expect(run('crl', '--out', at('lists'), ...DIRECTORY)).rejects.toThrow(code('AGENCY_BUSY'));
    writeFileSync(at('agency', 'agency.lock'), '4194304');
    await expect(run('crl', '--out', at('lists'), ...DIRECTORY)).resolves.toContain('number');
  });

  it('seals its keys under a password when given one', async () => {
    writeFileSync(at('password'), 'correct horse\n');
    writeFileSync(at('wrong'), 'wrong horse\n');
    const sealed = ['--directory', at('sealed')];
    await run('init', '--brand', 'B', ...sealed, '--password-file', at('password'));
    expect(readdirSync(at('sealed')).sort()).toEqual(['agency.json', 'keys.sealed']);
    await expect(run('list', ...sealed, '--password-file', at('password'))).resolves.toContain('root-1');
    await expect(run('list', ...sealed)).rejects.toThrow(code('AGENCY_PASSWORD_NEEDED'));
    await expect(run('list', ...sealed, '--password-file', at('wrong'))).rejects.toThrow(code('CRYPTOGRAPHIC_FAILURE'));
  });
});

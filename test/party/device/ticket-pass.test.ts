/** Wallet passes: their structure, and their signature as `openssl` judges it. */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { ownPassSigner, readPassSigner } from '../../../src/party/device/pass-signer.ts';
import { type TicketPass, ticketPass } from '../../../src/party/device/ticket-pass.ts';
import type { TicketView } from '../../../src/party/device/ticket-view.ts';

const folder = mkdtempSync(join(tmpdir(), 'handsel-pass-'));
afterAll(() => rmSync(folder, { recursive: true }));
const signedAt = new Date();
const signer = ownPassSigner(join(folder, 'own'), signedAt.getTime());

const opera: TicketView = {
  ...{ id: 'ab'.repeat(16), type: 'event', kind: 'event', title: 'Die Zauberflöte', issuer: 'Deutsche Oper' },
  ...{ issuerExpires: '2027-01-01', issued: '2026-11-21', transfers: 0, standing: 'good', remaining: 1 },
  fields: { event: 'Die Zauberflöte', location: 'Berlin', at: '2030-05-04T17:30:00Z', seat: '7', price: '89.00 EUR' },
};
const train: TicketView = {
  ...{ ...opera, type: 'transportation', kind: 'transportation', title: 'RJX 162' },
  fields: {
    ...{ carrier: 'ÖBB', tripNumber: 'RJX 162', departureAt: '2030-05-05T07:30:00Z', departurePlace: 'Wien' },
    ...{ arrivalAt: '2030-05-05T15:20:00Z', arrivalPlace: 'Zürich', price: '89.90 EUR' },
  },
};

const open = (pass: Partial<TicketPass> = {}) => {
  const files = unzipSync(ticketPass({ ticket: opera, letters: 'HT1:ABC', barcode: 'qr', signer, signedAt, ...pass }));
  const json = (name: string) => JSON.parse(Buffer.from(files[name]!).toString('utf8'));
  return { files, pass: json('pass.json'), manifest: json('manifest.json') };
};

/** Whether openssl takes the signature over exactly this manifest. */
function judged(files: Record<string, Uint8Array>, trusted: string, command: 'smime' | 'cms') {
  const [manifest, signature] = [join(folder, 'manifest.json'), join(folder, 'signature')];
  writeFileSync(manifest, files['manifest.json']!);
  writeFileSync(signature, files.signature!);
  const args = ['-verify', '-binary', '-inform', 'DER', '-in', signature, '-content', manifest, '-CAfile', trusted];
  return spawnSync('openssl', [command, ...args, '-purpose', 'any', '-out', '/dev/null'], { encoding: 'utf8' });
}

describe('a pass', () => {
  it('holds what wallets ask for, and the digest of each file', () => {
    const { files, pass, manifest } = open({ until: '2030-05-05T17:30:00Z' });
    const others = Object.keys(files).filter((name) => name !== 'manifest.json' && name !== 'signature');
    expect(others.sort()).toEqual(['icon.png', 'icon@2x.png', 'logo.png', 'pass.json']);
    expect(manifest).toEqual(
      Object.fromEntries(others.map((name) => [name, createHash('sha1').update(files[name]!).digest('hex')])),
    );
    expect(pass).toMatchObject({
      ...{ formatVersion: 1, passTypeIdentifier: 'pass.handsel.ticket', teamIdentifier: 'HANDSEL' },
      ...{ serialNumber: opera.id, organizationName: 'Deutsche Oper', description: 'Die Zauberflöte' },
      ...{ relevantDate: '2030-05-04T17:30:00Z', expirationDate: '2030-05-05T17:30:00Z' },
      barcodes: [{ format: 'PKBarcodeFormatQR', message: 'HT1:ABC', messageEncoding: 'iso-8859-1' }],
    });
    expect(pass.eventTicket.primaryFields).toEqual([{ key: 'event', label: 'EVENT', value: 'Die Zauberflöte' }]);
    const png = Buffer.from(files['icon.png']!);
    expect([png.readUInt32BE(16), Buffer.from(files['icon@2x.png']!).readUInt32BE(16)]).toEqual([29, 58]);
  });

  it('of a trip is a boarding pass, with a PDF417 symbol where that is wanted and fits', () => {
    const { pass } = open({ ticket: train, barcode: 'pdf417' });
    expect(pass.boardingPass).toMatchObject({
      transitType: 'PKTransitTypeGeneric',
      primaryFields: [
        { key: 'departurePlace', label: 'FROM', value: 'Wien' },
        { key: 'arrivalPlace', label: 'TO', value: 'Zürich' },
      ],
    });
    expect(pass.eventTicket).toBeUndefined();
    expect(pass.barcodes[0].format).toBe('PKBarcodeFormatPDF417');
    expect(() => open({ ticket: train, barcode: 'pdf417', letters: 'A'.repeat(1701) })).toThrow('PDF417');
  });

  it.each(['smime', 'cms'] as const)('is signed as openssl %s judges it, and a changed manifest is not', (command) => {
    const { files } = open();
    const trusted = join(folder, 'own/certificate.pem');
    expect(judged(files, trusted, command).stderr).toMatch(/Verification successful/i);
    const changed = files['manifest.json']!.slice();
    changed[20]! ^= 1;
    expect(judged({ ...files, 'manifest.json': changed }, trusted, command).status).not.toBe(0);
  });

  it('is signed with the RSA key of a pass type and carries those above it', () => {
    const made = join(folder, 'rsa');
    mkdirSync(made);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(made, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const subject = '/UID=pass.example.opera/CN=Pass Type ID: pass.example.opera/OU=A1B2C3D4E5/O=Opera/C=DE';
    const args = ['req', '-x509', '-new', '-key', join(made, 'key.pem'), '-subj', subject, '-days', '30'];
    const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
    writeFileSync(join(made, 'certificate.pem'), stdout);
    writeFileSync(join(made, 'wwdr.pem'), readFileSync(join(folder, 'own/certificate.pem')));
    const rsa = readPassSigner(made);
    expect([rsa.passType, rsa.team, rsa.issuers.length]).toEqual(['pass.example.opera', 'A1B2C3D4E5', 1]);
    const { files, pass } = open({ signer: rsa });
    expect([pass.passTypeIdentifier, pass.teamIdentifier]).toEqual(['pass.example.opera', 'A1B2C3D4E5']);
    expect(judged(files, join(made, 'certificate.pem'), 'smime').stderr).toMatch(/Verification successful/i);
    const shown = spawnSync('openssl', ['pkcs7', '-inform', 'DER', '-in', join(folder, 'signature'), '-print_certs'], {
      encoding: 'utf8',
    });
    expect(shown.stdout.match(/^subject/gm)).toHaveLength(2);
  });
});

describe('the signer', () => {
  it('is made once for a home, for its owner only, and read again', () => {
    const again = ownPassSigner(join(folder, 'own'), signedAt.getTime());
    expect(again.certificate).toEqual(signer.certificate);
    expect(statSync(join(folder, 'own/key.pem')).mode & 0o077).toBe(0);
    expect(new X509Certificate(signer.certificate).subject).toContain('UID=pass.handsel.ticket');
  });

  it('is refused when the key is another one, or the certificate is of no pass type', () => {
    const made = join(folder, 'wrong');
    mkdirSync(made);
    writeFileSync(join(made, 'certificate.pem'), readFileSync(join(folder, 'own/certificate.pem')));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(join(made, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(() => readPassSigner(made)).toThrow('is not the key');
    expect(() => readPassSigner(join(folder, 'nowhere'))).toThrow('holds no certificate');
  });
});

/** `handsel inspect`: artefacts of every kind become readable, private keys never do, and arbitrary bytes break nothing. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectBytes, MAX_INSPECTED_BYTES } from '../../src/cli/inspect/inspect-bytes.ts';
import { inspectJournal } from '../../src/cli/inspect/inspect-journal.ts';
import { objectName } from '../../src/cli/inspect/object-names.ts';
import { printInspection } from '../../src/cli/inspect/print-inspection.ts';
import { inspectCommand } from '../../src/cli/inspect.ts';
import { encodeCbor } from '../../src/codec/cbor.ts';
import type { CborValue } from '../../src/codec/cbor-value.ts';
import { concatBytes, fromHex, toHex, utf8 } from '../../src/codec/hex.ts';
import { signCose1 } from '../../src/crypto/cose-sign1.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256 } from '../../src/crypto/signature.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { openSqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { createCertificate, randomSerial } from '../../src/pki/certificate.ts';
import { createCertificateRequest } from '../../src/pki/certificate-request.ts';
import { makeExtension } from '../../src/pki/extension.ts';
import { makeName } from '../../src/pki/name.ts';
import { toPem } from '../../src/pki/pem.ts';
import { basicConstraints } from '../../src/pki/standard-extensions.ts';
import { encodeMessage } from '../../src/set/message/message-wrapper.ts';
import { provisionIn } from '../party/network/network-fixture.ts';

const { privateKey, publicKey } = generateP256();
const name = makeName({ O: 'Testbrand', CN: 'A party' });
const certificate = createCertificate(
  {
    serial: randomSerial(systemRandom),
    issuer: name,
    subject: name,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
    publicKey,
    extensions: [makeExtension(basicConstraints, { ca: true, pathLength: 1 })],
  },
  privateKey,
);
const folder = mkdtempSync(join(tmpdir(), 'handsel-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const only = (bytes: Uint8Array) => {
  const [inspection, ...more] = inspectBytes(bytes);
  expect(more).toEqual([]);
  return { ...inspection!, text: printInspection(inspection!) };
};

describe('DER', () => {
  test('a certificate tells subject, validity and extensions, and every element its offset', () => {
    const { kind, facts, text } = only(certificate.der);
    expect(kind).toBe('certificate');
    expect(facts).toMatchObject({
      subject: expect.stringContaining('A party'),
      valid: '2026-01-01T00:00:00.000Z to 2027-01-01T00:00:00.000Z',
      authority: 'yes, path length 1',
      extensions: expect.stringContaining('basicConstraints'),
    });
    expect(text).toMatch(/^000000 {2}SEQUENCE \(3 inside/m);
    expect(text).toMatch(/^[0-9a-f]{6} +OBJECT IDENTIFIER 2\.5\.29\.19 basicConstraints$/m);
    // The extension's octets are opened although their type is told by the identifier beside them only.
    expect(text).toMatch(/OCTET STRING \(1 inside, 8 bytes\)\n.*SEQUENCE \(2 inside/);
    const offset = Number.parseInt(/^([0-9a-f]{6}) +UTF8String "A party"$/m.exec(text)?.[1] ?? '', 16);
    expect(toHex(certificate.der.subarray(offset + 2, offset + 9))).toBe(toHex(utf8('A party')));
  });

  test('a PEM file with several artefacts gives each of them', () => {
    const request = createCertificateRequest({ subject: name, publicKey, privateKey });
    const pem = `preamble\n${toPem('CERTIFICATE', certificate.der)}${toPem('CERTIFICATE REQUEST', request)}`;
    expect(inspectBytes(utf8(pem)).map(({ kind }) => kind)).toEqual(['certificate', 'certificate request']);
  });

  test('a SET message tells its name and the identifiers of its header', () => {
    const rrpid = systemRandom(20);
    const der = encodeMessage({ name: 'PInitReq', body: fromHex('3003020105'), nowMs: 0, rrpid });
    const { kind, facts } = only(der);
    expect(kind).toBe('SET message PInitReq');
    expect(facts).toMatchObject({ version: '2.0', rrpid: toHex(rrpid), date: '1970-01-01T00:00:00.000Z' });
  });

  test('object identifiers of SET carry their names, holes in the numbering none', () => {
    expect(objectName('2.23.42.0.0')).toBe('setct-PANData');
    expect(objectName('2.23.42.0.13')).toBe('setct-PI-TBS');
    expect(objectName('2.23.42.0.15')).toBeUndefined();
    expect(objectName('2.23.42.0.50')).toBe('setct-PIDualSignedTBE');
    expect(objectName('2.23.42.0.82')).toBe('setct-BCIDistributionTBS');
    expect(objectName('2.23.42.7.0')).toBe('setCext-hashedRoot');
    expect(objectName('2.23.42.1.8')).toBe('setext-cv');
    expect(objectName('1.3.6.1.4.1.32473.2342.2.0.13')).toBe('set2-piTbs');
    expect(objectName('1.2.3')).toBeUndefined();
  });

  test('octets that only look like DER stay octets', () => {
    expect(only(fromHex('3006040430020500')).text).toContain('OCTET STRING (1 inside');
    expect(only(fromHex('3006040430030500')).text).toContain('OCTET STRING 30030500');
  });
});

describe('private keys', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const d = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
  const secretOf = (key: typeof rsa) => Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex');
  const shown = (bytes: Uint8Array) => {
    const found = inspectBytes(bytes);
    return found.map(printInspection).join('') + JSON.stringify(found);
  };

  test('are named but not shown, in each of their forms', () => {
    const forms = [
      { secret: d, bytes: privateKey.export({ format: 'der', type: 'pkcs8' }) },
      { secret: d, bytes: privateKey.export({ format: 'der', type: 'sec1' }) },
      { secret: d, bytes: utf8(privateKey.export({ format: 'pem', type: 'sec1' }).toString()) },
      { secret: secretOf(rsa), bytes: rsa.export({ format: 'der', type: 'pkcs1' }) },
      { secret: secretOf(rsa), bytes: utf8(rsa.export({ format: 'pem', type: 'pkcs8' }).toString()) },
    ];
    for (const { secret, bytes } of forms) {
      const text = shown(new Uint8Array(bytes));
      expect(text).toContain('private key');
      for (let i = 0; i + 16 <= secret.length; i += 16) expect(text).not.toContain(secret.slice(i, i + 16));
    }
  });

  test('wrapped inside another structure are not shown either', () => {
    const key = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
    const octets = concatBytes(Uint8Array.of(0x04, 0x81, key.length), key);
    const wrapped = concatBytes(Uint8Array.of(0x30, 0x81, octets.length), octets);
    expect(only(wrapped).kind).toBe('DER with a private key');
    expect(shown(wrapped)).not.toContain(d.slice(0, 16));
  });

  test('under a PEM label that promises one, nothing unrecognised is shown', () => {
    const secret = systemRandom(64);
    const pem = toPem('PRIVATE KEY', secret).replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY');
    expect(inspectBytes(utf8(pem))).toEqual([{ kind: 'openssh private key', facts: { bytes: '64' } }]);
  });

  test('of COSE and JSON are left out', () => {
    const secret = Buffer.from(d, 'hex');
    const coseKey = new Map<CborValue, CborValue>([
      [1, 2],
      [-1, 1],
      [-4, new Uint8Array(secret)],
    ]);
    expect(shown(encodeCbor(coseKey))).not.toContain(d.slice(0, 16));
    const symmetric = new Map<CborValue, CborValue>([
      [1, 4],
      [-1, new Uint8Array(secret)],
    ]);
    expect(shown(encodeCbor(symmetric))).not.toContain(d.slice(0, 16));
    const json = shown(utf8(JSON.stringify({ privateKey: d, card: '4111 1111 1111 1111', price: '2.49EUR' })));
    expect(json).not.toContain(d);
    expect(json).not.toContain('4111');
    expect(json).toContain('2.49EUR');
  });
});

describe('CBOR', () => {
  test('a signed message tells content type and signer, and its payload is opened', () => {
    const payload = encodeCbor({ price: 249, goods: ['words'] });
    const contentType = 'application/handsel-offer';
    const bytes = signCose1({ payload, privateKey, contentType, certificateChain: [certificate.der] });
    const { kind, facts, text } = only(bytes);
    expect(kind).toBe('COSE_Sign1');
    expect(facts).toMatchObject({
      'content type': JSON.stringify(contentType),
      algorithm: 'ES256',
      signer: expect.stringContaining('A party'),
    });
    expect(text).toContain('18 / COSE_Sign1 /([');
    expect(text).toContain('<<{"goods": ["words"], "price": 249}>>');
  });
});

describe('anything else', () => {
  test('is shown as hexadecimal with the reason why it could not be read', () => {
    const { kind, facts, text } = only(certificate.der.subarray(0, 100));
    expect(kind).toBe('unknown');
    expect(facts['as DER']).toContain('longer than what holds it');
    expect(text).toContain(toHex(certificate.der.subarray(0, 32)));
  });

  test('control characters of a hostile file never reach the terminal', () => {
    const hostile = encodeCbor(['\u001b[2J\u009b\u202e']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(only(hostile).text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('arbitrary bytes are either shown or refused with our own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const inspection of inspectBytes(bytes)) expect(printInspection(inspection)).toContain(inspection.kind);
      }),
    );
    fc.assert(
      fc.property(fc.nat(certificate.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = certificate.der.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        for (const inspection of inspectBytes(damaged)) printInspection(inspection);
      }),
    );
  });

  test('deep nesting and large files are refused before they cost anything', () => {
    const deep = new Uint8Array(50_000).fill(0x81);
    expect(only(deep).kind).toBe('unknown');
    expect(() => inspectBytes(new Uint8Array(MAX_INSPECTED_BYTES + 1))).toThrow(HandselError);
  });
});

describe('text', () => {
  const inspected = (text: string, file = 'a') => {
    const [found] = inspectBytes(utf8(text), file);
    return { ...found!, all: printInspection(found!) + JSON.stringify(found) };
  };

  test('of traces, lines of JSON and Genius files is shown', () => {
    expect(inspected('MTI  0200\n002  960002******6867\n', '0033-ISO0200.txt')).toMatchObject({
      kind: 'text',
      all: expect.stringContaining('960002******6867'),
    });
    expect(inspected('{"a":1}\n{"a":2,"password":"hunter22"}\n', 'log.jsonl')).toMatchObject({
      kind: 'JSON lines',
      facts: { lines: '2' },
      json: [{ a: 1 }, { a: 2, password: '[hidden]' }],
    });
    const example = (name: string) => readFileSync(`examples/negotiation/${name}.xml`, 'utf8');
    expect(inspected(example('data-set-domain'))).toMatchObject({ kind: 'Genius domain' });
    expect(inspected(example('data-set-buyer')).facts.issues).toContain('Licence');
    expect(inspected('<a><b/></a>')).toMatchObject({ kind: 'XML' });
    expect(inspected('to 4111 1111 1111 1111 and on').all).not.toContain('4111');
    expect(inspected('red \u001b[31m and on').all).not.toContain('\u001b');
  });

  test('that may be a secret is named and not shown', () => {
    const key = toHex(systemRandom(32));
    const secrets = [
      { text: `${key}\n`, file: 'sealing.key', kind: 'secret key' },
      { text: `${key}\n`, file: 'moved', kind: 'secret key' },
      { text: 'correct horse battery\n', file: 'customer/password', kind: 'password' },
      { text: 'cGFzc3dvcmQ\n', file: 'noted', kind: 'one word' },
      { text: '"cGFzc3dvcmQ"', file: 'noted.json', kind: 'one word' },
      { text: '{"pan":"4111111111111111",', file: 'cards.json', kind: 'broken JSON' },
    ];
    for (const { text, file, kind } of secrets) {
      const found = inspected(text, file);
      expect(found.kind).toBe(kind);
      for (const word of text.match(/[\w-]{6,}/g) ?? []) expect(found.all).not.toContain(word);
    }
    const binary = inspectBytes(systemRandom(32), 'raw.key').map(printInspection).join('');
    expect(binary).toContain('not shown');
    expect(binary.length).toBeLessThan(100);
  });

  test('that means to be JSON and is not tells where it breaks, and counts as unreadable', () => {
    const found = inspected('{\n  "a": 1,\n  "b" 2\n}\n', 'odd.json');
    expect(found).toMatchObject({ kind: 'broken JSON', unreadable: true });
    expect(found.facts.broken).toMatch(/^at line 3/);
  });
});

test('a wallet tells the faces of its cards and nothing that is sealed', () => {
  const sealedKey = systemRandom(40);
  const card = { id: 'card-1', brand: 'HANDSEL', lastFour: '6867', sealed: systemRandom(40) };
  const { kind, facts, text } = only(encodeCbor({ version: 1, sealedKey, cards: [card] }));
  expect({ kind, facts }).toMatchObject({ kind: 'wallet', facts: { cards: 'card-1 HANDSEL …6867' } });
  expect(text).not.toContain(toHex(sealedKey).slice(0, 16));
});

describe('journals', () => {
  test('tell machine, entries and size, while nobody writes them, and are left as they were', async () => {
    const file = join(folder, 'guard.journal');
    const journal = await openSqliteJournal({ file });
    await journal.append([1, 2, 3].map((byte) => ({ keys: [], body: Uint8Array.of(byte) })));
    expect(inspectJournal(file).facts).toMatchObject({
      machine: 'guard',
      entries: expect.stringContaining('not counted'),
    });
    await journal.close();
    const before = readdirSync(folder);
    expect(inspectJournal(file)).toMatchObject({ kind: 'journal', facts: { entries: '3', snapshot: 'none' } });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('a file that only begins like one is unreadable', () => {
    const file = join(folder, 'odd.journal');
    writeFileSync(file, `SQLite format 3\0${'x'.repeat(2000)}`);
    expect(inspectJournal(file)).toMatchObject({ unreadable: true });
  });
});

test('no file of a whole network gives a secret away', async () => {
  const home = join(folder, 'home');
  await provisionIn(home);
  const files = readdirSync(home, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('catalogue'))
    .map((entry) => join(entry.parentPath, entry.name));
  const secrets = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    if (/(\.key|password)$/.test(file)) return [text.trim()];
    if (/cards\.json$/.test(file)) return JSON.parse(text).map(({ pan }: { pan: string }) => pan);
    const pem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text)?.[0];
    if (pem === undefined) return [];
    return [Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d ?? '', 'base64url').toString('hex')];
  });
  expect(secrets.length).toBeGreaterThan(25);

  let written = '';
  const command = inspectCommand((text) => {
    written += text;
  });
  await command.parseAsync(files, { from: 'user' });
  expect(process.exitCode).toBeUndefined();
  const seen = written.replace(/\s/g, '').toLowerCase();
  const forms = (secret: string) => [secret, toHex(utf8(secret)), Buffer.from(secret).toString('base64')];
  const given = secrets.filter((secret) => forms(secret).some((form) => seen.includes(form.toLowerCase())));
  expect(given).toEqual([]);
});

test('the command exits 1 for what cannot be read, having shown what there is', async () => {
  const file = join(folder, 'noise.bin');
  writeFileSync(file, Uint8Array.of(0xff, 0, 0xfe, 1));
  let written = '';
  const command = inspectCommand((text) => {
    written += text;
  });
  await command.parseAsync([file], { from: 'user' });
  expect(process.exitCode).toBe(1);
  process.exitCode = undefined;
  expect(written).toContain('ff00fe01');
  await expect(inspectCommand().parseAsync([folder], { from: 'user' })).rejects.toMatchObject({
    code: 'INSPECT_FOLDER',
  });
});

test('the command prints one JSON array of all artefacts of all files', async () => {
  const pem = join(folder, 'party.pem');
  const json = join(folder, 'receipt.json');
  writeFileSync(pem, toPem('CERTIFICATE', certificate.der));
  writeFileSync(json, '{"paid":"2.49EUR"}');
  let written = '';
  const command = inspectCommand((text) => {
    written += text;
  });
  await command.parseAsync(['--json', pem, json], { from: 'user' });
  expect(JSON.parse(written)).toMatchObject([
    { file: pem, kind: 'certificate', tree: { offset: 0, tag: 'SEQUENCE' } },
    { file: json, kind: 'JSON', json: { paid: '2.49EUR' } },
  ]);
});

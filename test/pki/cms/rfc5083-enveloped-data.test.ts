import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeDer, utf8String } from '../../../src/codec/der.ts';
import { utf8 } from '../../../src/codec/hex.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { type DataToEncrypt, decryptWith, encryptFor } from '../../../src/pki/cms/auth-enveloped-data.ts';
import { AUTH_ENVELOPED_DATA, contentTypeOf, DATA, ENVELOPED_DATA } from '../../../src/pki/cms/content-info.ts';
import { envelopData, openEnvelopedData } from '../../../src/pki/cms/enveloped-data.ts';
import { type OpensslFolder, type OpensslHolder, openOpensslFolder } from './openssl.ts';

const SET_TYPE = '2.23.42.0.2';
const DIRECTION = '1.3.6.1.4.1.55555.1.1';
const content = utf8('the content, \r\n with any \u0000 bytes');

let openssl: OpensslFolder;
beforeAll(() => {
  openssl = openOpensslFolder();
});
afterAll(() => openssl.remove());

function dataFor(...holders: OpensslHolder[]): DataToEncrypt {
  return {
    contentType: DATA,
    content,
    recipients: holders.map(({ certificate }) => certificate),
    random: systemRandom,
  };
}

function failureOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

const opens = (holder: OpensslHolder, contentType = DATA) => ({ contentType, recipients: [holder] });

const kinds = {
  AuthEnvelopedData: {
    type: AUTH_ENVELOPED_DATA,
    cipher: '-aes-256-gcm',
    make: encryptFor,
    open: (message: Uint8Array, checks: ReturnType<typeof opens>) => decryptWith(message, checks).content,
  },
  EnvelopedData: { type: ENVELOPED_DATA, cipher: '-aes-256-cbc', make: envelopData, open: openEnvelopedData },
};
const recipientOptions = {
  ec: ['-keyopt', 'ecdh_kdf_md:sha256', '-aes256-wrap'],
  rsa: ['-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256', '-keyopt', 'rsa_mgf1_md:sha256'],
};

describe.each(Object.entries(kinds))('%s, judged by OpenSSL', (_name, { type, cipher, make, open }) => {
  const decryptThere = (message: Uint8Array, holder: OpensslHolder) => {
    openssl.write('message.der', message);
    const keys = ['-recip', holder.certificateFile, '-inkey', holder.keyFile];
    openssl.run('cms', '-decrypt', '-binary', '-inform', 'DER', '-in', 'message.der', '-out', 'out', ...keys);
    return openssl.read('out');
  };

  it.each(['ec', 'rsa'] as const)('it opens what we encrypt for %s', (kind) => {
    const message = make(dataFor(openssl[kind]));
    expect(contentTypeOf(message)).toBe(type);
    expect(decryptThere(message, openssl[kind])).toEqual(content);
  });

  it('both of two recipients open it', () => {
    const message = make(dataFor(openssl.ec, openssl.rsa));
    expect(decryptThere(message, openssl.ec)).toEqual(content);
    expect(decryptThere(message, openssl.rsa)).toEqual(content);
    expect(open(message, opens(openssl.ec))).toEqual(content);
    expect(open(message, opens(openssl.rsa))).toEqual(content);
  });

  it.each(['ec', 'rsa'] as const)('we open what it encrypts for %s', (kind) => {
    openssl.write('content', content);
    const files = ['-in', 'content', '-out', 'message.der', '-recip', openssl[kind].certificateFile];
    openssl.run('cms', '-encrypt', '-binary', '-outform', 'DER', cipher, ...files, ...recipientOptions[kind]);
    expect(open(openssl.read('message.der'), opens(openssl[kind]))).toEqual(content);
  });

  it('we refuse the key transport with SHA-1 that it makes when not told otherwise', () => {
    openssl.write('content', content);
    const files = ['-in', 'content', '-out', 'message.der', '-recip', 'rsa.pem', '-keyopt', 'rsa_padding_mode:oaep'];
    openssl.run('cms', '-encrypt', '-binary', '-outform', 'DER', cipher, ...files);
    expect(() => open(openssl.read('message.der'), opens(openssl.rsa))).toThrow(CryptographicError);
  });
});

describe('AuthEnvelopedData of SET', () => {
  const attribute = { type: DIRECTION, value: encodeDer(utf8String(), 'merchant to gateway') };
  const data = (...holders: OpensslHolder[]): DataToEncrypt => ({
    ...dataFor(...holders),
    contentType: SET_TYPE,
    authenticatedAttributes: [attribute],
  });

  it('gives back the content and the authenticated attributes', () => {
    const { content: found, authenticatedAttributes } = decryptWith(
      encryptFor(data(openssl.ec)),
      opens(openssl.ec, SET_TYPE),
    );
    expect(found).toEqual(content);
    expect(authenticatedAttributes.get(DIRECTION)).toEqual(attribute.value);
  });

  it('has the attributes as associated data, recomputed with OpenSSL’s parser and WebCrypto', async () => {
    openssl.write('message.der', encryptFor(data(openssl.rsa)));
    const lines = openssl.run('asn1parse', '-inform', 'DER', '-in', 'message.der').split('\n');
    const element = (pattern: RegExp) => {
      const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null)!;
      const [offset = 0, header = 0, length = 0] = found.slice(1).map(Number);
      return openssl.read('message.der').slice(offset, offset + header + length);
    };
    const octets = (pattern: RegExp) => {
      const whole = element(pattern);
      return whole.slice(whole[1]! < 0x80 ? 2 : 2 + (whole[1]! & 0x7f));
    };
    openssl.write('wrapped', octets(/(\d+):d=5 +hl=(\d) +l= *(256) prim: OCTET STRING/));
    const oaep = ['-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha256'];
    openssl.run('pkeyutl', '-decrypt', '-inkey', 'rsa.key', '-in', 'wrapped', '-out', 'key', ...oaep);

    const key = await crypto.subtle.importKey('raw', Buffer.from(openssl.read('key')), 'AES-GCM', false, ['decrypt']);
    const iv = octets(/(\d+):d=6 +hl=(\d) +l= *(12) prim: OCTET STRING/);
    const attributes = element(/(\d+):d=3 +hl=(\d) +l= *(\d+) cons: cont \[ 1 \]/);
    const additionalData = Buffer.concat([Buffer.of(0x31), attributes.slice(1)]);
    const sealed = Buffer.concat([
      octets(/(\d+):d=4 +hl=(\d) +l= *(\d+) prim: cont \[ 0 \]/),
      octets(/(\d+):d=3 +hl=(\d) +l= *(16) prim: OCTET STRING/),
    ]);
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, key, sealed);
    expect(new Uint8Array(opened)).toEqual(content);
  });

  it.each(['ec', 'rsa'] as const)(
    'refuses any changed byte of a message to %s, always with an error of ours',
    (kind) => {
      const message = encryptFor(data(openssl[kind]));
      fc.assert(
        fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const changed = message.slice();
          changed[at]! ^= change;
          expect(() => decryptWith(changed, opens(openssl[kind], SET_TYPE))).toThrow(HandselError);
        }),
        { numRuns: 400 },
      );
    },
  );

  it('fails alike for changed text, changed attributes, another reader and another key', () => {
    const message = encryptFor(data(openssl.ec));
    const changedAt = (at: number) => message.map((octet, i) => (i === at ? octet ^ 1 : octet));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const failures = [
      () => decryptWith(changedAt(message.length - 1), opens(openssl.ec, SET_TYPE)),
      () => decryptWith(changedAt(Buffer.from(message).indexOf('merchant to')), opens(openssl.ec, SET_TYPE)),
      () => decryptWith(message, opens(openssl.rsa, SET_TYPE)),
      () => decryptWith(message, { contentType: SET_TYPE, recipients: [{ ...openssl.ec, privateKey }] }),
      () => decryptWith(message, opens(openssl.ec, DATA)),
    ].map(failureOf);
    expect(failures).toHaveLength(5);
    for (const failure of failures) expect(failure).toMatchObject(new CryptographicError(undefined));
  });

  it('refuses a content type other than data without the attribute that repeats it', () => {
    const plain = encryptFor(dataFor(openssl.ec));
    const at = Buffer.from(plain).lastIndexOf(Buffer.from('2a864886f70d010701', 'hex'));
    const relabelled = plain.slice();
    relabelled[at + 8] = 9;
    expect(decryptWith(plain, opens(openssl.ec)).content).toEqual(content);
    expect(() => decryptWith(relabelled, opens(openssl.ec, '1.2.840.113549.1.7.9'))).toThrow(CryptographicError);
  });

  it('refuses attributes given twice, and a recipient with a key outside the suite', () => {
    const twice = { ...data(openssl.ec), authenticatedAttributes: [attribute, attribute] };
    expect(() => encryptFor(twice)).toThrow(/twice/);
    openssl.run(
      'req',
      '-x509',
      '-nodes',
      '-subj',
      '/CN=x',
      '-newkey',
      'ed25519',
      '-keyout',
      'x.key',
      '-outform',
      'DER',
      '-out',
      'x.der',
    );
    const odd = { ...dataFor(openssl.ec), recipients: [openssl.read('x.der')] };
    expect(() => encryptFor(odd)).toThrow(HandselError);
  });

  it('tries the keys a reader gives until one was meant', () => {
    const message = encryptFor(data(openssl.rsa));
    const checks = { contentType: SET_TYPE, recipients: [openssl.ec, openssl.rsa] };
    expect(decryptWith(message, checks).content).toEqual(content);
  });

  it('meets arbitrary bytes with an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decryptWith(bytes, opens(openssl.ec))).toThrow(HandselError);
        expect(() => openEnvelopedData(bytes, opens(openssl.ec))).toThrow(HandselError);
      }),
    );
  });
});

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { DATA } from '../../../src/pki/cms/content-info.ts';
import { digestData, verifyDigestedData } from '../../../src/pki/cms/digested-data.ts';
import { type OpensslFolder, openOpensslFolder } from './openssl.ts';

const content = utf8('digested');
let openssl: OpensslFolder;
beforeAll(() => {
  openssl = openOpensslFolder();
});
afterAll(() => openssl.remove());

describe('DigestedData', () => {
  it('is accepted by OpenSSL', () => {
    openssl.write('message.der', digestData({ contentType: DATA, content }));
    openssl.run('cms', '-digest_verify', '-binary', '-inform', 'DER', '-in', 'message.der', '-out', 'out');
    expect(openssl.read('out')).toEqual(content);
  });

  it('of OpenSSL is accepted', () => {
    openssl.write('content', content);
    openssl.run(
      'cms',
      '-digest_create',
      '-binary',
      '-md',
      'sha256',
      '-in',
      'content',
      '-outform',
      'DER',
      '-out',
      'message.der',
    );
    expect(verifyDigestedData(openssl.read('message.der'), { contentType: DATA })).toEqual(content);
  });

  it('keeps its content apart, and then refuses another', () => {
    const message = digestData({ contentType: '2.23.42.0.5', content, detached: true });
    const checks = { contentType: '2.23.42.0.5', detachedContent: content };
    expect(verifyDigestedData(message, checks)).toEqual(content);
    expect(() => verifyDigestedData(message, { ...checks, detachedContent: utf8('other') })).toThrow(
      CryptographicError,
    );
    expect(() => verifyDigestedData(message, { contentType: '2.23.42.0.5' })).toThrow(CryptographicError);
  });

  it('refuses another content type, changed content, and arbitrary bytes', () => {
    const message = digestData({ contentType: DATA, content });
    expect(() => verifyDigestedData(message, { contentType: '2.23.42.0.5' })).toThrow(CryptographicError);
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.uint8Array({ maxLength: 80 }), (at, bytes) => {
        const changed = message.map((octet, i) => (i === at ? octet ^ 1 : octet));
        expect(() => verifyDigestedData(changed, { contentType: DATA })).toThrow(HandselError);
        expect(() => verifyDigestedData(bytes, { contentType: DATA })).toThrow(HandselError);
      }),
    );
  });
});

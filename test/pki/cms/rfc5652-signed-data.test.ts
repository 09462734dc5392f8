import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeDer, encodeDer, octetString, utf8String } from '../../../src/codec/der.ts';
import { utf8 } from '../../../src/codec/hex.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { CONTENT_TYPE, indexAttributes, MESSAGE_DIGEST } from '../../../src/pki/cms/attribute.ts';
import { CmsError } from '../../../src/pki/cms/cms-error.ts';
import { contentTypeOf, DATA, SIGNED_DATA } from '../../../src/pki/cms/content-info.ts';
import { type DataToSign, type Signer, signData } from '../../../src/pki/cms/sign-data.ts';
import { verifySignedData } from '../../../src/pki/cms/verify-signed-data.ts';
import { type OpensslFolder, type OpensslHolder, openOpensslFolder } from './openssl.ts';

const CONTENT_TYPE_OF_SET = '2.23.42.0.2';
const DIRECTION = '1.3.6.1.4.1.55555.1.1';
const content = utf8('the content, \r\n with any \u0000 bytes');

let openssl: OpensslFolder;
beforeAll(() => {
  openssl = openOpensslFolder();
});
afterAll(() => openssl.remove());

const by = (holder: OpensslHolder): Signer => ({
  identity: { certificate: holder.certificate },
  privateKey: holder.privateKey,
});

function signedBy(holder: OpensslHolder, change: Partial<DataToSign> = {}): Uint8Array {
  return signData({
    contentType: DATA,
    content,
    signers: [by(holder)],
    certificates: [holder.certificate],
    ...change,
  });
}

/** What the private log would say of a refusal that looks like all others from outside. */
function causeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CryptographicError && error.cause instanceof HandselError) return error.cause.code;
    throw error;
  }
  return 'accepted';
}

describe('SignedData, judged by OpenSSL', () => {
  const verifyThere = (message: Uint8Array, ...extra: string[]) => {
    openssl.write('message.der', message);
    openssl.run(
      'cms',
      '-verify',
      '-binary',
      '-inform',
      'DER',
      '-in',
      'message.der',
      '-CAfile',
      'ca.pem',
      '-out',
      'out',
      ...extra,
    );
    return openssl.read('out');
  };

  it.each(['ec', 'rsa'] as const)('accepts what we sign with %s', (kind) => {
    openssl.write('ca.pem', openssl.read(openssl[kind].certificateFile));
    expect(verifyThere(signedBy(openssl[kind]))).toEqual(content);
  });

  it('accepts another content type, extra signed attributes, a signing time and detached content', () => {
    openssl.write('ca.pem', openssl.read('ec.pem'));
    openssl.write('content', content);
    const signedAttributes = [{ type: DIRECTION, value: encodeDer(utf8String(), 'customer to merchant') }];
    const signer = { ...by(openssl.ec), signedAttributes, signingTime: new Date() };
    const message = signedBy(openssl.ec, { contentType: CONTENT_TYPE_OF_SET, signers: [signer], detached: true });
    expect(verifyThere(message, '-content', 'content')).toEqual(content);
  });

  it('accepts two signers', () => {
    openssl.write('ca.pem', new Uint8Array([...openssl.read('ec.pem'), ...openssl.read('rsa.pem')]));
    const signers = [by(openssl.ec), by(openssl.rsa)];
    const certificates = [openssl.ec.certificate, openssl.rsa.certificate];
    expect(verifyThere(signedBy(openssl.ec, { signers, certificates }))).toEqual(content);
  });

  it('refuses what we sign when a byte of the signed attributes changes', () => {
    openssl.write('ca.pem', openssl.read('ec.pem'));
    const signedAttributes = [{ type: DIRECTION, value: encodeDer(utf8String(), 'to the merchant') }];
    const message = signedBy(openssl.ec, { signers: [{ ...by(openssl.ec), signedAttributes }] });
    message[Buffer.from(message).indexOf('to the merchant')]! ^= 1;
    expect(() => verifyThere(message)).toThrow(/verification failure|Verification failure/i);
  });

  it.each([
    ['ec', []],
    ['rsa', ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:32']],
  ] as const)('signs with %s what we accept, with its time and capabilities', (kind, options) => {
    const { certificateFile, keyFile, certificate } = openssl[kind];
    openssl.write('content', content);
    const files = ['-in', 'content', '-signer', certificateFile, '-inkey', keyFile, '-out', 'message.der'];
    openssl.run('cms', '-sign', '-binary', '-nodetach', '-md', 'sha256', '-outform', 'DER', ...files, ...options);
    const verified = verifySignedData(openssl.read('message.der'), { contentType: DATA });
    expect(verified.content).toEqual(content);
    expect(verified.signers[0]?.certificate).toEqual(certificate);
    expect(verified.signers[0]?.signingTime).toBeInstanceOf(Date);
    expect(verified.certificates).toEqual([certificate]);
  });

  it('makes a detached signature we accept with the content given apart', () => {
    openssl.write('content', content);
    const files = ['-in', 'content', '-signer', 'ec.pem', '-inkey', 'ec.key', '-out', 'message.der'];
    openssl.run(
      'cms',
      '-sign',
      '-binary',
      '-md',
      'sha256',
      '-outform',
      'DER',
      '-econtent_type',
      CONTENT_TYPE_OF_SET,
      ...files,
    );
    const message = openssl.read('message.der');
    const checks = { contentType: CONTENT_TYPE_OF_SET, detachedContent: content };
    expect(verifySignedData(message, checks).content).toEqual(content);
    const other = { ...checks, detachedContent: utf8('other') };
    expect(causeOf(() => verifySignedData(message, other))).toBe('CMS_DIGEST');
  });

  it('makes signatures over the content alone, which we refuse', () => {
    openssl.write('content', content);
    const files = ['-in', 'content', '-signer', 'ec.pem', '-inkey', 'ec.key', '-out', 'message.der'];
    openssl.run('cms', '-sign', '-binary', '-noattr', '-nodetach', '-md', 'sha256', '-outform', 'DER', ...files);
    expect(() => verifySignedData(openssl.read('message.der'), { contentType: DATA })).toThrow(HandselError);
  });
});

describe('signing and verifying SignedData', () => {
  it('gives back content, signers, their attributes and everything carried along', () => {
    const direction = { type: DIRECTION, value: encodeDer(utf8String(), 'merchant to gateway') };
    const signingTime = new Date('2026-03-01T12:00:00Z');
    const message = signData({
      contentType: CONTENT_TYPE_OF_SET,
      content,
      signers: [{ ...by(openssl.rsa), signedAttributes: [direction], signingTime }, by(openssl.ec)],
      certificates: [openssl.ec.certificate, openssl.rsa.certificate],
      revocationLists: [encodeDer(utf8String(), 'stands for a list')],
    });
    expect(contentTypeOf(message)).toBe(SIGNED_DATA);
    const verified = verifySignedData(message, { contentType: CONTENT_TYPE_OF_SET });
    const signer = verified.signers.find((one) => Buffer.compare(one.certificate!, openssl.rsa.certificate) === 0)!;
    expect(verified.content).toEqual(content);
    expect(verified.signers).toHaveLength(2);
    expect(decodeDer(utf8String(), signer.signedAttributes.get(DIRECTION)!)).toBe('merchant to gateway');
    expect(signer.signingTime).toEqual(signingTime);
    expect(verified.certificates).toHaveLength(2);
    expect(verified.revocationLists).toEqual([encodeDer(utf8String(), 'stands for a list')]);
  });

  it('finds a signer among certificates known beforehand, and not otherwise', () => {
    const message = signedBy(openssl.ec, { certificates: [] });
    const checks = { contentType: DATA, certificates: [openssl.rsa.certificate, openssl.ec.certificate] };
    expect(verifySignedData(message, checks).certificates).toEqual([]);
    expect(causeOf(() => verifySignedData(message, { contentType: DATA }))).toBe('CMS_SIGNER');
  });

  it('takes a bare key’s signature, as proof of holding a key that has no certificate yet', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyIdentifier = utf8('new key');
    const message = signData({ contentType: DATA, content, signers: [{ identity: { keyIdentifier }, privateKey }] });
    const verified = verifySignedData(message, { contentType: DATA, keyFor: () => publicKey });
    expect(verified.signers[0]?.keyIdentifier).toEqual(keyIdentifier);
    expect(causeOf(() => verifySignedData(message, { contentType: DATA }))).toBe('CMS_SIGNER');
  });

  it('refuses another content type than expected', () => {
    const check = () => verifySignedData(signedBy(openssl.ec), { contentType: CONTENT_TYPE_OF_SET });
    expect(causeOf(check)).toBe('CMS_CONTENT_TYPE');
  });

  it('refuses content relabelled as another type, because the signed attribute still says the first', () => {
    const message = signedBy(openssl.ec, { contentType: CONTENT_TYPE_OF_SET });
    message[Buffer.from(message).indexOf('672a0002', 0, 'hex') + 3] = 3;
    expect(causeOf(() => verifySignedData(message, { contentType: '2.23.42.0.3' }))).toBe('CMS_ATTRIBUTE');
  });

  it('refuses an attribute that is there twice', () => {
    const attribute = { type: DIRECTION, values: [content] };
    expect(indexAttributes([attribute]).size).toBe(1);
    expect(() => indexAttributes([attribute, attribute])).toThrow(CmsError);
  });

  it('refuses content given apart beside content inside, and neither', () => {
    const inside = signedBy(openssl.ec);
    const apart = signedBy(openssl.ec, { detached: true });
    expect(causeOf(() => verifySignedData(inside, { contentType: DATA, detachedContent: content }))).toBe(
      'CMS_DETACHED',
    );
    expect(causeOf(() => verifySignedData(apart, { contentType: DATA }))).toBe('CMS_DETACHED');
  });

  it('refuses the message when one of two signatures is wrong', () => {
    const wrong: Signer = {
      ...by(openssl.rsa),
      privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    };
    const certificates = [openssl.ec.certificate, openssl.rsa.certificate];
    const message = signedBy(openssl.ec, { signers: [by(openssl.ec), wrong], certificates });
    expect(causeOf(() => verifySignedData(message, { contentType: DATA }))).toBe('CMS_SIGNATURE');
  });

  it('refuses to sign with attributes of its own given by the caller, twice the same, or with an unfit key', () => {
    const value = encodeDer(octetString(), content);
    const withAttributes =
      (...types: string[]) =>
      () =>
        signedBy(openssl.ec, {
          signers: [{ ...by(openssl.ec), signedAttributes: types.map((type) => ({ type, value })) }],
        });
    expect(withAttributes(CONTENT_TYPE)).toThrow(CmsError);
    expect(withAttributes(MESSAGE_DIGEST)).toThrow(CmsError);
    expect(withAttributes(DIRECTION, DIRECTION)).toThrow(CmsError);
    expect(withAttributes(DIRECTION)).not.toThrow();
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(() => signedBy(openssl.ec, { signers: [{ ...by(openssl.ec), privateKey }] })).toThrow(CmsError);
  });

  it('refuses any changed byte, always with an error of ours', () => {
    const message = signedBy(openssl.ec);
    const checks = { contentType: DATA, certificates: [openssl.ec.certificate] };
    // The certificate rides along unsigned: its own signature is for the path to check.
    const from = Buffer.from(message).indexOf(openssl.ec.certificate);
    const carried = { from, to: from + openssl.ec.certificate.length };
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        fc.pre(at < carried.from || at >= carried.to);
        // The tag before them too: as [1] the certificates ride along as revocation lists, equally unsigned.
        fc.pre(at !== carried.from - 4 || change !== 1);
        const changed = message.slice();
        changed[at]! ^= change;
        expect(() => verifySignedData(changed, checks)).toThrow(HandselError);
      }),
      { numRuns: 300 },
    );
  });

  it('meets arbitrary bytes with an error of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => verifySignedData(bytes, { contentType: DATA })).toThrow(HandselError);
        expect(() => contentTypeOf(bytes)).toThrow(HandselError);
      }),
    );
  });

  it('refuses a message above the limit before reading it', () => {
    expect(() => verifySignedData(signedBy(openssl.ec), { contentType: DATA, maxBytes: 100 })).toThrow(
      /longer than 100/,
    );
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex, utf8 } from '../../src/codec/hex.ts';
import { agreeP256, deriveKey, exportPoint, importPoint } from '../../src/crypto/agreement.ts';
import { equalSecrets } from '../../src/crypto/constant-time.ts';
import { hmacSha256, sha256 } from '../../src/crypto/digest.ts';
import { openAtRest, sealAtRest } from '../../src/crypto/key-at-rest.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { decryptOaep, encryptOaep, signPss, verifyPss } from '../../src/crypto/rsa.ts';
import { decryptGcm, encryptGcm, open, seal } from '../../src/crypto/sealing.ts';
import { generateP256, signP256, verifyP256 } from '../../src/crypto/signature.ts';
import { CryptographicError } from '../../src/handsel-error.ts';

describe('digests', () => {
  test('SHA-256 of "abc" as in FIPS 180-4, in one part or several', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(toHex(sha256(utf8('abc')))).toBe(expected);
    expect(toHex(sha256(utf8('a'), utf8('bc')))).toBe(expected);
  });

  test('HMAC-SHA-256 test case 2 of RFC 4231', () => {
    expect(toHex(hmacSha256(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  test('HKDF-SHA-256 test case 1 of RFC 5869', () => {
    const okm = deriveKey({
      secret: fromHex('0b'.repeat(22)),
      salt: fromHex('000102030405060708090a0b0c'),
      info: fromHex('f0f1f2f3f4f5f6f7f8f9'),
      length: 42,
    });
    expect(toHex(okm)).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865');
  });

  test('secrets are equal only when every byte and the length are', () => {
    expect(equalSecrets(fromHex('0102'), fromHex('0102'))).toBe(true);
    expect(equalSecrets(fromHex('0102'), fromHex('0103'))).toBe(false);
    expect(equalSecrets(fromHex('0102'), fromHex('010203'))).toBe(false);
  });
});

describe('signatures and agreement', () => {
  const alice = generateP256();
  const bob = generateP256();

  test.each(['der', 'raw'] as const)('a %s signature verifies for its key and data only', (format) => {
    const signature = signP256(alice.privateKey, utf8('yes'), format);
    expect(verifyP256(alice.publicKey, utf8('yes'), signature, format)).toBe(true);
    expect(verifyP256(alice.publicKey, utf8('no'), signature, format)).toBe(false);
    expect(verifyP256(bob.publicKey, utf8('yes'), signature, format)).toBe(false);
    expect(verifyP256(alice.publicKey, utf8('yes'), new Uint8Array(3), format)).toBe(false);
  });

  test('both ends agree through exported points; a point off the curve is refused', () => {
    const secret = agreeP256(alice.privateKey, importPoint(exportPoint(bob.publicKey)));
    expect(secret).toEqual(agreeP256(bob.privateKey, alice.publicKey));
    const off = exportPoint(bob.publicKey);
    off[64]! ^= 1;
    expect(() => importPoint(off)).toThrow(CryptographicError);
    expect(() => importPoint(off.subarray(1))).toThrow(CryptographicError);
  });

  test('RSA signs with PSS and encrypts with OAEP, and a 1024-bit key is refused', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signature = signPss(privateKey, utf8('yes'));
    expect(verifyPss(publicKey, utf8('yes'), signature)).toBe(true);
    expect(verifyPss(publicKey, utf8('no'), signature)).toBe(false);
    expect(decryptOaep(privateKey, encryptOaep(publicKey, utf8('key')))).toEqual(utf8('key'));
    expect(() => decryptOaep(privateKey, new Uint8Array(256))).toThrow(CryptographicError);
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(verifyPss(weak.publicKey, utf8('yes'), signPss(weak.privateKey, utf8('yes')))).toBe(false);
  });
});

describe('sealing', () => {
  test('AES-256-GCM test case 16 of the GCM specification', () => {
    const sealed = encryptGcm({
      key: fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
      nonce: fromHex('cafebabefacedbaddecaf888'),
      plaintext: fromHex(
        'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
      ),
      associatedData: fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    });
    expect(toHex(sealed)).toBe(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
    );
  });

  test('opens under the same key and associated data only, and never seals twice alike', () => {
    const key = systemRandom(32);
    const make = () => seal({ key, plaintext: utf8('secret'), associatedData: utf8('for A'), random: systemRandom });
    const sealed = make();
    expect(open({ key, sealed, associatedData: utf8('for A') })).toEqual(utf8('secret'));
    expect(() => open({ key, sealed, associatedData: utf8('for B') })).toThrow(CryptographicError);
    expect(() => open({ key: systemRandom(32), sealed, associatedData: utf8('for A') })).toThrow(CryptographicError);
    expect(() => open({ key, sealed: sealed.subarray(0, 20), associatedData: utf8('for A') })).toThrow(
      CryptographicError,
    );
    expect(() =>
      decryptGcm({ key, nonce: sealed.subarray(0, 8), ciphertext: sealed, associatedData: utf8('') }),
    ).toThrow(CryptographicError);
    expect(toHex(make())).not.toBe(toHex(sealed));
  });

  test('a secret at rest opens with its password and purpose only', () => {
    const secret = utf8('private key');
    const sealed = sealAtRest({
      secret,
      password: 'correct horse',
      purpose: 'wallet',
      random: systemRandom,
      cost: { logN: 10 },
    });
    expect(openAtRest({ sealed, password: 'correct horse', purpose: 'wallet' })).toEqual(secret);
    expect(() => openAtRest({ sealed, password: 'wrong horse', purpose: 'wallet' })).toThrow(CryptographicError);
    expect(() => openAtRest({ sealed, password: 'correct horse', purpose: 'agency' })).toThrow(CryptographicError);
    expect(() => openAtRest({ sealed: new Uint8Array(9), password: 'x', purpose: 'wallet' })).toThrow(
      CryptographicError,
    );
  });
});

/** Compact keys against node's own signatures, and keys read back out of signatures. */
import { createPublicKey, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportPoint } from '../../src/crypto/agreement.ts';
import {
  compactKeyOf,
  importCompactKey,
  makeCompactKey,
  signCompact,
  verifyCompact,
} from '../../src/crypto/compact-key.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { recoverKey, recoveryBitOf } from '../../src/crypto/recover-key.ts';
import { CryptographicError } from '../../src/handsel-error.ts';

const data = new TextEncoder().encode('a ticket');

describe('a compact key', () => {
  it('always stands for the point with the even y, which is the public key of its private key', () => {
    for (let i = 0; i < 40; i++) {
      const { x, privateKey } = makeCompactKey(systemRandom);
      const own = exportPoint(createPublicKey(privateKey));
      expect(exportPoint(importCompactKey(x))).toEqual(own);
      expect(own[64]! & 1).toBe(0);
    }
  });

  it('is made again from its scalar', () => {
    for (let i = 0; i < 10; i++) {
      const made = makeCompactKey(systemRandom);
      expect(compactKeyOf(made.scalar).x).toEqual(made.x);
    }
    expect(() => compactKeyOf(new Uint8Array(32))).toThrow(CryptographicError);
    expect(() => compactKeyOf(new Uint8Array(32).fill(0xff))).toThrow(CryptographicError);
    expect(() => compactKeyOf(new Uint8Array(31).fill(1))).toThrow(CryptographicError);
  });

  it('depends on nothing but the randomness it is given', () => {
    const seeded = () => new Uint8Array(32).fill(7);
    expect(makeCompactKey(seeded).x).toEqual(makeCompactKey(seeded).x);
  });

  it('signs and verifies as node does', () => {
    const { x, privateKey } = makeCompactKey(systemRandom);
    for (let i = 0; i < 300; i++) {
      const signature = signCompact(privateKey, data);
      expect(verifyCompact(x, data, signature)).toBe(true);
    }
    const other = new Uint8Array(sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
    expect(verifyCompact(x, data, other)).toBe(true);
    const publicKey = importCompactKey(x);
    const raw = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', data, raw, signCompact(privateKey, data))).toBe(true);
  });

  it('refuses wrong texts, signatures and keys alike', () => {
    const { x, privateKey } = makeCompactKey(systemRandom);
    const signature = signCompact(privateKey, data);
    expect(verifyCompact(x, new Uint8Array([1]), signature)).toBe(false);
    expect(verifyCompact(makeCompactKey(systemRandom).x, data, signature)).toBe(false);
    expect(verifyCompact(x, data, new Uint8Array(64))).toBe(false);
    expect(verifyCompact(x, data, signature.subarray(1))).toBe(false);
    expect(verifyCompact(new Uint8Array(32).fill(0xff), data, signature)).toBe(false);
    expect(() => importCompactKey(new Uint8Array(32).fill(0xff))).toThrow(CryptographicError);
  });
});

describe('a key recovered from a signature', () => {
  it('is the key that signed', () => {
    const bits = new Set<number>();
    for (let i = 0; i < 60; i++) {
      const { x, privateKey } = makeCompactKey(systemRandom);
      const signature = signCompact(privateKey, data);
      const bit = recoveryBitOf({ x, data, signature });
      bits.add(bit);
      expect(recoverKey({ data, signature, bit })).toEqual(x);
    }
    expect([...bits].sort()).toEqual([0, 1]);
  });

  it('is another one for another text', () => {
    const { x, privateKey } = makeCompactKey(systemRandom);
    const signature = signCompact(privateKey, data);
    expect(() => recoveryBitOf({ x, data: new Uint8Array([1]), signature })).toThrow(CryptographicError);
  });

  it('fails in no other way than ours, whatever the signature', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 70 }),
        fc.constantFrom(0 as const, 1 as const),
        (bytes, bit) => {
          try {
            const x = recoverKey({ data, signature: bytes, bit });
            expect(verifyCompact(x, data, bytes)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(CryptographicError);
          }
        },
      ),
      { numRuns: 300 },
    );
    for (const edge of [new Uint8Array(64), new Uint8Array(64).fill(0xff)]) {
      expect(() => recoverKey({ data, signature: edge, bit: 0 })).toThrow(CryptographicError);
    }
  });
});

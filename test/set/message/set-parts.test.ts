/** The small parts that SET messages are made of: digests, random values, amounts, extensions, bindings. */
import { describe, expect, it } from 'vitest';
import { decodeDer, encodeDer, objectIdentifier, octetString, sequence } from '../../../src/codec/der.ts';
import { concatBytes } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { encodeBinding, requireBinding } from '../../../src/set/message/binding.ts';
import { digestContent, digestedType } from '../../../src/set/message/content-digest.ts';
import { contentTypes } from '../../../src/set/message/content-types.ts';
import { currencyAmountType } from '../../../src/set/message/currency-amount.ts';
import { nonceType, rrpidType, xidType } from '../../../src/set/message/identifiers.ts';
import { extensionsField, requireUnderstood } from '../../../src/set/message/message-extension.ts';
import { encodeMessage } from '../../../src/set/message/message-wrapper.ts';
import { digestOrder, digestOrderDescription } from '../../../src/set/message/order-information.ts';

const bytes = new Uint8Array([4, 1, 7]);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('the operators H and DD', () => {
  it('hash the content type before the content, so that no structure stands for another with the same bytes', () => {
    const digests = Object.values(contentTypes).map((type) => Buffer.from(digestContent(type, bytes)).toString('hex'));
    expect(new Set(digests).size).toBe(Object.keys(contentTypes).length);
    const input = concatBytes(encodeDer(objectIdentifier(), contentTypes.oiData), bytes);
    expect(digestContent(contentTypes.oiData, bytes)).toEqual(sha256(input));
  });

  it('refuse a digest of another content type or algorithm where one is expected', () => {
    const dd = encodeDer(digestedType(contentTypes.oiData), sha256(bytes));
    expect(decodeDer(digestedType(contentTypes.oiData), dd)).toEqual(sha256(bytes));
    expect(() => decodeDer(digestedType(contentTypes.piData), dd)).toThrow(code('DER_VALUE'));
    const other = dd.slice();
    const at = Buffer.from(dd).indexOf(Buffer.from('0402', 'hex'));
    other[at + 2] = 2;
    expect(() => decodeDer(digestedType(contentTypes.oiData), other)).toThrow();
  });

  it('use identifiers that no SET 1.0 peer knows', () => {
    expect(Object.values(contentTypes).every((type) => !type.startsWith('2.23.42'))).toBe(true);
    expect(new Set(Object.values(contentTypes)).size).toBe(Object.keys(contentTypes).length);
  });
});

describe('the hash of an order', () => {
  const od = digestOrderDescription(bytes);
  const order = { od, purchAmt: { currency: 'EUR', minor: 100n }, odSalt: new Uint8Array(32).fill(1) };

  it('depends on text, amount, currency and salt', () => {
    const changes = [
      {},
      { od: digestOrderDescription(new Uint8Array([4, 1, 8])) },
      { purchAmt: { currency: 'EUR', minor: 101n } },
      { purchAmt: { currency: 'USD', minor: 100n } },
      { odSalt: new Uint8Array(32).fill(2) },
    ];
    expect(new Set(changes.map((change) => digestOrder({ ...order, ...change }).join())).size).toBe(changes.length);
  });

  it('is refused without salt', () => {
    expect(() => digestOrder({ ...order, odSalt: new Uint8Array(32) })).toThrow(code('SET_VALUE_ALL_ZERO'));
  });
});

describe('random values', () => {
  it.each([
    ['XID', xidType, 20],
    ['RRPID', rrpidType, 20],
    ['nonce', nonceType, 32],
  ] as const)('%s: neither all zero nor of another length', (_, type, length) => {
    const encode = (value: Uint8Array) => encodeDer(octetString(), value);
    const good = new Uint8Array(length).fill(1);
    expect(decodeDer(type, encode(good))).toEqual(good);
    for (const bad of [new Uint8Array(length), good.subarray(1), new Uint8Array(length + 1).fill(1)]) {
      expect(() => decodeDer(type, encode(bad))).toThrow(code('DER_VALUE'));
    }
  });
});

describe('CurrencyAmount', () => {
  it.each([
    { currency: 'EUR', minor: 1250n },
    { currency: 'JPY', minor: 3n },
    { currency: 'BHD', minor: 10n ** 17n },
  ])('says %o and reads it back', (amount) => {
    expect(decodeDer(currencyAmountType, encodeDer(currencyAmountType, amount))).toEqual(amount);
  });

  it('has one encoding for one sum: no other exponent, no unknown currency, nothing negative', () => {
    const good = encodeDer(currencyAmountType, { currency: 'EUR', minor: 5n });
    expect(Buffer.from(good).toString('hex')).toBe('300a020203d20201050201fe');
    for (const hex of [
      '300a020203d2020105020100',
      '300a02020001020105',
      '300a020203d20201850201fe',
      '300a020203e70201050201fe',
    ]) {
      expect(() => decodeDer(currencyAmountType, Uint8Array.from(Buffer.from(hex, 'hex')))).toThrow();
    }
    expect(() => encodeDer(currencyAmountType, { currency: 'EUR', minor: -5n })).toThrow(code('DER_UNENCODABLE'));
  });
});

describe('message extensions', () => {
  const extension = (critical: boolean) => ({ id: '1.2.3.4', critical, value: new Uint8Array([5, 0]) });

  it('must be understood when critical, and may be passed over otherwise', () => {
    expect(() => requireUnderstood([extension(false)])).not.toThrow();
    expect(() => requireUnderstood([extension(true)])).toThrow(code('SET_unrecognizedExtension'));
    expect(() => requireUnderstood([extension(true)], new Set(['1.2.3.4']))).not.toThrow();
    expect(() => requireUnderstood(undefined)).not.toThrow();
  });

  it('are read back from the end of a part', () => {
    const part = sequence({ extensions: extensionsField(0) });
    const value = { extensions: [extension(true), { ...extension(false), id: '1.2.3.5' }] };
    expect(decodeDer(part, encodeDer(part, value))).toEqual(value);
  });
});

describe('a binding', () => {
  const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const binding = { direction: 'merchantToGateway', message: 'AuthReq', recipients: [one!] } as const;

  it('holds for just the direction, message, recipients and request that it was made for', () => {
    const attribute = encodeBinding(binding);
    expect(() => requireBinding(attribute, binding)).not.toThrow();
    const others = [
      { ...binding, direction: 'gatewayToMerchant' as const },
      { ...binding, message: 'AuthRevReq' as const },
      { ...binding, recipients: [two!] },
      { ...binding, recipients: [one!, two!] },
      { ...binding, recipients: [] },
      { ...binding, request: one! },
    ];
    for (const other of others) {
      expect(() => requireBinding(attribute, other)).toThrow(code('SET_signatureFailure'));
    }
    expect(() => requireBinding(undefined, binding)).toThrow(code('SET_signatureFailure'));
  });
});

describe('the wrapper', () => {
  it('takes every message of SET by its tag, Error as 999', () => {
    const hex = (name: Parameters<typeof encodeMessage>[0]['name']) =>
      Buffer.from(encodeMessage({ name, body: new Uint8Array([5, 0]), nowMs: 0 })).toString('hex');
    expect(hex('PInitReq').endsWith('a004a0020500')).toBe(true);
    expect(hex('CertInqRes').endsWith('a005bf1f020500')).toBe(true);
    expect(hex('Error').endsWith('a006bf8767020500')).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HandselError } from '../../../src/handsel-error.ts';
import type { CardRequest, PaymentRequest } from '../../../src/set/message/card-message.ts';
import {
  decodeCardRequest,
  decodeCardResponse,
  encodeCardRequest,
  encodeCardResponse,
  responseTo,
} from '../../../src/set/message/card-message-codec.ts';
import {
  cardMessageIdentity,
  nextStan,
  retrievalReferenceOf,
  transmissionTime,
} from '../../../src/set/message/card-message-identity.ts';
import { Iso8583Error } from '../../../src/set/message/iso8583-field.ts';
import { decodeIso8583, encodeIso8583 } from '../../../src/set/message/iso8583-message.ts';

const purchase: PaymentRequest = {
  type: 'purchase',
  transmittedAt: transmissionTime(Date.UTC(2026, 10, 21, 11, 1, 23)),
  stan: 7,
  acquirerId: '400001',
  retrievalReference: retrievalReferenceOf(new Uint8Array(20)),
  terminalId: 'GATEWAY1',
  merchantId: 'MERCHANT-0001',
  pan: '4111111111111111',
  expiry: '2812',
  amount: { currency: 'EUR', minor: 1250n },
};

const requests: CardRequest[] = [
  purchase,
  { ...purchase, type: 'authorise', batch: 12 },
  {
    ...purchase,
    type: 'capture',
    original: { type: 'authorise', stan: 7, transmittedAt: purchase.transmittedAt },
    approvalCode: 'A1B2C3',
  },
  { ...purchase, type: 'reverse', original: { type: 'purchase', stan: 7, transmittedAt: purchase.transmittedAt } },
  { ...purchase, type: 'credit', original: { type: 'purchase', stan: 7, transmittedAt: purchase.transmittedAt } },
  {
    type: 'reconcile',
    transmittedAt: '0101000000',
    stan: 999_999,
    acquirerId: '400001',
    issuerId: '500002',
    batch: 3,
    totals: {
      currency: 'JPY',
      debitCount: 2,
      debitMinor: 100n,
      reversalCount: 3,
      reversalMinor: 500n,
      creditCount: 1,
      creditMinor: 7n,
    },
  },
  { type: 'test', transmittedAt: '1231235959', stan: 1 },
];

const change = (request: CardRequest, field: number, value: string | undefined) => {
  const { mti, fields } = decodeIso8583(encodeCardRequest(request));
  const changed = new Map(fields);
  if (value === undefined) changed.delete(field);
  else changed.set(field, value);
  return encodeIso8583({ mti, fields: changed });
};

describe('card messages', () => {
  test.each(requests.map((request) => [request.type, request] as const))(
    '%s comes back as it was sent',
    (_, request) => {
      expect(decodeCardRequest(encodeCardRequest(request))).toEqual(request);
    },
  );

  test('time is month, day, hour, minute, second in UTC', () => {
    expect(purchase.transmittedAt).toBe('1121110123');
  });

  test.each(requests.map((request) => [request.type, request] as const))(
    'the answer to %s repeats its identity, never the card',
    (_, request) => {
      const response = responseTo(request, '00', request.type === 'purchase' ? '123456' : undefined);
      const bytes = encodeCardResponse(response);
      expect(decodeCardResponse(bytes)).toEqual(response);
      expect(Buffer.from(bytes).toString('latin1')).not.toContain(purchase.pan);
    },
  );

  test.each([2, 3, 4, 7, 11, 14, 32, 37, 41, 42, 49])('refuse a purchase without field %i', (field) => {
    expect(() => decodeCardRequest(change(purchase, field, undefined))).toThrow(Iso8583Error);
  });

  test.each([
    ['an amount of zero', 4, '000000000000'],
    ['a month 13', 14, '2813'],
    ['a currency that does not exist', 49, '000'],
    ['a currency without minor units', 49, '959'],
    ['cash instead of goods', 3, '010000'],
    ['a trace number of zero', 11, '000000'],
    ['a time that is none', 7, '1332256161'],
    ['a batch that is not a number', 60, 'x'],
  ])('refuse %s', (_, field, value) => {
    expect(() => decodeCardRequest(change(purchase, field, value))).toThrow(Iso8583Error);
  });

  test('refuse an advice about the request of another acquirer', () => {
    const reverse = requests[3] as CardRequest;
    expect(() => decodeCardRequest(change(reverse, 32, '400002'))).toThrow(Iso8583Error);
  });

  test('refuse totals whose net is not their difference', () => {
    expect(() => decodeCardRequest(change(requests[5] as CardRequest, 97, `D${'0'.repeat(16)}`))).toThrow(Iso8583Error);
  });

  test('refuse an amount that field 4 cannot hold', () => {
    const amount = { currency: 'EUR', minor: 1_000_000_000_000n };
    expect(() => encodeCardRequest({ ...purchase, amount })).toThrow(Iso8583Error);
  });

  test('one payment has one retrieval reference, another has another', () => {
    expect(purchase.retrievalReference).toMatch(/^[0-9A-Z]{12}$/);
    expect(retrievalReferenceOf(new Uint8Array(20))).toBe(purchase.retrievalReference);
    expect(retrievalReferenceOf(new Uint8Array(20).fill(1))).not.toBe(purchase.retrievalReference);
  });

  test('the identity tells type, trace number and payment apart', () => {
    const identities = [
      purchase,
      { ...purchase, type: 'authorise' as const },
      { ...purchase, stan: nextStan(7) },
      { ...purchase, retrievalReference: 'ABCDEFABCDEF' },
    ].map(cardMessageIdentity);
    expect(new Set(identities).size).toBe(4);
    expect(nextStan(999_999)).toBe(1);
  });

  test('arbitrary bytes and arbitrary field values only ever fail with our error', () => {
    const check = (decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array) => {
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(HandselError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => check(decodeCardRequest, bytes)));
    const fields = [3, 4, 7, 11, 14, 32, 49, 60, 90];
    fc.assert(
      fc.property(
        fc.constantFrom(...requests),
        fc.constantFrom(...fields),
        fc.stringMatching(/^[0-9]{1,42}$/),
        (request, field, digits) => {
          try {
            check(decodeCardRequest, change(request, field, digits));
          } catch (error) {
            expect(error).toBeInstanceOf(Iso8583Error);
          }
        },
      ),
    );
  });
});

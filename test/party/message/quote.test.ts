import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MerchantParameters } from '../../../src/agent/message/merchant-parameters.ts';
import { toHex } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { makeQuote, readQuote } from '../../../src/party/message/quote.ts';
import { good } from '../../agent/market-world.ts';

const parameters = {
  merchant: { id: 'ada', name: 'Ada', url: 'https://ada.test' },
  goods: [good('words')],
} as unknown as MerchantParameters;
const make = (quantity = 2) => {
  const request = { sku: 'words', currency: 'EUR', quantity };
  return makeQuote({ request, parameters, buyer: 'station', nowMs: 1000, random: systemRandom });
};

test('a quote says what is bought in the very bytes that name the order', () => {
  const { json, order, description } = make();
  const quote = readQuote(JSON.parse(json));
  expect(quote).toMatchObject({ merchant: 'ada', sku: 'words', quantity: 2, sizeBytes: 1000 });
  expect(quote.price).toEqual({ currency: 'EUR', minor: 1800n });
  expect(quote.orderId).toBe(toHex(sha256(description).slice(0, 20)));
  expect(order).toMatchObject({ orderId: quote.orderId, amount: quote.price, buyer: 'station' });
});

test('nothing a merchant writes beside the description counts', () => {
  const quote = readQuote({ ...JSON.parse(make(1).json), amount: '0.01EUR', sku: 'maps', orderId: '00'.repeat(20) });
  expect(quote).toMatchObject({ sku: 'words', price: { minor: 900n } });
});

test('arbitrary answers are refused as malformed', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.record({ description: fc.base64String() })), (json) => {
      expect(() => readQuote(json)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/QUOTE_MALFORMED|TEXT_NOT/) }),
      );
    }),
  );
});

/** Buying without an agent from a merchant that lies: nothing is paid but what was asked for, and once. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import type { MerchantParameters } from '../../../src/agent/message/merchant-parameters.ts';
import { utf8 } from '../../../src/codec/hex.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { addCard, createWallet } from '../../../src/party/configuration/wallet-file.ts';
import { createDirectPurchases } from '../../../src/party/customer/direct-purchases.ts';
import { makeQuote } from '../../../src/party/message/quote.ts';
import type { PaymentToMake } from '../../../src/set/wallet/payment.ts';
import type { Client, Download } from '../../../src/transport/client.ts';
import { good } from '../../agent/market-world.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const made = createWallet({ password: 'password', random: systemRandom });
const nothing = new Uint8Array(32);
const wallet = addCard(made.wallet, {
  walletKey: made.walletKey,
  face: { id: 'main', brand: 'HandselCard', bin: '400000', lastFour: '0000', expiry: '203001', certificateChain: [] },
  secrets: { pan: '', expiry: '203001', panSecret: nothing, cardSecret: nothing, privateKey: nothing },
  random: systemRandom,
});

const goods = utf8('words');
const amount = { currency: 'EUR', minor: 1800n };
const parameters = {
  merchant: { id: 'ada', name: 'Ada', url: 'https://ada.test' },
  goods: [good('words', { sha256: sha256(goods), sizeBytes: goods.length })],
} as unknown as MerchantParameters;
const quoteOf = (quantity: number) => {
  const request = { sku: 'words', currency: 'EUR', quantity };
  return makeQuote({ request, parameters, buyer: 'station', nowMs: 0, random: systemRandom }).json;
};

function station(quotes: readonly string[]) {
  const paid: PaymentToMake[] = [];
  const closed: string[] = [];
  let asked = 0;
  let downloads = 0;
  const client = {
    post: async () => ({ status: 201, contentType: 'application/json', body: utf8(quotes[asked++]!) }),
    async download() {
      downloads += 1;
      return { status: 200, contentType: '', headers: {}, stream: Readable.from([goods]) } as unknown as Download;
    },
  } as unknown as Client;
  const purchases = createDirectPurchases({
    ...{ directory: mkdtempSync(join(folder, 'purchases-')), client, wallet: () => wallet, nowMs: () => 0 },
    openWallet: {
      open: () => undefined,
      isOpen: () => false,
      unlocked: () => {},
      close: (paymentId) => void closed.push(paymentId),
    },
    pay: async (payment) => void paid.push(payment),
  });
  const order = { merchant: 'https://ada.test', sku: 'words', currency: 'EUR', quantity: 2, max: '18.00EUR' };
  const buy = (password = 'password') => purchases.buy({ ...order, password });
  return { purchases, paid, closed, buy, downloads: () => downloads };
}

test('pays exactly what was quoted for what was asked', async () => {
  const { buy, paid } = station([quoteOf(2)]);
  const { payment } = await buy();
  expect(paid).toMatchObject([{ paymentId: payment, amount: { minor: 1800n }, merchant: { merchantId: 'ada' } }]);
});

test('a quote for fewer pieces, or above the maximum, or for a locked wallet, is not paid', async () => {
  const { buy, paid } = station([quoteOf(1), quoteOf(3), quoteOf(2)]);
  await expect(buy()).rejects.toMatchObject({ code: 'QUOTE_MALFORMED' });
  await expect(buy()).rejects.toMatchObject({ code: 'QUOTE_MALFORMED' });
  await expect(buy('wrong')).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
  expect(paid).toEqual([]);
});

test('a merchant that quotes a paid order again is not paid again, and the first purchase stays as it was', async () => {
  const quote = quoteOf(2);
  const { buy, paid, purchases } = station([quote, quote]);
  const { payment: paymentId } = await buy();
  purchases.ended({ paymentId, status: 'declined', reason: 'no', xid: '', amount });
  await expect(buy()).rejects.toMatchObject({ code: 'QUOTE_REPEATED' });
  expect(paid).toHaveLength(1);
  expect((await purchases.status(paymentId)).status).toBe('declined');
});

test('goods asked for twice at once are fetched once', async () => {
  const { buy, purchases, downloads } = station([quoteOf(2)]);
  const { payment: paymentId } = await buy();
  purchases.ended({ paymentId, status: 'paid', reason: '', xid: 'ab'.repeat(20), amount });
  const [one, two] = await Promise.all([purchases.status(paymentId), purchases.status(paymentId)]);
  expect(one).toMatchObject({ status: 'delivered' });
  expect(two).toEqual(one);
  expect(downloads()).toBe(1);
});

test('what was paid without an agent is listed with its date, and its file once it is here', async () => {
  const { buy, purchases } = station([quoteOf(2), quoteOf(2), quoteOf(2)]);
  const { payment: paymentId } = await buy();
  const { payment: failed } = await buy();
  await buy();
  purchases.ended({ paymentId, status: 'paid', reason: '', xid: 'ab'.repeat(20), amount });
  purchases.ended({ paymentId: failed, status: 'declined', reason: 'no', xid: '', amount });
  const facts = { payment: paymentId, date: '1970-01-01T00:00:00.000Z', merchant: 'ada', price: '18.00 EUR' };
  expect(purchases.list()).toMatchObject([{ ...facts, files: [] }]);
  const { file } = await purchases.status(paymentId);
  expect(purchases.list()).toMatchObject([{ ...facts, files: [file] }]);
  expect(purchases.identities()).toHaveLength(3);
});

test('nothing outside the purchases can be asked for', async () => {
  const { purchases } = station([]);
  for (const id of ['../control', 'x', ''])
    await expect(purchases.status(id)).rejects.toMatchObject({ code: 'PAYMENT_UNKNOWN' });
});

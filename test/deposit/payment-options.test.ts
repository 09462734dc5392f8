/** Options that a developer gets wrong: each is refused where it is written, with words that say what to write. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createPayingFetch } from '../../src/deposit/customer-http/paying-fetch.ts';
import { createPayingStream } from '../../src/deposit/customer-http/paying-stream.ts';
import { createCharge } from '../../src/deposit/merchant-http/charge.ts';
import type { ChargeOptions, ChargeSetup } from '../../src/deposit/merchant-http/charge-terms.ts';
import { type NodeListener, nodeCharge } from '../../src/deposit/merchant-http/node-charge.ts';
import { createStreamCharge } from '../../src/deposit/merchant-http/stream-charge.ts';
import { HandselError } from '../../src/handsel-error.ts';
import { createEnds, secret, standingClock, UNIT_NANO } from './payment-ends.ts';

const setup: ChargeSetup = {
  ...{ till: createEnds().till, secrets: [secret], realm: 'bakery.example', merchant: 'bakery', operator: 'south' },
  ...{ currency: 'EUR', unitNano: UNIT_NANO, clock: standingClock() },
};
const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof HandselError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
};

test.each([
  [{}, 'expected `price`'],
  [undefined, 'expected options'],
  [{ prize: '0.0004 EUR' }, 'no option `prize`'],
  [{ price: '0.0004 EUR', readonly: true }, 'no option `readonly`'],
  [{ price: '0.0004 EUR', priceOf: () => undefined }, 'not both'],
  [{ priceOf: '0.0004 EUR' }, 'expected a function'],
  [{ price: 0.0004 }, 'expected a price as text'],
  [{ price: '0.0004 USD' }, 'expected a price in EUR'],
  [{ price: '0.00001 EUR' }, 'no multiple of 0.0001 EUR'],
  [{ price: '0.0004 EUR', readsOnly: 'yes' }, 'true or false'],
])('a route is not charged for with %j', (options, words) => {
  expect(refusal(() => createCharge(setup)(options as ChargeOptions))).toContain(words);
});

test('a price, and a price that depends on the request, are taken', () => {
  expect(refusal(() => createCharge(setup)({ price: '0.0004 EUR', description: 'Rolls', readsOnly: true }))).toBe(
    'accepted',
  );
  expect(refusal(() => createCharge(setup)({ priceOf: () => undefined }))).toBe('accepted');
});

test.each([
  [{ price: '0.0004 EUR' }, 'one of message, second, kilobyte'],
  [{ per: 'message' }, 'expected `price`'],
  [{ price: '0.0004 EUR', per: 'message', priceOf: () => '1 EUR' }, 'no option `priceOf`'],
  [{ price: '0.0004 EUR', per: 'message', credit: 0.5 }, 'expected a whole number'],
])('a stream is not charged for with %j', (options, words) => {
  const chargeStream = createStreamCharge(setup) as (options: unknown, handler: () => void) => unknown;
  expect(refusal(() => chargeStream(options, () => {}))).toContain(words);
});

test.each([
  [{ merchant: '' }, "the merchant's name"],
  [{ operator: 'south bank' }, "the operator's name"],
  [{ unitNano: 0 }, 'unitNano'],
  [{ unitNano: 0.5 }, 'unitNano'],
  [{ currency: 'XYZ' }, 'XYZ'],
])('nothing is charged with the set-up %j', (wrong, words) => {
  expect(refusal(() => createCharge({ ...setup, ...wrong }))).toContain(words);
  expect(refusal(() => createStreamCharge({ ...setup, ...wrong }))).toContain(words);
});

test.each([['0.01 XYZ'], ['0.01'], [0.01]])('nothing is paid under the limit %j', (max) => {
  const { spender } = createEnds();
  const limits = { maxPrices: [max as string], maxTotals: ['1 EUR'] };
  const clock = standingClock();
  expect(refusal(() => createPayingFetch({ spender, limits, clock }))).toMatch(
    /CURRENCY_UNKNOWN|AMOUNT_MALFORMED|OPTIONS_UNFIT/,
  );
  expect(refusal(() => createPayingStream({ spender, limits, clock }))).toMatch(
    /CURRENCY_UNKNOWN|AMOUNT_MALFORMED|OPTIONS_UNFIT/,
  );
});

test('on plain node:http a charge with nothing behind it answers 500 and says why, and the server goes on', async () => {
  const faults: unknown[] = [];
  const forNode = nodeCharge(createCharge(setup), { onFault: (error) => faults.push(error) });
  const served: string[] = [];
  const listeners: Record<string, NodeListener> = {
    '/without': forNode({ price: '0.0004 EUR' }) as NodeListener,
    '/charged': forNode({ price: '0.0004 EUR' }, () => void served.push('charged')),
    '/throws': forNode({ priceOf: () => undefined }, async () => {
      throw new Error('the oven is cold');
    }),
    '/free': forNode({ priceOf: () => undefined }, (_, res) => void res.end('rolls')),
  };
  const server = createServer((req, res) => listeners[req.url ?? '']!(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect((await fetch(`${at}/without`)).status).toBe(500);
    expect(String(faults[0])).toContain('the listener comes after the options');
    expect((await fetch(`${at}/throws`)).status).toBe(500);
    expect(String(faults[1])).toContain('the oven is cold');
    expect((await fetch(`${at}/charged`)).status).toBe(402);
    expect(await (await fetch(`${at}/free`)).text()).toBe('rolls');
    expect(served).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

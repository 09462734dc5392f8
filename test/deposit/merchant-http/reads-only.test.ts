/** Handlers that change nothing run while their payment is made durable; nobody gets an answer for a payment that is not. */
import { describe, expect, test, vi } from 'vitest';
import { createPayingFetch } from '../../../src/deposit/customer-http/paying-fetch.ts';
import { createCharge } from '../../../src/deposit/merchant-http/charge.ts';
import type { Admission, Till } from '../../../src/deposit/merchant-http/charge-terms.ts';
import { DepositError } from '../../../src/deposit/message/deposit-error.ts';
import { formatCredential, preemptiveChallenge } from '../../../src/deposit/message/payment-credential.ts';
import { requestDigest } from '../../../src/deposit/message/payment-offer.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { chargedHandler } from '../../../src/party/merchant/charged-handler.ts';
import { openMerchantWorld } from '../merchant/merchant-world.ts';
import { createEnds, type Ends, secret, standingClock, UNIT_NANO } from '../payment-ends.ts';
import { type Face, startCharged } from './charged-server.ts';

const realm = 'bakery.example';
const target = '/weather?in=Reims';
const body = new Uint8Array();
const options = { price: '0.0004 EUR', readsOnly: true } as const;

/** A till whose flush is done, or fails, when the test says so. */
function holding(ends: Ends) {
  const flush = Promise.withResolvers<void>();
  flush.promise.catch(() => {});
  const till: Till = {
    checkpoint: ends.till.checkpoint,
    async purchase(transaction, token, item) {
      const taken = await ends.till.purchase(transaction, token, item);
      if (!taken.repeated) item.checked?.();
      await flush.promise;
      return taken;
    },
  };
  return { till, flushed: flush.resolve, lost: flush.reject };
}

async function startGate(changes: { readonly readsOnly?: boolean } = {}) {
  const ends = createEnds();
  const held = holding(ends);
  const clock = standingClock();
  const setup = { till: held.till, secrets: [secret], realm, merchant: 'bakery', operator: 'south' } as const;
  const gate = createCharge({ ...setup, currency: 'EUR', unitNano: UNIT_NANO, clock })({ ...options, ...changes });
  const offer = { merchant: 'bakery', operator: 'south', currency: 'EUR', unitNano: UNIT_NANO, units: 4 };
  const request = requestDigest({ realm, method: 'GET', target, body });
  const transaction = await ends.spender.ensure({ ...offer, resource: request, preemptive: true });
  const { number: _, ...spent } = await ends.spender.pay(transaction, { units: 4, request });
  const credential = formatCredential(preemptiveChallenge, { transaction, ...spent });
  const header = () => credential;
  const admit = () => gate.admit({ method: 'GET', target, header, body }, { mayHold: true });
  return { ...held, ends, gate, header, admit };
}

function paid(admission: Admission) {
  if (admission.type !== 'paid') throw new Error(`expected it to be paid, saw ${admission.type}`);
  return admission;
}

const statusOf = (admission: Admission) => (admission.type === 'refused' ? admission.status : admission.type);

describe('a route', () => {
  test('that only reads may be served before its payment is durable, and is told when it is', async () => {
    const { admit, flushed } = await startGate();
    const { durable, recorder, payment } = paid(await admit());
    expect(payment).toMatchObject({ number: 1, units: 4, repeated: false });
    const settled = vi.fn();
    durable!.then(settled);
    await new Promise((later) => setTimeout(later, 5));
    expect(settled).not.toHaveBeenCalled();
    flushed();
    expect(await durable).toBeUndefined();
    recorder.end(200, []);
    expect(await admit()).toMatchObject({ type: 'answered' });
  });

  test('answers with the refusal when the payment was not taken in the end, and keeps nothing', async () => {
    const { admit, lost } = await startGate();
    const { durable, recorder } = paid(await admit());
    lost(new DepositError('DEPOSIT_CLOSED', 'the end came first'));
    expect(await durable).toMatchObject({ status: 402 });
    recorder.write(Buffer.from('for nothing'));
    recorder.end(200, []);
    // The till is asked again, which still does not have it.
    expect(statusOf(await admit())).toBe(402);
  });

  test.each([
    ['is durable, gets its answer', true, 'answered'],
    ['is lost, has to come again', false, 503],
  ] as const)('a repetition that waits for a payment that %s', async (_, isTaken, expected) => {
    const { admit, flushed, lost } = await startGate();
    const { durable, recorder } = paid(await admit());
    const repetition = admit();
    if (isTaken) flushed();
    else lost(new DepositError('DEPOSIT_CLOSED', 'the end came first'));
    await durable;
    // Who answers with the refusal has nothing to take down.
    if (isTaken) recorder.end(200, []);
    const soon = new Promise<'late'>((late) => setTimeout(() => late('late'), 500));
    expect(await Promise.race([repetition.then(statusOf), soon])).toBe(expected);
  });

  test('that may change something is served when its payment is durable', async () => {
    const { admit, flushed } = await startGate({ readsOnly: false });
    const admission = admit();
    const settled = vi.fn();
    admission.then(settled);
    await new Promise((later) => setTimeout(later, 5));
    expect(settled).not.toHaveBeenCalled();
    flushed();
    expect(paid(await admission).durable).toBeUndefined();
  });

  test('asked of our own server, too', async () => {
    const order: string[] = [];
    const { gate, header, flushed } = await startGate();
    const handler = chargedHandler(gate, async () => {
      order.push('made');
      return { contentType: 'text/plain', body: Buffer.from('sunny') };
    });
    const signal = new AbortController().signal;
    const answer = handler({ target, params: {}, query: new URLSearchParams(), body, header, signal }).then(
      (response) => {
        order.push('answered');
        return response;
      },
    );
    await vi.waitFor(() => expect(order).toEqual(['made']));
    await new Promise((later) => setTimeout(later, 5));
    order.push('durable');
    flushed();
    expect((await answer).headers).toMatchObject({ 'deposit-purchase': '1' });
    expect(order).toEqual(['made', 'durable', 'answered']);
  });

  test('asked of our own server, when the payment is lost', async () => {
    const { gate, header, lost } = await startGate();
    const handler = chargedHandler(gate, () => Promise.reject(new Error('broken meanwhile')));
    const signal = new AbortController().signal;
    const answer = handler({ target, params: {}, query: new URLSearchParams(), body, header, signal });
    lost(new DepositError('DEPOSIT_CLOSED', 'the end came first'));
    expect(await answer).toMatchObject({ status: 402, contentType: 'application/problem+json' });
  });
});

describe.each<[Face, readonly string[]]>([
  ['fetch', ['made', 'durable', 'answered']],
  ['hono', ['made', 'durable', 'answered']],
  // It writes where the answer goes: the handler has to wait.
  ['node', ['durable', 'made', 'answered']],
])('behind %s', (face, expected) => {
  test('no answer leaves before its payment is durable', async () => {
    const ends = createEnds();
    const { till, flushed } = holding(ends);
    const order: string[] = [];
    const reply = () => {
      order.push('made');
      return { body: 'sunny' };
    };
    const server = await startCharged(face, { ends, setup: { till }, options, reply });
    const { spender } = ends;
    const payingFetch = createPayingFetch({ spender, clock: server.clock, limits: { maxPrices: ['0.01 EUR'] } });
    const answer = payingFetch(`${server.url}/weather`).then(async (response) => {
      order.push('answered');
      return response.text();
    });
    if (expected[0] === 'made') await vi.waitFor(() => expect(order).toEqual(['made']));
    await new Promise((later) => setTimeout(later, 30));
    order.push('durable');
    flushed();
    expect(await answer).toBe('sunny');
    expect(order).toEqual(expected);
    await server.close();
  });
});

test('the till says that it checked a purchase before it is durable, and of no repetition', async () => {
  let flushing = Promise.withResolvers<void>();
  flushing.resolve();
  const world = await openMerchantWorld({ journal: createMemoryJournal({ flush: () => flushing.promise }) });
  const customer = await world.open('Bank.1.1');
  const { transaction } = customer;
  const { token, item } = customer.buy(4);
  flushing = Promise.withResolvers();
  const order: string[] = [];
  const checked = () => void order.push('checked');
  const taken = world.till.purchase(transaction, token, { ...item, checked }).then(() => order.push('durable'));
  await new Promise((later) => setTimeout(later, 5));
  expect(order).toEqual(['checked']);
  flushing.resolve();
  await taken;
  expect(await world.till.purchase(transaction, token, { ...item, checked })).toMatchObject({ repeated: true });
  expect(order).toEqual(['checked', 'durable']);
  await world.host.close();
});

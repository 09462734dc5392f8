/** What an attacker may try at the gate: nothing is served for it, and nobody is charged. */
import { describe, expect, test } from 'vitest';
import { createChallengeBinding } from '../../../src/deposit/merchant-http/challenge-binding.ts';
import { createCharge } from '../../../src/deposit/merchant-http/charge.ts';
import type {
  Admission,
  ChargedRequest,
  ChargeOptions,
  ChargeSetup,
} from '../../../src/deposit/merchant-http/charge-terms.ts';
import { DISCOVERY_PATH, discoveryAnswer } from '../../../src/deposit/merchant-http/discovery.ts';
import { type PaymentChallenge, parseChallenges } from '../../../src/deposit/message/payment-challenge.ts';
import {
  type EchoedChallenge,
  formatCredential,
  preemptiveChallenge,
} from '../../../src/deposit/message/payment-credential.ts';
import { decodeOffer, encodeOffer, type Offer, requestDigest } from '../../../src/deposit/message/payment-offer.ts';
import { createEnds, secret, standingClock, UNIT_NANO } from '../payment-ends.ts';

const realm = 'bakery.example';

interface Asked {
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
}

function start(options: ChargeOptions = { price: '0.0004 EUR' }, setup: Partial<ChargeSetup> = {}) {
  const ends = createEnds();
  const clock = standingClock();
  const faults: unknown[] = [];
  const charge = createCharge({
    ...{ till: ends.till, secrets: [secret], realm, merchant: 'bakery', operator: 'south', currency: 'EUR' },
    ...{ unitNano: UNIT_NANO, clock, onFault: (error) => faults.push(error), ...setup },
  });
  const gate = charge(options);
  const admit = (
    { method = 'POST', target = '/rolls?n=2', body = 'two' }: Asked = {},
    credential?: string,
    field = 'Authorization',
  ) => {
    const header = (name: string) => (name === field ? credential : undefined);
    return gate.admit({ method, target, body: Buffer.from(body), header } satisfies ChargedRequest);
  };
  const challengeOf = (admission: Admission) => {
    if (admission.type !== 'refused') throw new Error(`expected a refusal, saw ${admission.type}`);
    const [challenge] = parseChallenges(admission.headers['www-authenticate'] ?? '');
    return challenge!;
  };
  const pay = async (challenge: EchoedChallenge, offer: Offer, changes: Partial<EchoedChallenge> = {}) => {
    const transaction = await ends.spender.ensure(offer);
    const { number: _, ...spent } = await ends.spender.pay(transaction, {
      units: offer.units,
      request: offer.resource,
    });
    return formatCredential({ ...challenge, ...changes } as EchoedChallenge, { transaction, ...spent });
  };
  /** Asks, and pays what is asked. */
  const credentialFor = async (asked: Asked = {}, changes: Partial<EchoedChallenge> = {}) => {
    const challenge = challengeOf(await admit(asked));
    return pay(challenge, decodeOffer(challenge), changes);
  };
  return { gate, ends, clock, charge, faults, admit, challengeOf, pay, credentialFor };
}

function problemOf(admission: Admission) {
  if (admission.type !== 'refused') return admission.type;
  const { type, status, code } = JSON.parse(Buffer.from(admission.body).toString());
  return [status, type.replace('https://paymentauth.org/problems/', ''), ...(code === undefined ? [] : [code])];
}

function detailOf(admission: Admission): string {
  return admission.type === 'refused' ? JSON.parse(Buffer.from(admission.body).toString()).detail : admission.type;
}

/** Serves it, as an adapter does. */
async function answered(admission: Admission, text: string, status = 200) {
  if (admission.type !== 'paid') throw new Error(`expected it to be paid, saw ${admission.type}`);
  admission.recorder.write(Buffer.from(text));
  admission.recorder.end(status, [['x-made', text]]);
}

const refusal = (type: string, ...code: string[]) => [402, type, ...code];

describe('a payment', () => {
  test('for just what was asked is taken, once', async () => {
    const { admit, credentialFor, ends } = start();
    const credential = await credentialFor();
    expect(await admit({}, credential)).toMatchObject({
      type: 'paid',
      payment: { number: 1, units: 4, repeated: false },
    });
    expect(ends.earned()).toBe(4);
  });

  test.each([
    ['another place', { target: '/rolls?n=200' }, 'request'],
    ['another method', { method: 'DELETE' }, 'request'],
    ['another body', { body: 'two hundred' }, 'body'],
    ['no body', { body: '' }, 'body'],
  ])('shown again for %s is worth nothing there', async (_, elsewhere, what) => {
    const { admit, credentialFor, ends } = start();
    const credential = await credentialFor();
    const refused = await admit(elsewhere, credential);
    expect(problemOf(refused)).toEqual(refusal('invalid-challenge'));
    expect(detailOf(refused)).toBe(`the challenge is for another ${what}`);
    await admit({}, credential);
    expect(problemOf(await admit(elsewhere, credential))).toEqual(refusal('invalid-challenge'));
    expect(ends.earned()).toBe(4);
  });

  test('ahead of any challenge, shown again for something else, is worth nothing there', async () => {
    const { admit, challengeOf, pay, ends } = start();
    const offer = decodeOffer(challengeOf(await admit()));
    const credential = await pay(preemptiveChallenge, offer);
    expect(problemOf(await admit({ target: '/cakes' }, credential))).toEqual(
      refusal('verification-failed', 'PURCHASE_UNPROVED'),
    );
    expect(await admit({}, credential)).toMatchObject({ type: 'paid' });
    expect(problemOf(await admit({ target: '/cakes' }, credential))).toEqual(
      refusal('verification-failed', 'PURCHASE_REUSED'),
    );
    expect(ends.earned()).toBe(4);
  });

  test.each<[string, (challenge: PaymentChallenge) => Partial<EchoedChallenge>]>([
    ['a lower price', (challenge) => ({ request: encodeOffer({ ...decodeOffer(challenge), units: 1 }) })],
    ['a later end', () => ({ expires: '2036-01-01T00:00:00Z' })],
    ['another realm', () => ({ realm: 'cakes.example' })],
    ['another id', () => ({ id: Buffer.alloc(32).toString('base64url') })],
    ['an id that is none', () => ({ id: 'free' })],
    ['fields moved into each other', ({ expires }) => ({ expires: `${expires}|x`, digest: '' })],
    ['another header', () => ({ header: 'Payment-Authorization' })],
    ['an opaque part', () => ({ opaque: 'e30' })],
  ])('answering a challenge with %s is refused, and nothing is taken', async (_, change) => {
    const { admit, challengeOf, pay, ends } = start();
    const challenge = challengeOf(await admit());
    const changes = change(challenge);
    const offer = decodeOffer({ ...challenge, ...changes });
    expect(problemOf(await admit({}, await pay(challenge, offer, changes)))).toEqual(refusal('invalid-challenge'));
    expect(ends.earned()).toBe(0);
  });

  test('a challenge of another server of ours, under the same secret, is of another place', async () => {
    const { admit, ends, clock } = start();
    const other = createCharge({
      ...{ till: ends.till, secrets: [secret], realm: 'cakes.example', merchant: 'bakery', operator: 'south' },
      ...{ currency: 'EUR', unitNano: UNIT_NANO, clock },
    })({ price: '0.0001 EUR' });
    const there = await other.admit({
      method: 'POST',
      target: '/rolls?n=2',
      body: Buffer.from('two'),
      header: () => undefined,
    });
    const { challengeOf, pay } = start();
    const challenge = challengeOf(there);
    const refused = await admit({}, await pay(challenge, decodeOffer(challenge)));
    expect(detailOf(refused)).toBe('the challenge is of another place');
  });

  test('a challenge that chose another header is of another place', async () => {
    const { admit, charge, challengeOf, pay } = start();
    const beside = charge({ price: '0.0004 EUR', header: 'Payment-Authorization' });
    const asked = { method: 'POST', target: '/rolls?n=2', body: Buffer.from('two'), header: () => undefined };
    const challenge = challengeOf(await beside.admit(asked));
    const refused = await admit({}, await pay(challenge, decodeOffer(challenge)));
    expect(detailOf(refused)).toBe('the challenge is of another place');
  });

  test('worth less or more than the price is not taken, whichever way it comes', async () => {
    const { admit, challengeOf, pay, ends } = start();
    const challenge = challengeOf(await admit());
    for (const units of [1, 3, 5]) {
      for (const answered of [challenge, preemptiveChallenge]) {
        const credential = await pay(answered, { ...decodeOffer(challenge), units });
        expect(problemOf(await admit({}, credential))).toEqual(refusal('payment-insufficient'));
        await ends.spender.failed('', 0, { reason: 'unknown' });
      }
    }
    expect(ends.earned()).toBe(0);
  });

  test('for a price that was offered is taken until the offer ends, and not after', async () => {
    const { admit, credentialFor, clock, ends } = start();
    const [inTime, late] = [await credentialFor(), await credentialFor()];
    clock.nowIs += 300_000;
    await answered(await admit({}, inTime), 'broken', 500);
    clock.nowIs += 31_000;
    expect(problemOf(await admit({}, late))).toEqual(refusal('payment-expired'));
    expect(await admit({}, inTime), 'taken before, so served again').toMatchObject({
      type: 'paid',
      payment: { number: 1 },
    });
    expect(ends.earned()).toBe(4);
  });

  test('ahead is refused where the price depends on the request', async () => {
    const { admit, challengeOf, pay } = start({ priceOf: () => '0.0004 EUR' });
    const offer = decodeOffer(challengeOf(await admit()));
    expect(offer.preemptive).toBe(false);
    expect(problemOf(await admit({}, await pay(preemptiveChallenge, offer)))).toEqual(refusal('invalid-challenge'));
  });

  test('in the field the challenge did not choose is not seen', async () => {
    const { admit, challengeOf, pay } = start({ price: '0.0004 EUR', header: 'Payment-Authorization' });
    const challenge = challengeOf(await admit());
    const credential = await pay(challenge, decodeOffer(challenge));
    expect(problemOf(await admit({}, credential))).toEqual(refusal('payment-required'));
    expect(await admit({}, credential, 'Payment-Authorization')).toMatchObject({ type: 'paid' });
  });

  test('a changed secret keeps what was offered before', async () => {
    const ends = start();
    const credential = await ends.credentialFor();
    const fresh = new Uint8Array(32).fill(9);
    const again = start(undefined, { till: ends.ends.till, secrets: [fresh, secret] });
    expect(await again.admit({}, credential)).toMatchObject({ type: 'paid' });
    const without = start(undefined, { till: ends.ends.till, secrets: [fresh] });
    expect(problemOf(await without.admit({}, await ends.credentialFor()))).toEqual(refusal('invalid-challenge'));
  });

  test('what is no credential, or of another method, says so', async () => {
    const { admit, challengeOf } = start();
    expect(problemOf(await admit({}, 'Payment !'))).toEqual(refusal('malformed-credential'));
    expect(problemOf(await admit({}, `Payment ${'a'.repeat(9000)}`))).toEqual(refusal('malformed-credential'));
    const challenge = challengeOf(await admit());
    const token = new Uint8Array(74);
    const paid = { transaction: 'north.7.1', token };
    const other = formatCredential({ ...challenge, method: 'tempo' }, paid);
    expect(problemOf(await admit({}, other))).toEqual([400, 'method-unsupported']);
    expect(problemOf(await admit({}, formatCredential(challenge, { ...paid, transaction: '' })))).toEqual(
      refusal('invalid-payload'),
    );
    expect(problemOf(await admit({}, formatCredential(challenge, paid)))).toEqual(
      refusal('verification-failed', 'PURCHASE_UNPROVED'),
    );
  });
});

describe('a payment shown again', () => {
  test('is answered with the same bytes and makes no work', async () => {
    const { admit, credentialFor, ends } = start();
    const credential = await credentialFor();
    await answered(await admit({}, credential), 'rolls');
    const again = await admit({}, credential);
    expect(again).toMatchObject({ type: 'answered', answer: { status: 200, headers: [['x-made', 'rolls']] } });
    expect(again.type === 'answered' && Buffer.from(again.answer.body).toString()).toBe('rolls');
    expect(ends.earned()).toBe(4);
  });

  test('buys nothing new once its answer is not kept any more: no polling for ever', async () => {
    const { admit, credentialFor, clock } = start();
    const credential = await credentialFor();
    const seen: unknown[] = [];
    for (let n = 0; n < 5; n++) {
      const admission = await admit({}, credential);
      if (admission.type === 'paid') await answered(admission, `news ${n}`);
      seen.push(problemOf(admission));
      clock.nowIs += 121_000;
    }
    const used = [403, 'urn:handsel:problem:PAYMENT_USED', 'PAYMENT_USED'];
    expect(seen).toEqual(['paid', used, used, used, used]);
  });

  test('after a failure is served at last, and paid once', async () => {
    const { admit, credentialFor, ends } = start();
    const credential = await credentialFor();
    await answered(await admit({}, credential), 'broken', 500);
    const again = await admit({}, credential);
    expect(again).toMatchObject({ type: 'paid', payment: { number: 1, repeated: true } });
    expect(ends.earned()).toBe(4);
  });

  test('at the same time waits for the answer that is being made', async () => {
    const { admit, credentialFor, ends } = start();
    const credential = await credentialFor();
    const first = await admit({}, credential);
    const second = admit({}, credential);
    await answered(first, 'rolls');
    expect(await second).toMatchObject({ type: 'answered' });
    expect(ends.earned()).toBe(4);
  });

  test('after a new start is served, and known as a repetition', async () => {
    const { admit, credentialFor, ends } = start();
    const credential = await credentialFor();
    await answered(await admit({}, credential), 'rolls');
    const restarted = start(undefined, { till: ends.till });
    expect(await restarted.admit({}, credential)).toMatchObject({ type: 'paid', payment: { repeated: true } });
  });

  test('large answers are passed on and not kept', async () => {
    const { admit, credentialFor } = start(undefined, { answers: { maxAnswerBytes: 3 } });
    const credential = await credentialFor();
    await answered(await admit({}, credential), 'rolls');
    expect(await admit({}, credential)).toMatchObject({ type: 'paid', payment: { repeated: true } });
  });

  test('kept answers give way to newer ones', async () => {
    const { admit, credentialFor } = start(undefined, { answers: { maxBytes: 8 } });
    const [one, two] = [await credentialFor(), await credentialFor()];
    await answered(await admit({}, one), 'rolls');
    await answered(await admit({}, two), 'cakes');
    expect([(await admit({}, one)).type, (await admit({}, two)).type]).toEqual(['paid', 'answered']);
  });
});

describe('the set-up', () => {
  test('what cannot be charged is refused before anything is served', () => {
    const { charge } = start();
    expect(() => charge({ price: '0.00045 EUR' })).toThrow('no multiple');
    expect(() => charge({ price: '0.0004 USD' })).toThrow('expected a price in EUR');
    expect(() => charge({ price: '0.0004 EUR', description: 'a\nb' })).toThrow('visible ASCII');
    expect(() => start(undefined, { secrets: [new Uint8Array(8)] })).toThrow('at least 32 bytes');
    expect(() => start(undefined, { realm: 'https://bakery.example' })).toThrow('expected a host');
  });

  test('a fault of ours is told to the log and to nobody else', async () => {
    const { admit, faults } = start({
      priceOf: () => {
        throw new Error('the price list is at /secret/prices');
      },
    });
    const admission = await admit();
    expect(problemOf(admission)).toEqual([500, 'internal-payment-error']);
    expect(faults).toEqual([expect.objectContaining({ message: 'the price list is at /secret/prices' })]);
    expect(JSON.stringify(admission)).not.toContain('secret');
  });

  test('the discovery document says what everything costs', () => {
    const { charge } = start();
    const { headers, body } = discoveryAnswer({
      ...{ title: 'Bakery', version: '1', categories: ['data'] },
      operations: [
        {
          path: '/rolls',
          method: 'get',
          gate: charge({ price: '0.0004 EUR', description: 'A roll' }),
          summary: 'Rolls',
        },
        { path: '/rolls', method: 'post', gate: charge({ priceOf: () => '0.0004 EUR' }) },
        { path: '/', method: 'get' },
      ],
    });
    const responses = { '200': { description: 'Successful response' } };
    const paid = { ...responses, '402': { description: 'Payment Required' } };
    const offer = { intent: 'session', method: 'deposit', currency: 'eur' };
    expect([DISCOVERY_PATH, headers['content-type']]).toEqual(['/openapi.json', 'application/json']);
    expect(JSON.parse(body)).toEqual({
      ...{ openapi: '3.1.0', info: { title: 'Bakery', version: '1' }, 'x-service-info': { categories: ['data'] } },
      paths: {
        '/rolls': {
          get: {
            summary: 'Rolls',
            'x-payment-info': { offers: [{ ...offer, amount: '400000', description: 'A roll' }] },
            responses: paid,
          },
          post: { 'x-payment-info': { offers: [{ ...offer, amount: null }] }, responses: paid },
        },
        '/': { get: { responses } },
      },
    });
  });
});

test('what a challenge says in one field cannot be said in two others', () => {
  const binding = createChallengeBinding([secret]);
  const said = { realm, method: 'deposit', intent: 'session', request: 'e30', expires: 'E', digest: 'D', opaque: '' };
  const issued = binding.issue({ ...said, header: 'Payment-Authorization' });
  expect(binding.isOurs(issued)).toBe(true);
  const moved = { id: issued.id, ...said, expires: 'E|D', digest: '', opaque: 'Payment-Authorization' };
  expect(binding.isOurs(moved)).toBe(false);
  expect(() => binding.issue(moved)).toThrow('no bars');
});

test('a challenge binds what the draft says it binds, in its slots', async () => {
  const { admit, challengeOf } = start({ price: '0.0004 EUR', description: 'Rolls' });
  const challenge = challengeOf(await admit());
  const { createHmac } = await import('node:crypto');
  const slots = [realm, 'deposit', 'session', challenge.request, challenge.expires, challenge.digest, ''];
  expect(challenge.id).toBe(createHmac('sha256', secret).update(slots.join('|')).digest('base64url'));
  expect(challenge.expires).toBe('2026-11-21T12:05:00Z');
  const resource = requestDigest({ realm, method: 'POST', target: '/rolls?n=2', body: Buffer.from('two') });
  expect(decodeOffer(challenge).resource).toEqual(resource);
});

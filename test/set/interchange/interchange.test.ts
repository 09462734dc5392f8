import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyAcquirer, restoreAcquirer, snapshotAcquirer } from '../../../src/set/interchange/acquirer-state.ts';
import { restoreIssuer, snapshotIssuer } from '../../../src/set/interchange/issuer-state.ts';
import type { PaymentRequest } from '../../../src/set/message/card-message.ts';
import { encodeCardRequest } from '../../../src/set/message/card-message-codec.ts';
import { adviceOn, FOREIGN_PAN, PAN, purchase } from './card-fixture.ts';
import { type CardNetwork, openCardNetwork } from './card-network.ts';

let network: CardNetwork;
beforeEach(async () => {
  network = await openCardNetwork();
});
afterEach(() => network.close());

const EUR = (minor: bigint) => ({ currency: 'EUR', minor });
let stan = 100;
const next = (change: Partial<PaymentRequest> = {}): PaymentRequest => {
  stan += 1;
  return { ...purchase, stan, retrievalReference: `REF${String(stan).padStart(9, '0')}`, ...change };
};
const codeOf = async (request: Parameters<CardNetwork['ask']>[0]) => (await network.ask(request)).responseCode;

describe('a purchase', () => {
  test('charges the card and credits the merchant; both banks agree on what is owed', async () => {
    const response = await network.ask(purchase);
    expect(response).toMatchObject({ type: 'purchase', responseCode: '00', stan: 1, amount: purchase.amount });
    expect(response.approvalCode).toMatch(/^[0-9A-Z]{6}$/);
    expect(network.cardMinor()).toEqual({ balance: 48_750n, held: 0n });
    expect(network.merchantMinor()).toBe(1250n);
    expect(network.positions()).toEqual({ owed: 1250n, claimed: 1250n });
  });

  test('with a card of another operator goes to that operator', async () => {
    expect(await codeOf(next({ pan: FOREIGN_PAN }))).toBe('00');
    expect(network.positions('foreign')).toEqual({ owed: 1250n, claimed: 1250n });
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
  });

  test('repeated in the same bytes gets the same answer in the same bytes, and is charged once', async () => {
    const bytes = encodeCardRequest(purchase);
    const answers = [await network.askBytes(bytes), await network.askBytes(bytes)];
    expect(answers[1]).toEqual(answers[0]);
    expect(network.merchantMinor()).toBe(1250n);
    expect(network.cardMinor().balance).toBe(48_750n);
  });

  test('under the identity of another one is refused', async () => {
    await network.ask(purchase);
    expect(await codeOf({ ...purchase, amount: EUR(999n) })).toBe('94');
    expect(network.merchantMinor()).toBe(1250n);
  });

  test('in another currency is converted once, and every currency still sums to zero', async () => {
    expect(await codeOf(next({ amount: { currency: 'USD', minor: 1000n } }))).toBe('00');
    expect(network.cardMinor().balance).toBe(49_100n);
    expect(network.merchantMinor('USD')).toBe(1000n);
    expect(network.positions('issuer', 'USD')).toEqual({ owed: 1000n, claimed: 1000n });
  });

  test.each([
    ['a merchant that is not known', { merchantId: 'NOBODY' }, '03'],
    ['a currency the merchant does not take', { amount: { currency: 'JPY', minor: 5n } }, '03'],
    ['a card of no bank', { pan: '5100000000000008' }, '15'],
    ['another acquirer', { acquirerId: '400009' }, '12'],
  ])('is refused for %s', async (_, change, code) => {
    expect(await codeOf(next(change))).toBe(code);
    expect(network.sentToIssuers).toEqual([]);
  });

  test('is refused for a merchant that is no longer served', async () => {
    await network.acquirer.submit({ type: 'merchant', merchantId: 'MERCHANT1', currencies: [], active: false });
    expect(await codeOf(next())).toBe('03');
  });
});

describe('the issuer declines', () => {
  const reasonOf = async (request: PaymentRequest) => {
    await network.issuer.settled();
    const history = [];
    for await (const entry of network.issuerJournal.read(0)) history.push(...entry.keys);
    const cardKeys = new Set(
      history.filter((key) => key.includes('card:')).map((key) => key.slice(key.indexOf('card:'))),
    );
    const records = (await Promise.all([...cardKeys].map((key) => network.issuer.readByKey(key)))).flat();
    const key = `${request.acquirerId}:${request.retrievalReference}`;
    return records.flatMap((record) =>
      record.type === 'declined' && record.key.startsWith(key) ? [record.reason] : [],
    );
  };

  test('without saying why, whichever rule refused; only its own history knows', async () => {
    await network.issuer.submit({ type: 'stop-card', pan: PAN, stopped: true });
    const stopped = next();
    const answers = [await network.ask(stopped)];
    await network.issuer.submit({ type: 'stop-card', pan: PAN, stopped: false });

    await codeOf(next({ amount: EUR(20_000n) }));
    const cases: [PaymentRequest, string][] = [
      [next({ pan: '4000019999999999' }), 'unknown-card'],
      [next({ expiry: '2811' }), 'expiry'],
      [next({ amount: EUR(20_001n) }), 'transaction-limit'],
      [next({ amount: EUR(10_001n) }), 'daily-limit'],
    ];
    for (const [request, reason] of cases) {
      answers.push(await network.ask(request));
      expect(await reasonOf(request)).toEqual([reason]);
    }
    expect(await reasonOf(stopped)).toEqual(['stopped']);
    expect(answers.map(({ responseCode }) => responseCode)).toEqual(['05', '05', '05', '05', '05']);
    expect(answers.every((answer) => answer.approvalCode === undefined)).toBe(true);
    expect(network.merchantMinor()).toBe(20_000n);
  });

  test('what the account does not cover, held money counted', async () => {
    await network.issuer.submit({
      type: 'issue-card',
      pan: PAN,
      terms: { account: 'alice', expiry: '2812', perTransactionMinor: 10n ** 9n, perDayMinor: 10n ** 9n },
    });
    expect(await codeOf(next({ type: 'authorise', amount: EUR(49_000n) }))).toBe('00');
    const over = next({ amount: EUR(1001n) });
    expect(await codeOf(over)).toBe('05');
    expect(await reasonOf(over)).toEqual(['funds']);
    expect(await codeOf(next({ amount: EUR(1000n) }))).toBe('00');
  });

  test('a card that is visibly past its date with 54', async () => {
    expect(await codeOf(next({ expiry: '2610' }))).toBe('54');
    expect(await codeOf(next({ expiry: '2611' }))).toBe('05');
  });

  test('and the daily limit is whole again the next day, and after a reversal', async () => {
    const first = next({ amount: EUR(20_000n) });
    expect(await codeOf(first)).toBe('00');
    expect(await codeOf(next({ amount: EUR(15_000n) }))).toBe('05');
    expect(await codeOf(adviceOn(first, 'reverse'))).toBe('00');
    expect(await codeOf(next({ amount: EUR(20_000n) }))).toBe('00');
    await network.pass(86_400_000);
    expect(await codeOf(next({ amount: EUR(20_000n) }))).toBe('00');
  });
});

describe('authorisation and capture', () => {
  test('hold the money, then move it', async () => {
    const hold = next({ type: 'authorise' });
    const { approvalCode } = await network.ask(hold);
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 1250n });
    expect(network.merchantMinor()).toBe(0n);
    const capture = await network.ask(adviceOn(hold, 'capture', { approvalCode: approvalCode! }));
    expect(capture).toMatchObject({ responseCode: '00', approvalCode });
    expect(network.cardMinor()).toEqual({ balance: 48_750n, held: 0n });
    expect(network.merchantMinor()).toBe(1250n);
    expect(network.positions()).toEqual({ owed: 1250n, claimed: 1250n });
  });

  test('a partial capture releases the rest', async () => {
    const hold = next({ type: 'authorise' });
    await network.ask(hold);
    expect(await codeOf(adviceOn(hold, 'capture', { amount: EUR(1000n) }))).toBe('00');
    expect(network.cardMinor()).toEqual({ balance: 49_000n, held: 0n });
    expect(network.merchantMinor()).toBe(1000n);
  });

  test('a partial capture of a converted amount charges its share', async () => {
    const hold = next({ type: 'authorise', amount: { currency: 'USD', minor: 1000n } });
    await network.ask(hold);
    expect(network.cardMinor().held).toBe(900n);
    expect(await codeOf(adviceOn(hold, 'capture', { amount: { currency: 'USD', minor: 500n } }))).toBe('00');
    expect(network.cardMinor()).toEqual({ balance: 49_550n, held: 0n });
    expect(network.positions('issuer', 'USD')).toEqual({ owed: 500n, claimed: 500n });
  });

  test('more than was authorised is not captured, nor anything twice, nor what nobody authorised', async () => {
    const hold = next({ type: 'authorise' });
    await network.ask(hold);
    expect(await codeOf(adviceOn(hold, 'capture', { amount: EUR(1251n) }))).toBe('13');
    expect(await codeOf(adviceOn(hold, 'capture', { stan: 5000 }))).toBe('00');
    expect(await codeOf(adviceOn(hold, 'capture', { stan: 5001 }))).toBe('12');
    expect(await codeOf(adviceOn(next({ type: 'authorise' }), 'capture'))).toBe('25');
    expect(await codeOf(adviceOn(hold, 'capture', { stan: 5002, merchantId: 'OTHER' }))).toBe('12');
    expect(network.merchantMinor()).toBe(1250n);
  });

  test('a hold lapses at both banks when it is not captured', async () => {
    const hold = next({ type: 'authorise' });
    await network.ask(hold);
    await network.pass(7 * 86_400_000 + 60_000);
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
    expect(await codeOf(adviceOn(hold, 'capture'))).toBe('25');
    expect([network.issuer.state.payments.size, network.acquirer.state.payments.size]).toEqual([0, 0]);
  });

  test('the issuer checks the card of an advice', async () => {
    const hold = next({ type: 'authorise' });
    await network.ask(hold);
    expect(await codeOf(adviceOn(hold, 'capture', { pan: '4000010000000099' }))).toBe('12');
    expect(await codeOf(adviceOn(hold, 'capture', { stan: 6000 }))).toBe('00');
  });
});

describe('reversal', () => {
  test.each(['authorise', 'purchase'] as const)('undoes what %s did, at both banks', async (type) => {
    const request = next({ type });
    await network.ask(request);
    expect(await codeOf(adviceOn(request, 'reverse'))).toBe('00');
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
    expect(network.merchantMinor()).toBe(0n);
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    expect(await codeOf(adviceOn(request, 'reverse', { stan: 7000 }))).toBe('25');
  });

  test('undoes a converted purchase to the last unit', async () => {
    const request = next({ amount: { currency: 'USD', minor: 1111n } });
    await network.ask(request);
    expect(await codeOf(adviceOn(request, 'reverse'))).toBe('00');
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
  });

  test('that overtakes its request keeps it from happening', async () => {
    const request = next();
    expect(await codeOf(adviceOn(request, 'reverse'))).toBe('25');
    expect(await codeOf(request)).toBe('12');
    expect(network.merchantMinor()).toBe(0n);
  });

  test('that overtakes its request at the issuer keeps it from happening there', async () => {
    const request = next({ batch: 1 });
    expect((await network.askIssuer(adviceOn(request, 'reverse'))).responseCode).toBe('25');
    expect((await network.askIssuer(request)).responseCode).toBe('05');
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
  });

  test.each(['authorise', 'purchase'] as const)(
    'while the issuer is still asked to %s waits, then undoes it',
    async (type) => {
      network.weather = () => 'slow';
      const request = next({ type });
      const [bought, undone] = await Promise.all([network.ask(request), network.ask(adviceOn(request, 'reverse'))]);
      expect([bought.responseCode, undone.responseCode]).toEqual(['00', '00']);
      expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
      expect(network.merchantMinor()).toBe(0n);
    },
  );

  test('while it is being captured waits, then undoes the capture', async () => {
    const hold = next({ type: 'authorise' });
    await network.ask(hold);
    network.weather = () => 'slow';
    const [captured, undone, second] = await Promise.all([
      network.ask(adviceOn(hold, 'capture')),
      network.ask(adviceOn(hold, 'reverse', { stan: 8000 })),
      network.ask(adviceOn(hold, 'reverse', { stan: 8001 })),
    ]);
    expect([captured.responseCode, undone.responseCode, second.responseCode]).toEqual(['00', '00', '94']);
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
    expect(network.merchantMinor()).toBe(0n);
  });
});

describe('an issuer that does not answer', () => {
  test.each([
    ['because the request was lost', 'request-lost', 'purchase'],
    ['because the answer was lost after it charged', 'answer-lost', 'purchase'],
    ['because the request was lost', 'request-lost', 'authorise'],
    ['because the answer was lost after it held', 'answer-lost', 'authorise'],
  ] as const)('%s (%s, %s): 91, and an automatic reversal makes it true', async (_, weather, type) => {
    network.weather = (request) => (request.type === type ? weather : 'calm');
    expect(await codeOf(next({ type }))).toBe('91');
    await network.pass(120_000);
    expect(network.sentToIssuers.map((request) => request.type)).toContain('reverse');
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
    expect(network.merchantMinor()).toBe(0n);
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    expect([network.issuer.state.payments.size, network.acquirer.state.payments.size]).toEqual([0, 0]);
  });

  test('to the reversal either is asked again, in the same bytes, until it does', async () => {
    let lost = 3;
    network.weather = (request) => (request.type === 'purchase' || --lost >= 0 ? 'answer-lost' : 'calm');
    expect(await codeOf(next())).toBe('91');
    await network.pass(600_000);
    const reversals = network.sentToIssuers.filter(({ type }) => type === 'reverse');
    expect(reversals.length).toBe(4);
    expect(new Set(reversals.map((request) => Buffer.from(encodeCardRequest(request)).toString('hex'))).size).toBe(1);
    expect(network.cardMinor().balance).toBe(50_000n);
  });

  test('to a capture is asked until it does: the merchant is credited once', async () => {
    const hold = next({ type: 'authorise' });
    await network.ask(hold);
    let lost = 2;
    network.weather = () => (--lost >= 0 ? 'answer-lost' : 'calm');
    expect(await codeOf(adviceOn(hold, 'capture'))).toBe('00');
    expect(network.merchantMinor()).toBe(1250n);
    expect(network.positions()).toEqual({ owed: 1250n, claimed: 1250n });
  });
});

describe('settlement', () => {
  const settle = async () => {
    await network.acquirer.submit({ type: 'close-batch' });
    await network.pass(10_000);
  };

  test('both banks count the same, and the debt is paid', async () => {
    await network.ask(next());
    await network.ask(next({ pan: FOREIGN_PAN, amount: EUR(300n) }));
    const undone = next({ amount: EUR(700n) });
    await network.ask(undone);
    await network.ask(adviceOn(undone, 'reverse'));
    expect(network.positions()).toEqual({ owed: 1250n, claimed: 1250n });
    await settle();
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    expect(network.positions('foreign')).toEqual({ owed: 0n, claimed: 0n });
    expect(network.merchantMinor()).toBe(1550n);
    expect([network.acquirer.state.books.size, network.issuer.state.books.size]).toEqual([0, 0]);
    expect([network.acquirer.state.payments.size, network.issuer.state.payments.size]).toEqual([0, 0]);
  });

  test('what was settled is not reversed any more', async () => {
    const request = next();
    await network.ask(request);
    await settle();
    expect(await codeOf(adviceOn(request, 'reverse'))).toBe('25');
    expect(network.merchantMinor()).toBe(1250n);
    expect(network.cardMinor().balance).toBe(48_750n);
  });

  test('a purchase that was charged unseen and reversed counts at both banks', async () => {
    network.weather = (request) => (request.type === 'purchase' ? 'answer-lost' : 'calm');
    await network.ask(next());
    network.weather = () => 'calm';
    await network.ask(next({ amount: EUR(200n) }));
    await settle();
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    expect(network.acquirer.state.books.size).toBe(0);
  });

  test('waits for what is still in motion', async () => {
    network.weather = (request) =>
      request.type === 'purchase' ? 'answer-lost' : request.type === 'reverse' ? 'request-lost' : 'calm';
    expect(await codeOf(next())).toBe('91');
    await settle();
    expect(network.sentToIssuers.some(({ type }) => type === 'reconcile')).toBe(false);
    network.weather = () => 'calm';
    await network.pass(600_000);
    expect(network.acquirer.state.books.size).toBe(0);
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
  });

  test('two banks that count differently settle nothing and keep both books', async () => {
    await network.ask(next());
    const { batch } = network.acquirer.state;
    const alien = { ...next({ batch }), stan: 999 };
    await network.askIssuer(alien);
    await settle();
    expect([...network.acquirer.state.books.values()].map(({ phase }) => phase)).toEqual(['disputed']);
    expect(network.positions()).toEqual({ owed: 2500n, claimed: 1250n });
  });
});

describe('what is kept', () => {
  test('the issuer has no card number in its journal or its snapshot, nobody has one in an answer', async () => {
    await network.ask(next());
    await network.ask(next({ pan: '4000019999999999' }));
    const entries = [];
    for await (const entry of network.issuerJournal.read(0))
      entries.push(Buffer.from(entry.body), Buffer.from(entry.keys.join()));
    const kept = Buffer.concat([...entries, snapshotIssuer(network.issuer.state)]).toString('latin1');
    expect(kept).not.toContain(PAN);
    expect(kept).not.toContain('4000019999999999');
  });

  test('both states come back from their snapshots', async () => {
    await network.ask(next());
    await network.ask(next({ type: 'authorise' }));
    const { acquirer, issuer } = network;
    expect(snapshotIssuer(restoreIssuer(snapshotIssuer(issuer.state)))).toEqual(snapshotIssuer(issuer.state));
    expect(snapshotAcquirer(restoreAcquirer(snapshotAcquirer(acquirer.state)))).toEqual(
      snapshotAcquirer(acquirer.state),
    );
    const copy = restoreAcquirer(snapshotAcquirer(acquirer.state));
    applyAcquirer(copy, { type: 'batch', batch: 9 });
    expect(copy.batch).toBe(9);
  });
});

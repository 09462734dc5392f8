import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restoreAcquirer, snapshotAcquirer } from '../../../src/set/interchange/acquirer-state.ts';
import { restoreIssuer, snapshotIssuer } from '../../../src/set/interchange/issuer-state.ts';
import { encodeCardRequest } from '../../../src/set/message/card-message-codec.ts';
import { adviceOn, creditOf, FOREIGN_PAN, purchase } from './card-fixture.ts';
import { type CardNetwork, openCardNetwork } from './card-network.ts';

let network: CardNetwork;
beforeEach(async () => {
  network = await openCardNetwork();
});
afterEach(() => network.close());

const codeOf = async (request: Parameters<CardNetwork['ask']>[0]) => (await network.ask(request)).responseCode;
const settle = async () => {
  await network.acquirer.submit({ type: 'close-batch' });
  await network.pass(10_000);
};

describe('a credit', () => {
  test('gives back what was captured: the card has it, the merchant has not, and the banks agree', async () => {
    await network.ask(purchase);
    expect(await network.ask(creditOf(purchase, 1250n))).toMatchObject({ type: 'credit', responseCode: '00' });
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
    expect(network.merchantMinor()).toBe(0n);
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    await settle();
    expect([network.acquirer.state.books.size, network.issuer.state.books.size]).toEqual([0, 0]);
  });

  test('goes through when the purchase was settled long ago: the acquirer then owes the issuer, and pays', async () => {
    await network.ask(purchase);
    await settle();
    expect(await codeOf(adviceOn(purchase, 'reverse'))).toBe('25');
    expect(await codeOf(creditOf(purchase, 1250n))).toBe('00');
    expect(network.positions()).toEqual({ owed: -1250n, claimed: -1250n });
    await settle();
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    expect(network.cardMinor().balance).toBe(50_000n);
    expect(network.merchantMinor()).toBe(0n);
    expect([network.acquirer.state.books.size, network.issuer.state.books.size]).toEqual([0, 0]);
  });

  test('is asked for until it is answered, in the same bytes, and given once', async () => {
    await network.ask(purchase);
    let lost = 0;
    network.weather = ({ type }) => (type === 'credit' && lost++ < 3 ? 'answer-lost' : 'calm');
    const bytes = encodeCardRequest(creditOf(purchase, 1250n));
    const answers = [await network.askBytes(bytes), await network.askBytes(bytes)];
    expect(answers[1]).toEqual(answers[0]);
    expect(lost).toBeGreaterThan(3);
    expect(network.cardMinor().balance).toBe(50_000n);
    expect(network.merchantMinor()).toBe(0n);
  });

  test('of a part, and of another part, but never of more than was captured', async () => {
    await network.ask(purchase);
    expect(await codeOf(creditOf(purchase, 1000n, 301))).toBe('00');
    expect(await codeOf(creditOf(purchase, 251n, 302))).toBe('13');
    expect(await codeOf(creditOf(purchase, 250n, 303))).toBe('00');
    expect(network.cardMinor().balance).toBe(50_000n);
    expect(network.merchantMinor()).toBe(0n);
  });

  test('and a reversal are not both done', async () => {
    await network.ask(purchase);
    expect(await codeOf(creditOf(purchase, 100n))).toBe('00');
    expect(await codeOf(adviceOn(purchase, 'reverse'))).toBe('12');
    expect(network.cardMinor().balance).toBe(48_850n);
  });

  test('of what was not captured, of another merchant, or to a card nobody has, moves nothing', async () => {
    const authorised = { ...purchase, type: 'authorise' as const };
    await network.ask(authorised);
    expect(await codeOf(creditOf(authorised, 1250n))).toBe('12');
    expect(await codeOf({ ...creditOf(purchase, 5n, 401), merchantId: 'NOBODY' })).toBe('03');
    expect(await codeOf({ ...creditOf(purchase, 5n, 402), pan: FOREIGN_PAN.replace(/6$/, '4') })).toBe('25');
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 1250n });
    expect(network.merchantMinor()).toBe(0n);
    await settle();
    expect(network.acquirer.state.books.size).toBe(0);
  });

  test('keeps its batch open until the issuer has answered, also over snapshots', async () => {
    await network.ask(purchase);
    network.weather = ({ type }) => (type === 'credit' ? 'request-lost' : 'calm');
    const asked = network.ask(creditOf(purchase, 1250n));
    asked.catch(() => {});
    await network.pass(1000);
    await settle();
    expect(network.sentToIssuers.some(({ type }) => type === 'reconcile')).toBe(false);
    const { state } = network.acquirer;
    expect(restoreAcquirer(snapshotAcquirer(state))).toEqual(state);
    expect(restoreIssuer(snapshotIssuer(network.issuer.state))).toEqual(network.issuer.state);
    network.weather = () => 'calm';
    await network.pass(120_000);
    expect((await asked).responseCode).toBe('00');
    await settle();
    expect(network.positions()).toEqual({ owed: 0n, claimed: 0n });
    expect(network.acquirer.state.books.size).toBe(0);
  });
});

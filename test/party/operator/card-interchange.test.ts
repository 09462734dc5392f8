/** The card network of trusted agents on an operator's real interchange: acquirer, access server and issuers, in ISO 8583. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCardInterchange } from '../../../src/party/operator/card-interchange.ts';
import {
  decodeInterchangeAnswer,
  encodeInterchangeRequest,
  type InterchangeRequest,
} from '../../../src/trusted/card/interchange-request.ts';
import { PAN } from '../../set/interchange/card-fixture.ts';
import { ACQUIRER, type CardNetwork, openCardNetwork } from '../../set/interchange/card-network.ts';

let network: CardNetwork;
beforeEach(async () => {
  network = await openCardNetwork();
});
afterEach(() => network.close());

const atMs = Date.UTC(2026, 10, 21, 11, 1, 23);
const expiresDay = Math.floor(Date.UTC(2028, 11, 31) / 86_400_000);
const about = {
  ...{ transaction: new Uint8Array(16).fill(3), cardNumber: PAN, expiresDay, payee: '1-4', payeeName: 'Handsel Opera' },
  amount: { currency: 'EUR', minor: 8900n },
};
const authorise: InterchangeRequest = { type: 'authorise', number: 1, atMs, ...about };
const advice = (type: 'capture' | 'reverse', number: number): InterchangeRequest => ({
  ...{ type, number, atMs: atMs + number, ...about, original: { number: 1, atMs }, approvalCode: '' },
});

async function ask(request: InterchangeRequest) {
  const courier = createCardInterchange({
    ...{ route: 'interchange', acquirerId: ACQUIRER, terminalId: 'AGENTS01' },
    acceptorOf: (payeeName) => (payeeName === 'Handsel Opera' ? 'MERCHANT1' : undefined),
    link: { send: (bytes) => network.askBytes(bytes) },
    courier: { deliver: () => Promise.reject(new Error('not for the interchange')) },
  });
  const body = encodeInterchangeRequest(request);
  const attempt = { number: 1, signal: new AbortController().signal };
  const result = await courier.deliver({ id: 'm', to: 'interchange', kind: 'card', body }, attempt as never);
  if (result.type !== 'answered') throw new Error(result.type);
  return decodeInterchangeAnswer(result.body);
}

describe('a card payment of trusted agents', () => {
  test('is held when it is authorised, and moves when it is captured', async () => {
    const answer = await ask(authorise);
    expect(answer).toMatchObject({ type: 'approved' });
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 8900n });
    const approvalCode = answer.type === 'approved' ? answer.approvalCode : '';
    expect(await ask({ ...advice('capture', 2), approvalCode } as InterchangeRequest)).toEqual({ type: 'taken' });
    expect(network.cardMinor()).toEqual({ balance: 41_100n, held: 0n });
    expect(network.merchantMinor()).toBe(8900n);
  });

  test('is one authorisation however often it is asked for', async () => {
    expect(await ask(authorise)).toEqual(await ask(authorise));
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 8900n });
  });

  test('is free again when it is reversed, also if nobody ever authorised it', async () => {
    expect(await ask(advice('reverse', 9))).toEqual({ type: 'taken' });
    await ask(authorise);
    await ask(advice('reverse', 2));
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
  });

  test('goes back to the card when it is refunded', async () => {
    await ask(authorise);
    await ask(advice('capture', 2));
    await ask(advice('reverse', 3));
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
    expect(network.merchantMinor()).toBe(0n);
  });

  test('is declined beyond the limit, by another expiry, and for a payee whom the acquirer does not know', async () => {
    const dear = { ...authorise, amount: { currency: 'EUR', minor: 20_001n } };
    expect(await ask(dear)).toMatchObject({ type: 'declined' });
    expect(await ask({ ...authorise, number: 2, expiresDay: expiresDay + 31 })).toMatchObject({ type: 'declined' });
    expect(await ask({ ...authorise, number: 3, payeeName: 'Hansel Opera' })).toMatchObject({ type: 'declined' });
    expect(network.cardMinor()).toEqual({ balance: 50_000n, held: 0n });
  });
});

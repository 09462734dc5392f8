/** Logging on: identities, what may be set aside, rates, and what one customer can make an operator remember. */
import { describe, expect, it } from 'vitest';
import { type MessageType, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { answerRates } from '../../../src/deposit/account-manager/answer-rates.ts';
import { loggedOnType, logOnType } from '../../../src/deposit/message/initiation.ts';
import { ratesRequestType } from '../../../src/deposit/message/rates-request.ts';
import { rateIn, rateTableType } from '../../../src/deposit/message/session-rate.ts';
import { DAY_MS, EUR_USD, eur, keysOf, openBanks, policyOf, signerOf, validateCustomer } from './banks.ts';

const read = <T>(type: MessageType<T>, bytes: Uint8Array): T => {
  const message = readMessage(type, bytes);
  message.requireSignature(keysOf('north').publicKey);
  return message.value;
};

describe('logging on', () => {
  it('gives a session, its first transaction, what is available and the bank’s dated rates', async () => {
    const banks = await openBanks();
    const { session, transaction, available, rates } = read(loggedOnType, await banks.logOn());
    expect([session, transaction, available]).toEqual(['north.1', 'north.1.1', eur(10_000n)]);
    expect(rateIn(rates, { from: 'EUR', to: 'USD' }, banks.clock.nowMs())).toEqual(EUR_USD);
    expect(read(loggedOnType, await banks.logOn('bob')).transaction).toBe('north.2.1');
  });

  it('gives the same for the same reference, also when it is signed again or after a restart', async () => {
    const banks = await openBanks();
    const first = await banks.logOn('alice', { reference: 'r' });
    expect(await banks.logOn('alice', { reference: 'r', atMs: banks.clock.nowMs() + 5 })).toEqual(first);
    await banks.restart('north');
    expect(await banks.logOn('alice', { reference: 'r' })).toEqual(first);
    await expect(banks.logOn('alice', { reference: 'r', merchant: 'kiosk' })).rejects.toMatchObject({
      code: 'MESSAGE_IDENTITY_REUSED',
    });
    expect(read(loggedOnType, await banks.logOn('bob', { reference: 'r' })).transaction).toBe('north.2.1');
  });

  it('goes on in a session of the same customer and merchant only', async () => {
    const banks = await openBanks();
    await banks.logOn();
    expect(read(loggedOnType, await banks.logOn('alice', { session: 'north.1' })).transaction).toBe('north.1.2');
    for (const [customer, merchant, session] of [
      ['bob', 'shop', 'north.1'],
      ['alice', 'kiosk', 'north.1'],
      ['alice', 'shop', 'north.7'],
    ] as const) {
      const before = banks.snapshot('north');
      await expect(banks.logOn(customer, { merchant, session })).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
      expect(banks.snapshot('north')).toEqual(before);
    }
  });

  it('is for customers with an account, and only with their own signature', async () => {
    const banks = await openBanks();
    await expect(banks.logOn('carol')).rejects.toMatchObject({ code: 'CUSTOMER_UNKNOWN' });
    const forged = signMessage(
      logOnType,
      { reference: 'x', merchant: 'shop', atMs: 0 },
      { ...signerOf('alice'), privateKey: keysOf('bob').privateKey },
    );
    await expect(banks.post('north', logOnType.name, forged)).rejects.toMatchObject({ code: 'CRYPTOGRAPHIC_FAILURE' });
  });

  it('bounds what one customer can begin', async () => {
    const banks = await openBanks();
    await banks.logOn();
    for (let n = 0; n < 63; n++) await banks.logOn('alice', { session: 'north.1' });
    await expect(banks.logOn('alice', { session: 'north.1' })).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
    for (let n = 0; n < 999; n++) await banks.logOn();
    await expect(banks.logOn()).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
    await banks.logOn('bob');
    // Whoever waits long enough is forgotten, and may begin again.
    await banks.pass(2 * DAY_MS);
    expect([banks.host('north').state.sessions.size, banks.host('north').state.sessionsOf.size]).toEqual([0, 0]);
    await banks.logOn();
  });
});

describe('the rate table', () => {
  it('is given out alone too, signed, for the currency of the customer’s own account', async () => {
    const banks = await openBanks();
    const nowMs = banks.clock.nowMs();
    const given = { policy: policyOf('north'), validateCustomer, state: banks.host('north').state, nowMs };
    const ask = (currency: string, customer: string, signer = customer) => {
      const signed = { ...signerOf(customer), privateKey: keysOf(signer).privateKey };
      return answerRates(signMessage(ratesRequestType, { currency, atMs: nowMs }, signed), given);
    };
    const before = banks.snapshot('north');
    expect(rateIn(read(rateTableType, ask('EUR', 'alice')), { from: 'EUR', to: 'USD' }, nowMs)).toEqual(EUR_USD);
    expect(() => ask('USD', 'alice')).toThrow('kept in EUR');
    expect(() => ask('EUR', 'carol')).toThrow('no account');
    expect(() => ask('EUR', 'alice', 'bob')).toThrow('cryptographic');
    expect(banks.snapshot('north')).toEqual(before);
  });
});

/** Opening a deposit: holds, vouchers, and everything another operator or customer may lie about. */
import { describe, expect, it } from 'vitest';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { parseCose1 } from '../../../src/crypto/cose-sign1.ts';
import { contentTypeOf, encodeShape, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { restoreAccounts } from '../../../src/deposit/account-manager/account-state.ts';
import { holdAnswerType } from '../../../src/deposit/account-manager/elsewhere-message.ts';
import { CLEARING_GRACE_MS, transactionRecordType } from '../../../src/deposit/message/conclusion.ts';
import {
  amendedInitiationType,
  depositRefusedType,
  initiationType,
  loggedOnType,
  openedType,
} from '../../../src/deposit/message/initiation.ts';
import { readTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { snapshotLedger } from '../../../src/ledger/snapshot.ts';
import { parseRate } from '../../../src/money/rate.ts';
import {
  acknowledge,
  answered,
  type Banks,
  DAY_MS,
  EUR_USD,
  eur,
  HOUR_MS,
  keysOf,
  NOTHING,
  openBanks,
  signerOf,
  usd,
} from './banks.ts';

const read = <T>(type: Parameters<typeof readMessage<T>>[0], bytes: Uint8Array, signer = 'north'): T => {
  const message = readMessage(type, bytes);
  message.requireSignature(keysOf(signer).publicKey);
  return message.value;
};

describe('an initiation', () => {
  it('sets the deposit aside, vouches for it, and ends in the merchant’s certificate under the own operator’s signature', async () => {
    const banks = await openBanks();
    await banks.logOn();
    const opened = read(openedType, await banks.initiate('north.1.1'));
    expect(opened).toMatchObject({
      transaction: 'north.1.1',
      rate: EUR_USD,
      deposit: usd(2_164n),
      url: 'https://shop',
    });
    expect(opened.available).toEqual(eur(8_000n));
    const { publicKey } = readTemporaryCertificate(opened.certificate, {
      ...{ transaction: 'north.1.1', of: 'merchant', issuer: 'north', nowMs: banks.clock.nowMs() },
      issuerKey: keysOf('north').publicKey,
    });
    expect(exportPoint(publicKey)).toEqual(exportPoint(keysOf('till').publicKey));
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 10_000n, held: 2_000n, available: 8_000n });

    const [message] = banks.sent;
    expect([message?.to, banks.sent.length]).toEqual(['https://south/deposit/amended-initiation', 1]);
    const amended = read(amendedInitiationType, message!.body);
    expect(amended).toMatchObject({ transaction: 'north.1.1', deposit: eur(2_000n), merchant: 'shop', rate: EUR_USD });
    expect(amended.customer).toMatch(/^[0-9a-f]{32}$/);
    const voucher = readTemporaryCertificate(amended.certificate, {
      ...{ transaction: 'north.1.1', of: 'customer', issuer: 'north', nowMs: amended.endsAtMs },
      issuerKey: keysOf('north').publicKey,
    });
    expect(exportPoint(voucher.publicKey)).toEqual(exportPoint(keysOf('temporary').publicKey));
    expect(Buffer.from(message!.body).includes('alice')).toBe(false);
  });

  it('keeps the customer’s identifier in its session and takes a fresh one for the next', async () => {
    const banks = await openBanks();
    await banks.logOn();
    await banks.logOn('alice', { session: 'north.1' });
    await banks.logOn();
    for (const transaction of ['north.1.1', 'north.1.2', 'north.2.1']) await banks.initiate(transaction);
    const [first, second, third] = banks.amended().map(({ customer }) => customer);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('repeated with the same bytes gives the same answer and sets nothing aside twice', async () => {
    const banks = await openBanks();
    await banks.logOn();
    const bytes = signMessage(initiationType, banks.initiation('north.1.1'), signerOf('alice'));
    const first = await banks.post('north', initiationType.name, bytes);
    const after = banks.snapshot('north');
    expect(await banks.post('north', initiationType.name, bytes)).toEqual(first);
    await banks.restart('north');
    expect(await banks.post('north', initiationType.name, bytes)).toEqual(first);
    await expect(banks.initiate('north.1.1')).rejects.toMatchObject({ code: 'MESSAGE_IDENTITY_REUSED' });
    expect(banks.snapshot('north')).toEqual(after);
    expect(banks.amended()).toHaveLength(1);
  });

  it.each<[string, (banks: Banks) => Promise<unknown>, string]>([
    ['another customer’s transaction', (banks) => banks.initiate('north.1.1', {}, 'bob'), 'DEPOSIT_UNKNOWN'],
    ['a transaction nobody was given', (banks) => banks.initiate('north.1.2'), 'DEPOSIT_UNKNOWN'],
    ['another merchant', (banks) => banks.initiate('north.1.1', { merchant: 'kiosk' }), 'MERCHANT_UNKNOWN'],
    [
      'an operator nobody knows',
      (banks) => banks.initiate('north.1.1', { merchantOperator: 'west' }),
      'OPERATOR_UNKNOWN',
    ],
    [
      'a currency nothing is cleared in',
      (banks) => banks.initiate('north.1.1', { merchantCurrency: 'JPY' }),
      'OPERATOR_UNKNOWN',
    ],
    [
      'our own merchant without an account',
      (banks) => banks.initiate('north.1.1', { merchantOperator: 'north' }),
      'MERCHANT_UNKNOWN',
    ],
    [
      'another currency than the account’s',
      (banks) => banks.initiate('north.1.1', { deposit: usd(5n) }),
      'DEPOSIT_REFUSED',
    ],
    ['nothing at all', (banks) => banks.initiate('north.1.1', { deposit: eur(0n) }), 'DEPOSIT_REFUSED'],
    [
      'an end that is past',
      (banks) => banks.initiate('north.1.1', { endsAtMs: banks.clock.nowMs() }),
      'DEPOSIT_REFUSED',
    ],
    [
      'an end too far away',
      (banks) => banks.initiate('north.1.1', { endsAtMs: banks.clock.nowMs() + 91 * DAY_MS }),
      'DEPOSIT_REFUSED',
    ],
    [
      'a key that is none',
      (banks) => banks.initiate('north.1.1', { key: new Uint8Array(65).fill(4) }),
      'CRYPTOGRAPHIC_FAILURE',
    ],
  ])('is refused for %s, and changes nothing', async (_, attempt, code) => {
    const banks = await openBanks();
    await banks.logOn();
    const before = banks.snapshot('north');
    await expect(attempt(banks)).rejects.toMatchObject({ code });
    expect(banks.snapshot('north')).toEqual(before);
    expect(banks.sent).toEqual([]);
    read(openedType, await banks.initiate('north.1.1'));
  });

  it('above balance and credit is declined once and for all, and the next transaction of the session is open', async () => {
    const banks = await openBanks();
    await banks.logOn();
    const initiation = banks.initiation('north.1.1', { deposit: eur(10_001n) });
    const bytes = signMessage(initiationType, initiation, signerOf('alice'));
    const declined = await banks.post('north', initiationType.name, bytes);
    expect(read(depositRefusedType, declined)).toMatchObject({ transaction: 'north.1.1', code: 'CREDIT_EXCEEDED' });
    await banks.tell('north', { type: 'fund', id: 'more', customer: 'alice', amount: eur(1n) });
    expect(await banks.post('north', initiationType.name, bytes)).toEqual(declined);
    expect(banks.balance('north', 'customer:alice').held).toBe(0n);
    await banks.logOn('alice', { session: 'north.1' });
    read(openedType, await banks.initiate('north.1.2', { deposit: eur(10_001n) }));
  });

  it('uses the credit line, and with many at once never more than balance and credit', async () => {
    const banks = await openBanks();
    await banks.tell('north', {
      ...{ type: 'open-account', of: 'customer', name: 'alice', currency: 'EUR' },
      creditLineMinor: 5_000n,
    });
    const transactions = await Promise.all(
      Array.from({ length: 40 }, async () => read(loggedOnType, await banks.logOn()).transaction),
    );
    const outcomes = await Promise.allSettled(
      transactions.map((transaction) => banks.initiate(transaction, { deposit: eur(700n) })),
    );
    const kinds = outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return parseCose1(outcome.value, { maxBytes: 20_000 }).contentType;
    });
    expect(kinds.filter((kind) => kind === contentTypeOf(openedType))).toHaveLength(21);
    expect(kinds.filter((kind) => kind === contentTypeOf(depositRefusedType))).toHaveLength(19);
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 10_000n, held: 14_700n, available: 300n });
  });
});

describe('the other operator', () => {
  const jpy = parseRate({ from: 'EUR', to: 'USD', text: '1.09' });

  it.each<[string, Parameters<typeof acknowledge>[2]]>([
    ['another rate than was proposed', { rate: jpy }],
    ['a deposit that is not the converted one', { deposit: usd(2_165n) }],
    ['a deposit in another currency', { deposit: eur(2_164n) }],
    ['a merchant’s certificate it has not signed', { issuer: 'east' }],
    ['another transaction', { transaction: 'north.9.9' }],
  ])('is asked again when it says %s, and in the end the money stays set aside', async (_, lie) => {
    const banks = await openBanks();
    banks.acquirer = (body) => answered(acknowledge(body, 'south', lie));
    await banks.logOn();
    const waiting = banks.initiate('north.1.1');
    await expect(waiting).rejects.toThrow('still waiting');
    expect(banks.amended().length).toBeGreaterThan(1);
    expect(banks.host('north').state.deposits.get('north.1.1')?.status).toBe('vouched');
    await banks.pass(10 * 60_000);
    expect(banks.host('north').state.deposits.get('north.1.1')?.status).toBe('unanswered');
    expect(banks.balance('north', 'customer:alice').held).toBe(2_000n);
  });

  it('is not anyone else: an acknowledgement or refusal signed by a third operator counts for nothing', async () => {
    const banks = await openBanks();
    const lies = [
      (body: Uint8Array) => acknowledge(body, 'east'),
      () => signMessage(depositRefusedType, { transaction: 'north.1.1', code: 'NO', detail: '' }, signerOf('east')),
      () => NOTHING,
    ];
    banks.acquirer = (body) => answered((lies.shift() ?? ((bytes) => acknowledge(bytes, 'south')))(body));
    await banks.logOn();
    const bytes = signMessage(initiationType, banks.initiation('north.1.1'), signerOf('alice'));
    await banks.post('north', initiationType.name, bytes).catch(() => undefined);
    await banks.pass(5_000);
    read(openedType, await banks.post('north', initiationType.name, bytes));
    expect(banks.amended()).toHaveLength(4);
  });

  it('names the rate where our table has none, as long as it is a sane one', async () => {
    const rateTable = () => ({ rates: [], issuedAtMs: 0, validUntilMs: 8_000_000_000_000 });
    const banks = await openBanks({ policy: { rateTable } });
    banks.acquirer = (body) => answered(acknowledge(body, 'south', { rate: jpy }));
    await banks.logOn();
    expect(read(openedType, await banks.initiate('north.1.1'))).toMatchObject({ rate: jpy, deposit: usd(2_180n) });
    expect(banks.amended()[0]?.rate).toBeUndefined();
    const insane = parseRate({ from: 'EUR', to: 'USD', text: '0.01' });
    banks.acquirer = (body) => answered(acknowledge(body, 'south', { rate: insane }));
    await banks.logOn();
    await expect(banks.initiate('north.2.1')).rejects.toThrow('still waiting');
  });

  it('does not get a rate from a table past its lifespan', async () => {
    const rateTable = () => ({ rates: [EUR_USD], issuedAtMs: 0, validUntilMs: 1 });
    const banks = await openBanks({ policy: { rateTable } });
    await banks.logOn();
    await banks.initiate('north.1.1');
    expect(banks.amended()[0]?.rate).toBeUndefined();
  });

  it.each<[string, Banks['acquirer'], string]>([
    ['over the connection', () => ({ type: 'refused', code: 'MERCHANT_UNKNOWN', detail: 'no' }), 'MERCHANT_UNKNOWN'],
    [
      'under its signature',
      () => {
        const refused = { transaction: 'north.1.1', code: 'MERCHANT_UNWILLING', detail: 'shut' };
        return answered(signMessage(depositRefusedType, refused, signerOf('south')));
      },
      'MERCHANT_UNWILLING',
    ],
  ])('refuses %s: the customer is told and the money is free', async (_, acquirer, code) => {
    const banks = await openBanks();
    banks.acquirer = acquirer;
    await banks.logOn();
    expect(read(depositRefusedType, await banks.initiate('north.1.1'))).toMatchObject({
      transaction: 'north.1.1',
      code,
    });
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 10_000n, held: 0n, available: 10_000n });
    expect(banks.host('north').state.deposits.size).toBe(0);
    const late = banks.record('north.1.1');
    await expect(banks.post('north', transactionRecordType.name, late)).rejects.toMatchObject({
      code: 'DEPOSIT_CLOSED',
    });
  });

  it('is silent: the customer is told, and the money is set aside until the grace is over', async () => {
    const banks = await openBanks();
    banks.acquirer = () => Promise.reject(new Error('nobody there'));
    await banks.logOn();
    const bytes = signMessage(initiationType, banks.initiation('north.1.1'), signerOf('alice'));
    const waiting = banks.post('north', initiationType.name, bytes);
    await expect(waiting).rejects.toThrow('still waiting');
    await banks.pass(6 * 60_000);
    const answer = await banks.post('north', initiationType.name, bytes);
    expect(read(depositRefusedType, answer).code).toBe('OPERATOR_SILENT');
    const { endsAtMs } = readMessage(initiationType, bytes).value;
    await banks.clock.run(endsAtMs + CLEARING_GRACE_MS - 1);
    expect(banks.balance('north', 'customer:alice').held).toBe(2_000n);
    await banks.pass(2);
    expect(banks.balance('north', 'customer:alice').held).toBe(0n);
    expect(banks.host('north').state.deposits.size).toBe(0);
  });
});

describe('whoever guesses a transaction', () => {
  it('does not keep its customer from initiating it', async () => {
    const banks = await openBanks();
    await banks.logOn();
    const refused = { status: 'rejected', reason: { code: 'DEPOSIT_UNKNOWN' } };
    const asked = [banks.initiate('north.1.1', {}, 'bob'), banks.initiate('north.1.1')];
    expect(await Promise.allSettled(asked)).toMatchObject([refused, { status: 'fulfilled' }]);
    expect(read(openedType, await asked[1]!).transaction).toBe('north.1.1');
  });

  it('does not keep its operator from clearing it', async () => {
    const banks = await openBanks();
    await banks.logOn();
    await banks.initiate('north.1.1');
    const told = ['east', 'south'].map((operator) => banks.clear('north', banks.clearing('north.1.1', {}, operator)));
    const refused = { status: 'rejected', reason: { code: 'OPERATOR_UNKNOWN' } };
    expect(await Promise.allSettled(told)).toMatchObject([refused, { status: 'fulfilled' }]);
    expect(banks.host('north').state.deposits.size).toBe(0);
  });
});

describe('holds and sessions', () => {
  it('all lapse, however many are due at once, and sessions go after them', async () => {
    const banks = await openBanks();
    const endsAtMs = banks.clock.nowMs() + HOUR_MS;
    for (let n = 1; n <= 40; n++) {
      await banks.logOn();
      await banks.initiate(`north.${n}.1`, { deposit: eur(10n), endsAtMs });
    }
    expect(banks.balance('north', 'customer:alice').held).toBe(400n);
    await banks.clock.run(endsAtMs + CLEARING_GRACE_MS);
    banks.check();
    expect(banks.balance('north', 'customer:alice').held).toBe(0n);
    expect(banks.host('north').state.sessions.size).toBe(40);
    await banks.pass(2 * DAY_MS);
    expect(banks.host('north').state.sessions.size).toBe(0);
    await expect(banks.logOn('alice', { session: 'north.1' })).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
  });

  it.each([
    ['kept here', undefined],
    ['kept elsewhere', () => answered(encodeShape(holdAnswerType, { outcome: 'held' }))],
  ])(
    'of one customer are bounded, because cents would be enough to take the room of all; balances %s',
    async (_, accounts) => {
      const banks = await openBanks({ policy: { mostDeposits: 5 }, ...(accounts && { accounts }) });
      const { state } = banks.host('north');
      const endsAtMs = banks.clock.nowMs() + HOUR_MS;
      const open = (transaction: string, customer = 'alice') =>
        banks.initiate(
          transaction,
          { deposit: eur(1n), endsAtMs, merchant: 'kiosk', merchantOperator: 'north' },
          customer,
        );
      await banks.logOn('alice', { merchant: 'kiosk' });
      for (let n = 1; n <= 5; n++) {
        await open(`north.1.${n}`);
        await banks.logOn('alice', { session: 'north.1', merchant: 'kiosk' });
      }
      await expect(open('north.1.6')).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
      await banks.logOn('bob', { merchant: 'kiosk' });
      await open('north.2.1', 'bob');
      expect(restoreAccounts(banks.snapshot('north')).depositsOf).toEqual(
        new Map(Object.entries({ alice: 5, bob: 1 })),
      );
      await banks.clock.run(endsAtMs + CLEARING_GRACE_MS);
      expect([state.deposits.size, state.depositsOf.size]).toEqual([0, 0]);
    },
  );

  it('lapse all when the timer that goes off first is that of the hold that lapses last', async () => {
    const banks = await openBanks();
    const endsAtMs = banks.clock.nowMs() + HOUR_MS;
    for (let n = 1; n <= 17; n++) await banks.logOn();
    for (const n of [9, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17]) {
      await banks.initiate(`north.${n}.1`, { deposit: eur(10n), endsAtMs });
    }
    await banks.clock.run(endsAtMs + CLEARING_GRACE_MS);
    expect(banks.balance('north', 'customer:alice').held).toBe(0n);
  });

  it('come back from a snapshot as they were', async () => {
    const banks = await openBanks();
    await banks.logOn();
    await banks.logOn('bob');
    await banks.logOn('bob', { session: 'north.2' });
    await banks.initiate('north.1.1');
    await banks.post('north', transactionRecordType.name, banks.record('north.1.1')).catch(() => undefined);
    const { ledger: before, ...state } = banks.host('north').state;
    const { ledger, ...restored } = restoreAccounts(banks.snapshot('north'));
    expect(restored).toEqual(state);
    expect(snapshotLedger(ledger)).toEqual(snapshotLedger(before));
  });

  it('lapse without letting a customer wait who has sent its record', async () => {
    const banks = await openBanks();
    await banks.logOn();
    await banks.initiate('north.1.1');
    const record = banks.record('north.1.1');
    await expect(banks.post('north', transactionRecordType.name, record)).rejects.toThrow('still waiting');
    await banks.pass(8 * DAY_MS);
    const answer = await banks.post('north', transactionRecordType.name, record);
    expect(read(depositRefusedType, answer).code).toBe('DEPOSIT_CLOSED');
  });
});

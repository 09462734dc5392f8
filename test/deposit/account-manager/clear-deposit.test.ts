/** Concluding deposits: what is withdrawn, what the operators owe each other, and what nobody can make an account manager believe. */
import { assert, bigInt, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/crypto/digest.ts';
import { decodeShape, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { shareOut } from '../../../src/deposit/account-manager/clear-deposit.ts';
import {
  depositRecordType,
  readBillingRecord,
  withdrawalRecordType,
} from '../../../src/deposit/message/billing-record.ts';
import {
  type ClearingInformation,
  settlementType,
  statementType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import { depositRefusedType, initiationType } from '../../../src/deposit/message/initiation.ts';
import { listPositions } from '../../../src/ledger/clearing.ts';
import { convertAmount, rateOf } from '../../../src/money/rate.ts';
import { type Banks, DAY_MS, EUR_USD, eur, HOUR_MS, keysOf, openBanks, shownReleased, signerOf, usd } from './banks.ts';

const T = 'north.1.1';

async function openDeposit(
  changes: Parameters<Banks['initiate']>[1] = {},
  options: Parameters<typeof openBanks>[0] = {},
) {
  const banks = await openBanks(options);
  await banks.logOn('alice', changes.merchant === undefined ? {} : { merchant: changes.merchant });
  await banks.initiate(T, changes);
  return banks;
}

function statementOf(bytes: Uint8Array, signer = 'north') {
  const message = readMessage(statementType, bytes);
  message.requireSignature(keysOf(signer).publicKey);
  return message.value;
}

const positions = (banks: Banks, name: 'north' | 'south') =>
  listPositions(banks.host(name).state.ledger)
    .filter(({ weOweMinor, theyOweMinor }) => weOweMinor !== theyOweMinor)
    .map(({ counterparty, currency, weOweMinor, theyOweMinor }) => [counterparty, currency, weOweMinor - theyOweMinor]);

describe('between two operators in two currencies', () => {
  it('the customer’s pays for what was used, the rest is free, and the other operator is owed', async () => {
    const banks = await openDeposit();
    const clearing = banks.clearing(T);
    await banks.clear('north', clearing);
    // 6.64 USD come back: 6.13 EUR, rounded toward zero.
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 8_613n, held: 0n, available: 8_613n });
    expect(banks.balance('north', 'fx:EUR').balance).toBe(1_387n);
    expect(banks.balance('north', 'fx:USD').balance).toBe(-1_500n);
    expect(positions(banks, 'north')).toEqual([['south', 'USD', 1_500n]]);
    expect(banks.host('north').state.deposits.size).toBe(0);

    await banks.clear('south', clearing);
    expect(banks.balance('south', 'merchant:USD:shop').balance).toBe(1_500n);
    expect(positions(banks, 'south')).toEqual([['north', 'USD', -1_500n]]);
  });

  it('withdrawal and deposit records are kept by deposit and by account, and go to the billing systems', async () => {
    const banks = await openDeposit();
    const clearing = banks.clearing(T);
    await banks.clear('north', clearing);
    await banks.clear('south', clearing);
    await banks.pass(10);
    const bills = banks.sent.filter(({ to }) => to.startsWith('billing:'));
    expect(bills.map(({ to, id }) => [to, id])).toEqual([
      ['billing:withdrawal', `billing:withdrawal:${T}`],
      ['billing:clearing', `billing:clearing:${T}`],
      ['billing:clearing', `billing:clearing:${T}`],
      ['billing:deposit', `billing:deposit:${T}`],
    ]);
    const read = bills.map(({ to, body }) => readBillingRecord(to.slice('billing:'.length), body));
    expect(read[0]).toMatchObject({
      ...{ type: 'withdrawal', id: `withdrawal:${T}`, transaction: T, rate: EUR_USD },
      ...{ customer: 'alice', merchant: 'shop', merchantOperator: 'south' },
      ...{ deposit: eur(2_000n), withdrawn: eur(1_387n), returned: eur(613n), paid: usd(1_500n) },
    });
    expect(read.slice(1, 3)).toMatchObject([
      { id: `clearing:${T}`, operator: 'south', direction: 'owed', amount: usd(1_500n) },
      { id: `clearing:${T}`, operator: 'north', direction: 'due', amount: usd(1_500n) },
    ]);
    expect(read[3]).toMatchObject({ merchant: 'shop', accountManager: 'north', paid: usd(1_500n), clearing });
    const withdrawal = decodeShape(withdrawalRecordType, bills[0]!.body);
    const deposit = decodeShape(depositRecordType, bills[3]!.body);

    const of = async (name: 'north' | 'south', key: string, type: string) =>
      (await banks.host(name).readByKey(key)).filter((record) => record.type === type);
    for (const key of [`deposit:${T}`, 'account:alice']) {
      expect(await of('north', key, 'withdrawn')).toMatchObject([{ withdrawal }]);
    }
    for (const key of [`deposit:${T}`, 'account:shop']) {
      expect(await of('south', key, 'deposited')).toMatchObject([{ deposit }]);
    }
  });

  it('the merchant gets a signed statement', async () => {
    const banks = await openDeposit();
    const clearing = banks.clearing(T);
    await banks.clear('south', clearing);
    await banks.pass(10);
    const [statement] = banks.sent.filter(({ kind }) => kind === statementType.name);
    expect(statement?.to).toBe('https://shop/deposit/statement');
    expect(statementOf(statement!.body, 'south')).toMatchObject({ clearing, booked: usd(1_500n), returned: usd(0n) });
  });

  it('when nothing was bought nothing is taken, although the rest converts to less', async () => {
    const banks = await openDeposit();
    await banks.clear('north', banks.clearing(T, { paid: usd(0n), unused: usd(2_164n) }));
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 10_000n, held: 0n, available: 10_000n });
    expect(positions(banks, 'north')).toEqual([]);
  });

  it('when everything was used all of the deposit is taken', async () => {
    const banks = await openDeposit();
    await banks.clear('north', banks.clearing(T, { paid: usd(2_164n), unused: usd(0n) }));
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 8_000n, held: 0n, available: 8_000n });
    expect(positions(banks, 'north')).toEqual([['south', 'USD', 2_164n]]);
  });
});

describe('the withdrawal', () => {
  const minor = bigInt({ min: 1n, max: 10n ** 12n });
  const part = bigInt({ min: 1n, max: 10n ** 6n });

  it('is never negative or above the deposit, is nothing for nothing, something for anything, and all for all', () => {
    assert(
      property(minor, part, part, bigInt({ min: 0n, max: 10n ** 9n }), (deposit, numerator, denominator, share) => {
        const rate = rateOf({ from: 'EUR', to: 'JPY', numerator, denominator });
        const there = convertAmount(eur(deposit), rate);
        const paid = { currency: 'JPY', minor: (there.minor * share) / 10n ** 9n };
        const unused = { currency: 'JPY', minor: there.minor - paid.minor };
        const { withdrawn, returned } = shareOut({ deposit: eur(deposit), rate, paid, unused });
        expect(withdrawn.minor + returned.minor).toBe(deposit);
        expect(withdrawn.minor).toBeGreaterThanOrEqual(0n);
        expect(returned.minor).toBeGreaterThanOrEqual(0n);
        expect(withdrawn.minor === 0n).toBe(paid.minor === 0n);
        if (unused.minor === 0n && paid.minor > 0n) expect(withdrawn.minor).toBe(deposit);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('in one currency', () => {
  it('no money is exchanged', async () => {
    const banks = await openDeposit({ merchantCurrency: 'EUR' });
    const rate = { from: 'EUR', to: 'EUR', numerator: 1n, denominator: 1n };
    const clearing = banks.clearing(T, { paid: eur(1_234n), unused: eur(766n), rate });
    await banks.clear('north', clearing);
    await banks.clear('south', clearing);
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: 8_766n, held: 0n, available: 8_766n });
    expect(banks.balance('north', 'fx:EUR').balance).toBe(0n);
    expect(positions(banks, 'north')).toEqual([['south', 'EUR', 1_234n]]);
    expect(banks.balance('south', 'merchant:EUR:shop').balance).toBe(1_234n);
  });
});

describe('one operator at both ends', () => {
  const own = { merchant: 'kiosk', merchantOperator: 'north' };

  it.each([
    ['in two currencies', 'USD', EUR_USD, usd(1_500n), usd(664n), 8_613n],
    ['in one', 'EUR', { from: 'EUR', to: 'EUR', numerator: 1n, denominator: 1n }, eur(1_500n), eur(500n), 8_500n],
  ])('does both parts once, over no clearing position, %s', async (_, merchantCurrency, rate, paid, unused, left) => {
    const banks = await openDeposit({ ...own, merchantCurrency });
    expect(banks.sent[0]?.to).toBe('https://north/deposit/amended-initiation');
    const clearing = banks.clearing(T, { merchant: 'kiosk', rate, paid, unused }, 'north');
    const first = await banks.clear('north', clearing);
    const after = banks.snapshot('north');
    // The acquirer tells both account managers, which are one.
    expect(await banks.clear('north', clearing)).toEqual(first);
    expect(banks.snapshot('north')).toEqual(after);
    expect(banks.balance('north', 'customer:alice')).toEqual({ balance: left, held: 0n, available: left });
    expect(banks.balance('north', `merchant:${merchantCurrency}:kiosk`).balance).toBe(1_500n);
    expect(positions(banks, 'north')).toEqual([]);
    await banks.pass(10);
    expect(banks.sent.map(({ kind }) => kind).sort()).toEqual([
      'billing-deposit',
      'billing-withdrawal',
      'deposit-amended-initiation',
      'deposit-statement',
    ]);
  });
});

describe('the customer’s record', () => {
  it('goes on byte for byte, and the statement comes when the deposit is cleared', async () => {
    const banks = await openDeposit();
    const record = banks.record(T);
    await expect(banks.post('north', transactionRecordType.name, record)).rejects.toThrow('still waiting');
    const [forwarded] = banks.sent.filter(({ kind }) => kind === transactionRecordType.name);
    expect([forwarded?.to, forwarded?.body]).toEqual(['https://south/deposit/record', record]);
    const clearing = banks.clearing(T, { customerRecord: sha256(record) });
    await banks.clear('north', clearing);
    const answer = await banks.post('north', transactionRecordType.name, record);
    expect(statementOf(answer)).toMatchObject({ clearing, booked: eur(1_387n), returned: eur(613n) });
    await banks.restart('north');
    expect(await banks.post('north', transactionRecordType.name, record)).toEqual(answer);
  });

  it('is answered at once when the deposit was cleared without it', async () => {
    const banks = await openDeposit();
    const clearing = banks.clearing(T);
    await banks.clear('north', clearing);
    await banks.restart('north');
    const answer = await banks.post('north', transactionRecordType.name, banks.record(T));
    expect(statementOf(answer).clearing).toEqual(clearing);
    expect(banks.sent.filter(({ to }) => to.startsWith('https://south/deposit/record'))).toEqual([]);
  });

  it.each<[string, (banks: Banks) => Uint8Array, string]>([
    ['signed with another key', (banks) => banks.record(T, {}, 'till'), 'CRYPTOGRAPHIC_FAILURE'],
    ['of the merchant', (banks) => banks.record(T, { by: 'merchant' }), 'RECORD_UNFIT'],
    ['in another currency', (banks) => banks.record(T, { currency: 'EUR' }), 'RECORD_UNFIT'],
    ['of a deposit nobody opened', (banks) => banks.record('north.1.2'), 'DEPOSIT_UNKNOWN'],
    ['of a deposit with another operator', (banks) => banks.record('south.1.1'), 'DEPOSIT_UNKNOWN'],
  ])('is refused when it is %s', async (_, make, code) => {
    const banks = await openDeposit();
    const before = banks.snapshot('north');
    await expect(banks.post('north', transactionRecordType.name, make(banks))).rejects.toMatchObject({ code });
    expect(banks.snapshot('north')).toEqual(before);
  });

  it('cannot be followed by another one', async () => {
    const banks = await openDeposit();
    const first = banks.record(T);
    await banks.post('north', transactionRecordType.name, first).catch(() => undefined);
    const second = banks.record(T, { units: 1 });
    await expect(banks.post('north', transactionRecordType.name, second)).rejects.toMatchObject({
      code: 'MESSAGE_IDENTITY_REUSED',
    });
    expect(banks.sent.filter(({ kind }) => kind === transactionRecordType.name)).toHaveLength(1);
  });
});

describe('clearing information', () => {
  const other = rateOf({ from: 'EUR', to: 'USD', numerator: 1n, denominator: 1n });

  it.each<[string, Partial<ClearingInformation>, string, string]>([
    ['signed by another operator', {}, 'east', 'OPERATOR_UNKNOWN'],
    ['signed by the customer’s own operator', {}, 'north', 'OPERATOR_UNKNOWN'],
    ['signed by nobody who is an operator', {}, 'alice', 'CRYPTOGRAPHIC_FAILURE'],
    ['of a transaction nobody opened', { transaction: 'north.7.1' }, 'south', 'DEPOSIT_UNKNOWN'],
    ['for another account manager than its transaction’s', { accountManager: 'south' }, 'south', 'IDENTITY_MALFORMED'],
    ['of another merchant', { merchant: 'kiosk' }, 'south', 'MERCHANT_UNKNOWN'],
    ['with paid and unused above the deposit', { paid: usd(1_501n) }, 'south', 'RECORD_UNFIT'],
    ['with paid and unused below the deposit', { unused: usd(663n) }, 'south', 'RECORD_UNFIT'],
    ['in another currency', { paid: eur(1_500n), unused: eur(664n) }, 'south', 'RECORD_UNFIT'],
    ['at another rate', { rate: other, paid: usd(1_500n), unused: usd(500n) }, 'south', 'RATE_UNKNOWN'],
    ['with a record of the customer that never came', { customerRecord: new Uint8Array(32) }, 'south', 'RECORD_UNFIT'],
  ])('%s is refused and changes nothing', async (_, changes, signer, code) => {
    const banks = await openDeposit();
    const before = banks.snapshot('north');
    await expect(banks.clear('north', banks.clearing(T, changes, signer))).rejects.toMatchObject({ code });
    expect(banks.snapshot('north')).toEqual(before);
    await banks.clear('north', banks.clearing(T));
  });

  describe('that takes more than the customer has released is refused, whoever ruled so', () => {
    const shown = (changes: Partial<ClearingInformation>) => ({ paid: usd(1_500n), unused: usd(664n), ...changes });
    const proof = shownReleased(T, usd(1_500n));
    it.each<[string, Partial<ClearingInformation>]>([
      ['with nothing shown', shown({ released: undefined as never })],
      ['with less shown', shown({ released: shownReleased(T, usd(1_499n)) })],
      ['with what was released in another deposit', shown({ released: shownReleased('north.1.2', usd(1_500n)) })],
      ['in another currency', shown({ released: shownReleased(T, eur(1_500n)) })],
      ['with what somebody else signed', shown({ released: shownReleased(T, usd(1_500n), keysOf('bob')) })],
      ['with words that are none', shown({ released: { ...shownReleased(T, usd(5n)), steps: [255, 255, 255, 255] } })],
      ['all of it', { paid: usd(2_164n), unused: usd(0n), released: proof }],
    ])('%s', async (_, changes) => {
      const banks = await openDeposit();
      const before = banks.snapshot('north');
      const refused = { code: 'RECORD_UNFIT', message: expect.stringContaining('released') };
      await expect(banks.clear('north', banks.clearing(T, changes))).rejects.toMatchObject(refused);
      expect(banks.snapshot('north')).toEqual(before);
      await banks.clear('north', banks.clearing(T));
    });

    it('unless he says himself that it was so much', async () => {
      const banks = await openDeposit();
      // 15 units of a dollar.
      const record = banks.record(T);
      const { code } = await banks.post('north', transactionRecordType.name, record).catch((error) => error);
      expect(code).toBe(undefined);
      const own = { released: undefined as never, customerRecord: sha256(record) };
      const more = { ...own, paid: usd(1_501n), unused: usd(663n) };
      await banks.restart('north');
      await expect(banks.clear('north', banks.clearing(T, more))).rejects.toMatchObject({ code: 'RECORD_UNFIT' });
      await banks.clear('north', banks.clearing(T, own));
      expect(banks.balance('north', 'customer:alice').balance).toBe(8_613n);
    });
  });

  it('counts once, whatever comes afterwards', async () => {
    const banks = await openDeposit();
    const clearing = banks.clearing(T);
    const answers = [await banks.clear('north', clearing), await banks.clear('south', clearing)];
    const after = [banks.snapshot('north'), banks.snapshot('south')];
    expect([await banks.clear('north', clearing), await banks.clear('south', clearing)]).toEqual(answers);
    const more = banks.clearing(T, { paid: usd(2_000n), unused: usd(164n) });
    for (const name of ['north', 'south'] as const) {
      await banks.restart(name);
      await expect(banks.clear(name, more)).rejects.toMatchObject({ code: 'MESSAGE_IDENTITY_REUSED' });
    }
    expect([banks.snapshot('north'), banks.snapshot('south')]).toEqual(after);
  });

  it('is refused by the merchant’s operator unless its own acquirer signed it, for a merchant and an operator it knows', async () => {
    const banks = await openBanks();
    const before = banks.snapshot('south');
    for (const [bytes, code] of [
      [banks.clearing(T, {}, 'north'), 'OPERATOR_UNKNOWN'],
      [banks.clearing(T, {}, 'east'), 'OPERATOR_UNKNOWN'],
      [banks.clearing(T, { merchant: 'kiosk' }), 'MERCHANT_UNKNOWN'],
      [banks.clearing('west.1.1'), 'OPERATOR_UNKNOWN'],
    ] as const) {
      await expect(banks.clear('south', bytes)).rejects.toMatchObject({ code });
    }
    expect(banks.snapshot('south')).toEqual(before);
  });

  it('is asked for again while the other operator owes as much as it may', async () => {
    const banks = await openBanks({ theyMayOweMinor: 2_000n });
    await banks.clear('south', banks.clearing('north.1.1'));
    await expect(banks.clear('south', banks.clearing('north.2.1'))).rejects.toMatchObject({ code: 'ANSWER_PENDING' });
    expect(banks.balance('south', 'merchant:USD:shop').balance).toBe(1_500n);
    const settlement = { settlement: 'north.south.USD.1', amount: usd(1_500n), atMs: 0 };
    await banks.post('south', settlementType.name, signSettlement(settlement));
    await banks.clear('south', banks.clearing('north.2.1'));
    expect(banks.balance('south', 'merchant:USD:shop').balance).toBe(3_000n);
  });

  it('is taken to the end of the grace and not a moment longer', async () => {
    const banks = await openDeposit();
    await banks.pass(8 * DAY_MS - HOUR_MS);
    expect(banks.balance('north', 'customer:alice').held).toBe(2_000n);
    await banks.pass(2 * HOUR_MS);
    const before = banks.snapshot('north');
    await expect(banks.clear('north', banks.clearing(T))).rejects.toMatchObject({ code: 'DEPOSIT_UNKNOWN' });
    expect(banks.snapshot('north')).toEqual(before);
  });

  it('ends a deposit that was never acknowledged: it was vouched for', async () => {
    const banks = await openBanks();
    banks.acquirer = () => Promise.reject(new Error('the answer is lost'));
    await banks.logOn();
    const initiation = signMessage(initiationType, banks.initiation(T), signerOf('alice'));
    await banks.post('north', initiationType.name, initiation).catch(() => undefined);
    await banks.clear('north', banks.clearing(T, { paid: usd(0n), unused: usd(2_164n) }));
    const answer = readMessage(depositRefusedType, await banks.post('north', initiationType.name, initiation));
    expect(answer.value.code).toBe('DEPOSIT_CLOSED');
    expect(banks.balance('north', 'customer:alice').available).toBe(10_000n);
  });
});

function signSettlement(value: { settlement: string; amount: { currency: string; minor: bigint }; atMs: number }) {
  return signMessage(settlementType, value, signerOf('north'));
}

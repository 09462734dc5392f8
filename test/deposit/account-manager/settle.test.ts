/** Settling: what is owed is paid once, in one currency or all, and both books agree. */
import { describe, expect, it } from 'vitest';
import { readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import { readBillingRecord } from '../../../src/deposit/message/billing-record.ts';
import { type Settlement, settlementType } from '../../../src/deposit/message/conclusion.ts';
import { findPosition } from '../../../src/ledger/clearing.ts';
import { type BankName, type Banks, EUR_USD, eur, openBanks, signerOf, usd } from './banks.ts';

const owed = (banks: Banks, name: BankName, currency: string) => {
  const other = name === 'north' ? 'south' : 'north';
  const { weOweMinor, theyOweMinor } = findPosition(banks.host(name).state.ledger, other, currency)!;
  return weOweMinor - theyOweMinor;
};
const settlements = (banks: Banks): Settlement[] =>
  banks.sent
    .filter(({ kind }) => kind === settlementType.name)
    .map(({ body }) => readMessage(settlementType, body).value);
const pay = (banks: Banks, name: BankName, value: Settlement, signer: string) =>
  banks.post(name, settlementType.name, signMessage(settlementType, value, signerOf(signer)));

/** North owes south 15.00 USD and 12.00 EUR. */
async function indebted(options: Parameters<typeof openBanks>[0] = {}) {
  const banks = await openBanks(options);
  const one = { from: 'EUR', to: 'EUR', numerator: 1n, denominator: 1n };
  for (const [transaction, currency, amounts] of [
    ['north.1.1', 'USD', { paid: usd(1_500n), unused: usd(664n), rate: EUR_USD }],
    ['north.2.1', 'EUR', { paid: eur(1_200n), unused: eur(800n), rate: one }],
  ] as const) {
    await banks.logOn();
    await banks.initiate(transaction, { merchantCurrency: currency });
    const clearing = banks.clearing(transaction, amounts);
    await banks.clear('north', clearing);
    await banks.clear('south', clearing);
  }
  return banks;
}

describe('settling', () => {
  it('pays every position by one numbered message each, and both books agree', async () => {
    const banks = await indebted();
    expect([owed(banks, 'north', 'USD'), owed(banks, 'south', 'USD')]).toEqual([1_500n, -1_500n]);
    await banks.tell('north', { type: 'settle' });
    await banks.pass(10);
    expect(settlements(banks).map(({ settlement, amount }) => [settlement, amount])).toEqual([
      ['north.south.EUR.1', eur(1_200n)],
      ['north.south.USD.2', usd(1_500n)],
    ]);
    for (const name of ['north', 'south'] as const) {
      for (const currency of ['EUR', 'USD']) expect(owed(banks, name, currency)).toBe(0n);
    }
    const bills = banks.sent.filter(({ to }) => to === 'billing:settlement');
    expect(bills.map(({ body }) => readBillingRecord('settlement', body))).toMatchObject(
      // Received first: paid is what the other side has acknowledged.
      (['received', 'paid'] as const).flatMap((direction) =>
        [
          { id: 'settlement:north.south.EUR.1', amount: eur(1_200n) },
          { id: 'settlement:north.south.USD.2', amount: usd(1_500n) },
        ].map((one) => ({ ...one, direction, operator: direction === 'paid' ? 'south' : 'north' })),
      ),
    );
    expect(banks.balance('north', 'settlement:USD').balance).toBe(1_500n);
    expect(banks.balance('south', 'settlement:USD').balance).toBe(-1_500n);
    expect(banks.host('north').state.settlements.size).toBe(0);
    banks.check();
  });

  it('pays one currency when asked for one, and nothing when nothing is owed', async () => {
    const banks = await indebted();
    await banks.tell('north', { type: 'settle', currency: 'USD' });
    await banks.tell('north', { type: 'settle', currency: 'USD' });
    await banks.tell('south', { type: 'settle' });
    await banks.pass(10);
    expect(settlements(banks)).toHaveLength(1);
    expect(owed(banks, 'south', 'EUR')).toBe(-1_200n);
  });

  it('is owed again when the other operator refuses the message', async () => {
    const banks = await indebted();
    await banks.restart('south');
    await pay(banks, 'south', { settlement: 'north.south.EUR.1', amount: eur(1n), atMs: 0 }, 'north');
    await banks.tell('north', { type: 'settle', currency: 'EUR' });
    await banks.pass(10);
    expect(owed(banks, 'north', 'EUR')).toBe(1_200n);
    expect(banks.balance('north', 'settlement:EUR').balance).toBe(0n);
    banks.check();
  });
});

describe('a settlement received', () => {
  it('counts once, also when it is signed again or repeated after a restart', async () => {
    const banks = await indebted();
    const settlement = { settlement: 'north.south.USD.9', amount: usd(1_000n), atMs: 0 };
    const bytes = signMessage(settlementType, settlement, signerOf('north'));
    const answer = await banks.post('south', settlementType.name, bytes);
    await banks.restart('south');
    expect(await banks.post('south', settlementType.name, bytes)).toEqual(answer);
    await expect(pay(banks, 'south', settlement, 'north')).rejects.toMatchObject({ code: 'MESSAGE_IDENTITY_REUSED' });
    expect(owed(banks, 'south', 'USD')).toBe(-500n);
  });

  it.each<[string, Settlement, string, string]>([
    ['another operator’s', { settlement: 'north.south.USD.1', amount: usd(1n), atMs: 0 }, 'east', 'IDENTITY_MALFORMED'],
    ['for somebody else', { settlement: 'north.east.USD.1', amount: usd(1n), atMs: 0 }, 'north', 'IDENTITY_MALFORMED'],
    [
      'in another currency than it says',
      { settlement: 'north.south.EUR.1', amount: usd(1n), atMs: 0 },
      'north',
      'IDENTITY_MALFORMED',
    ],
    ['without a number', { settlement: 'north.south.USD.x', amount: usd(1n), atMs: 0 }, 'north', 'IDENTITY_MALFORMED'],
    ['of nothing', { settlement: 'north.south.USD.1', amount: usd(0n), atMs: 0 }, 'north', 'DEPOSIT_REFUSED'],
    [
      'in a currency nothing is cleared in',
      { settlement: 'north.south.JPY.1', amount: { currency: 'JPY', minor: 1n }, atMs: 0 },
      'north',
      'OPERATOR_UNKNOWN',
    ],
    ['from ourselves', { settlement: 'south.south.USD.1', amount: usd(1n), atMs: 0 }, 'south', 'OPERATOR_UNKNOWN'],
  ])('that is %s is refused and changes nothing', async (_, settlement, signer, code) => {
    const banks = await indebted();
    const before = banks.snapshot('south');
    await expect(pay(banks, 'south', settlement, signer)).rejects.toMatchObject({ code });
    expect(banks.snapshot('south')).toEqual(before);
  });
});

describe('an operator that says it has paid what it never owed', () => {
  const lie = (number: number, minor: bigint) => ({
    ...{ settlement: `south.north.USD.${number}`, amount: usd(minor), atMs: 0 },
  });
  const paid = (banks: Banks) =>
    settlements(banks).filter(({ settlement }) => settlement.startsWith('north.south.USD.'));

  it('is paid what was cleared for its merchants, and none of that comes back to it', async () => {
    const banks = await indebted();
    await pay(banks, 'north', lie(1, 1_000_000_000_000n), 'south');
    expect(owed(banks, 'north', 'USD')).toBe(1_000_000_001_500n);
    for (let day = 0; day < 3; day++) {
      await banks.tell('north', { type: 'settle' });
      await banks.pass(10);
      await banks.restart('north');
    }
    expect(paid(banks).map(({ amount }) => amount)).toEqual([usd(1_500n)]);
    expect(owed(banks, 'north', 'USD')).toBe(1_000_000_000_000n);
    banks.check();
  });

  it('gets no more by saying so again and again', async () => {
    const banks = await indebted();
    for (let number = 1; number < 9; number++) {
      await pay(banks, 'north', lie(number, 700n), 'south');
      await banks.tell('north', { type: 'settle' });
      await banks.pass(10);
    }
    const sum = paid(banks).reduce((total, { amount }) => total + amount.minor, 0n);
    expect(sum).toBe(1_500n);
  });

  it('is paid what it earns afterwards, while what it said stays on the books', async () => {
    const banks = await openBanks();
    await pay(banks, 'north', lie(1, 700n), 'south');
    await banks.tell('north', { type: 'settle' });
    await banks.logOn();
    await banks.initiate('north.1.1', { merchantCurrency: 'USD' });
    await banks.clear('north', banks.clearing('north.1.1', { paid: usd(100n), unused: usd(2_064n), rate: EUR_USD }));
    await banks.tell('north', { type: 'settle' });
    await banks.pass(10);
    expect(paid(banks).map(({ amount }) => amount)).toEqual([usd(100n)]);
    expect(owed(banks, 'north', 'USD')).toBe(700n);
  });

  it('is paid again what it refused, and no more', async () => {
    const banks = await indebted();
    await pay(banks, 'south', { settlement: 'north.south.EUR.1', amount: eur(1n), atMs: 0 }, 'north');
    await pay(banks, 'north', { ...lie(1, 5_000n), settlement: 'south.north.EUR.1', amount: eur(5_000n) }, 'south');
    await banks.tell('north', { type: 'settle', currency: 'EUR' });
    await banks.pass(10);
    expect(owed(banks, 'north', 'EUR')).toBe(6_200n);
    await banks.tell('north', { type: 'settle', currency: 'EUR' });
    await banks.tell('north', { type: 'settle', currency: 'EUR' });
    await banks.pass(10);
    expect(settlements(banks).map(({ amount }) => amount)).toEqual([eur(1_200n), eur(1_200n)]);
    expect(owed(banks, 'north', 'EUR')).toBe(5_000n);
  });
});

describe('the accounts', () => {
  it('are opened once, and new limits are taken over as far as they are free', async () => {
    const banks = await openBanks();
    const before = banks.snapshot('north');
    const alice = { type: 'open-account', of: 'customer', name: 'alice', currency: 'EUR' } as const;
    await banks.tell('north', { type: 'set-up', currencies: ['EUR', 'USD'] });
    await banks.tell('north', alice);
    expect(banks.snapshot('north')).toEqual(before);
    await banks.tell('north', { ...alice, creditLineMinor: 500n });
    expect(banks.balance('north', 'customer:alice').available).toBe(10_500n);
    await banks.logOn();
    await banks.initiate('north.1.1', { deposit: eur(10_400n) });
    await expect(banks.tell('north', alice)).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
    await expect(banks.tell('north', { ...alice, currency: 'USD' })).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
    for (const name of ['a b', 'a.b', 'a:b', '', 'x'.repeat(65)]) {
      await expect(banks.tell('north', { ...alice, name })).rejects.toMatchObject({ code: 'IDENTITY_MALFORMED' });
    }
    const merchant = { ...alice, of: 'merchant', name: 'shop', creditLineMinor: 1n } as const;
    await expect(banks.tell('north', merchant)).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
  });

  it('are funded for customers only', async () => {
    const banks = await openBanks();
    const fund = { type: 'fund', id: 'x', customer: 'carol', amount: eur(5n) } as const;
    await expect(banks.tell('north', fund)).rejects.toMatchObject({ code: 'CUSTOMER_UNKNOWN' });
    await banks.tell('north', { ...fund, customer: 'bob' });
    expect(banks.balance('north', 'customer:bob').balance).toBe(10_005n);
    expect(banks.balance('north', 'funding:EUR').balance).toBe(-20_005n);
  });
});

/** Settling deposits at fixed times, and what our acquirer hears of debts that were set off and never paid. */
import { expect, test } from 'vitest';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountState } from '../../../src/deposit/account-manager/account-state.ts';
import type { AcquirerInput } from '../../../src/deposit/acquirer/acquirer-input.ts';
import { applyAcquirer, type Deposit, emptyAcquirer } from '../../../src/deposit/acquirer/acquirer-state.ts';
import { UNLIMITED } from '../../../src/ledger/account-table.ts';
import { applyLedger } from '../../../src/ledger/apply.ts';
import { clearingAccount, openPosition } from '../../../src/ledger/clearing.ts';
import type { LedgerCommand } from '../../../src/ledger/command.ts';
import { decideLedger } from '../../../src/ledger/decide.ts';
import { settleDeposits } from '../../../src/party/operator/settle-deposits.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;

function startBank() {
  const clock = createVirtualClock();
  const accounts = createAccountState();
  const acquirer = emptyAcquirer();
  const settled: { readonly input: AccountInput; readonly atMs: number }[] = [];
  const told: AcquirerInput[] = [];
  const run = (command: LedgerCommand) => {
    const decided = decideLedger(accounts.ledger, command, { nowMs: 0 });
    if ('refused' in decided) throw new Error(decided.refused);
    for (const record of decided) applyLedger(accounts.ledger, record);
  };
  let id = 0;
  const move = (from: string, to: string, minor: bigint) =>
    run({ type: 'transfer', id: `t${id++}`, legs: [{ from, to, amount: { currency: 'EUR', minor } }] });
  run(openPosition({ counterparty: 'north', currency: 'EUR', theyMayOweMinor: 10_000n }));
  run({ type: 'open', account: 'others', currency: 'EUR', kind: 'suspense', creditLine: UNLIMITED });
  const settlement = settleDeposits({
    accounts: {
      state: accounts,
      async submit(input) {
        settled.push({ input, atMs: clock.nowMs() });
      },
    },
    acquirer: {
      state: acquirer,
      async submit(input) {
        told.push(input);
        if (input.type !== 'settled') return;
        const { operator, amount } = input;
        applyAcquirer(acquirer, { type: 'settled', operator, ...amount, atMs: 0 });
      },
    },
    ...{ clock, everyMs: DAY, log: silentLog() },
  });
  return {
    ...{ clock, settlement, settled, told },
    /** Our acquirer has ruled that a deposit of a customer of north paid so much. */
    cleared(minor: bigint) {
      const transaction = `north.${++id}.1`;
      const amount = { currency: 'EUR', minor };
      const deposit = { transaction, accountManager: 'north', deposit: amount, exposed: true } as unknown as Deposit;
      applyAcquirer(acquirer, { type: 'asked', deposit, atMs: 0 });
      applyAcquirer(acquirer, { type: 'cleared', transaction, paidMinor: minor, clearing: new Uint8Array(), atMs: 0 });
    },
    /** It is on our accounts: north owes us so much more. */
    booked: (minor: bigint) => move(clearingAccount('north', 'EUR'), 'others', minor),
    /** Our customers paid merchants of north. */
    weOwe: (minor: bigint) => move('others', clearingAccount('north', 'EUR'), minor),
  };
}

const toldOf = ({ told }: ReturnType<typeof startBank>) =>
  told.map((input) => (input.type === 'settled' ? [input.operator, input.amount.minor] : input.type));

test('what is owed is paid once every time, at the same hour, until it is stopped', async () => {
  const { clock, settlement, settled } = startBank();
  await clock.run(clock.nowMs() + 3 * DAY);
  expect(settled.map(({ input }) => input)).toEqual(Array(3).fill({ type: 'settle' }));
  expect(settled.every(({ atMs }) => atMs % DAY === 0)).toBe(true);
  settlement.stop();
  await clock.run(clock.nowMs() + 3 * DAY);
  expect(settled).toHaveLength(3);
});

test('what was set off against what we owe is told to our acquirer, once', async () => {
  const bank = startBank();
  bank.cleared(500n);
  bank.booked(500n);
  bank.weOwe(300n);
  await bank.settlement.settle();
  expect(toldOf(bank)).toEqual([]);
  await bank.clock.run(bank.clock.nowMs() + MINUTE);
  await bank.settlement.settle();
  expect(toldOf(bank)).toEqual([['north', 300n]]);
  for (let day = 0; day < 3; day++) {
    await bank.clock.run(bank.clock.nowMs() + DAY);
    await bank.settlement.settle();
  }
  expect(toldOf(bank)).toEqual([['north', 300n]]);
});

test('what was ruled and is on its way to the accounts is not taken for set off, however often one looks', async () => {
  const bank = startBank();
  bank.cleared(500n);
  for (let look = 0; look < 5; look++) await bank.settlement.settle();
  bank.booked(500n);
  await bank.clock.run(bank.clock.nowMs() + MINUTE);
  await bank.settlement.settle();
  await bank.clock.run(bank.clock.nowMs() + MINUTE);
  await bank.settlement.settle();
  expect(toldOf(bank)).toEqual([]);
});

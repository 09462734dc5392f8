/** The device's own check of a statement (US 09/718,411, claim 11): what was charged is what was released, at the rate of the session. */
import { equalBytes } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import type { ClearingInformation, Statement } from '../message/conclusion.ts';
import { type BilledDeposit, costOf, paidFor } from './bill.ts';
import { isSameRate } from './check-opened.ts';
import type { Concluding } from './purse-state.ts';

/** Everything that is wrong with it, in words; empty when it is right. */
export function faultsOf(
  deposit: Concluding,
  { booked, returned }: Omit<Statement, 'clearing'>,
  clearing: ClearingInformation,
): readonly string[] {
  const { want, currency, terms } = deposit;
  const held = { currency, minor: want.depositMinor };
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault);
  };
  expect(clearing.merchant === want.merchant, `The clearing is with ${clearing.merchant}, not with ${want.merchant}.`);
  expect(booked.currency === currency && returned.currency === currency, `The account is in ${currency}.`);
  expect(booked.minor + returned.minor === held.minor, 'What was booked and returned is not the deposit.');
  if (terms === null) {
    expect(booked.minor === 0n, `${booked.minor} minor units are booked although the deposit was not taken.`);
    return faults;
  }
  const there = { currency: want.merchantCurrency, minor: terms.depositMinor };
  expectAmounts(deposit, { booked, clearing, bill: { deposit: held, there, rate: terms.rate } }, expect);
  expectEvidence(deposit, clearing, expect);
  return faults;
}

type Expect = (holds: boolean, fault: string) => void;

function expectAmounts(
  { want, bound }: Concluding,
  given: { readonly booked: Amount; readonly clearing: ClearingInformation; readonly bill: BilledDeposit },
  expect: Expect,
): void {
  const { booked, clearing, bill } = given;
  const { paid, unused } = clearing;
  const { there } = bill;
  const most = paidFor(bound.units, want.order.unitNano, there.currency);
  expect(isSameRate(clearing.rate, bill.rate), 'The rate is not the one of the session.');
  expect(
    paid.currency === there.currency && unused.currency === there.currency && paid.minor + unused.minor === there.minor,
    'What was paid and what is unused are not the deposit.',
  );
  expect(paid.minor <= most, `${paid.minor} minor units are paid, but only ${most} were released.`);
  const cost = paid.minor <= there.minor ? costOf(paid.minor, bill) : bill.deposit.minor;
  expect(booked.minor <= cost, `${booked.minor} minor units are booked for what costs ${cost}.`);
}

function expectEvidence(
  { exact, count, head, bound, recordDigest }: Concluding,
  clearing: ClearingInformation,
  expect: Expect,
): void {
  const { customerRecord } = clearing;
  expect(
    clearing.count <= bound.count,
    `${clearing.count} purchases are cleared, but only ${bound.count} were released.`,
  );
  if (exact && clearing.count === count)
    expect(equalBytes(clearing.head, head), 'The list of purchases is another one.');
  if (customerRecord !== undefined) {
    expect(equalBytes(customerRecord, recordDigest), "What was compared is not the customer's record.");
  }
}

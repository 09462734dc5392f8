import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../src/ledger/account-table.ts';
import { applyLedger } from '../../src/ledger/apply.ts';
import {
  clearingAccount,
  findPosition,
  listPositions,
  openPosition,
  settlePosition,
} from '../../src/ledger/clearing.ts';
import type { LedgerCommand } from '../../src/ledger/command.ts';
import { decideLedger } from '../../src/ledger/decide.ts';
import { ledgerViolations } from '../../src/ledger/invariant.ts';
import { createLedger, type LedgerState } from '../../src/ledger/ledger.ts';

function run(ledger: LedgerState, command: LedgerCommand): string {
  const decision = decideLedger(ledger, command, { nowMs: 0 });
  if ('refused' in decision) return decision.refused;
  for (const record of decision) applyLedger(ledger, record);
  expect(ledgerViolations(ledger)).toEqual([]);
  return 'done';
}

/** One operator's books: a customer with 500, a shop, the bank's settlement account, and a position with each of two others. */
function openedBooks(): LedgerState {
  const ledger = createLedger();
  const open = (account: string, kind: 'customer' | 'merchant' | 'settlement', creditLine = 0n) =>
    run(ledger, { type: 'open', account, currency: 'EUR', kind, creditLine });
  open('settlement', 'settlement', UNLIMITED);
  open('ann', 'customer');
  open('shop', 'merchant');
  run(ledger, openPosition({ counterparty: 'north', currency: 'EUR', theyMayOweMinor: 100n, weMayOweMinor: 200n }));
  run(ledger, openPosition({ counterparty: 'south', currency: 'EUR', theyMayOweMinor: 0n }));
  pay(ledger, 'settlement', 'ann', 500n);
  return ledger;
}

function pay(ledger: LedgerState, from: string, to: string, minor: bigint): string {
  return run(ledger, { type: 'transfer', id: 't', legs: [{ from, to, amount: { currency: 'EUR', minor } }] });
}

const NORTH = clearingAccount('north', 'EUR');

describe('a clearing position', () => {
  it('says what we owe after our customer paid across the border, up to our limit', () => {
    const ledger = openedBooks();
    expect(pay(ledger, 'ann', NORTH, 150n)).toBe('done');
    expect(findPosition(ledger, 'north', 'EUR')).toMatchObject({ weOweMinor: 150n, theyOweMinor: 0n });
    expect(pay(ledger, 'ann', NORTH, 51n)).toBe('CEILING_EXCEEDED');
    expect(pay(ledger, 'ann', NORTH, 50n)).toBe('done');
  });

  it('says what they owe after their customer paid our shop, up to the limit we gave them', () => {
    const ledger = openedBooks();
    expect(pay(ledger, NORTH, 'shop', 100n)).toBe('done');
    expect(findPosition(ledger, 'north', 'EUR')).toMatchObject({ weOweMinor: 0n, theyOweMinor: 100n });
    expect(pay(ledger, NORTH, 'shop', 1n)).toBe('INSUFFICIENT_FUNDS');
    expect(pay(ledger, clearingAccount('south', 'EUR'), 'shop', 1n)).toBe('INSUFFICIENT_FUNDS');
  });

  it('nets both directions and is settled to zero from either side', () => {
    for (const [out, back, net] of [[150n, 40n, 110n] as const, [40n, 130n, -90n] as const]) {
      const ledger = openedBooks();
      pay(ledger, 'ann', NORTH, out);
      pay(ledger, NORTH, 'shop', back);
      const before = findPosition(ledger, 'north', 'EUR')!;
      expect(before.weOweMinor - before.theyOweMinor).toBe(net);
      const settlement = { id: 's', counterparty: 'north', currency: 'EUR', account: 'settlement' };
      expect(run(ledger, settlePosition(ledger, settlement)!)).toBe('done');
      expect(findPosition(ledger, 'north', 'EUR')).toMatchObject({ weOweMinor: 0n, theyOweMinor: 0n });
      expect(settlePosition(ledger, settlement)).toBeUndefined();
    }
  });

  it('is listed per counterparty and currency, with its limits', () => {
    const ledger = openedBooks();
    run(ledger, openPosition({ counterparty: 'north', currency: 'USD', theyMayOweMinor: 5n }));
    expect(listPositions(ledger).map((position) => [position.counterparty, position.currency])).toEqual([
      ['north', 'EUR'],
      ['south', 'EUR'],
      ['north', 'USD'],
    ]);
    expect(listPositions(ledger)[0]).toMatchObject({ weMayOweMinor: 200n, theyMayOweMinor: 100n });
    expect(findPosition(ledger, 'west', 'EUR')).toBeUndefined();
  });
});

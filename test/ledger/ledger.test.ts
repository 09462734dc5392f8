import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../src/ledger/account-table.ts';
import { applyLedger } from '../../src/ledger/apply.ts';
import type { LedgerCommand } from '../../src/ledger/command.ts';
import { decideLedger } from '../../src/ledger/decide.ts';
import { assertLedger, ledgerViolations } from '../../src/ledger/invariant.ts';
import {
  createLedger,
  findAccount,
  findHold,
  type LedgerState,
  MAX_STEPS,
  nextExpiryMs,
} from '../../src/ledger/ledger.ts';
import { LedgerError } from '../../src/ledger/ledger-error.ts';
import { restoreLedger, snapshotLedger } from '../../src/ledger/snapshot.ts';

const euro = (minor: bigint) => ({ currency: 'EUR', minor });

function run(ledger: LedgerState, command: LedgerCommand, nowMs = 0): string {
  const decision = decideLedger(ledger, command, { nowMs });
  if ('refused' in decision) return decision.refused;
  for (const record of decision) applyLedger(ledger, record);
  expect(ledgerViolations(ledger)).toEqual([]);
  return decision.length > 0 ? 'done' : 'nothing to do';
}

/** A bank without limits, Ann with 100 and a credit line of 50, a shop and a fee account. */
function openedLedger(): LedgerState {
  const ledger = createLedger();
  run(ledger, { type: 'open', account: 'bank', currency: 'EUR', kind: 'issuance', creditLine: UNLIMITED });
  run(ledger, { type: 'open', account: 'ann', currency: 'EUR', kind: 'customer', creditLine: 50n });
  run(ledger, { type: 'open', account: 'shop', currency: 'EUR', kind: 'merchant' });
  run(ledger, { type: 'open', account: 'fees', currency: 'EUR', kind: 'fees' });
  run(ledger, { type: 'transfer', id: 't0', legs: [{ from: 'bank', to: 'ann', amount: euro(100n) }] });
  return ledger;
}

function hold(ledger: LedgerState, id: string, minor: bigint, expiresAtMs = 1000): string {
  return run(ledger, { type: 'hold', id, account: 'ann', amount: euro(minor), expiresAtMs });
}

describe('holds', () => {
  it('never set aside more than the balance and the credit line, however many are open', () => {
    const ledger = openedLedger();
    const outcomes = Array.from({ length: 200 }, (_, index) => hold(ledger, `h${index}`, 1n));
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(150);
    expect(outcomes.at(-1)).toBe('INSUFFICIENT_FUNDS');
    expect(findAccount(ledger, 'ann')).toMatchObject({ balance: 100n, held: 150n, available: 0n });
    const pay = { from: 'ann', to: 'shop', amount: euro(1n) };
    expect(run(ledger, { type: 'transfer', id: 't1', legs: [pay] })).toBe('INSUFFICIENT_FUNDS');
  });

  it('are posted in part, to several accounts at once, and give the rest back', () => {
    const ledger = openedLedger();
    hold(ledger, 'h', 80n);
    const to = [
      { account: 'shop', amount: euro(57n) },
      { account: 'fees', amount: euro(3n) },
    ];
    expect(run(ledger, { type: 'post', id: 'p1', hold: 'h', to, rest: 'release' })).toBe('done');
    expect(findAccount(ledger, 'ann')).toMatchObject({ balance: 40n, held: 0n });
    expect(findAccount(ledger, 'shop')?.balance).toBe(57n);
    expect(findHold(ledger, 'h')).toBeUndefined();
    expect(run(ledger, { type: 'post', id: 'p2', hold: 'h', to, rest: 'release' })).toBe('HOLD_UNKNOWN');
  });

  it('refuse to pay a cent more than was held', () => {
    const ledger = openedLedger();
    hold(ledger, 'h', 80n);
    const post = (minor: bigint) => [{ account: 'shop', amount: euro(minor) }];
    expect(run(ledger, { type: 'post', id: 'p1', hold: 'h', to: post(81n), rest: 'keep' })).toBe('HOLD_EXCEEDED');
    expect(run(ledger, { type: 'post', id: 'p1', hold: 'h', to: post(80n), rest: 'keep' })).toBe('done');
  });

  it('are the same hold when asked for again, and a mistake with other terms', () => {
    const ledger = openedLedger();
    expect(hold(ledger, 'h', 80n)).toBe('done');
    expect(hold(ledger, 'h', 80n)).toBe('nothing to do');
    expect(hold(ledger, 'h', 81n)).toBe('HOLD_EXISTS');
    expect(findAccount(ledger, 'ann')?.held).toBe(80n);
  });

  it('take each step once', () => {
    const ledger = openedLedger();
    hold(ledger, 'h', 80n);
    const post: LedgerCommand = {
      type: 'post',
      id: 'p1',
      hold: 'h',
      to: [{ account: 'shop', amount: euro(30n) }],
      rest: 'keep',
    };
    expect(run(ledger, post)).toBe('done');
    expect(run(ledger, post)).toBe('nothing to do');
    expect(run(ledger, { type: 'release', id: 'r1', hold: 'h', amount: euro(10n) })).toBe('done');
    expect(run(ledger, { type: 'release', id: 'r1', hold: 'h', amount: euro(10n) })).toBe('nothing to do');
    expect(findHold(ledger, 'h')?.remainingMinor).toBe(40n);
  });

  it('end at their time: no longer posted, then cleared away soonest first', () => {
    const ledger = openedLedger();
    hold(ledger, 'late', 10n, 30);
    hold(ledger, 'soon', 10n, 10);
    hold(ledger, 'next', 10n, 20);
    expect(nextExpiryMs(ledger)).toBe(10);
    const to = [{ account: 'shop', amount: euro(1n) }];
    expect(run(ledger, { type: 'post', id: 'p', hold: 'soon', to, rest: 'keep' }, 10)).toBe('HOLD_EXPIRED');
    expect(run(ledger, { type: 'expire' }, 9)).toBe('nothing to do');
    expect(run(ledger, { type: 'expire', limit: 1 }, 25)).toBe('done');
    expect([findHold(ledger, 'soon'), findHold(ledger, 'next')?.id]).toEqual([undefined, 'next']);
    expect(run(ledger, { type: 'expire' }, 25)).toBe('done');
    expect(findAccount(ledger, 'ann')?.held).toBe(10n);
    expect(nextExpiryMs(ledger)).toBe(30);
  });

  it('may be used in part a bounded number of times; the last step is always open', () => {
    const ledger = openedLedger();
    hold(ledger, 'h', 80n);
    const release = (id: string, minor: bigint) => run(ledger, { type: 'release', id, hold: 'h', amount: euro(minor) });
    for (let step = 0; step < MAX_STEPS; step++) expect(release(`r${step}`, 1n)).toBe('done');
    expect(release('more', 1n)).toBe('HOLD_STEPS_EXHAUSTED');
    expect(release('rest', 48n)).toBe('done');
  });

  it('keep the expiry queue small though most are settled long before they expire', () => {
    const ledger = openedLedger();
    for (let index = 0; index < 5000; index++) {
      hold(ledger, `h${index}`, 1n, 1_000_000 - index);
      hold(ledger, 'standing', 1n, 500);
      applyLedger(ledger, { type: 'released', id: 'r', hold: `h${index}`, minor: 1n });
    }
    expect(ledger.expiries.heap.length).toBeLessThan(100);
    assertLedger(ledger);
  });
});

describe('transfers', () => {
  it('move all legs or none', () => {
    const ledger = openedLedger();
    const legs = [
      { from: 'ann', to: 'shop', amount: euro(100n) },
      { from: 'ann', to: 'fees', amount: euro(51n) },
    ];
    expect(run(ledger, { type: 'transfer', id: 't', legs })).toBe('INSUFFICIENT_FUNDS');
    expect(findAccount(ledger, 'shop')?.balance).toBe(0n);
    expect(run(ledger, { type: 'transfer', id: 't', legs: [legs[0]!, { ...legs[1]!, amount: euro(50n) }] })).toBe(
      'done',
    );
    expect(findAccount(ledger, 'ann')).toMatchObject({ balance: -50n, available: 0n });
  });

  it('do not let an account pay with what the same transfer brings it', () => {
    const ledger = openedLedger();
    const legs = [
      { from: 'bank', to: 'shop', amount: euro(5n) },
      { from: 'shop', to: 'fees', amount: euro(5n) },
    ];
    expect(run(ledger, { type: 'transfer', id: 't', legs })).toBe('INSUFFICIENT_FUNDS');
  });

  it('exchange currencies when an exchanger keeps both, and each currency still sums to zero', () => {
    const ledger = openedLedger();
    const dollar = (minor: bigint) => ({ currency: 'USD', minor });
    run(ledger, { type: 'open', account: 'x-eur', currency: 'EUR', kind: 'settlement', creditLine: UNLIMITED });
    run(ledger, { type: 'open', account: 'x-usd', currency: 'USD', kind: 'settlement', creditLine: UNLIMITED });
    run(ledger, { type: 'open', account: 'ann-usd', currency: 'USD', kind: 'customer' });
    const legs = [
      { from: 'ann', to: 'x-eur', amount: euro(100n) },
      { from: 'x-usd', to: 'ann-usd', amount: dollar(108n) },
    ];
    expect(run(ledger, { type: 'transfer', id: 't', legs })).toBe('done');
    const mixed = [{ from: 'ann', to: 'ann-usd', amount: euro(1n) }];
    expect(run(ledger, { type: 'transfer', id: 'u', legs: mixed })).toBe('CURRENCY_MISMATCH');
  });

  it('refuse nothing, negative and oversized amounts, no legs, too many legs and odd ids', () => {
    const ledger = openedLedger();
    const pay = (minor: bigint) => [{ from: 'ann', to: 'shop', amount: euro(minor) }];
    for (const minor of [0n, -1n, 10n ** 18n]) {
      expect(run(ledger, { type: 'transfer', id: 't', legs: pay(minor) })).toBe('AMOUNT_NOT_POSITIVE');
    }
    expect(run(ledger, { type: 'transfer', id: 't', legs: [] })).toBe('TOO_MANY_LEGS');
    expect(run(ledger, { type: 'transfer', id: 't', legs: Array(65).fill(pay(1n)[0]) })).toBe('TOO_MANY_LEGS');
    for (const id of ['', 'a b', 'a\nb', 'é', 'x'.repeat(97)]) {
      expect(run(ledger, { type: 'transfer', id, legs: pay(1n) })).toBe('ID_INVALID');
      expect(run(ledger, { type: 'open', account: id, currency: 'EUR', kind: 'customer' })).toBe('ID_INVALID');
    }
  });

  it('stay within 64 bits: the largest amounts end at the bounds, never wrap', () => {
    const ledger = openedLedger();
    const legs = Array(4).fill({ from: 'bank', to: 'shop', amount: euro(10n ** 18n - 1n) });
    expect(run(ledger, { type: 'transfer', id: 't1', legs: legs.slice(0, 3) })).toBe('done');
    expect(run(ledger, { type: 'transfer', id: 't2', legs })).toBe('INSUFFICIENT_FUNDS');
    expect(findAccount(ledger, 'shop')?.balance).toBe(3n * (10n ** 18n - 1n));
  });
});

describe('accounts', () => {
  it('keep a credit line that is in use, and close only when empty', () => {
    const ledger = openedLedger();
    hold(ledger, 'h', 130n);
    expect(run(ledger, { type: 'set-limits', account: 'ann', creditLine: 29n })).toBe('LIMIT_IN_USE');
    expect(run(ledger, { type: 'set-limits', account: 'ann', creditLine: 30n })).toBe('done');
    expect(run(ledger, { type: 'set-limits', account: 'ann', ceiling: 99n })).toBe('LIMIT_IN_USE');
    expect(run(ledger, { type: 'close', account: 'ann' })).toBe('ACCOUNT_IN_USE');
    expect(run(ledger, { type: 'close', account: 'shop' })).toBe('done');
    expect(findAccount(ledger, 'shop')).toBeUndefined();
  });

  it('take the slots of closed ones without inheriting anything', () => {
    const ledger = openedLedger();
    run(ledger, { type: 'set-limits', account: 'shop', creditLine: 70n });
    run(ledger, { type: 'close', account: 'shop' });
    run(ledger, { type: 'open', account: 'shop-2', currency: 'JPY', kind: 'merchant' });
    expect(findAccount(ledger, 'shop-2')).toMatchObject({
      balance: 0n,
      creditLine: 0n,
      available: 0n,
      currency: 'JPY',
    });
  });

  it('number in the thousands', () => {
    const ledger = createLedger();
    for (let index = 0; index < 5000; index++) {
      applyLedger(ledger, { ...opened, account: `a${index}` });
    }
    applyLedger(ledger, { type: 'moved', id: 'm', legs: [{ from: 'a0', to: 'a4999', minor: 7n }] });
    const again = restoreLedger(snapshotLedger(ledger));
    expect(findAccount(again, 'a4999')?.balance).toBe(7n);
    expect(snapshotLedger(again)).toEqual(snapshotLedger(ledger));
  });
});

const opened = { type: 'opened', currency: 'EUR', kind: 'customer', creditLine: 100n, ceiling: UNLIMITED } as const;

describe('invariants', () => {
  it('are checked: one-sided money, lost holds and broken limits are all named', () => {
    const broken = (damage: (ledger: LedgerState) => void) => {
      const ledger = openedLedger();
      hold(ledger, 'h', 80n);
      damage(ledger);
      return ledgerViolations(ledger).join('; ');
    };
    const slot = openedLedger().accounts.slots.get('ann')!;
    expect(broken((ledger) => (ledger.accounts.balance[slot]! += 1n))).toContain('sum to 1, not zero');
    expect(broken((ledger) => ledger.holds.clear())).toContain('counts 80 as held, its holds are 0');
    expect(broken((ledger) => (ledger.accounts.creditLine[slot] = -100n))).toContain('beyond its credit line');
    expect(broken((ledger) => (ledger.accounts.ceiling[slot] = 1n))).toContain('above its ceiling');
    expect(broken((ledger) => (ledger.expiries.heap = []))).toContain('would never expire');
  });
});

describe('a damaged journal or snapshot', () => {
  it('stops the ledger instead of being applied', () => {
    const ledger = openedLedger();
    const unfit = expect.objectContaining({ code: 'LEDGER_RECORD_UNFIT' });
    expect(() => applyLedger(ledger, { type: 'expired', hold: 'none' })).toThrowError(unfit);
    expect(() => applyLedger(ledger, { type: 'closed', account: 'none' })).toThrowError(unfit);
    expect(() => applyLedger(ledger, { ...opened, account: 'ann' })).toThrowError(unfit);
    hold(ledger, 'h', 10n);
    expect(() => applyLedger(ledger, { type: 'released', id: 'r', hold: 'h', minor: 11n })).toThrowError(unfit);
    const wrap = { type: 'moved', id: 'm', legs: [{ from: 'bank', to: 'shop', minor: 2n ** 63n }] } as const;
    expect(() => applyLedger(ledger, wrap)).toThrowError(unfit);
  });

  it('is refused as a snapshot, whatever bytes it holds', () => {
    const ledger = openedLedger();
    hold(ledger, 'h', 10n);
    const sound = snapshotLedger(ledger);
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const bytes = new Uint8Array(sound);
        bytes[index]! ^= flip;
        expectRefusedOrSound(bytes);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), expectRefusedOrSound));
  });
});

function expectRefusedOrSound(bytes: Uint8Array): void {
  try {
    expect(ledgerViolations(restoreLedger(bytes))).toEqual([]);
  } catch (error) {
    expect(error).toBeInstanceOf(LedgerError);
  }
}

/** A naive ledger of lists and sums, against which the real one is run command by command; nothing in it is shared with the real one. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { UNLIMITED } from '../../src/ledger/account-table.ts';
import { applyLedger } from '../../src/ledger/apply.ts';
import type { LedgerCommand } from '../../src/ledger/command.ts';
import { decideLedger } from '../../src/ledger/decide.ts';
import { ledgerViolations } from '../../src/ledger/invariant.ts';
import { createLedger, findAccount, findHold, type LedgerState, nextExpiryMs } from '../../src/ledger/ledger.ts';
import { restoreLedger, snapshotLedger } from '../../src/ledger/snapshot.ts';

interface ModelAccount {
  id: string;
  currency: string;
  credit: bigint;
  ceiling: bigint;
}

interface ModelHold {
  id: string;
  account: string;
  original: bigint;
  rest: bigint;
  atMs: number;
  done: string[];
}

class Model {
  accounts: ModelAccount[] = [];
  movements: { from: string; to: string; minor: bigint }[] = [];
  holds: ModelHold[] = [];

  account(id: string) {
    return this.accounts.find((account) => account.id === id);
  }

  balance(id: string) {
    let sum = 0n;
    for (const move of this.movements) {
      if (move.to === id) sum += move.minor;
      if (move.from === id) sum -= move.minor;
    }
    return sum;
  }

  held(id: string) {
    return this.holds.filter((hold) => hold.account === id).reduce((sum, hold) => sum + hold.rest, 0n);
  }

  available(id: string) {
    return this.balance(id) - this.held(id) + this.account(id)!.credit;
  }

  /** Carries the command out and returns 'done', or returns why not. */
  run(command: LedgerCommand, nowMs: number): string {
    switch (command.type) {
      case 'open': {
        if (this.account(command.account)) return 'ACCOUNT_EXISTS';
        const { account: id, currency, creditLine = 0n, ceiling = UNLIMITED } = command;
        this.accounts.push({ id, currency, credit: creditLine, ceiling });
        return 'done';
      }
      case 'set-limits': {
        const account = this.account(command.account);
        if (!account) return 'ACCOUNT_UNKNOWN';
        const credit = command.creditLine ?? account.credit;
        const ceiling = command.ceiling ?? account.ceiling;
        if (this.balance(account.id) - this.held(account.id) + credit < 0n) return 'LIMIT_IN_USE';
        if (this.balance(account.id) > ceiling) return 'LIMIT_IN_USE';
        Object.assign(account, { credit, ceiling });
        return 'done';
      }
      case 'close': {
        if (!this.account(command.account)) return 'ACCOUNT_UNKNOWN';
        if (this.balance(command.account) !== 0n || this.held(command.account) !== 0n) return 'ACCOUNT_IN_USE';
        this.accounts = this.accounts.filter((account) => account.id !== command.account);
        return 'done';
      }
      case 'transfer': {
        const touched = new Set<string>();
        for (const { from, to, amount } of command.legs) {
          if (from === to) return 'SAME_ACCOUNT';
          for (const id of [from, to]) {
            if (!this.account(id)) return 'ACCOUNT_UNKNOWN';
            if (this.account(id)!.currency !== amount.currency) return 'CURRENCY_MISMATCH';
            touched.add(id);
          }
        }
        for (const id of touched) {
          const paid = command.legs.filter((leg) => leg.from === id).reduce((sum, leg) => sum + leg.amount.minor, 0n);
          if (paid > 0n && paid > this.available(id)) return 'INSUFFICIENT_FUNDS';
        }
        const before = [...this.movements];
        for (const { from, to, amount } of command.legs) this.movements.push({ from, to, minor: amount.minor });
        if (command.legs.some((leg) => this.balance(leg.to) > this.account(leg.to)!.ceiling)) {
          this.movements = before;
          return 'CEILING_EXCEEDED';
        }
        return 'done';
      }
      case 'hold': {
        const account = this.account(command.account);
        if (!account) return 'ACCOUNT_UNKNOWN';
        const { id, amount, expiresAtMs: atMs } = command;
        if (account.currency !== amount.currency) return 'CURRENCY_MISMATCH';
        const open = this.holds.find((hold) => hold.id === id);
        if (open) {
          const same = open.account === account.id && open.original === amount.minor && open.atMs === atMs;
          return same ? 'repeated' : 'HOLD_EXISTS';
        }
        if (atMs <= nowMs) return 'HOLD_EXPIRED';
        if (amount.minor > this.available(account.id)) return 'INSUFFICIENT_FUNDS';
        this.holds.push({ id, account: account.id, original: amount.minor, rest: amount.minor, atMs, done: [] });
        return 'done';
      }
      case 'post': {
        const hold = this.holds.find((open) => open.id === command.hold);
        if (!hold) return 'HOLD_UNKNOWN';
        if (hold.done.includes(command.id)) return 'repeated';
        if (hold.atMs <= nowMs) return 'HOLD_EXPIRED';
        for (const { account, amount } of command.to) {
          if (!this.account(account)) return 'ACCOUNT_UNKNOWN';
          if (this.account(account)!.currency !== amount.currency) return 'CURRENCY_MISMATCH';
          if (account === hold.account) return 'SAME_ACCOUNT';
          if (amount.currency !== this.account(hold.account)!.currency) return 'CURRENCY_MISMATCH';
        }
        const total = command.to.reduce((sum, part) => sum + part.amount.minor, 0n);
        if (total > hold.rest) return 'HOLD_EXCEEDED';
        const before = [...this.movements];
        for (const { account, amount } of command.to) {
          this.movements.push({ from: hold.account, to: account, minor: amount.minor });
        }
        if (command.to.some((part) => this.balance(part.account) > this.account(part.account)!.ceiling)) {
          this.movements = before;
          return 'CEILING_EXCEEDED';
        }
        hold.rest = command.rest === 'release' ? 0n : hold.rest - total;
        hold.done.push(command.id);
        this.holds = this.holds.filter((open) => open.rest > 0n);
        return 'done';
      }
      case 'release': {
        const hold = this.holds.find((open) => open.id === command.hold);
        if (!hold) return 'HOLD_UNKNOWN';
        if (hold.done.includes(command.id)) return 'repeated';
        const minor = command.amount?.minor ?? hold.rest;
        if (command.amount && command.amount.currency !== this.account(hold.account)!.currency)
          return 'CURRENCY_MISMATCH';
        if (minor > hold.rest) return 'HOLD_EXCEEDED';
        hold.rest -= minor;
        hold.done.push(command.id);
        this.holds = this.holds.filter((open) => open.rest > 0n);
        return 'done';
      }
      case 'expire': {
        const due = this.holds.filter((hold) => hold.atMs <= nowMs);
        due.sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1));
        const gone = due.slice(0, command.limit ?? 1000);
        this.holds = this.holds.filter((hold) => !gone.includes(hold));
        return gone.length > 0 ? 'done' : 'repeated';
      }
    }
  }
}

/** The ledger under test; tests plant bugs by replacing a part. */
export interface Subject {
  readonly decide: typeof decideLedger;
  readonly apply: typeof applyLedger;
  readonly reload: (ledger: LedgerState) => LedgerState;
}

export const REAL_LEDGER: Subject = {
  decide: decideLedger,
  apply: applyLedger,
  reload: (ledger) => restoreLedger(snapshotLedger(ledger)),
};

const IDS = ['ann', 'bob', 'cy', 'bank', 'dan'];
const anyAccount = fc.constantFrom(...IDS);
const anyHold = fc.constantFrom('h1', 'h2', 'h3', 'h4');
const anyId = fc.constantFrom('s1', 's2', 's3', 's4', 's5');
const anyMinor = fc.bigInt({ min: 1n, max: 60n });
const anyAmount = fc.record({
  currency: fc.oneof({ weight: 9, arbitrary: fc.constant('EUR') }, { weight: 1, arbitrary: fc.constant('USD') }),
  minor: anyMinor,
});
const anyLimit = fc.constantFrom(0n, 20n, 50n, 200n, UNLIMITED);

const anyCommand: fc.Arbitrary<LedgerCommand> = fc.oneof(
  fc.record({
    type: fc.constant('open' as const),
    account: anyAccount,
    currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'USD'),
    kind: fc.constant('customer' as const),
    creditLine: anyLimit,
    ceiling: anyLimit,
  }),
  fc.record({
    type: fc.constant('set-limits' as const),
    account: anyAccount,
    creditLine: anyLimit,
    ceiling: anyLimit,
  }),
  fc.record({ type: fc.constant('close' as const), account: anyAccount }),
  fc.record({
    type: fc.constant('transfer' as const),
    id: anyId,
    legs: fc.array(fc.record({ from: anyAccount, to: anyAccount, amount: anyAmount }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('hold' as const),
    id: anyHold,
    account: anyAccount,
    amount: anyAmount,
    expiresAtMs: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    type: fc.constant('post' as const),
    id: anyId,
    hold: anyHold,
    to: fc.array(fc.record({ account: anyAccount, amount: anyAmount }), { minLength: 1, maxLength: 2 }),
    rest: fc.constantFrom('release' as const, 'keep' as const),
  }),
  fc.record(
    { type: fc.constant('release' as const), id: anyId, hold: anyHold, amount: anyAmount },
    { requiredKeys: ['type', 'id', 'hold'] },
  ),
  fc.record({ type: fc.constant('expire' as const), limit: fc.integer({ min: 1, max: 3 }) }),
);

const OPENING: readonly LedgerCommand[] = [
  { type: 'open', account: 'bank', currency: 'EUR', kind: 'issuance', creditLine: UNLIMITED },
  { type: 'open', account: 'ann', currency: 'EUR', kind: 'customer', creditLine: 50n },
  { type: 'open', account: 'bob', currency: 'EUR', kind: 'merchant', ceiling: 200n },
  { type: 'transfer', id: 'pay-in', legs: [{ from: 'bank', to: 'ann', amount: { currency: 'EUR', minor: 100n } }] },
];

class Step implements fc.Command<{ model: Model; nowMs: number }, { ledger: LedgerState; subject: Subject }> {
  readonly command: LedgerCommand | 'reload' | number;

  constructor(command: LedgerCommand | 'reload' | number) {
    this.command = command;
  }

  check() {
    return true;
  }

  run(world: { model: Model; nowMs: number }, real: { ledger: LedgerState; subject: Subject }) {
    if (this.command === 'reload') real.ledger = real.subject.reload(real.ledger);
    else if (typeof this.command === 'number') world.nowMs += this.command;
    else runOne(this.command, world, real);
    compare(world.model, real.ledger);
  }

  toString() {
    return JSON.stringify(this.command, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
  }
}

function runOne(
  command: LedgerCommand,
  world: { model: Model; nowMs: number },
  real: { ledger: LedgerState; subject: Subject },
) {
  const expected = world.model.run(command, world.nowMs);
  const decision = real.subject.decide(real.ledger, command, { nowMs: world.nowMs });
  const seen = 'refused' in decision ? decision.refused : decision.length > 0 ? 'done' : 'repeated';
  expect(seen).toBe(expected);
  if ('refused' in decision) return;
  for (const record of decision) real.subject.apply(real.ledger, record);
}

function compare(model: Model, ledger: LedgerState) {
  expect(ledgerViolations(ledger)).toEqual([]);
  expect([...ledger.accounts.slots.keys()].sort()).toEqual(model.accounts.map((account) => account.id).sort());
  for (const account of model.accounts) {
    const seen = findAccount(ledger, account.id)!;
    expect([seen.balance, seen.held, seen.available]).toEqual([
      model.balance(account.id),
      model.held(account.id),
      model.available(account.id),
    ]);
  }
  expect(ledger.holds.size).toBe(model.holds.length);
  for (const hold of model.holds) expect(findHold(ledger, hold.id)!.remainingMinor).toBe(hold.rest);
  const soonest = model.holds.map((hold) => hold.atMs).sort((a, b) => a - b)[0];
  expect(nextExpiryMs(ledger)).toBe(soonest);
}

/** Throws as soon as the subject and the naive ledger differ in any answer, balance or hold, or an invariant breaks. */
export function runAgainstModel(subject: Subject, runs: { numRuns: number; seed?: number }): void {
  const steps = [
    anyCommand.map((command) => new Step(command)),
    fc.constant(new Step('reload')),
    fc.integer({ min: 1, max: 8 }).map((ms) => new Step(ms)),
  ];
  const weighted = [...Array<(typeof steps)[number]>(8).fill(steps[0]!), steps[1]!, steps[2]!];
  fc.assert(
    fc.property(fc.commands(weighted, { maxCommands: 60, size: 'max' }), (commands) => {
      fc.modelRun(() => {
        const model = { model: new Model(), nowMs: 0 };
        const real = { ledger: createLedger(), subject };
        for (const command of OPENING) runOne(command, model, real);
        return { model, real };
      }, commands);
    }),
    { ...runs, endOnFailure: true },
  );
}

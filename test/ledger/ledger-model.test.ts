import { describe, expect, it } from 'vitest';
import { applyLedger } from '../../src/ledger/apply.ts';
import { decideLedger } from '../../src/ledger/decide.ts';
import { REAL_LEDGER, runAgainstModel, type Subject } from './ledger-model.ts';

describe('the ledger against a naive one', () => {
  it('agrees on every answer, balance and hold, through any commands, reloads and passing of time', () => {
    runAgainstModel(REAL_LEDGER, { numRuns: 400 });
  });

  const PLANTED: Readonly<Record<string, Partial<Subject>>> = {
    'a debit that forgets what is held': {
      decide: (ledger, command, env) => {
        if (command.type !== 'transfer') return decideLedger(ledger, command, env);
        const blind = { ...ledger, accounts: { ...ledger.accounts, held: new BigInt64Array(64) } };
        return decideLedger(blind, command, env);
      },
    },
    'a transfer that credits and never debits': {
      apply: (ledger, record) => {
        applyLedger(ledger, record);
        if (record.type === 'moved') ledger.accounts.balance[ledger.accounts.slots.get(record.legs[0]!.from)!]! += 1n;
      },
    },
    'a post that leaves its rest held for ever': {
      apply: (ledger, record) => applyLedger(ledger, record.type === 'posted' ? { ...record, closes: false } : record),
    },
    'a hold that can be paid out after its time': {
      decide: (ledger, command, env) => decideLedger(ledger, command, command.type === 'post' ? { nowMs: 0 } : env),
    },
    'an expiry that clears away what is not due': {
      decide: (ledger, command, env) =>
        decideLedger(ledger, command, command.type === 'expire' ? { nowMs: env.nowMs + 3 } : env),
    },
    'a repeated step that is taken twice': {
      apply: (ledger, record) => {
        applyLedger(ledger, record);
        for (const hold of ledger.holds.values()) hold.steps = [];
      },
    },
    'a ceiling nobody looks at': {
      decide: (ledger, command, env) => {
        const open = { ...ledger, accounts: { ...ledger.accounts, ceiling: new BigInt64Array(64).fill(10n ** 18n) } };
        return decideLedger(command.type === 'post' ? open : ledger, command, env);
      },
    },
    'a snapshot that forgets the steps of holds': {
      reload: (ledger) => {
        const copy = REAL_LEDGER.reload(ledger);
        for (const hold of copy.holds.values()) hold.steps = [];
        return copy;
      },
    },
  };

  it.each(Object.entries(PLANTED))('notices %s', (_name, planted) => {
    expect(() => runAgainstModel({ ...REAL_LEDGER, ...planted }, { numRuns: 3000, seed: 7 })).toThrow();
  });
});

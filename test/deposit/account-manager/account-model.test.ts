/** Any order of everything that can happen to a customer's account, against a model of a few numbers. */
import { array, assert, constantFrom, nat, oneof, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCborExact, encodeCborExact } from '../../../src/codec/cbor.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import { CLEARING_GRACE_MS } from '../../../src/deposit/message/conclusion.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { findPosition } from '../../../src/ledger/clearing.ts';
import { assertLedger } from '../../../src/ledger/invariant.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import { convertAmount } from '../../../src/money/rate.ts';
import { EUR_USD, eur, keysOf, policyOf, shownReleased, usd } from './banks.ts';

const CREDIT = 300n;
const key = exportPoint(keysOf('temporary').publicKey);
const bytes = new Uint8Array(40);

/** `at` picks one of the deposits there have been, open or not. */
const step = oneof(
  { weight: 4, arbitrary: record({ type: constantFrom('open' as const), minor: nat({ max: 900 }), at: nat() }) },
  {
    weight: 8,
    arbitrary: record({
      type: constantFrom(
        'acknowledge',
        'refuse',
        'silence',
        'clear',
        'clear too much',
        'clear unproved',
        'clear as another',
        'record',
      ),
      at: nat(),
      minor: nat({ max: 1000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: record({ type: constantFrom('settle', 'days', 'fund', 'snapshot'), minor: nat({ max: 9 }), at: nat() }),
  },
);

interface Modelled {
  readonly deposit: bigint;
  readonly endsAtMs: number;
  status: 'vouched' | 'opened' | 'unanswered' | 'over';
}

function run(steps: readonly { type: string; minor: number; at: number }[]): void {
  const machine = createAccountManager(policyOf('north'));
  let state = machine.initial();
  const records: Uint8Array[] = [];
  let nowMs = 1_700_000_000_000;
  let filler = 0;

  /** True when it was taken; what is refused changes nothing. */
  const tell = (input: AccountInput): boolean => {
    const env = { nowMs, random: (length: number) => new Uint8Array(length).fill(++filler) };
    try {
      const decision = machine.decide(state, input, env);
      for (const decided of decision.records) {
        const encoded = encodeCborExact(decided as unknown as Parameters<typeof encodeCborExact>[0]);
        records.push(encoded);
        machine.apply(state, decodeCborExact(encoded) as unknown as AccountRecord);
      }
      for (const further of decision.inputs ?? []) tell(further as AccountInput);
      return true;
    } catch (error) {
      if (error instanceof HandselError) return false;
      throw error;
    } finally {
      assertLedger(state.ledger);
    }
  };

  tell({ type: 'set-up', currencies: ['EUR', 'USD'] });
  tell({ type: 'open-account', of: 'customer', name: 'alice', currency: 'EUR', creditLineMinor: CREDIT });
  const model = { balance: 0n, owed: 0n, deposits: new Map<string, Modelled>() };
  const held = () => {
    let sum = 0n;
    for (const { deposit, status } of model.deposits.values()) sum += status === 'over' ? 0n : deposit;
    return sum;
  };

  for (const { type, minor, at } of steps) {
    nowMs += 1;
    const names = [...model.deposits.keys()];
    const transaction = names[at % Math.max(1, names.length)] ?? 'north.999.1';
    const known = model.deposits.get(transaction);
    const open = known !== undefined && known.status !== 'over';
    switch (type) {
      case 'open': {
        const name = `north.${state.sessionCount + 1}.1`;
        const endsAtMs = nowMs + 86_400_000;
        expect(tell({ type: 'log-on', customer: 'alice', logOn: { reference: name, merchant: 'shop', atMs: 0 } })).toBe(
          true,
        );
        const initiation = {
          ...{ transaction: name, deposit: eur(BigInt(minor)), merchant: 'shop', merchantOperator: 'south', key },
          ...{ merchantCurrency: 'USD', order: { units: 1, unitNano: 1 }, idleMs: 1000, endsAtMs },
        };
        expect(tell({ type: 'initiation', customer: 'bob', initiation })).toBe(false);
        const affordable = BigInt(minor) <= model.balance + CREDIT - held();
        expect(tell({ type: 'initiation', customer: 'alice', initiation })).toBe(minor > 0);
        expect(tell({ type: 'initiation', customer: 'alice', initiation })).toBe(false);
        if (minor > 0 && affordable) {
          model.deposits.set(name, { deposit: BigInt(minor), endsAtMs, status: 'vouched' });
        }
        break;
      }
      case 'acknowledge': {
        const deposit = convertAmount(eur(known?.deposit ?? 1n), EUR_USD);
        tell({
          ...{ type: 'acknowledged', transaction, operator: 'south', key, notAfterMs: nowMs + 1 },
          acknowledgement: { transaction, rate: EUR_USD, deposit, certificate: bytes, url: 'https://shop' },
        });
        if (known?.status === 'vouched') known.status = 'opened';
        break;
      }
      case 'refuse':
        tell({ type: 'refused', transaction, operator: 'south', code: 'NO', detail: '' });
        if (known?.status === 'vouched') known.status = 'over';
        break;
      case 'silence':
        tell({ type: 'unanswered', transaction });
        if (known?.status === 'vouched') known.status = 'unanswered';
        break;
      case 'clear':
      case 'clear too much':
      case 'clear unproved':
      case 'clear as another': {
        const there = convertAmount(eur(known?.deposit ?? 1n), EUR_USD).minor;
        const paid = (there * BigInt(minor)) / 1000n;
        const unused = there - paid + (type === 'clear too much' ? 1n : 0n);
        const taken = tell({
          ...{ type: 'clearing', bytes, operator: type === 'clear as another' ? 'east' : 'south' },
          clearing: {
            ...{ transaction, merchant: 'shop', accountManager: 'north', paid: usd(paid), unused: usd(unused) },
            ...{ rate: EUR_USD, count: 0, head: bytes.slice(8), reasons: ['.'], atMs: 0 },
            ...(type === 'clear unproved' ? {} : { released: shownReleased(transaction, usd(paid)) }),
          },
        });
        expect(taken).toBe(open && (type === 'clear' || (type === 'clear unproved' && paid === 0n)));
        if (!taken || known === undefined) break;
        known.status = 'over';
        const back = (unused * EUR_USD.denominator) / EUR_USD.numerator;
        model.balance -= paid === 0n ? 0n : known.deposit - back;
        model.owed += paid;
        break;
      }
      case 'record':
        tell({
          ...{ type: 'record', bytes },
          record: {
            ...{ transaction, by: 'customer', count: 0, units: 0, unitNano: 1, currency: 'USD' },
            ...{ head: bytes.slice(8), atMs: 0 },
          },
        });
        break;
      case 'settle':
        tell({ type: 'settle' });
        model.owed = 0n;
        break;
      case 'fund':
        if (minor === 0) break;
        expect(tell({ type: 'fund', id: 'x', customer: 'alice', amount: eur(BigInt(minor) * 50n) })).toBe(true);
        model.balance += BigInt(minor) * 50n;
        break;
      case 'days':
        nowMs += minor * 86_400_000;
        tell({ type: 'lapse' });
        for (const deposit of model.deposits.values()) {
          if (deposit.endsAtMs + CLEARING_GRACE_MS <= nowMs) deposit.status = 'over';
        }
        for (const session of [...state.sessions.keys()]) tell({ type: 'idle', session });
        break;
      case 'snapshot':
        state = machine.restore(machine.snapshot(state));
        break;
    }
    const alice = findAccount(state.ledger, 'customer:alice')!;
    expect({ type, balance: alice.balance, held: alice.held }).toEqual({ type, balance: model.balance, held: held() });
    expect(findPosition(state.ledger, 'south', 'USD')!.weOweMinor).toBe(model.owed);
    expect(alice.available).toBeGreaterThanOrEqual(0n);
  }
  const replayed = machine.initial();
  for (const encoded of records) machine.apply(replayed, decodeCborExact(encoded) as unknown as AccountRecord);
  expect(machine.snapshot(replayed)).toEqual(machine.snapshot(state));
}

describe('an account manager', () => {
  it('agrees with the model after any steps in any order, and replays to the same state', () => {
    assert(
      property(array(step, { maxLength: 60 }), (steps) => run(steps)),
      { numRuns: 300 },
    );
  });
});

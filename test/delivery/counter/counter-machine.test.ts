/** The counter as a machine: nothing is paid before all is accepted, nothing accepted stays without an answer. */
import { describe, expect, test } from 'vitest';
import { decodeShape, encodeShape } from '../../../src/crypto/signed-message.ts';
import {
  attestedType,
  attestType,
  payType,
  placedType,
  toldType,
} from '../../../src/delivery/counter/counter-errand.ts';
import { type CounterInput, createCounter } from '../../../src/delivery/counter/counter-machine.ts';
import { type CounterState, type SaleRecord, saleIn } from '../../../src/delivery/counter/sale.ts';
import type { Decision, Outgoing, Reply } from '../../../src/journal/machine.ts';

const PAYMENT = 'aa';
const machine = createCounter({ paymentWaitMs: 1000 });
const digest = (byte: number) => new Uint8Array(32).fill(byte);

/** Lets a sale of so many parts go through inputs; what is recorded is applied as a host does. */
function counter(parts = 1) {
  let state: CounterState = machine.initial();
  const records: SaleRecord[] = [];
  const sent: Outgoing[] = [];
  let nowMs = 1000;
  const tell = (input: CounterInput): Decision<SaleRecord> => {
    const decision = machine.decide(state, input, { nowMs: nowMs++, random: (length) => new Uint8Array(length) });
    for (const record of decision.records) {
      machine.apply(state, record);
      records.push(record);
    }
    // Every step is survived.
    state = machine.restore(machine.snapshot(state));
    sent.push(...(decision.send ?? []));
    return decision;
  };
  const shares = Array.from({ length: parts }, () => 100n);
  tell({ type: 'begin', payment: PAYMENT, order: digest(9), shares, deadlineMs: 9000 });
  return {
    tell,
    sent,
    accept: (part: number, byte = part + 1, attestor = 'https://bank') =>
      tell({ type: 'accept', payment: PAYMENT, part, accept: digest(byte), attestor }),
    reply: (step: string, outcome: Reply['outcome']) =>
      tell(machine.received({ id: `${PAYMENT}/${step}`, to: '', kind: '', outcome })),
    steps: () => sent.map(({ id }) => id.split('/')[1]),
    told: () => sent.filter(({ id }) => id.endsWith('/told')).map(({ body }) => decodeShape(toldType, body)),
    sale: () => saleIn(records)!,
    isOpen: () => state.sales.has(PAYMENT),
  };
}

const attested = (outcome: 'paid' | 'void') => ({
  type: 'answered' as const,
  body: encodeShape(attestedType, { outcome, evidence: digest(7) }),
});
const ended = (transaction: string, reason = '', declined = false): CounterInput => ({
  ...{ type: 'ended', payment: PAYMENT, transaction, reason, declined },
});

describe('accept, then pay', () => {
  test('nothing is paid before every part is accepted, and then all of them at once', () => {
    const one = counter(2);
    one.accept(0);
    expect(one.steps()).toEqual(['begin-0', 'begin-1']);
    one.accept(1);
    const pay = one.sent.find(({ id }) => id.endsWith('/pay'))!;
    expect(decodeShape(payType, pay.body).parts).toEqual([
      { accept: digest(1), minor: 100n },
      { accept: digest(2), minor: 100n },
    ]);
  });

  test('an accept that comes again changes nothing; another one in its place is refused', () => {
    const one = counter();
    one.accept(0);
    expect(one.accept(0).records).toEqual([]);
    expect(() => one.accept(0, 5)).toThrow(expect.objectContaining({ code: 'ACCEPTED_OTHERWISE' }));
    expect(one.steps().filter((step) => step === 'pay')).toHaveLength(1);
  });

  test('two trustees cannot settle one payment', () => {
    const one = counter(2);
    one.accept(0);
    expect(() => one.accept(1, 2, 'https://other')).toThrow(expect.objectContaining({ code: 'ORDER_REFUSED' }));
  });

  test('the merchant’s word is not enough: whoever attests settles it', () => {
    const one = counter();
    one.accept(0);
    one.tell(ended('xid'));
    expect(one.sale().phase).toBe('paying');
    const { transaction, attestor } = decodeShape(attestType, one.sent.find(({ id }) => id.endsWith('/attest'))!.body);
    expect({ transaction, attestor }).toEqual({ transaction: 'xid', attestor: 'https://bank' });
    one.reply('attest', attested('paid'));
    expect(one.sale()).toMatchObject({ phase: 'paid', evidence: digest(7) });
    expect(one.told()).toEqual([expect.objectContaining({ outcome: 'paid', transaction: 'xid' })]);
  });
});

describe('what comes to nothing', () => {
  test('one part that is not to be had takes the others with it, and later accepts are refused', () => {
    const one = counter(2);
    one.tell({ type: 'part-ended', reference: `${PAYMENT}.1`, outcome: 'unpaid', reason: 'NEVER_WHOLE' });
    expect(one.told()).toEqual([
      expect.objectContaining({ outcome: 'failed', reason: 'NEVER_WHOLE', transaction: '' }),
    ]);
    expect(() => one.accept(0)).toThrow(expect.objectContaining({ code: 'ORDER_OVER' }));
    expect(one.isOpen()).toBe(false);
  });

  test('an offer that is refused, or too late, takes it off', () => {
    for (const outcome of [{ type: 'expired' }, { type: 'refused', code: 'GOODS_UNKNOWN', detail: '' }] as const) {
      const one = counter();
      one.reply('begin-0', outcome);
      expect(one.sale().phase).toBe('off');
    }
  });

  test('what the wallet never placed is off at once; what it placed only when it is void for ever', () => {
    const never = counter();
    never.accept(0);
    never.tell(ended('', 'DEADLINE'));
    expect(never.sale()).toMatchObject({ phase: 'off', reason: 'DEADLINE' });

    const placed = counter();
    placed.accept(0);
    placed.tell(ended('xid', 'ORDER_REJECTED'));
    expect(placed.sale().phase).toBe('paying');
    placed.reply('attest', attested('void'));
    expect(placed.told()).toEqual([
      expect.objectContaining({ outcome: 'failed', reason: 'ORDER_REJECTED', transaction: '' }),
    ]);
  });

  test('a merchant that says declined, and charged, has charged: the operator’s word counts', () => {
    const one = counter();
    one.accept(0);
    one.tell(ended('xid', 'callIssuer', true));
    one.reply('attest', attested('paid'));
    expect(one.told()).toEqual([expect.objectContaining({ outcome: 'paid' })]);
    const declined = counter();
    declined.accept(0);
    declined.tell(ended('xid', 'callIssuer', true));
    declined.reply('attest', attested('void'));
    expect(declined.told()).toEqual([expect.objectContaining({ outcome: 'declined', reason: 'callIssuer' })]);
  });
});

describe('silence', () => {
  const placed = (transaction: string) => ({
    type: 'answered' as const,
    body: encodeShape(placedType, { transaction }),
  });

  test('a payment nobody answers for is asked about, again while nothing is placed, once it is at whoever attests', () => {
    const one = counter();
    const { timers } = one.accept(0);
    expect(timers).toEqual([{ id: PAYMENT, atMs: expect.any(Number) }]);
    one.tell(machine.fired({ id: PAYMENT, atMs: 0 }));
    expect(one.steps().at(-1)).toBe('question-1');
    expect(one.reply('question-1', placed('')).timers).toHaveLength(1);
    one.tell(machine.fired({ id: PAYMENT, atMs: 0 }));
    one.reply('question-2', placed('xid'));
    expect(one.steps().at(-1)).toBe('attest');
    one.reply('attest', attested('void'));
    expect(one.told()).toEqual([expect.objectContaining({ outcome: 'failed', reason: 'MERCHANT_SILENT' })]);
  });

  test('what the merchant says after that changes nothing', () => {
    const one = counter();
    one.accept(0);
    one.tell({ type: 'overdue', payment: PAYMENT });
    one.reply('question-1', placed('xid'));
    expect(one.tell(ended('xid')).records).toEqual([]);
    one.reply('attest', attested('paid'));
    expect(one.tell(ended('xid', 'ORDER_REJECTED')).records).toEqual([]);
    expect(one.told()).toHaveLength(1);
  });
});

test('a sale is kept until the last of its parts has ended', () => {
  const one = counter(2);
  one.accept(0);
  one.accept(1);
  one.tell(ended('xid'));
  one.reply('attest', attested('paid'));
  one.tell({ type: 'part-ended', reference: `${PAYMENT}.0`, outcome: 'delivered', reason: '' });
  expect(one.isOpen()).toBe(true);
  one.tell({ type: 'part-ended', reference: `${PAYMENT}.1`, outcome: 'ruled', reason: 'refund' });
  expect(one.isOpen()).toBe(false);
  expect(one.sale().parts.map(({ outcome }) => outcome)).toEqual(['delivered', 'ruled']);
});

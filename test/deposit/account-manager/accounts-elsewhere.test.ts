/** Accounts that are kept elsewhere: nothing is vouched for before it is held there, and whatever ends a deposit ends its hold, once. */
import { describe, expect, it } from 'vitest';
import { decodeCborExact, encodeCborExact } from '../../../src/codec/cbor.ts';
import type { CborValue } from '../../../src/codec/cbor-value.ts';
import { parseCose1 } from '../../../src/crypto/cose-sign1.ts';
import { contentTypeOf, decodeShape, encodeShape, readMessage } from '../../../src/crypto/signed-message.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import { restoreAccounts, snapshotAccounts } from '../../../src/deposit/account-manager/account-state.ts';
import {
  type HoldAnswer,
  holdAnswerType,
  holdType,
  postType,
  releaseType,
} from '../../../src/deposit/account-manager/elsewhere-message.ts';
import { CLEARING_GRACE_MS } from '../../../src/deposit/message/conclusion.ts';
import { depositRefusedType, openedType } from '../../../src/deposit/message/initiation.ts';
import type { CourierResult } from '../../../src/journal/courier.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import { answered, type BankOptions, type Banks, DAY_MS, eur, NOTHING, openBanks, policyOf, usd } from './banks.ts';

const T = 'north.1.1';
const heldThere = (answer: HoldAnswer = { outcome: 'held', available: eur(77n) }): CourierResult =>
  answered(encodeShape(holdAnswerType, answer));

/** Says what it is told to a hold, and takes everything else; it keeps what it was asked. */
async function openElsewhere(
  hold: (asked: number) => CourierResult | Promise<CourierResult> = () => heldThere(),
  more: BankOptions = {},
) {
  const asked: Outgoing[] = [];
  const accounts = (body: Uint8Array, message: Outgoing) => {
    asked.push(message);
    const holds = asked.filter(({ to }) => to === 'accounts:hold').length;
    if (message.to === 'accounts:hold') return hold(holds);
    return answered(message.to === 'accounts:post' ? body : NOTHING);
  };
  const banks = await openBanks({ ...more, accounts });
  await banks.logOn();
  return { banks, asked, kinds: () => asked.map(({ to }) => to) };
}

const refusalIn = (answer: Uint8Array) => readMessage(depositRefusedType, answer).value;
const isRefusal = (answer: Uint8Array) =>
  parseCose1(answer, { maxBytes: answer.length }).contentType === contentTypeOf(depositRefusedType);
const customer = (banks: Banks) => banks.balance('north', 'customer:alice');

describe('a deposit from accounts elsewhere', () => {
  it('is held there before anybody is told, and the customer hears what is left there', async () => {
    let release = (_: CourierResult) => {};
    const { banks, asked } = await openElsewhere(() => new Promise((resolve) => (release = resolve)));
    const opening = banks.initiate(T);
    opening.catch(() => {});
    await banks.pass(100);
    expect(decodeShape(holdType, asked[0]!.body)).toEqual({
      ...{ transaction: T, customer: 'alice', amount: eur(2_000n) },
      untilMs: banks.host('north').state.asking.get(T)!.terms.endsAtMs + CLEARING_GRACE_MS,
    });
    expect(banks.amended()).toEqual([]);
    expect(customer(banks).held).toBe(0n);
    release(heldThere());
    const opened = readMessage(openedType, await opening).value;
    expect(opened).toMatchObject({ deposit: usd(2_164n), available: eur(77n) });
    expect(banks.amended()).toHaveLength(1);
    expect(customer(banks).held).toBe(2_000n);
    expect(banks.host('north').state.asking.size).toBe(0);
  });

  it('is debited there with what was used of it, and what was withdrawn here comes in from there', async () => {
    const { banks, asked, kinds } = await openElsewhere();
    await banks.initiate(T);
    const clearing = banks.clearing(T);
    await banks.clear('north', clearing);
    await banks.clear('north', clearing);
    await banks.pass(10);
    expect(kinds()).toEqual(['accounts:hold', 'accounts:post']);
    expect(decodeShape(postType, asked[1]!.body)).toEqual({ transaction: T, customer: 'alice', amount: eur(1_387n) });
    expect(customer(banks)).toMatchObject({ balance: 0n, held: 0n });
    expect(banks.balance('north', 'funding:EUR').balance).toBe(-1_387n);
    banks.check();
  });

  it('is released there when nothing was bought, when it is refused, and when its time is over', async () => {
    const nothing = await openElsewhere();
    await nothing.banks.initiate(T);
    await nothing.banks.clear('north', nothing.banks.clearing(T, { paid: usd(0n), unused: usd(2_164n) }));
    await nothing.banks.pass(10);

    const refused = await openElsewhere();
    refused.banks.acquirer = () => ({ type: 'refused', code: 'MERCHANT_UNKNOWN', detail: '' });
    expect(refusalIn(await refused.banks.initiate(T))).toMatchObject({ code: 'MERCHANT_UNKNOWN' });
    await refused.banks.pass(10);

    const lapsed = await openElsewhere();
    await lapsed.banks.initiate(T);
    await lapsed.banks.pass(DAY_MS + CLEARING_GRACE_MS + 10);

    for (const { banks, asked, kinds } of [nothing, refused, lapsed]) {
      expect(kinds()).toEqual(['accounts:hold', 'accounts:release']);
      expect(decodeShape(releaseType, asked[1]!.body)).toEqual({ transaction: T, customer: 'alice' });
      expect(customer(banks)).toMatchObject({ balance: 0n, held: 0n });
      expect(banks.host('north').state.deposits.size).toBe(0);
    }
  });

  it.each([
    ['declined there', () => heldThere({ outcome: 'declined' })],
    ['refused by what carries it', (): CourierResult => ({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: '' })],
  ])('that is %s is declined once and for all', async (_, hold) => {
    const { banks, kinds } = await openElsewhere(hold);
    const answer = await banks.initiate(T);
    expect(refusalIn(answer)).toMatchObject({ code: 'CREDIT_EXCEEDED' });
    await expect(banks.initiate(T)).rejects.toMatchObject({ code: 'MESSAGE_IDENTITY_REUSED' });
    await banks.pass(DAY_MS);
    expect(kinds()).toEqual(['accounts:hold']);
    expect(banks.amended()).toEqual([]);
    expect(banks.host('north').state).toMatchObject({ deposits: new Map(), asking: new Map() });
  });

  it('that nobody answers for is given up after a while, and released, in case it was held', async () => {
    const { banks, kinds } = await openElsewhere(() => Promise.reject(new Error('away')));
    const opening = banks.initiate(T);
    opening.catch(() => {});
    await banks.pass(301_000);
    expect(kinds().filter((kind) => kind === 'accounts:release')).toHaveLength(1);
    expect(kinds().length).toBeGreaterThan(5);
    // Nobody waited so long; who asks again hears it.
    expect(banks.host('north').state.asking.size).toBe(0);
    expect(banks.amended()).toEqual([]);
  });

  it('whose answer is nonsense is asked for again', async () => {
    const { banks, kinds } = await openElsewhere((asked) => (asked < 3 ? answered(NOTHING) : heldThere()));
    const answer = await banks.patiently(banks.initiate(T), 10_000);
    expect(isRefusal(answer)).toBe(false);
    expect(kinds()).toEqual(['accounts:hold', 'accounts:hold', 'accounts:hold']);
  });

  it('is asked for again after a restart, under the same id, and opens once', async () => {
    const { banks, asked } = await openElsewhere((n) => (n === 1 ? new Promise(() => undefined) : heldThere()));
    banks.initiate(T).catch(() => {});
    await banks.pass(50);
    expect(restoreAccounts(snapshotAccounts(banks.host('north').state))).toEqual(banks.host('north').state);
    await banks.restart('north');
    await banks.pass(100);
    expect(asked.map(({ id }) => id)).toEqual([`account-hold:${T}`, `account-hold:${T}`]);
    expect(customer(banks).held).toBe(2_000n);
    expect(banks.amended()).toHaveLength(1);
  });

  it('whose hold comes when its session is forgotten or its end is past is released', async () => {
    for (const change of [{ policy: { sessionIdleMs: 1000 } }, {}]) {
      const { banks, kinds } = await openElsewhere(async (n) => {
        if (n === 1) throw new Error('away');
        return heldThere();
      }, change);
      const machine = createAccountManager(policyOf('north', { ...change, accounts: () => heldThere() }));
      banks.initiate(T, { endsAtMs: banks.clock.nowMs() + 5000 }).catch(() => {});
      await banks.pass(1);
      const { state } = banks.host('north');
      const late = restoreAccounts(snapshotAccounts(state));
      if (change.policy !== undefined) late.sessions.clear();
      const nowMs = banks.clock.nowMs() + (change.policy === undefined ? 5000 : 0);
      const decision = machine.decide(
        late,
        { type: 'hold-answered', transaction: T, held: true, silent: false },
        { nowMs, random: () => new Uint8Array(16) },
      );
      expect(decision.records.map(({ type }) => type)).toEqual(['declined']);
      expect(decision.send?.map(({ to }) => to)).toEqual(['accounts:release']);
      for (const record of decision.records) machine.apply(late, record);
      expect(late.asking.size).toBe(0);
      expect(kinds()[0]).toBe('accounts:hold');
    }
  });

  it('has no limit here, and nothing is paid in here', async () => {
    const { banks } = await openElsewhere();
    const answer = await banks.initiate(T, { deposit: eur(900_000_000n) });
    expect(readMessage(openedType, answer).value.deposit.minor).toBeGreaterThan(900_000_000n);
    await expect(
      banks.tell('north', { type: 'fund', id: 'x', customer: 'alice', amount: eur(1n) }),
    ).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
  });
});

it('snapshots of before, without deposits that wait for money, are read', async () => {
  const banks = await openBanks();
  await banks.logOn();
  await banks.initiate(T);
  const { state } = banks.host('north');
  const bytes = snapshotAccounts(state);
  const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as CborValue[];
  const read = restoreAccounts(encodeCborExact(parts.slice(0, 6)));
  expect([read.asking.size, read.deposits.get(T)!.available]).toEqual([0, null]);
  expect(read.deposits).toEqual(state.deposits);
});

/** One shard of an operator's accounts by itself: what it keeps, what it leaves to others, and numbers that only the operator can read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/codec/hex.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { encodeShape, readMessage, signMessage } from '../../../src/crypto/signed-message.ts';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import { MAX_SHARDS, sessionNumber, sessionPlace } from '../../../src/deposit/account-manager/session-number.ts';
import { betweenShards, createShardMap, type ShardMap } from '../../../src/deposit/account-manager/shard-map.ts';
import { receiveCarried } from '../../../src/deposit/account-manager/take-carried.ts';
import { carriedClearingType } from '../../../src/deposit/message/carried-clearing.ts';
import { clearingInformationType } from '../../../src/deposit/message/conclusion.ts';
import { initiationType, loggedOnType, logOnType } from '../../../src/deposit/message/initiation.ts';
import { openHost } from '../../../src/journal/host.ts';
import { createMemoryJournal, type MemoryDisk } from '../../../src/journal/memory-journal.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import { silentLog } from '../../../src/transport/log.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { DAY_MS, EUR_USD, eur, HOUR_MS, keysOf, policyOf, signerOf, takeIn, usd } from './banks.ts';

const KEY = sha256(utf8('a key'));
const mapOf = (count: number): ShardMap => createShardMap({ operator: 'north', count, key: KEY });

/** A shard of north, or all of it. */
async function openShard(shard: { readonly number: number; readonly count: number } | undefined, disk?: MemoryDisk) {
  const clock = createVirtualClock();
  const journal = createMemoryJournal(disk === undefined ? {} : { disk });
  const own = shard && { shard: { number: shard.number, map: mapOf(shard.count) } };
  const host = await openHost({
    machine: createAccountManager(policyOf('north', { policy: { ...own, merchantUrl: knownMerchant } })),
    journal,
    clock,
    random: systemRandom,
    courier: { deliver: () => new Promise(() => undefined) },
    log: silentLog(),
  });
  const tell = (input: AccountInput) => host.submit(input);
  return { host, clock, tell, powerCut: () => journal.powerCut() };
}

const knownMerchant = (name: string) => (name === 'nobody' ? undefined : `https://${name}`);
const SET_UP: AccountInput = { type: 'set-up', currencies: ['EUR', 'USD'] };

describe('session numbers', () => {
  const place = fc.record({ shard: fc.nat(MAX_SHARDS - 1), count: fc.integer({ min: 1, max: 2 ** 40 - 1 }) });

  it('lead back to the shard for whoever has the key, fit an identity, and are never given twice', () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const number = sessionNumber(KEY, one);
        expect(sessionPlace(KEY, number)).toEqual(one);
        expect(String(number)).toMatch(/^[1-9][0-9]{0,14}$/);
        const same = one.shard === other.shard && one.count === other.count;
        expect(sessionNumber(KEY, other) === number).toBe(same);
      }),
    );
  });

  it('do not show the shard: its numbers are spread like any others', () => {
    for (const shard of [0, 1]) {
      const numbers = Array.from({ length: 512 }, (_, at) => sessionNumber(KEY, { shard, count: at + 1 }));
      const odd = numbers.filter((number) => number % 2 === 1).length;
      const upper = numbers.filter((number) => number > 2 ** 47).length;
      for (const half of [odd, upper]) expect(Math.abs(half - 256)).toBeLessThan(80);
    }
  });

  it('are taken from nobody who makes them up', () => {
    for (const number of [0, -1, 1.5, 2 ** 48 + 1, Number.NaN]) expect(sessionPlace(KEY, number)).toBeUndefined();
    const map = mapOf(2);
    const made = map.sessionOf({ shard: 1, count: 7 });
    expect(map.ofSession(`${made}.3`)).toBe(1);
    expect(map.ofSession(made.replace('north', 'south'))).toBeUndefined();
    const { length: known } = Array.from({ length: 2000 }, (_, at) => map.ofSession(`north.${at + 1}.1`)).filter(
      (shard) => shard !== undefined,
    );
    // Two of 256 shards exist.
    expect(known).toBeLessThan(60);
    for (const odd of ['', 'north', 'north.', 'north.0.1', 'north.x.1', `north.${'9'.repeat(16)}.1`]) {
      expect(map.ofSession(odd)).toBeUndefined();
    }
  });
});

describe('the map of shards', () => {
  it('gives every name one shard, and each shard its part of all names', () => {
    const map = mapOf(4);
    const counts = [0, 0, 0, 0];
    for (let at = 0; at < 4000; at++) counts[map.ofCustomer(`customer ${at}`)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('is of 1 to 256 shards', () => {
    for (const count of [0, 257, 1.5])
      expect(() => mapOf(count)).toThrow(expect.objectContaining({ code: 'DEPOSIT_REFUSED' }));
  });
});

describe('a shard', () => {
  it('knows its place for ever: its journal is no use as another, and none of it as all', async () => {
    const first = await openShard({ number: 1, count: 3 });
    await first.tell(SET_UP);
    const disk = first.powerCut();
    for (const other of [{ number: 0, count: 3 }, { number: 1, count: 4 }, undefined]) {
      const { tell } = await openShard(other, disk);
      await expect(tell(SET_UP)).rejects.toMatchObject({ code: 'SHARDS_CHANGED' });
    }
    const again = await openShard({ number: 1, count: 3 }, disk);
    await again.tell(SET_UP);
    expect(again.host.state.cut).toEqual({ shard: 1, of: 3 });

    const whole = await openShard(undefined);
    await whole.tell(SET_UP);
    const { tell } = await openShard({ number: 0, count: 3 }, whole.powerCut());
    await expect(tell(SET_UP)).rejects.toMatchObject({ code: 'SHARDS_CHANGED' });
  });

  it('still knows it from a snapshot', async () => {
    const { host, tell } = await openShard({ number: 1, count: 3 });
    await tell(SET_UP);
    const machine = createAccountManager(policyOf('north'));
    expect(machine.restore(machine.snapshot(host.state as never)).cut).toEqual({ shard: 1, of: 3 });
  });

  it('keeps nobody whom another shard keeps', async () => {
    const map = mapOf(2);
    const { tell } = await openShard({ number: map.ofCustomer('alice'), count: 2 });
    await tell(SET_UP);
    await tell({ type: 'open-account', of: 'customer', name: 'alice', currency: 'EUR' });
    const stranger = Array.from({ length: 20 }, (_, at) => `c${at}`).find(
      (name) => map.ofCustomer(name) !== map.ofCustomer('alice'),
    )!;
    const opening = tell({ type: 'open-account', of: 'customer', name: stranger, currency: 'EUR' });
    await expect(opening).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' });
  });

  it('vouches for merchants of ours in other shards that the operator knows, and for no others', async () => {
    const map = mapOf(2);
    const number = map.ofCustomer('alice');
    const shop = Array.from({ length: 20 }, (_, at) => `m${at}`).find((name) => map.ofMerchant(name) !== number)!;
    const { host, clock, tell } = await openShard({ number, count: 2 });
    await tell(SET_UP);
    await tell({ type: 'open-account', of: 'customer', name: 'alice', currency: 'EUR', creditLineMinor: 5_000n });
    const initiate = async (merchant: string) => {
      const logOn = { reference: merchant, merchant, atMs: clock.nowMs() };
      const answer = await takeIn(host, logOnType.name, signMessage(logOnType, logOn, signerOf('alice')));
      const { transaction } = readMessage(loggedOnType, answer).value;
      expect(map.ofSession(transaction)).toBe(number);
      const initiation = {
        ...{ transaction, deposit: eur(1_000n), merchant, merchantOperator: 'north', merchantCurrency: 'EUR' },
        ...{ key: exportPoint(keysOf('temporary').publicKey), order: { units: 5, unitNano: 1000 } },
        ...{ idleMs: HOUR_MS, endsAtMs: clock.nowMs() + DAY_MS },
      };
      return takeIn(host, initiationType.name, signMessage(initiationType, initiation, signerOf('alice')));
    };
    await expect(initiate('nobody')).rejects.toMatchObject({ code: 'MERCHANT_UNKNOWN' });
    void initiate(shop).catch(() => undefined);
    await clock.run(clock.nowMs() + 10);
    expect(host.state.deposits.size).toBe(1);
  });

  it('never refuses what another shard has booked: it waits until the payee can be paid', async () => {
    const map = mapOf(2);
    const number = map.ofMerchant('kiosk');
    const { host, clock, tell } = await openShard({ number, count: 2 });
    await tell(SET_UP);
    const clearing = {
      ...{ transaction: 'north.5.1', merchant: 'kiosk', accountManager: 'north', rate: EUR_USD, count: 1 },
      ...{ paid: usd(700n), unused: usd(0n), head: sha256(utf8('list')), reasons: ['Agreed.'], atMs: clock.nowMs() },
    };
    const signed = signMessage(clearingInformationType, clearing, signerOf('north'));
    const body = encodeShape(carriedClearingType, { from: 1 - number, operator: 'north', clearing: signed });
    await expect(host.handle(receiveCarried(body))).rejects.toMatchObject({ code: 'ANSWER_PENDING' });
    await tell({ type: 'open-account', of: 'merchant', name: 'kiosk', currency: 'USD' });
    const answer = await host.handle(receiveCarried(body));
    expect(await host.handle(receiveCarried(body))).toEqual(answer);
    expect(findAccount(host.state.ledger, 'merchant:USD:kiosk')!.balance).toBe(700n);
    expect(findAccount(host.state.ledger, betweenShards('north', 1 - number, 'USD'))!.balance).toBe(-700n);
  });
});

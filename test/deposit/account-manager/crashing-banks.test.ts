/** Deposits between two account managers that crash at any boundary, over a network that loses and repeats: all money is found again. */
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { parseCose1 } from '../../../src/crypto/cose-sign1.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import {
  contentTypeOf,
  decodeShape,
  encodeShape,
  readMessage,
  signMessage,
} from '../../../src/crypto/signed-message.ts';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import type { AccountState } from '../../../src/deposit/account-manager/account-state.ts';
import {
  holdAnswerType,
  holdType,
  postType,
  releaseType,
} from '../../../src/deposit/account-manager/elsewhere-message.ts';
import {
  depositRecordType,
  readBillingRecord,
  withdrawalRecordType,
} from '../../../src/deposit/message/billing-record.ts';
import {
  clearingInformationType,
  statementType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import {
  depositRefusedType,
  initiationType,
  loggedOnType,
  logOnType,
  openedType,
} from '../../../src/deposit/message/initiation.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { listPositions } from '../../../src/ledger/clearing.ts';
import { assertLedger } from '../../../src/ledger/invariant.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import { forEachSeed } from '../../world/for-each-seed.ts';
import { createWorld, type Party, roughWorld, type World, type WorldMachine } from '../../world/simulation.ts';
import {
  acknowledge,
  type BankHost,
  type BankOptions,
  DAY_MS,
  EUR_USD,
  eur,
  keysOf,
  policyOf,
  shownReleased,
  signerOf,
  takeIn,
  usd,
} from './banks.ts';

type Bank = WorldMachine<AccountState, AccountInput, AccountRecord>;
const START = 20_000n;

function addBank(world: World, name: 'north' | 'south', options: BankOptions): Bank {
  const serve = async (host: BankHost, kind: string, body: Uint8Array) => {
    try {
      if (kind !== 'fund') return await takeIn(host, kind, body);
      const input: AccountInput = { type: 'fund', id: 'salary', customer: 'alice', amount: eur(START) };
      return await host.handle({ messageId: 'fund:salary', digest: sha256(body), input });
    } catch (error) {
      // The peer asks again, as the transport has it do.
      const later = ['HOST_STOPPED', 'ANSWER_PENDING'];
      if (error instanceof HandselError && later.includes(error.code)) return undefined;
      throw error;
    }
  };
  return world.addMachine<AccountState, AccountInput, AccountRecord>(
    name,
    (): Party<AccountState, AccountInput, AccountRecord> => ({
      machine: createAccountManager(policyOf(name, options)),
      arrived: () => ({ type: 'told' }),
      serve: (host, { kind, body }) => serve(host, kind, body),
      snapshotEvery: 7,
    }),
    { routes: [`https://${name}/`] },
  );
}

/** Accounts that never crash: each hold once, whatever is repeated, and none after its release. */
function addAccounts(world: World) {
  const holds = new Map<
    string,
    { status: 'held' | 'posted' | 'released' | 'declined'; minor: bigint; taken: bigint }
  >();
  const available = () => {
    let left = START;
    for (const { status, minor, taken } of holds.values()) left -= status === 'held' ? minor : taken;
    return left;
  };
  world.addServer('accounts:hold', ({ body }) => {
    const { transaction, amount } = decodeShape(holdType, body);
    const covered = amount.minor <= available();
    const known = holds.get(transaction);
    const hold = known ?? { status: covered ? 'held' : 'declined', minor: amount.minor, taken: 0n };
    holds.set(transaction, hold);
    const held = hold.status === 'held' || hold.status === 'posted';
    return encodeShape(holdAnswerType, { outcome: held ? 'held' : 'declined' });
  });
  world.addServer('accounts:post', ({ body }) => {
    const { transaction, amount } = decodeShape(postType, body);
    const hold = holds.get(transaction)!;
    expect(['held', 'posted']).toContain(hold.status);
    expect(amount.minor).toBeLessThanOrEqual(hold.minor);
    holds.set(transaction, { ...hold, status: 'posted', taken: amount.minor });
    return body;
  });
  world.addServer('accounts:release', ({ body }) => {
    const { transaction } = decodeShape(releaseType, body);
    expect(holds.get(transaction)?.status).not.toBe('posted');
    holds.set(transaction, { status: 'released', minor: 0n, taken: 0n });
    return encodeCbor(null);
  });
  return { available, open: () => [...holds.values()].filter(({ status }) => status === 'held').length };
}

async function sim(seed: number, watch: (world: World) => void, elsewhere = false) {
  const world = createWorld(seed, roughWorld);
  watch(world);
  const accounts = addAccounts(world);
  const options: BankOptions = elsewhere ? { accounts: () => ({ type: 'refused', code: 'NOBODY', detail: '' }) } : {};
  const acknowledgements = new Map<string, Uint8Array>();
  const billed = { withdrawn: new Map<string, bigint>(), paid: new Map<string, bigint>() };
  /** What was told besides, by id and what became of it: sums in minor units. */
  const others = new Map<string, bigint>();
  world.addServer('https://south/deposit/amended-initiation', ({ id, body }) => {
    const known = acknowledgements.get(id) ?? acknowledge(body, 'south');
    acknowledgements.set(id, known);
    return known;
  });
  world.addServer('https://south/deposit/record', () => encodeCbor(null));
  world.addServer('https://shop/deposit/statement', () => encodeCbor(null));
  world.addServer('billing:withdrawal', ({ body }) => {
    const { transaction, withdrawn } = decodeShape(withdrawalRecordType, body);
    expect(billed.withdrawn.get(transaction) ?? withdrawn.minor).toBe(withdrawn.minor);
    billed.withdrawn.set(transaction, withdrawn.minor);
    return encodeCbor(null);
  });
  world.addServer('billing:deposit', ({ body }) => {
    const { transaction, paid } = decodeShape(depositRecordType, body);
    billed.paid.set(transaction, paid.minor);
    return encodeCbor(null);
  });
  for (const type of ['clearing', 'settlement', 'funding'] as const) {
    world.addServer(`billing:${type}`, ({ body }) => {
      const billing = readBillingRecord(type, body);
      if (billing.type !== type) throw new Error('another kind');
      const key = `${billing.id} ${'direction' in billing ? billing.direction : 'in'}`;
      expect(others.get(key) ?? billing.amount.minor).toBe(billing.amount.minor);
      others.set(key, billing.amount.minor);
      return encodeCbor(null);
    });
  }
  const north = addBank(world, 'north', options);
  const south = addBank(world, 'south', options);
  const wait = (ms: number) => new Promise<void>((resolve) => world.clock.after(world.random.fraction() * ms, resolve));
  const ask = async (to: string, kind: string, body: Uint8Array, from: string) => {
    const id = `${kind} ${Buffer.from(sha256(body)).toString('hex')}`;
    const result = await world.send(from, { id, to, kind, body });
    if (result.type !== 'answered') throw new Error(`${kind} is refused: ${result.code}`);
    return result.body;
  };

  const expected = { withdrawn: 0n, paid: 0n, deposits: 0 };
  const refusals: string[] = [];
  const trade = async (reference: string) => {
    await wait(3000);
    const logOn = { reference, merchant: 'shop', atMs: world.clock.nowMs() };
    const loggedOn = await ask('north', logOnType.name, signMessage(logOnType, logOn, signerOf('alice')), 'alice');
    const { transaction } = readMessage(loggedOnType, loggedOn).value;
    const initiation = {
      ...{ transaction, deposit: eur(3_000n), merchant: 'shop', merchantOperator: 'south', merchantCurrency: 'USD' },
      ...{ key: exportPoint(keysOf('temporary').publicKey), order: { units: 5, unitNano: 1000 } },
      ...{ idleMs: 5000, endsAtMs: world.clock.nowMs() + DAY_MS },
    };
    const asked = signMessage(initiationType, initiation, signerOf('alice'));
    const answer = await ask('north', initiationType.name, asked, 'alice');
    if (parseCose1(answer, { maxBytes: answer.length }).contentType === contentTypeOf(depositRefusedType)) {
      refusals.push(readMessage(depositRefusedType, answer).value.code);
      return;
    }
    const { deposit } = readMessage(openedType, answer).value;
    expect(deposit).toEqual(usd(3_246n));
    await wait(2000);
    const record = signMessage(
      transactionRecordType,
      {
        ...{ transaction, by: 'customer' as const, count: 3, units: 15, unitNano: 1_000_000_000, currency: 'USD' },
        ...{ head: sha256(loggedOn), atMs: world.clock.nowMs() },
      },
      { privateKey: keysOf('temporary').privateKey },
    );
    const statement = ask('north', transactionRecordType.name, record, 'alice');
    await wait(2000);
    const paid = BigInt(world.random.below(3_247));
    const clearing = signMessage(
      clearingInformationType,
      {
        ...{ transaction, merchant: 'shop', accountManager: 'north', paid: usd(paid), unused: usd(3_246n - paid) },
        ...{ rate: EUR_USD, count: 3, head: sha256(record), reasons: ['Agreed.'], atMs: world.clock.nowMs() },
        released: shownReleased(transaction, usd(paid)),
      },
      signerOf('south'),
    );
    await Promise.all(['north', 'south'].map((bank) => ask(bank, clearingInformationType.name, clearing, 'acquirer')));
    const { booked } = readMessage(statementType, await statement).value;
    expected.withdrawn += booked.minor;
    expected.paid += paid;
    expected.deposits += 1;
  };

  const life = async () => {
    for (const bank of [north, south]) await bank.insist({ type: 'set-up', currencies: ['EUR', 'USD'] });
    await north.insist({ type: 'open-account', of: 'customer', name: 'alice', currency: 'EUR' });
    await south.insist({ type: 'open-account', of: 'merchant', name: 'shop', currency: 'USD' });
    if (!elsewhere) await ask('north', 'fund', encodeCbor(null), 'alice');
    await Promise.all([
      ...Array.from({ length: 10 }, (_, at) => trade(`${at}`)),
      wait(6000).then(() => north.insist({ type: 'settle' })),
    ]);
    await north.insist({ type: 'settle' });
  };
  let over: unknown = 'unfinished';
  life().then(
    () => {
      over = undefined;
    },
    (error) => {
      over = error;
    },
  );
  await world.run(world.clock.nowMs() + 30_000);
  await world.calm(600_000);
  expect(over).toBeUndefined();

  const [customers, merchants] = [north.host!.state, south.host!.state];
  for (const { ledger } of [customers, merchants]) assertLedger(ledger);
  const alice = findAccount(customers.ledger, 'customer:alice')!;
  const left = START - expected.withdrawn;
  expect([alice.balance, alice.held]).toEqual([elsewhere ? 0n : left, 0n]);
  expect([accounts.available(), accounts.open()]).toEqual([elsewhere ? left : START, 0]);
  expect(findAccount(merchants.ledger, 'merchant:USD:shop')!.balance).toBe(expected.paid);
  expect(findAccount(customers.ledger, 'settlement:USD')!.balance).toBe(expected.paid);
  expect(findAccount(merchants.ledger, 'settlement:USD')!.balance).toBe(-expected.paid);
  for (const { ledger } of [customers, merchants]) {
    expect(listPositions(ledger).every(({ weOweMinor, theyOweMinor }) => weOweMinor === theyOweMinor)).toBe(true);
  }
  const sum = (bills: ReadonlyMap<string, bigint>) => [...bills.values()].reduce((total, minor) => total + minor, 0n);
  expect([sum(billed.withdrawn), sum(billed.paid)]).toEqual([expected.withdrawn, expected.paid]);
  expect([billed.withdrawn.size, billed.paid.size]).toEqual([expected.deposits, expected.deposits]);
  const told = (direction: string) =>
    [...others].reduce((total, [key, minor]) => (key.endsWith(` ${direction}`) ? total + minor : total), 0n);
  expect(['owed', 'due', 'paid', 'received', 'in'].map(told)).toEqual([
    ...Array(4).fill(expected.paid),
    elsewhere ? expected.withdrawn : START,
  ]);
  expect([customers.deposits.size, customers.settlements.size]).toEqual([0, 0]);
  for (const refusal of refusals) expect(['CREDIT_EXCEEDED', 'ACCOUNT_SILENT']).toContain(refusal);
  for (const bank of [north, south]) {
    const before = bank.snapshotNow();
    expect((await bank.lastWords()).snapshot).toEqual(before);
  }
  return { crashes: world.crashes, deposits: expected.deposits, refused: refusals.length };
}

describe('account managers in a world of faults', () => {
  it.each([
    ['kept here', false, 60],
    ['kept elsewhere', true, 40],
  ])(
    'lose and double nothing, owe nobody twice, and come back as they were, with balances %s',
    async (_, elsewhere, seeds) => {
      const totals = { crashes: 0, deposits: 0, refused: 0 };
      await forEachSeed(seeds, async (seed, watch) => {
        const outcome = await sim(seed, watch, elsewhere);
        totals.crashes += outcome.crashes;
        totals.deposits += outcome.deposits;
        totals.refused += outcome.refused;
      });
      if (process.env.HANDSEL_SEED !== undefined) return;
      expect(totals.crashes).toBeGreaterThan(5 * seeds);
      expect(totals.deposits).toBeGreaterThan(6 * seeds);
      expect(totals.refused).toBeGreaterThan(10);
    },
  );
});

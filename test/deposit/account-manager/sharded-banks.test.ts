/**
 * Two operators whose accounts are cut into shards, behind the doors they have in earnest, in a world where every shard crashes at any
 * boundary and the network loses and repeats: all money is found again, on the accounts where it belongs.
 */
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { decodeShape, readMessage, type Signer, signMessage } from '../../../src/crypto/signed-message.ts';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import type { AccountPolicy, Validate } from '../../../src/deposit/account-manager/account-policy.ts';
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import type { AccountState } from '../../../src/deposit/account-manager/account-state.ts';
import { betweenShards, createShardMap, type ShardMap } from '../../../src/deposit/account-manager/shard-map.ts';
import { receiveCarried } from '../../../src/deposit/account-manager/take-carried.ts';
import { depositRecordType, withdrawalRecordType } from '../../../src/deposit/message/billing-record.ts';
import { carriedClearingType } from '../../../src/deposit/message/carried-clearing.ts';
import {
  clearingInformationType,
  statementType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import {
  amendedInitiationType,
  initiationType,
  loggedOnType,
  logOnType,
  openedType,
  operatorAcknowledgementType,
} from '../../../src/deposit/message/initiation.ts';
import { pathOf } from '../../../src/deposit/message/route.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import type { Host } from '../../../src/journal/host.ts';
import { clearingAccount, listPositions } from '../../../src/ledger/clearing.ts';
import { assertLedger } from '../../../src/ledger/invariant.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import { convertAmount, invertRate, parseRate } from '../../../src/money/rate.ts';
import { accountRoutes } from '../../../src/party/operator/operator-deposit-routes.ts';
import { shardRoutes } from '../../../src/party/operator/shard-routes.ts';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { makeName, nameAttribute } from '../../../src/pki/name.ts';
import { createRouter, type Request, type RouteName, type Routes } from '../../../src/transport/route.ts';
import { makeHolder } from '../../pki/world.ts';
import { forEachSeed } from '../../world/for-each-seed.ts';
import { createWorld, roughWorld, type World, type WorldMachine } from '../../world/simulation.ts';
import { shownReleased } from './banks.ts';

type Shard = WorldMachine<AccountState, AccountInput, AccountRecord>;

const DAY_MS = 86_400_000;
const CREDIT = 20_000n;
const EUR_USD = parseRate({ from: 'EUR', to: 'USD', text: '1.0823' });
const CURRENCIES = ['EUR', 'USD'];
const SHARDS = { north: 3, south: 2 } as const;
type Operator = keyof typeof SHARDS;
const OPERATORS = Object.keys(SHARDS) as Operator[];
const CURRENCY = { north: 'EUR', south: 'USD' } as const;
const people = (operator: Operator, kind: string) => Array.from({ length: 5 }, (_, at) => `${kind}-${operator}-${at}`);
const customers = OPERATORS.flatMap((operator) => people(operator, 'customer').map((name) => ({ name, operator })));
const merchants = OPERATORS.flatMap((operator) => people(operator, 'merchant').map((name) => ({ name, operator })));

const holders = new Map(
  [...OPERATORS, ...customers.map(({ name }) => name)].map((name) => [
    name,
    makeHolder({ subject: makeName({ C: 'NL', O: 'World', CN: name }) }),
  ]),
);
const temporary = generateP256();
const till = generateP256();

function signerOf(name: string): Signer {
  const { keys, certificate } = holders.get(name)!;
  return { privateKey: keys.privateKey, certificateChain: [certificate.der] };
}

const validate: Validate = ([leaf]) => {
  const name = leaf && nameAttribute(readCertificate(leaf).subject, 'CN');
  if (name === undefined || !holders.has(name)) throw new CryptographicError(new Error('nobody we know'));
  return { name, publicKey: holders.get(name)!.certificate.publicKey };
};

function policyOf(name: Operator, number: number, map: ShardMap): AccountPolicy {
  const limits = CURRENCIES.map((currency) => ({ currency, theyMayOweMinor: 10_000_000n }));
  return {
    ...{ name, signer: signerOf(name), validateOperator: validate, shard: { number, map } },
    operators: new Map(
      OPERATORS.map((other) => [other, { url: `https://${other}`, limits: other === name ? [] : limits }]),
    ),
    rateTable: (currency, nowMs) => ({
      rates: [currency === 'EUR' ? EUR_USD : invertRate(EUR_USD)],
      issuedAtMs: nowMs,
      validUntilMs: nowMs + DAY_MS,
    }),
    isSaneRate: () => false,
    merchantUrl: (merchant) => `https://${merchant}`,
  };
}

/** A host that is whoever runs now. */
function whatLives(machine: Shard): Host<AccountState, AccountInput, AccountRecord> {
  return {
    get state() {
      return machine.host!.state;
    },
    handle: (message) => machine.whileAlive((host) => host.handle(message)),
    submit: (input) => machine.whileAlive((host) => host.submit(input)),
    settled: () => machine.whileAlive((host) => host.settled()),
    readByKey: (key, options) => machine.whileAlive((host) => host.readByKey(key, options)),
    close: () => Promise.reject(new Error('it is not for us to close it')),
    failed: new Promise(() => undefined),
  };
}

const request = (from: string, body: Uint8Array): Request => ({
  ...{ target: '', params: {}, query: new URLSearchParams(), body },
  ...(holders.has(from) && {
    peer: { subject: from, fingerprint: from, certificateDer: holders.get(from)!.certificate.der },
  }),
  header: () => undefined,
  signal: new AbortController().signal,
});

function addOperator(world: World, name: Operator): { readonly map: ShardMap; readonly shards: readonly Shard[] } {
  const map = createShardMap({ operator: name, count: SHARDS[name], key: sha256(new Uint8Array([1])) });
  const shards = Array.from({ length: map.count }, (_, number) =>
    world.addMachine<AccountState, AccountInput, AccountRecord>(`${name} ${number}`, () => ({
      machine: createAccountManager(policyOf(name, number, map)),
      arrived: () => ({ type: 'told' }),
      wrapCourier: (courier) => ({
        deliver(message, attempt) {
          const { to } = message;
          if (!to.startsWith('shard:')) return courier.deliver(message, attempt);
          return courier.deliver({ ...message, to: `https://${name}/shard/${to.slice('shard:'.length)}` }, attempt);
        },
      }),
      snapshotEvery: 7,
    })),
  );
  const inside = shards.map((shard, number): Routes => {
    const policy = policyOf(name, number, map);
    return accountRoutes({ accounts: whatLives(shard), policy, validate, nowMs: world.clock.nowMs });
  });
  const find = createRouter(
    shardRoutes({
      ...{ name, map },
      door: {
        forward: (shard, path, asked) => inside[shard]![`POST ${path}` as RouteName]!({ ...request(name, asked.body) }),
        ask: () => Promise.reject(new Error('nobody asks')),
        urlOf: () => '',
      },
    }),
  );
  world.addDoor(`${name} door`, [`https://${name}/`], async ({ to, body, kind }, from) => {
    if (kind === amendedInitiationType.name) return acknowledge(name, body);
    if (kind === carriedClearingType.name) return whatLives(shards[Number(to.at(-1))]!).handle(receiveCarried(body));
    if (kind === transactionRecordType.name && from.startsWith('south ') !== from.startsWith('north ')) {
      return encodeCbor(null); // for the acquirer, who is played
    }
    const { handler, params } = find('POST', to.slice(`https://${name}`.length));
    return (await handler({ ...request(from.split(' ', 1)[0]!, body), params })).body as Uint8Array;
  });
  return { map, shards };
}

const acknowledgements = new Map<string, Uint8Array>();

/** As an acquirer and its merchant do. */
function acknowledge(operator: Operator, body: Uint8Array): Uint8Array {
  const { value } = readMessage(amendedInitiationType, body);
  const { transaction, deposit, endsAtMs: notAfterMs } = value;
  const known = acknowledgements.get(transaction);
  if (known !== undefined) return known;
  const rate = value.rate!;
  const terms = {
    transaction,
    of: 'merchant' as const,
    issuer: operator,
    notAfterMs,
    key: exportPoint(till.publicKey),
  };
  const certificate = issueTemporaryCertificate(terms, { privateKey: signerOf(operator).privateKey });
  const answer = { transaction, rate, deposit: convertAmount(deposit, rate), certificate, url: 'https://till' };
  const signed = signMessage(operatorAcknowledgementType, answer, signerOf(operator));
  acknowledgements.set(transaction, signed);
  return signed;
}

interface Sums {
  readonly withdrawn: Map<string, bigint>;
  readonly paid: Map<string, bigint>;
}
const add = (sums: Map<string, bigint>, key: string, minor: bigint) => sums.set(key, (sums.get(key) ?? 0n) + minor);

async function sim(seed: number, watch: (world: World) => void): Promise<void> {
  const world = createWorld(seed, roughWorld);
  watch(world);
  acknowledgements.clear();
  const billed = { withdrawals: new Map<string, bigint>(), deposits: new Map<string, bigint>() };
  for (const { name } of merchants) world.addServer(`https://${name}/deposit/statement`, () => encodeCbor(null));
  world.addServer('billing:withdrawal', ({ body }) => {
    const { transaction, withdrawn } = decodeShape(withdrawalRecordType, body);
    billed.withdrawals.set(transaction, withdrawn.minor);
    return encodeCbor(null);
  });
  world.addServer('billing:deposit', ({ body }) => {
    const { transaction, paid } = decodeShape(depositRecordType, body);
    billed.deposits.set(transaction, paid.minor);
    return encodeCbor(null);
  });
  for (const type of ['clearing', 'settlement', 'funding']) world.addServer(`billing:${type}`, () => encodeCbor(null));
  const operators = { north: addOperator(world, 'north'), south: addOperator(world, 'south') };
  const wait = (ms: number) => new Promise<void>((resolve) => world.clock.after(world.random.fraction() * ms, resolve));
  const post = async (to: Operator, type: { readonly name: string }, body: Uint8Array, from: string) => {
    const id = `${type.name} ${Buffer.from(sha256(body)).toString('hex')}`;
    const result = await world.send(from, { id, to: `https://${to}${pathOf(type)}`, kind: type.name, body });
    if (result.type !== 'answered') throw new Error(`${type.name} is refused: ${result.code} ${result.detail}`);
    return result.body;
  };

  const expected: Sums = { withdrawn: new Map(), paid: new Map() };
  let trades = 0;
  const trade = async (at: number) => {
    await wait(3000);
    const customer = customers[world.random.below(customers.length)]!;
    const merchant = merchants[world.random.below(merchants.length)]!;
    const { name, operator: bank } = customer;
    const [here, there] = [CURRENCY[bank], CURRENCY[merchant.operator]];
    const logOn = { reference: `${at}`, merchant: merchant.name, atMs: world.clock.nowMs() };
    const loggedOn = await post(bank, logOnType, signMessage(logOnType, logOn, signerOf(name)), name);
    const { transaction } = readMessage(loggedOnType, loggedOn).value;
    const initiation = {
      ...{ transaction, deposit: { currency: here, minor: 1000n }, merchant: merchant.name, merchantCurrency: there },
      ...{ merchantOperator: merchant.operator, key: exportPoint(temporary.publicKey) },
      ...{ order: { units: 5, unitNano: 1000 }, idleMs: 5000, endsAtMs: world.clock.nowMs() + DAY_MS },
    };
    const opened = await post(bank, initiationType, signMessage(initiationType, initiation, signerOf(name)), name);
    const { deposit, rate } = readMessage(openedType, opened).value;
    await wait(1000);
    const record = signMessage(
      transactionRecordType,
      {
        ...{ transaction, by: 'customer' as const, count: 3, units: 15, unitNano: 1_000_000_000, currency: there },
        ...{ head: sha256(loggedOn), atMs: world.clock.nowMs() },
      },
      { privateKey: temporary.privateKey },
    );
    const statement = post(bank, transactionRecordType, record, name);
    await wait(1000);
    const minor = BigInt(world.random.below(Number(deposit.minor) + 1));
    const clearing = signMessage(
      clearingInformationType,
      {
        ...{ transaction, merchant: merchant.name, accountManager: bank, rate, count: 3, head: sha256(record) },
        ...{ paid: { currency: there, minor }, unused: { currency: there, minor: deposit.minor - minor } },
        ...{ reasons: ['Agreed.'], atMs: world.clock.nowMs() },
        released: shownReleased(transaction, { currency: there, minor }, temporary),
      },
      signerOf(merchant.operator),
    );
    const told = [...new Set([bank, merchant.operator])];
    await Promise.all(told.map((one) => post(one, clearingInformationType, clearing, `${merchant.operator} acquirer`)));
    const { booked } = readMessage(statementType, await statement).value;
    add(expected.withdrawn, name, booked.minor);
    add(expected.paid, merchant.name, minor);
    trades += 1;
  };

  const life = async () => {
    for (const operator of OPERATORS) {
      const { map, shards } = operators[operator];
      for (const shard of shards) await shard.insist({ type: 'set-up', currencies: CURRENCIES });
      const currency = CURRENCY[operator];
      for (const name of people(operator, 'customer')) {
        const opening: AccountInput = { type: 'open-account', of: 'customer', name, currency, creditLineMinor: CREDIT };
        await shards[map.ofCustomer(name)]!.insist(opening);
      }
      for (const name of people(operator, 'merchant')) {
        await shards[map.ofMerchant(name)]!.insist({ type: 'open-account', of: 'merchant', name, currency });
      }
    }
    await Promise.all(Array.from({ length: 12 }, (_, at) => trade(at)));
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
  await world.run(world.clock.nowMs() + 60_000);
  await world.calm(900_000);
  expect(over).toBeUndefined();
  expect(trades).toBe(12);
  requireSound(operators, expected);
  const sum = (sums: ReadonlyMap<string, bigint>) => [...sums.values()].reduce((total, minor) => total + minor, 0n);
  expect([billed.withdrawals.size, billed.deposits.size]).toEqual([trades, trades]);
  expect(sum(billed.withdrawals)).toBe(sum(expected.withdrawn));
  expect(sum(billed.deposits)).toBe(sum(expected.paid));

  const all = OPERATORS.flatMap((operator) => operators[operator].shards);
  void Promise.all(all.map((shard) => shard.insist({ type: 'settle' })));
  await world.calm(900_000);
  for (const operator of OPERATORS) {
    const other = operator === 'north' ? 'south' : 'north';
    for (const { host } of operators[operator].shards) {
      const open = listPositions(host!.state.ledger).filter(({ counterparty }) => counterparty === other);
      expect(open.every(({ weOweMinor, theyOweMinor }) => weOweMinor === theyOweMinor)).toBe(true);
    }
  }
}

type Operators = Readonly<Record<Operator, ReturnType<typeof addOperator>>>;

function requireSound(operators: Operators, expected: Sums): void {
  for (const operator of OPERATORS) {
    const { map, shards } = operators[operator];
    const ledgerOf = (number: number) => shards[number]!.host!.state.ledger;
    for (const { host } of shards) assertLedger(host!.state.ledger);
    for (const name of people(operator, 'customer')) {
      const { balance, held } = findAccount(ledgerOf(map.ofCustomer(name)), `customer:${name}`)!;
      expect([name, balance, held]).toEqual([name, -(expected.withdrawn.get(name) ?? 0n), 0n]);
    }
    for (const name of people(operator, 'merchant')) {
      const account = findAccount(ledgerOf(map.ofMerchant(name)), `merchant:${CURRENCY[operator]}:${name}`)!;
      expect([name, account.balance]).toEqual([name, expected.paid.get(name) ?? 0n]);
    }
    for (let one = 0; one < map.count; one++) {
      for (let other = 0; other < map.count; other++) {
        if (one === other) continue;
        for (const currency of CURRENCIES) {
          const here = findAccount(ledgerOf(one), betweenShards(operator, other, currency))!.balance;
          const there = findAccount(ledgerOf(other), betweenShards(operator, one, currency))!.balance;
          expect(here + there).toBe(0n);
        }
      }
    }
    const other = operator === 'north' ? 'south' : 'north';
    const home = map.ofOperator(other);
    for (const number of shards.keys()) {
      const position = findAccount(ledgerOf(number), clearingAccount(other, 'EUR'));
      expect(position === undefined).toBe(number !== home);
    }
  }
  for (const currency of CURRENCIES) {
    const position = (operator: Operator, other: Operator) => {
      const { map, shards } = operators[operator];
      return findAccount(shards[map.ofOperator(other)]!.host!.state.ledger, clearingAccount(other, currency))!.balance;
    };
    expect(position('north', 'south') + position('south', 'north')).toBe(0n);
  }
}

describe('operators whose accounts are cut into shards', () => {
  it(
    'lose and double nothing, whoever crashes when, and find every message its shard',
    () => forEachSeed(20, sim),
    120_000,
  );
});

/**
 * Two operators, north (EUR) and south (USD, EUR), with real account managers on real hosts in virtual time. Their acquirers, customers and
 * merchants are played by the tests, with real keys and real bytes.
 */
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { concatBytes, fromUtf8, utf8 } from '../../../src/codec/hex.ts';
import { exportPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import { readMessage, type Signer, signMessage } from '../../../src/crypto/signed-message.ts';
import type { AccountInput } from '../../../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../../../src/deposit/account-manager/account-machine.ts';
import type { AccountPolicy, Validate } from '../../../src/deposit/account-manager/account-policy.ts';
import type { AccountRecord } from '../../../src/deposit/account-manager/account-record.ts';
import { type AccountState, snapshotAccounts } from '../../../src/deposit/account-manager/account-state.ts';
import {
  type Arrived,
  findDeposit,
  receiveInitiation,
  receiveLogOn,
  receiveRecord,
} from '../../../src/deposit/account-manager/receive-customer.ts';
import { receiveClearing, receiveSettlement } from '../../../src/deposit/account-manager/receive-operator.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import {
  type ClearingInformation,
  clearingInformationType,
  type Released,
  settlementType,
  type TransactionRecord,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import { partsOfTransaction } from '../../../src/deposit/message/identity.ts';
import {
  type AmendedInitiation,
  amendedInitiationType,
  type Initiation,
  initiationType,
  type LogOn,
  logOnType,
  type OperatorAcknowledgement,
  operatorAcknowledgementType,
} from '../../../src/deposit/message/initiation.ts';
import { WORTHS } from '../../../src/deposit/message/purchase.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import type { CourierResult } from '../../../src/journal/courier.ts';
import { type Host, openHost } from '../../../src/journal/host.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk } from '../../../src/journal/memory-journal.ts';
import { assertLedger } from '../../../src/ledger/invariant.ts';
import { findAccount } from '../../../src/ledger/ledger.ts';
import type { Amount } from '../../../src/money/amount.ts';
import { nanoOf } from '../../../src/money/nano.ts';
import { convertAmount, invertRate, parseRate, type Rate } from '../../../src/money/rate.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';

export type BankHost = Host<AccountState, AccountInput, AccountRecord>;
export type BankName = 'north' | 'south';

export const EUR_USD = parseRate({ from: 'EUR', to: 'USD', text: '1.0823' });
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

const people = new Map<string, KeyPair>();

/** Keys of a party; a chain is its name here, because who is certified is for the caller's port to say. */
export function keysOf(name: string): KeyPair {
  const keys = people.get(name) ?? generateP256();
  people.set(name, keys);
  return keys;
}

export const signerOf = (name: string): Signer => ({
  privateKey: keysOf(name).privateKey,
  certificateChain: [utf8(name)],
});

const only =
  (kind: RegExp): Validate =>
  ([leaf]) => {
    const name = leaf === undefined ? '' : fromUtf8(leaf);
    if (!kind.test(name) || !people.has(name)) throw new CryptographicError(new Error(`nobody is ${name}`));
    return { name, publicKey: keysOf(name).publicKey };
  };

export const validateOperator = only(/^(north|south|east)$/);
export const validateCustomer = only(/^(alice|bob|carol)$/);

for (const name of ['north', 'south', 'east', 'alice', 'bob', 'carol', 'shop', 'temporary', 'till']) keysOf(name);

export interface BankOptions {
  readonly policy?: Partial<AccountPolicy>;
  readonly theyMayOweMinor?: bigint;
  /** Answers for north's accounts, which are then kept elsewhere. */
  readonly accounts?: Answer;
}

export function policyOf(
  name: BankName,
  { policy = {}, theyMayOweMinor = 1_000_000n, accounts }: BankOptions = {},
): AccountPolicy {
  const limits = ['EUR', 'USD'].map((currency) => ({ currency, theyMayOweMinor }));
  return {
    name,
    signer: signerOf(name),
    operators: new Map(['north', 'south', 'east'].map((other) => [other, { url: `https://${other}`, limits }])),
    rateTable: (currency, nowMs) => ({
      rates: currency === 'EUR' ? [EUR_USD] : [invertRate(EUR_USD)],
      issuedAtMs: nowMs - HOUR_MS,
      validUntilMs: nowMs + HOUR_MS,
    }),
    isSaneRate: ({ numerator, denominator }) => numerator < 2n * denominator && denominator < 2n * numerator,
    merchantUrl: (merchant) => `https://${merchant}`,
    validateOperator,
    accountsElsewhere: name === 'north' && accounts !== undefined,
    ...policy,
  };
}

/** What an account manager does with what comes over its wire. */
export async function takeIn(host: BankHost, kind: string, body: Uint8Array): Promise<Uint8Array> {
  const arrived: Arrived<AccountInput> =
    kind === logOnType.name
      ? receiveLogOn(body, validateCustomer)
      : kind === initiationType.name
        ? receiveInitiation(body, validateCustomer, host.state)
        : kind === transactionRecordType.name
          ? await receiveRecord(body, (transaction) => findDeposit(host, transaction))
          : kind === clearingInformationType.name
            ? receiveClearing(body, validateOperator, { policy: policyOf('north'), state: host.state })
            : receiveSettlement(body, validateOperator);
  return host.handle(arrived);
}

/** As an acquirer and its merchant do: the voucher is checked elsewhere, here the answer counts. */
export function acknowledge(
  body: Uint8Array,
  operator: string,
  changes: Partial<OperatorAcknowledgement> & { readonly rateIfNone?: Rate; readonly issuer?: string } = {},
): Uint8Array {
  const { value } = readMessage(amendedInitiationType, body);
  const { rateIfNone, issuer = operator, ...fields } = changes;
  const rate = fields.rate ?? value.rate ?? rateIfNone ?? EUR_USD;
  const certificate = issueTemporaryCertificate(
    {
      ...{ transaction: value.transaction, of: 'merchant', issuer: operator, notAfterMs: value.endsAtMs },
      key: exportPoint(keysOf('till').publicKey),
    },
    { privateKey: keysOf(issuer).privateKey },
  );
  const acknowledgement = {
    ...{ transaction: value.transaction, rate, deposit: convertAmount(value.deposit, rate), certificate },
    ...{ url: 'https://shop', ...fields },
  };
  return signMessage(operatorAcknowledgementType, acknowledgement, signerOf(operator));
}

/** A checkpoint over just so much, signed by the customer, as a merchant shows it. */
export function shownReleased(transaction: string, amount: Amount, keys: KeyPair = keysOf('temporary')): Released {
  const anchors = WORTHS.map(() => sha256(utf8('anchor')));
  const { currency, minor } = amount;
  const checkpoint = {
    ...{ transaction, currency, anchors, count: 3, units: Number(minor), head: sha256(utf8('list')) },
    unitNano: Number(nanoOf({ currency, minor: 1n }).nano),
  };
  const signed = signMessage(checkpointType, checkpoint, { privateKey: keys.privateKey });
  return { checkpoint: signed, steps: WORTHS.map(() => 0), words: concatBytes(...anchors) };
}

export type Answer = (body: Uint8Array, message: Outgoing) => CourierResult | Promise<CourierResult>;
export const answered = (body: Uint8Array): CourierResult => ({ type: 'answered', body });
export const NOTHING = encodeCbor(null);

export async function openBanks(options: BankOptions = {}) {
  const clock = createVirtualClock();
  const sent: Outgoing[] = [];
  const warnings: unknown[] = [];
  const hosts = new Map<string, BankHost>();
  const disks = new Map<string, () => MemoryDisk>();
  let references = 0;

  const deliver = async (message: Outgoing): Promise<CourierResult> => {
    // What every test begins with is of no interest in any.
    if (message.to !== 'billing:funding') sent.push({ ...message, body: message.body.slice() });
    if (message.kind === amendedInitiationType.name) return banks.acquirer(message.body, message);
    if (message.to.startsWith('accounts:')) return options.accounts!(message.body, message);
    const target = /^https:\/\/(north|south)\//.exec(message.to)?.[1];
    if (message.kind !== settlementType.name || target === undefined) return answered(NOTHING);
    try {
      return answered(await takeIn(hosts.get(target)!, message.kind, message.body));
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      if (error.code === 'ANSWER_PENDING') throw error;
      return { type: 'refused', code: error.code, detail: error.message };
    }
  };

  const start = async (name: BankName, disk?: MemoryDisk) => {
    let dead = false;
    const journal = createMemoryJournal(disk === undefined ? {} : { disk });
    const host = await openHost({
      machine: createAccountManager(policyOf(name, options)),
      journal,
      clock: { nowMs: clock.nowMs, after: (delayMs, call) => clock.after(delayMs, () => dead || call()) },
      random: systemRandom,
      courier: { deliver: (message) => (dead ? new Promise(() => undefined) : deliver(message)) },
      log: { info: () => {}, warn: (detail) => warnings.push(detail), error: (detail) => warnings.push(detail) },
    });
    hosts.set(name, host);
    disks.set(name, () => {
      dead = true;
      return journal.powerCut();
    });
  };

  for (const name of ['north', 'south'] as const) {
    await start(name);
    await tell(name, { type: 'set-up', currencies: ['EUR', 'USD'] });
  }
  for (const name of ['alice', 'bob']) {
    await tell('north', { type: 'open-account', of: 'customer', name, currency: 'EUR' });
    if (options.accounts !== undefined) continue;
    await tell('north', { type: 'fund', id: `salary ${name}`.replace(' ', '-'), customer: name, amount: eur(10_000n) });
  }
  await tell('south', { type: 'open-account', of: 'merchant', name: 'shop', currency: 'USD' });
  await tell('south', { type: 'open-account', of: 'merchant', name: 'shop', currency: 'EUR' });
  await tell('north', { type: 'open-account', of: 'merchant', name: 'kiosk', currency: 'EUR' });
  await tell('north', { type: 'open-account', of: 'merchant', name: 'kiosk', currency: 'USD' });

  async function tell(name: BankName, input: AccountInput) {
    await hosts.get(name)!.submit(input);
    check();
  }

  function check(): void {
    for (const host of hosts.values()) assertLedger(host.state.ledger);
  }

  async function post(name: BankName, kind: string, body: Uint8Array): Promise<Uint8Array> {
    const answer = patiently(takeIn(hosts.get(name)!, kind, body));
    return answer.finally(check);
  }

  async function patiently<T>(work: Promise<T>, forMs = 1000): Promise<T> {
    let over = false;
    const done = () => {
      over = true;
    };
    work.then(done, done);
    for (let waited = 0; waited < forMs && !over; waited += 20) await clock.run(clock.nowMs() + 20);
    return over ? work : Promise.reject(new Error('still waiting'));
  }

  const banks = {
    clock,
    sent,
    warnings,
    tell,
    check,
    post,
    patiently,
    host: (name: BankName) => hosts.get(name)!,
    /** Answers amended initiations, whoever they are sent to. */
    acquirer: ((body, { to }) => answered(acknowledge(body, new URL(to).hostname))) as Answer,
    pass: (ms: number) => clock.run(clock.nowMs() + ms),
    snapshot: (name: BankName) => snapshotAccounts(hosts.get(name)!.state),
    /** Power cut and restart on what was flushed. */
    async restart(name: BankName) {
      await start(name, disks.get(name)!());
    },
    balance(name: BankName, account: string) {
      const { balance, held, available } = findAccount(hosts.get(name)!.state.ledger, account)!;
      return { balance, held, available };
    },
    /** Log-on of a customer of north. */
    async logOn(customer = 'alice', changes: Partial<LogOn> = {}): Promise<Uint8Array> {
      const reference = `${++references}`;
      const logOn: LogOn = { reference, merchant: 'shop', atMs: clock.nowMs(), ...changes };
      return post('north', logOnType.name, signMessage(logOnType, logOn, signerOf(customer)));
    },
    initiation(transaction: string, changes: Partial<Initiation> = {}): Initiation {
      return {
        ...{ transaction, deposit: eur(2_000n), merchant: 'shop', merchantOperator: 'south', merchantCurrency: 'USD' },
        ...{ key: exportPoint(keysOf('temporary').publicKey), order: { units: 5, unitNano: 1000 } },
        ...{ idleMs: HOUR_MS, endsAtMs: clock.nowMs() + DAY_MS, ...changes },
      };
    },
    initiate(transaction: string, changes: Partial<Initiation> = {}, customer = 'alice'): Promise<Uint8Array> {
      const initiation = banks.initiation(transaction, changes);
      return post('north', initiationType.name, signMessage(initiationType, initiation, signerOf(customer)));
    },
    record(transaction: string, changes: Partial<TransactionRecord> = {}, signer = 'temporary'): Uint8Array {
      const record: TransactionRecord = {
        ...{ transaction, by: 'customer', count: 3, units: 15, unitNano: 1_000_000_000, currency: 'USD' },
        ...{ head: sha256(utf8('list')), atMs: clock.nowMs(), ...changes },
      };
      return signMessage(transactionRecordType, record, { privateKey: keysOf(signer).privateKey });
    },
    /** Of a deposit of 20.00 EUR = 21.64 USD, 15.00 of it used, unless changed. */
    clearing(transaction: string, changes: Partial<ClearingInformation> = {}, operator = 'south'): Uint8Array {
      const clearing: ClearingInformation = {
        ...{ transaction, merchant: 'shop', accountManager: partsOfTransaction(transaction).accountManager },
        ...{ paid: usd(1_500n), unused: usd(664n), rate: EUR_USD, count: 3, head: sha256(utf8('list')) },
        released: shownReleased(transaction, changes.paid ?? usd(1_500n)),
        ...{ reasons: ['Both have the same list.'], atMs: clock.nowMs(), ...changes },
      };
      return signMessage(clearingInformationType, clearing, signerOf(operator));
    },
    clear: (name: BankName, bytes: Uint8Array) => post(name, clearingInformationType.name, bytes),
    amended: (): readonly AmendedInitiation[] =>
      sent
        .filter(({ kind }) => kind === amendedInitiationType.name)
        .map(({ body }) => readMessage(amendedInitiationType, body).value),
  };
  return banks;
}

export type Banks = Awaited<ReturnType<typeof openBanks>>;

export const eur = (minor: bigint) => ({ currency: 'EUR', minor });
export const usd = (minor: bigint) => ({ currency: 'USD', minor });

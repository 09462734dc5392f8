/**
 * A purse on a memory journal in virtual time, with an operator and a merchant who speak the real messages, check every signature and word
 * they get, and can be told to lie.
 */
import { encodeCbor } from '../../../src/codec/cbor.ts';
import { fromUtf8, utf8 } from '../../../src/codec/hex.ts';
import { exportPoint, importPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import { decodeShape, readMessage, type Signer, signMessage } from '../../../src/crypto/signed-message.ts';
import { limitMessage } from '../../../src/deposit/customer/limit.ts';
import type { PurseInput, PurseOptions } from '../../../src/deposit/customer/purse-input.ts';
import { createPurse } from '../../../src/deposit/customer/purse-machine.ts';
import { depositOf, type Open, type PurseRecord, type PurseState } from '../../../src/deposit/customer/purse-state.ts';
import type { Payment } from '../../../src/deposit/customer/running-deposit.ts';
import { createSpender, type Spender } from '../../../src/deposit/customer/spender.ts';
import { type Opening, openingType, type Want, wantMessage } from '../../../src/deposit/customer/want.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import {
  type ClearingInformation,
  clearingInformationType,
  type Released,
  type Statement,
  statementType,
  type TransactionRecord,
  terminateType,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import {
  type Initiation,
  initiationType,
  type LoggedOn,
  type LogOn,
  loggedOnType,
  logOnType,
  type Opened,
  openedType,
} from '../../../src/deposit/message/initiation.ts';
import { listKeyOf } from '../../../src/deposit/message/list-key.ts';
import { decodePurchase, worthOf } from '../../../src/deposit/message/purchase.ts';
import { createListCipher, EMPTY_HEAD, headWith } from '../../../src/deposit/message/purchase-list.ts';
import { ratesRequestType } from '../../../src/deposit/message/rates-request.ts';
import { type RateTable, rateTableType } from '../../../src/deposit/message/session-rate.ts';
import { provenUnits, type Tab, tabAt, withPurchase } from '../../../src/deposit/message/tab.ts';
import {
  issueTemporaryCertificate,
  type TemporaryCertificate,
} from '../../../src/deposit/message/temporary-certificate.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import type { CourierResult } from '../../../src/journal/courier.ts';
import { type Host, openHost } from '../../../src/journal/host.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import { createMemoryJournal, type MemoryDisk, type MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { roundNano } from '../../../src/money/nano.ts';
import { convertAmount, invertRate, parseRate } from '../../../src/money/rate.ts';
import { createVirtualClock, type VirtualClock } from '../../world/virtual-clock.ts';

export const HOUR = 3_600_000;
export const RATE = parseRate({ from: 'USD', to: 'EUR', text: '0.8' });
export const UNIT_NANO = 100_000;
/** 10.00 USD are 8.00 EUR. */
export const DEPOSIT = 1000n;
export const DEPOSIT_UNITS = 80_000;
const STORAGE_KEY = sha256(utf8('storage key of the test'));

/** Who a chain belongs to is a port: here a name. The keys and signatures are real. */
const identities = new Map<string, KeyPair>(['bank', 'other', 'carol'].map((name) => [name, generateP256()]));
export const signerOf = (name: string): Signer => ({
  privateKey: identities.get(name)!.privateKey,
  certificateChain: [utf8(name)],
});
const keyOf = (name: string) => identities.get(name)!.publicKey;
const validate: PurseOptions['validate'] = ([leaf]) => {
  const name = fromUtf8(leaf ?? utf8('nobody'));
  if (!identities.has(name)) throw new CryptographicError(new Error(`nobody knows ${name}`));
  return { name, publicKey: keyOf(name) };
};

/** The merchant's side of one deposit: takes nothing that is not proved. */
export interface FakeTill {
  tab: Tab;
  checkpoint: Uint8Array;
  /** What was asked for under each number. */
  readonly taken: { readonly units: number; readonly request: Uint8Array; readonly token: Uint8Array }[];
  take(payment: Payment, purchased: { readonly units: number; readonly request: Uint8Array }): void;
  released(): Released;
}

function createTill(of: {
  readonly transaction: string;
  readonly customer: Uint8Array;
  readonly merchant: KeyPair;
}): FakeTill {
  const { transaction, customer } = of;
  const customerKey = importPoint(customer);
  const merchant = exportPoint(of.merchant.publicKey);
  const cipher = createListCipher(
    listKeyOf({ transaction, own: 'merchant', privateKey: of.merchant.privateKey, customer, merchant }),
  );
  const till: FakeTill = {
    tab: { count: 0, units: 0, head: EMPTY_HEAD, steps: [], words: new Uint8Array() },
    checkpoint: new Uint8Array(),
    taken: [],
    take({ token, checkpoint }, { units, request }) {
      if (checkpoint !== undefined) begin(checkpoint);
      const purchase = decodePurchase(token);
      const head = headWith(till.tab.head, cipher.encrypt({ number: purchase.number, units, request }));
      till.tab = withPurchase(till.tab, purchase, { units, head });
      till.taken.push({ units, request, token });
    },
    released: () => ({ checkpoint: till.checkpoint, steps: till.tab.steps, words: till.tab.words }),
  };
  const begin = (bytes: Uint8Array) => {
    const message = readMessage(checkpointType, bytes);
    message.requireSignature(customerKey);
    const { value } = message;
    const { count, units, head } = till.tab;
    const ours = value.transaction === transaction && value.count === count && value.units === units;
    if (!ours || Buffer.compare(value.head, head) !== 0) throw new Error('the checkpoint is not what was counted');
    if (value.unitNano !== UNIT_NANO || value.currency !== 'EUR') throw new Error('another unit');
    till.checkpoint = bytes;
    till.tab = tabAt(value);
  };
  return till;
}

/** What a lying operator says instead; each gets what the honest one would say. */
export interface Lies {
  loggedOn?: (honest: LoggedOn) => LoggedOn;
  certificate?: (honest: TemporaryCertificate) => TemporaryCertificate;
  opened?: (honest: Opened) => Opened;
  clearing?: (honest: ClearingInformation) => ClearingInformation;
  statement?: (honest: Statement) => Statement;
  /** Who signs its answers. */
  signer?: Signer;
  /** Comes before everything: undefined = honest, throw = lost. */
  reply?: (message: Outgoing) => CourierResult | undefined;
}

/** Operator and merchant: they outlive every crash of the purse. */
export function createCounterparts(clock: VirtualClock, lies: Lies = {}) {
  const sessions = new Map<string, number>();
  const answers = new Map<string, Uint8Array>();
  const initiations = new Map<string, Initiation>();
  const merchantKeys = new Map<string, KeyPair>();
  const tills = new Map<string, FakeTill>();
  const records = new Map<string, TransactionRecord>();
  const terminated: string[] = [];
  const logOns: LogOn[] = [];
  const sent: Outgoing[] = [];

  const table = (): RateTable => ({
    rates: [RATE],
    issuedAtMs: clock.nowMs(),
    validUntilMs: clock.nowMs() + 24 * HOUR,
  });
  const signer = () => lies.signer ?? signerOf('bank');
  const available = { currency: 'USD', minor: 1_000_000n };

  const once = (id: string, answer: () => Uint8Array): Uint8Array => {
    const known = answers.get(id) ?? answer();
    answers.set(id, known);
    return known;
  };

  const logOn = (body: Uint8Array) => {
    const message = readMessage(logOnType, body);
    message.requireSignature(keyOf('carol'));
    logOns.push(message.value);
    const { reference, session = `bank.${sessions.size + 1}` } = message.value;
    return once(`log-on ${reference}`, () => {
      const next = (sessions.get(session) ?? 0) + 1;
      sessions.set(session, next);
      const honest: LoggedOn = { session, transaction: `${session}.${next}`, available, rates: table() };
      return signMessage(loggedOnType, lies.loggedOn?.(honest) ?? honest, signer());
    });
  };

  const initiate = (body: Uint8Array) => {
    const message = readMessage(initiationType, body);
    message.requireSignature(keyOf('carol'));
    const initiation = message.value;
    const { transaction } = initiation;
    return once(`initiation ${transaction}`, () => {
      initiations.set(transaction, initiation);
      const merchant = generateP256();
      merchantKeys.set(transaction, merchant);
      tills.set(transaction, createTill({ transaction, customer: initiation.key, merchant }));
      const honest: TemporaryCertificate = {
        ...{ transaction, of: 'merchant', key: exportPoint(merchant.publicKey), issuer: 'bank' },
        notAfterMs: initiation.endsAtMs + HOUR,
      };
      const opened: Opened = {
        ...{ transaction, rate: RATE, deposit: convertAmount(initiation.deposit, RATE), available },
        certificate: issueTemporaryCertificate(lies.certificate?.(honest) ?? honest, signerOf('bank')),
        url: 'https://shop.test',
      };
      return signMessage(openedType, lies.opened?.(opened) ?? opened, signer());
    });
  };

  /** As an acquirer would rule with both sides' evidence: the highest value released. */
  const settle = (body: Uint8Array) => {
    const message = readMessage(transactionRecordType, body);
    const { value } = message;
    const { transaction, released } = value;
    const initiation = initiations.get(transaction)!;
    const key = importPoint(initiation.key);
    message.requireSignature(key);
    records.set(transaction, value);
    const proofs = [released, tills.get(transaction)?.tab.count ? tills.get(transaction)!.released() : undefined];
    const proven = proofs.map((proof) => (proof === undefined ? 0 : proved(proof, key)));
    if (value.units > proven[0]!) throw new Error('the record says more than it proves');
    const tab = tills.get(transaction)?.tab;
    const units = Math.max(...proven);
    const deposit = convertAmount(initiation.deposit, RATE);
    const paid = roundNano({ currency: 'EUR', nano: BigInt(units) * BigInt(UNIT_NANO) });
    const unused = { currency: 'EUR', minor: deposit.minor - paid.minor };
    const honest: ClearingInformation = {
      ...{ transaction, merchant: initiation.merchant, accountManager: 'bank', paid, unused, rate: RATE },
      count: Math.max(value.count, tab?.count ?? 0),
      head: (tab?.count ?? 0) > value.count ? tab!.head : value.head,
      customerRecord: sha256(body),
      ...{ reasons: ['as proved'], atMs: clock.nowMs() },
    };
    const clearing = lies.clearing?.(honest) ?? honest;
    const returned = clearing.paid.minor === 0n ? initiation.deposit : convertAmount(clearing.unused, invertRate(RATE));
    const statement: Statement = {
      clearing: signMessage(clearingInformationType, clearing, signerOf('other')),
      booked: { currency: 'USD', minor: initiation.deposit.minor - returned.minor },
      ...{ returned, atMs: clock.nowMs() },
    };
    return once(`record ${transaction}`, () =>
      signMessage(statementType, lies.statement?.(statement) ?? statement, signer()),
    );
  };

  const terminate = (body: Uint8Array) => {
    const message = readMessage(terminateType, body);
    message.requireSignature(importPoint(initiations.get(message.value.transaction)!.key));
    terminated.push(message.value.transaction);
    return encodeCbor(null);
  };

  const rates = (body: Uint8Array) => {
    readMessage(ratesRequestType, body).requireSignature(keyOf('carol'));
    return signMessage(rateTableType, table(), signer());
  };

  const doors: Record<string, (body: Uint8Array) => Uint8Array> = {
    'https://bank.test/deposit/log-on': logOn,
    'https://bank.test/deposit/initiation': initiate,
    'https://bank.test/deposit/record': settle,
    'https://bank.test/deposit/rates': rates,
    'https://shop.test/deposit/terminate': terminate,
  };
  return {
    ...{ tills, records, terminated, logOns, initiations, sent, lies },
    async deliver(message: Outgoing): Promise<CourierResult> {
      sent.push({ ...message, body: message.body.slice() });
      const reply = lies.reply?.(message);
      if (reply !== undefined) return reply;
      const door = doors[message.to];
      if (door === undefined) throw new Error(`nobody at ${message.to}`);
      return { type: 'answered', body: door(message.body) };
    },
  };
}

export function proved(released: Released, customerKey: ReturnType<typeof importPoint>): number {
  const message = readMessage(checkpointType, released.checkpoint);
  message.requireSignature(customerKey);
  if (worthOf(released.steps) === 0 && message.value.units === 0) return 0;
  return provenUnits(message.value, released);
}

export type Counterparts = ReturnType<typeof createCounterparts>;

export interface PurseWorld {
  readonly clock: VirtualClock;
  readonly host: Host<PurseState, PurseInput, PurseRecord>;
  readonly spender: Spender;
  readonly counterparts: Counterparts;
  readonly appends: () => number;
  want(changes?: Partial<Want>): Promise<Opening>;
  /** Opens a deposit and gives its transaction. */
  open(changes?: Partial<Want>): Promise<string>;
  /** Pays and has the merchant take it. */
  buy(transaction: string, units: number, what?: string): Promise<Payment>;
  deposit(transaction: string): Open;
  till(transaction: string): FakeTill;
  run(forMs: number): Promise<void>;
  /** Power cut: what a restart finds. */
  crash(): MemoryDisk;
}

export interface PurseWorldOptions {
  readonly clock?: VirtualClock;
  readonly disk?: MemoryDisk;
  readonly lies?: Lies;
  readonly counterparts?: Counterparts;
  readonly snapshotEvery?: number;
  readonly flush?: () => Promise<void>;
  readonly random?: (length: number) => Uint8Array;
  readonly onBoundary?: (boundary: string, group: number) => void;
}

let references = 0;

export async function startPurse(options: PurseWorldOptions = {}): Promise<PurseWorld> {
  const { clock = createVirtualClock(), lies = {} } = options;
  const counterparts = options.counterparts ?? createCounterparts(clock, lies);
  let dead = false;
  let appends = 0;
  const journal: MemoryJournal = createMemoryJournal({
    random: options.random ?? systemRandom,
    ...(options.disk === undefined ? {} : { disk: options.disk }),
    ...(options.flush === undefined ? {} : { flush: options.flush }),
  });
  const own = { nowMs: clock.nowMs, after: (ms: number, call: () => void) => clock.after(ms, () => dead || call()) };
  const log = { info() {}, warn() {}, error() {} };
  const host = await openHost({
    machine: createPurse({
      operator: { name: 'bank', url: 'https://bank.test' },
      ...{ signer: signerOf('carol'), validate, storageKey: STORAGE_KEY, nowMs: clock.nowMs },
    }),
    journal: {
      ...journal,
      append(entries) {
        appends++;
        return journal.append(entries);
      },
    },
    ...{ clock: own, random: systemRandom, log },
    courier: {
      deliver: (message) => (dead ? new Promise<never>(() => undefined) : counterparts.deliver(message)),
    },
    ...(options.snapshotEvery === undefined ? {} : { snapshotEvery: options.snapshotEvery }),
    ...(options.onBoundary === undefined ? {} : { onBoundary: options.onBoundary }),
  });
  const spender = createSpender({ host, storageKey: STORAGE_KEY, clock: own, log });
  const world: PurseWorld = {
    ...{ clock, host, spender, counterparts, appends: () => appends },
    async want(changes = {}) {
      const want = newWant(clock, changes);
      const answer = host.handle(wantMessage(want));
      void answer.catch(() => undefined);
      await clock.run(clock.nowMs() + 10);
      return decodeShape(openingType, await answer);
    },
    async open(changes) {
      const { transaction, code, detail } = await world.want(changes);
      if (code !== undefined || transaction === undefined) throw new Error(`refused: ${code} ${detail}`);
      return transaction;
    },
    async buy(transaction, units, what = 'a page') {
      const purchased = { units, request: sha256(utf8(what)) };
      const payment = await spender.pay(transaction, purchased);
      world.till(transaction).take(payment, purchased);
      spender.paid(transaction, payment.number);
      return payment;
    },
    deposit(transaction) {
      const deposit = depositOf(host.state, transaction);
      if (deposit?.phase !== 'open') throw new Error(`the deposit is ${deposit?.phase}`);
      return deposit;
    },
    till: (transaction) => counterparts.tills.get(transaction)!,
    run: (forMs) => clock.run(clock.nowMs() + forMs),
    crash() {
      dead = true;
      return journal.powerCut();
    },
  };
  return world;
}

export function newWant(clock: VirtualClock, changes: Partial<Want> = {}): Want {
  return {
    ...{ reference: `want-${++references}`, limitId: 'pocket', merchant: 'shop', merchantOperator: 'other' },
    ...{ merchantCurrency: 'EUR', depositMinor: DEPOSIT, order: { units: 7, unitNano: UNIT_NANO } },
    ...{ idleMs: HOUR, endsAtMs: clock.nowMs() + 24 * HOUR },
    ...changes,
  };
}

export async function allow(world: PurseWorld, changes: Partial<Parameters<typeof limitMessage>[0]> = {}) {
  const expiresAtMs = world.clock.nowMs() + 30 * 24 * HOUR;
  const limit = { limitId: 'pocket', currency: 'USD', totalMinor: 5000n, expiresAtMs, ...changes };
  await world.host.handle(limitMessage(limit));
}

/** A purse with a limit of 50.00 USD. */
export async function startAllowed(options: PurseWorldOptions = {}): Promise<PurseWorld> {
  const world = await startPurse(options);
  await allow(world);
  return world;
}

/**
 * Whole deposit sessions against an account manager of one operator, whose customers, acquirer and merchants are played here with real keys
 * and real bytes: log-on, initiation, acknowledgement, record, clearing, statement. What is measured is mostly the account manager: it
 * checks six signatures a session and makes six, the players make six.
 */
import { encodeCbor } from '../src/codec/cbor.ts';
import { fromUtf8, utf8 } from '../src/codec/hex.ts';
import { exportPoint } from '../src/crypto/agreement.ts';
import { sha256 } from '../src/crypto/digest.ts';
import { systemRandom } from '../src/crypto/random.ts';
import { generateP256 } from '../src/crypto/signature.ts';
import { readMessage, type Signer, signMessage } from '../src/crypto/signed-message.ts';
import type { AccountInput } from '../src/deposit/account-manager/account-input.ts';
import { createAccountManager } from '../src/deposit/account-manager/account-machine.ts';
import type { AccountPolicy, Validate } from '../src/deposit/account-manager/account-policy.ts';
import type { AccountRecord } from '../src/deposit/account-manager/account-record.ts';
import type { AccountState } from '../src/deposit/account-manager/account-state.ts';
import {
  findDeposit,
  receiveInitiation,
  receiveLogOn,
  receiveRecord,
} from '../src/deposit/account-manager/receive-customer.ts';
import { receiveClearing } from '../src/deposit/account-manager/receive-operator.ts';
import type { OwnShard } from '../src/deposit/account-manager/shard-map.ts';
import { clearingInformationType, transactionRecordType } from '../src/deposit/message/conclusion.ts';
import {
  amendedInitiationType,
  initiationType,
  loggedOnType,
  logOnType,
  openedType,
  operatorAcknowledgementType,
} from '../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../src/deposit/message/temporary-certificate.ts';
import { systemClock } from '../src/journal/clock.ts';
import type { Courier } from '../src/journal/courier.ts';
import { type Host, openHost } from '../src/journal/host.ts';
import type { Journal } from '../src/journal/journal.ts';
import { silentLog } from '../src/transport/log.ts';

export type AccountHost = Host<AccountState, AccountInput, AccountRecord>;

const BANK = 'bank';
const CREDIT_MINOR = 1_000_000_000n;
const CURRENCY = 'EUR';
/** Sessions under way at a time. */
const AT_ONCE = 64;
const DAY_MS = 86_400_000;
const NOTHING = encodeCbor(null);

// One key for all customers: who is certified is for a port to say, and a signature costs the same whoever makes it.
const keys = { bank: generateP256(), customer: generateP256(), temporary: generateP256(), till: generateP256() };
const bank: Signer = { privateKey: keys.bank.privateKey, certificateChain: [utf8(BANK)] };

const validate: Validate = ([leaf]) => {
  const name = leaf === undefined ? '' : fromUtf8(leaf);
  return { name, publicKey: name === BANK ? keys.bank.publicKey : keys.customer.publicKey };
};

function policyOf(shard: OwnShard | undefined): AccountPolicy {
  return {
    ...{ name: BANK, signer: bank, validateOperator: validate, ...(shard && { shard }) },
    operators: new Map([[BANK, { url: 'https://bank', limits: [] }]]),
    rateTable: (_, nowMs) => ({ rates: [], issuedAtMs: nowMs, validUntilMs: nowMs + DAY_MS }),
    isSaneRate: () => false,
    merchantUrl: (merchant) => `https://${merchant}`,
  };
}

export async function openAccounts(options: {
  readonly journal: Journal;
  /** Takes clearing information to the other shard. */
  readonly carry?: Courier;
  readonly shard?: OwnShard;
}): Promise<AccountHost> {
  const { journal, carry, shard } = options;
  return openHost({
    ...{
      machine: createAccountManager(policyOf(shard)),
      journal,
      clock: systemClock(),
      random: systemRandom,
      log: silentLog(),
    },
    courier: {
      deliver(message, attempt) {
        if (message.kind === amendedInitiationType.name) return Promise.resolve(answered(acknowledge(message.body)));
        if (carry !== undefined && message.to.startsWith('shard:')) return carry.deliver(message, attempt);
        return Promise.resolve(answered(NOTHING));
      },
    },
  });
}

const answered = (body: Uint8Array) => ({ type: 'answered', body }) as const;

export async function openHolders(
  host: AccountHost,
  { customers, merchants }: { readonly customers: readonly string[]; readonly merchants: readonly string[] },
): Promise<void> {
  await host.submit({ type: 'set-up', currencies: [CURRENCY] });
  const open = { type: 'open-account', currency: CURRENCY } as const;
  await Promise.all([
    ...customers.map((name) => host.submit({ ...open, of: 'customer', name, creditLineMinor: CREDIT_MINOR })),
    ...merchants.map((name) => host.submit({ ...open, of: 'merchant', name })),
  ]);
}

export interface Players {
  customer(session: number): string;
  merchant(session: number): string;
}

/** Plays sessions until the time is over; gives how many were finished. */
export async function playSessions(host: AccountHost, players: Players, forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  let finished = 0;
  const player = async () => {
    while (performance.now() < endMs) {
      const session = started++;
      await playSession(host, { session, customer: players.customer(session), merchant: players.merchant(session) });
      finished++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, player));
  return finished;
}

let started = 0;

/** For the door, which asks it for the operators only. */
const policy = policyOf(undefined);

async function playSession(
  host: AccountHost,
  who: { readonly session: number; readonly customer: string; readonly merchant: string },
): Promise<void> {
  const { session, customer, merchant } = who;
  const signer: Signer = { privateKey: keys.customer.privateKey, certificateChain: [utf8(customer)] };
  const atMs = Date.now();
  const logOn = signMessage(logOnType, { reference: `${session}`, merchant, atMs }, signer);
  const loggedOn = await host.handle(receiveLogOn(logOn, validate));
  const { transaction } = readMessage(loggedOnType, loggedOn).value;
  const initiation = {
    ...{ transaction, deposit: { currency: CURRENCY, minor: 1000n }, merchant, merchantOperator: BANK },
    ...{ merchantCurrency: CURRENCY, key: exportPoint(keys.temporary.publicKey), order: { units: 5, unitNano: 1000 } },
    ...{ idleMs: 60_000, endsAtMs: atMs + DAY_MS },
  };
  const opened = await host.handle(
    receiveInitiation(signMessage(initiationType, initiation, signer), validate, host.state),
  );
  const { rate } = readMessage(openedType, opened).value;
  const head = sha256(logOn);
  const record = signMessage(
    transactionRecordType,
    {
      ...{ transaction, by: 'customer' as const, count: 3, units: 15 },
      unitNano: 1_000_000,
      currency: CURRENCY,
      head,
      atMs,
    },
    { privateKey: keys.temporary.privateKey },
  );
  const statement = host.handle(await receiveRecord(record, (one) => findDeposit(host, one)));
  const clearing = signMessage(
    clearingInformationType,
    {
      ...{ transaction, merchant, accountManager: BANK, rate, count: 3, head, reasons: ['Agreed.'], atMs },
      ...{ paid: { currency: CURRENCY, minor: 2n }, unused: { currency: CURRENCY, minor: 998n } },
    },
    bank,
  );
  await host.handle(receiveClearing(clearing, validate, { policy, state: host.state }));
  await statement;
}

/** As the acquirer and the merchant's server do. */
function acknowledge(body: Uint8Array): Uint8Array {
  const { transaction, deposit, endsAtMs: notAfterMs } = readMessage(amendedInitiationType, body).value;
  const rate = { from: CURRENCY, to: CURRENCY, numerator: 1n, denominator: 1n };
  const key = exportPoint(keys.till.publicKey);
  const certificate = issueTemporaryCertificate(
    { transaction, of: 'merchant', issuer: BANK, notAfterMs, key },
    { privateKey: keys.bank.privateKey },
  );
  const answer = { transaction, rate, deposit, certificate, url: 'https://till' };
  return signMessage(operatorAcknowledgementType, answer, bank);
}

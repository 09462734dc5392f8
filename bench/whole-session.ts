/**
 * One deposit from the customer's log-on to the last statement between two operators with two currencies: the real machines of all parties with
 * their real messages, passed on in memory, where those that operators get and send are counted.
 */
import { encodeCbor } from '../src/codec/cbor.ts';
import { fromUtf8, toHex, utf8 } from '../src/codec/hex.ts';
import { sha256 } from '../src/crypto/digest.ts';
import { systemRandom } from '../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../src/crypto/signature.ts';
import { decodeShape, type Signer } from '../src/crypto/signed-message.ts';
import { createAccountManager } from '../src/deposit/account-manager/account-machine.ts';
import type { AccountPolicy, Validate } from '../src/deposit/account-manager/account-policy.ts';
import { createAcquirer } from '../src/deposit/acquirer/acquirer.ts';
import { findDeposit } from '../src/deposit/acquirer/find-deposit.ts';
import { receiveAmendedInitiation } from '../src/deposit/acquirer/receive-amended-initiation.ts';
import { receiveRecord } from '../src/deposit/acquirer/receive-record.ts';
import { limitMessage } from '../src/deposit/customer/limit.ts';
import { createPurse } from '../src/deposit/customer/purse-machine.ts';
import { createSpender } from '../src/deposit/customer/spender.ts';
import { openingType, wantMessage } from '../src/deposit/customer/want.ts';
import { createDepositMerchant } from '../src/deposit/merchant/merchant-machine.ts';
import { receiveTerminate } from '../src/deposit/merchant/receive-from-customer.ts';
import {
  type OperatorKeys,
  receiveConclude,
  receiveInformation,
  receiveStatement,
} from '../src/deposit/merchant/receive-from-operator.ts';
import { createTill } from '../src/deposit/merchant/till.ts';
import {
  concludeType,
  statementType,
  terminateType,
  transactionRecordType,
} from '../src/deposit/message/conclusion.ts';
import { amendedInitiationType, informationType } from '../src/deposit/message/initiation.ts';
import { pathOf } from '../src/deposit/message/route.ts';
import { systemClock } from '../src/journal/clock.ts';
import { type Host, openHost } from '../src/journal/host.ts';
import type { Machine, Outgoing } from '../src/journal/machine.ts';
import { createMemoryJournal } from '../src/journal/memory-journal.ts';
import { parseRate } from '../src/money/rate.ts';
import { accountRoutes } from '../src/party/operator/operator-deposit-routes.ts';
import { silentLog } from '../src/transport/log.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const RATE = parseRate({ from: 'EUR', to: 'USD', text: '1.1' });
const UNIT = { currency: 'USD', nano: 100_000 };
/** What each purchase costs: a cent, since of one that is cleared to nothing no money moves. */
const UNITS = 100;
/** 10,000.00 EUR: a little more than a million of them. */
const DEPOSIT_MINOR = 1_000_000n;
/** As many as the purse lets be unanswered. */
const AT_ONCE = 16;

export interface SessionCounts {
  /** Messages an operator got or sent, with their answers one each. */
  readonly messages: number;
  /** Who to whom and what, in the order of the alphabet. */
  readonly kinds: readonly string[];
  /** Records in the ledgers of both operators. */
  readonly ledgerWrites: number;
  /** Entries in the journals of both operators. */
  readonly journalEntries: number;
  /** Minor units the customer paid. */
  readonly bookedMinor: bigint;
}

/** Plays a deposit with so many purchases of a cent each. */
export async function playWholeSession(purchases: number): Promise<SessionCounts> {
  const world = await openParties();
  const { purse, spender, till, merchant, counts } = world;
  try {
    const want = {
      ...{ reference: 'one', limitId: 'pocket', merchant: 'shop', merchantOperator: 'south', merchantCurrency: 'USD' },
      ...{ depositMinor: DEPOSIT_MINOR, order: { units: UNITS, unitNano: UNIT.nano }, idleMs: HOUR_MS },
      endsAtMs: Date.now() + DAY_MS,
    };
    const { transaction, detail } = decodeShape(openingType, await purse.handle(wantMessage(want)));
    if (transaction === undefined) throw new Error(detail ?? 'no deposit was opened');
    let left = purchases;
    const buyer = async () => {
      while (left-- > 0) {
        const item = { units: UNITS, unitNano: UNIT.nano, request: sha256(utf8(`item ${left}`)) };
        const { number, token, checkpoint } = await spender.pay(transaction, item);
        if (checkpoint !== undefined) await till.checkpoint(transaction, checkpoint).catch(unlessTaken);
        await till.purchase(transaction, token, item);
        spender.paid(transaction, number);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, buyer));
    const { outcome, bookedMinor } = await spender.close(transaction);
    if (outcome !== 'concluded') throw new Error(`the deposit was ${outcome}`);
    while (merchant.state.sessions.size > 0) await new Promise((done) => setTimeout(done, 10));
    return { ...counts(), bookedMinor };
  } finally {
    await world.close();
  }
}

/** Every purchase of a checkpoint's first ones brings it. */
function unlessTaken(error: { readonly code?: string }): void {
  if (error.code !== 'CHECKPOINT_UNFIT') throw error;
}

async function openParties() {
  const names = ['alice', 'north', 'south', 'shop'];
  const keys = new Map<string, KeyPair>(names.map((name) => [name, generateP256()]));
  const signerOf = (name: string): Signer => ({
    privateKey: keys.get(name)!.privateKey,
    certificateChain: [utf8(name)],
  });
  const validate: Validate = ([leaf]) => {
    const name = fromUtf8(leaf!);
    return { name, publicKey: keys.get(name)!.publicKey };
  };
  const clock = systemClock();
  const kinds: string[] = [];
  let ledgerWrites = 0;
  let journalEntries = 0;
  const isOperator = (name: string) => name === 'north' || name === 'south';

  const doors: Record<string, (kind: string, body: Uint8Array, from: string) => Promise<Uint8Array>> = {};
  const deliver = async (from: string, { to, kind, body }: Outgoing) => {
    // What is billed stays in the house.
    if (!to.startsWith('https://')) return { type: 'answered', body: encodeCbor(null) } as const;
    const { hostname } = new URL(to);
    if (isOperator(from) || isOperator(hostname)) kinds.push(`${from} to ${hostname}: ${kind}`);
    return { type: 'answered', body: await doors[hostname]!(kind, body.slice(), from) } as const;
  };
  const hosts: Host<unknown, never>[] = [];
  const start = async <S, I, R>(name: string, machine: Machine<S, I, R>): Promise<Host<S, I, R>> => {
    const journal = createMemoryJournal();
    const host = await openHost<S, I, R>({
      machine: {
        ...machine,
        apply(state, record) {
          if ((record as { readonly type?: string }).type === 'ledger') ledgerWrites++;
          machine.apply(state, record);
        },
      },
      journal: {
        ...journal,
        append(entries) {
          if (isOperator(name)) journalEntries += entries.length;
          return journal.append(entries);
        },
      },
      ...{ clock, random: systemRandom, log: silentLog() },
      courier: { deliver: (message) => deliver(name, message) },
    });
    hosts.push(host as never);
    return host;
  };

  const limits = ['EUR', 'USD'].map((currency) => ({ currency, theyMayOweMinor: 10n * DEPOSIT_MINOR }));
  const operators = new Map(['north', 'south'].map((name) => [name, { url: `https://${name}`, limits }]));
  const policyOf = (name: string): AccountPolicy => ({
    ...{ name, signer: signerOf(name), operators, validateOperator: validate },
    rateTable: (_, nowMs) => ({ rates: [RATE], issuedAtMs: nowMs - HOUR_MS, validUntilMs: nowMs + DAY_MS }),
    isSaneRate: () => false,
    merchantUrl: (merchant) => `https://${merchant}`,
  });
  const open = async (name: string) => {
    const policy = policyOf(name);
    const accounts = await start(name, createAccountManager(policy));
    await accounts.submit({ type: 'set-up', currencies: ['EUR', 'USD'] });
    const routes = accountRoutes({ accounts, policy, validate, nowMs: clock.nowMs });
    const take = async (kind: string, body: Uint8Array) => {
      const answer = await routes[`POST ${pathOf({ name: kind })}`]!({ body } as never);
      return answer.body as Uint8Array;
    };
    return { accounts, take };
  };
  const north = await open('north');
  const south = await open('south');
  const holder = { type: 'open-account', currency: 'EUR', creditLineMinor: DEPOSIT_MINOR } as const;
  await north.accounts.submit({ ...holder, of: 'customer', name: 'alice' });
  await south.accounts.submit({ type: 'open-account', of: 'merchant', name: 'shop', currency: 'USD' });
  const acquirer = await start(
    'south',
    createAcquirer({
      ...{ name: 'south', signer: signerOf('south'), accountManagerUrl: 'https://south', operators },
      merchants: new Map([['shop', { url: 'https://shop', currency: 'USD' }]]),
      ...{ validateMerchant: validate, rate: () => RATE },
    }),
  );
  doors.north = north.take;
  doors.south = async (kind, body, from) => {
    const digest = sha256(body);
    if (kind === amendedInitiationType.name) {
      const input = receiveAmendedInitiation(body, { validate, nowMs: clock.nowMs() });
      return acquirer.handle({ messageId: `amended-initiation:${input.initiation.transaction}`, digest, input });
    }
    if (kind !== transactionRecordType.name) return south.take(kind, body);
    const input = await receiveRecord(body, { deliverer: from, find: (one) => findDeposit(acquirer, one) });
    return acquirer.handle({ messageId: `record:${input.transaction}:${input.by}`, digest, input });
  };

  const storageKey = systemRandom(32);
  const shop = await start(
    'shop',
    createDepositMerchant({
      ...{ signer: signerOf('shop'), operatorUrl: 'https://south', url: 'https://shop', unit: UNIT, storageKey },
    }),
  );
  const till = createTill({ host: shop, clock, storageKey });
  const operatorKeys: OperatorKeys = { merchant: 'shop', operator: 'south', validate };
  const readers: Record<string, (body: Uint8Array) => Parameters<typeof shop.submit>[0]> = {
    [informationType.name]: (body) => receiveInformation(body, operatorKeys, clock.nowMs()),
    [concludeType.name]: (body) => receiveConclude(body, operatorKeys, clock.nowMs()),
    [statementType.name]: (body) => receiveStatement(body, operatorKeys, clock.nowMs()),
    [terminateType.name]: (body) => receiveTerminate(body, shop.state),
  };
  doors.shop = (kind, body) => {
    const digest = sha256(body);
    return shop.handle({ messageId: `${kind}:${toHex(digest)}`, digest, input: readers[kind]!(body) });
  };

  const purse = await start(
    'alice',
    createPurse({
      ...{ operator: { name: 'north', url: 'https://north' }, signer: signerOf('alice'), validate, storageKey },
      nowMs: clock.nowMs,
    }),
  );
  const expiresAtMs = clock.nowMs() + 2 * DAY_MS;
  await purse.handle(limitMessage({ limitId: 'pocket', currency: 'EUR', totalMinor: DEPOSIT_MINOR, expiresAtMs }));
  const spender = createSpender({ host: purse, storageKey, clock, log: silentLog() });

  // What it took to open the accounts is not of the session.
  const before = { ledgerWrites, journalEntries };
  return {
    ...{ purse, spender, till, merchant: shop },
    counts: () => ({
      messages: kinds.length,
      kinds: kinds.toSorted(),
      ledgerWrites: ledgerWrites - before.ledgerWrites,
      journalEntries: journalEntries - before.journalEntries,
    }),
    async close() {
      for (const host of hosts) await host.close();
    },
  };
}

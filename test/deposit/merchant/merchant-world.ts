/** A merchant on a real host with its operator's messages, in virtual time unless told otherwise. */
import { toHex, utf8 } from '../../../src/codec/hex.ts';
import { importPoint } from '../../../src/crypto/agreement.ts';
import { sha256 } from '../../../src/crypto/digest.ts';
import { generateP256, type KeyPair } from '../../../src/crypto/signature.ts';
import { readMessage, type Signer, signMessage } from '../../../src/crypto/signed-message.ts';
import type { MerchantInput } from '../../../src/deposit/merchant/merchant-input.ts';
import { createDepositMerchant } from '../../../src/deposit/merchant/merchant-machine.ts';
import type { MerchantRecord, MerchantState } from '../../../src/deposit/merchant/merchant-session.ts';
import { receiveTerminate } from '../../../src/deposit/merchant/receive-from-customer.ts';
import {
  type OperatorKeys,
  receiveConclude,
  receiveInformation,
  receiveStatement,
} from '../../../src/deposit/merchant/receive-from-operator.ts';
import { createTill, type Till } from '../../../src/deposit/merchant/till.ts';
import { checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import {
  type ClearingInformation,
  clearingInformationType,
  concludeType,
  statementType,
} from '../../../src/deposit/message/conclusion.ts';
import { acknowledgementType, type Information, informationType } from '../../../src/deposit/message/initiation.ts';
import { issueTemporaryCertificate } from '../../../src/deposit/message/temporary-certificate.ts';
import { CryptographicError } from '../../../src/handsel-error.ts';
import type { Clock } from '../../../src/journal/clock.ts';
import type { CourierResult } from '../../../src/journal/courier.ts';
import { type Host, type HostOptions, openHost } from '../../../src/journal/host.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { Outgoing } from '../../../src/journal/machine.ts';
import { createMemoryJournal } from '../../../src/journal/memory-journal.ts';
import { seededRandom } from '../../world/seeded-random.ts';
import { createVirtualClock } from '../../world/virtual-clock.ts';
import { PayingCustomer } from './paying-customer.ts';

export const DAY_MS = 86_400_000;
const UNIT = { currency: 'EUR', nano: 100_000 };
const ACKNOWLEDGED = new Uint8Array([0xf6]);
export const storageKey = sha256(utf8('storage key of a test'));

/** What stands for a certificate here is its holder's name; paths are tested where they are validated. */
export interface Party {
  readonly name: string;
  readonly keys: KeyPair;
  readonly signer: Signer;
}

export function party(name: string): Party {
  const keys = generateP256();
  return { name, keys, signer: { privateKey: keys.privateKey, certificateChain: [utf8(name)] } };
}

export const operator = party('Acquirer');
export const stranger = party('Stranger');
const merchantSigner = generateP256();

export const operatorKeys: OperatorKeys = {
  merchant: 'Shop',
  operator: operator.name,
  validate([leaf]) {
    const found = [operator, stranger].find(({ name }) => leaf !== undefined && name === Buffer.from(leaf).toString());
    if (found === undefined) throw new CryptographicError(new Error('a chain that leads nowhere'));
    return { name: found.name, publicKey: found.keys.publicKey };
  },
};

export interface WorldOptions {
  readonly journal?: Journal;
  readonly clock?: Clock;
  readonly windowMs?: number;
  readonly maxInHand?: number;
  readonly maxOpen?: number;
  readonly deliver?: (message: Outgoing) => Promise<CourierResult>;
  readonly host?: Partial<HostOptions<MerchantState, MerchantInput, MerchantRecord>>;
}

export interface MerchantWorld {
  readonly host: Host<MerchantState, MerchantInput, MerchantRecord>;
  readonly till: Till;
  readonly sent: readonly Outgoing[];
  information(customer: PayingCustomer, changed?: Partial<Information>, by?: Party): Uint8Array;
  inform(customer: PayingCustomer, changed?: Partial<Information>, by?: Party): Promise<Uint8Array>;
  /** The same bytes, once more. */
  informAgain(customer: PayingCustomer, bytes: Uint8Array): Promise<Uint8Array>;
  checkpoint(bytes: Uint8Array): Promise<void>;
  terminate(bytes: Uint8Array): Promise<Uint8Array>;
  conclude(transaction: string, by?: Party): Promise<Uint8Array>;
  statement(transaction: string, paidMinor: bigint, changed?: Partial<ClearingInformation>): Promise<Uint8Array>;
  /** A deposit with its first checkpoint taken. */
  open(transaction: string, changed?: Partial<Information>, lengths?: readonly number[]): Promise<PayingCustomer>;
}

export async function openMerchantWorld(options: WorldOptions = {}): Promise<MerchantWorld> {
  const clock = options.clock ?? createVirtualClock();
  const sent: Outgoing[] = [];
  const quiet = () => {};
  const host = await openHost({
    machine: createDepositMerchant({
      signer: { privateKey: merchantSigner.privateKey },
      operatorUrl: 'https://acquirer.test',
      url: 'https://shop.test/buy',
      unit: UNIT,
      storageKey,
      ...(options.maxOpen === undefined ? {} : { maxOpen: options.maxOpen }),
    }),
    journal: options.journal ?? createMemoryJournal(),
    clock,
    random: seededRandom(7).bytes,
    courier: {
      deliver(message) {
        sent.push({ ...message, body: message.body.slice() });
        return options.deliver?.(message) ?? Promise.resolve({ type: 'answered', body: ACKNOWLEDGED });
      },
    },
    log: { info: quiet, warn: quiet, error: quiet },
    ...options.host,
  });
  const { windowMs, maxInHand } = options;
  const till = createTill({
    ...{ host, clock, storageKey },
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(maxInHand === undefined ? {} : { maxInHand }),
  });
  const handle = (messageId: string, bytes: Uint8Array, input: MerchantInput) =>
    host.handle({ messageId, digest: sha256(bytes), input });
  const world: MerchantWorld = {
    ...{ host, till, sent },
    information(customer, changed = {}, by = operator) {
      const { transaction, point: key } = customer;
      const endsAtMs = clock.nowMs() + 30 * DAY_MS;
      const certificate = issueTemporaryCertificate(
        { transaction, of: 'customer', key, issuer: by.name, notAfterMs: endsAtMs },
        by.signer,
      );
      const information: Information = {
        ...{ transaction, customer: '00'.repeat(16), certificate, idleMs: DAY_MS, endsAtMs },
        ...{ merchant: operatorKeys.merchant, deposit: { currency: 'EUR', minor: 10_000n } },
        ...changed,
      };
      return signMessage(informationType, information, by.signer);
    },
    inform: async (customer, changed, by) => world.informAgain(customer, world.information(customer, changed, by)),
    async informAgain(customer, bytes) {
      const { transaction } = customer;
      const input = receiveInformation(bytes, operatorKeys, clock.nowMs());
      const answer = await handle(`information:${transaction}`, bytes, input);
      const acknowledged = readMessage(acknowledgementType, answer);
      acknowledged.requireSignature(merchantSigner.publicKey);
      importPoint(acknowledged.value.key);
      customer.meet(acknowledged.value.key);
      return answer;
    },
    checkpoint: (bytes) => till.checkpoint(readMessage(checkpointType, bytes).value.transaction, bytes),
    async terminate(bytes) {
      const input = receiveTerminate(bytes, host.state);
      await till.settled(input.transaction);
      return handle(`terminate:${input.transaction}:${toHex(sha256(bytes))}`, bytes, input);
    },
    async conclude(transaction, by = operator) {
      const bytes = signMessage(concludeType, { transaction, deadlineMs: clock.nowMs() + DAY_MS }, by.signer);
      return handle(`conclude:${transaction}`, bytes, receiveConclude(bytes, operatorKeys, clock.nowMs()));
    },
    async statement(transaction, paidMinor, changed = {}) {
      const paid = { currency: 'EUR', minor: paidMinor };
      const clearing = signMessage(
        clearingInformationType,
        {
          ...{ transaction, merchant: 'Shop', accountManager: 'Bank', paid, unused: { currency: 'EUR', minor: 0n } },
          rate: { from: 'EUR', to: 'EUR', numerator: 1n, denominator: 1n },
          ...{ count: 0, head: new Uint8Array(32), reasons: ['equal'], atMs: clock.nowMs() },
          ...changed,
        },
        operator.signer,
      );
      const statement = { clearing, booked: paid, returned: { currency: 'EUR', minor: 0n }, atMs: clock.nowMs() };
      const bytes = signMessage(statementType, statement, operator.signer);
      return handle(`statement:${transaction}`, bytes, receiveStatement(bytes, operatorKeys, clock.nowMs()));
    },
    async open(transaction, changed = {}, lengths) {
      const customer = new PayingCustomer(transaction, lengths === undefined ? {} : { lengths });
      await world.inform(customer, changed);
      await world.checkpoint(customer.checkpoint());
      return customer;
    },
  };
  return world;
}

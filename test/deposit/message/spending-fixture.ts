/** A customer who really spends and a merchant who really checks: keys, chains, lists, and the evidence each holds afterwards. */
import { sha256 } from '../../../src/crypto/digest.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import { type Checkpoint, checkpointType } from '../../../src/deposit/message/checkpoint.ts';
import {
  type Released,
  type TransactionRecord,
  transactionRecordType,
} from '../../../src/deposit/message/conclusion.ts';
import type { Side } from '../../../src/deposit/message/evidence.ts';
import { makeChain, WORD_LENGTH } from '../../../src/deposit/message/hash-chain.ts';
import { MAX_STEPS, stepsFor, WORTHS } from '../../../src/deposit/message/purchase.ts';
import { createListCipher, EMPTY_HEAD, headWith } from '../../../src/deposit/message/purchase-list.ts';
import { type Tab, tabAt, withPurchase } from '../../../src/deposit/message/tab.ts';

export const customerKeys = generateP256();
export const merchantKeys = generateP256();

/** `released: undefined` leaves the proof out. */
export type RecordChanges = { readonly [K in keyof TransactionRecord]?: TransactionRecord[K] | undefined };

/** What one end knew after a purchase. */
export interface Moment {
  readonly tab: Tab;
  readonly released: Released;
}

export interface SpendingOptions {
  readonly transaction?: string;
  readonly currency?: string;
  readonly unitNano?: number;
  /** A new checkpoint after so many purchases. */
  readonly checkpointEvery?: number;
  readonly customer?: typeof customerKeys;
  readonly merchant?: typeof merchantKeys;
}

export function createSpending(options: SpendingOptions = {}) {
  const { transaction = 'north.1.1', currency = 'EUR', unitNano = 1_000_000, checkpointEvery = 4 } = options;
  const { customer = customerKeys, merchant = merchantKeys } = options;
  const cipher = createListCipher(systemRandom(32));
  const moments: Moment[] = [];
  let chains: Uint8Array[] = [];
  let signed = new Uint8Array();
  let tab: Tab;

  const signCheckpoint = (changes: Partial<Checkpoint>): Uint8Array => {
    const anchors = chains.map((chain) => chain.slice(0, WORD_LENGTH));
    const checkpoint = { transaction, count: 0, units: 0, head: EMPTY_HEAD, unitNano, currency, anchors, ...changes };
    return signMessage(checkpointType, checkpoint, { privateKey: customer.privateKey });
  };
  const begin = (count: number, units: number, head: Uint8Array) => {
    chains = WORTHS.map(() => makeChain(systemRandom(32), MAX_STEPS));
    const anchors = chains.map((chain) => chain.slice(0, WORD_LENGTH));
    signed = new Uint8Array(signCheckpoint({ count, units, head }));
    tab = tabAt({ transaction, count, units, head, unitNano, currency, anchors });
  };
  const remember = () => {
    moments.push({ tab, released: { checkpoint: signed, steps: tab.steps, words: tab.words } });
  };
  begin(0, 0, EMPTY_HEAD);
  remember();

  const wordAt = (chain: number, step: number) => chains[chain]!.slice(step * WORD_LENGTH, (step + 1) * WORD_LENGTH);

  const buy = (units: number, what = 'GET /article') => {
    const number = tab.count + 1;
    const steps = stepsFor(units);
    const worn = steps.some((count, chain) => tab.steps[chain]! + count > MAX_STEPS);
    if (worn || (tab.count > 0 && tab.count % checkpointEvery === 0)) begin(tab.count, tab.units, tab.head);
    const head = headWith(tab.head, cipher.encrypt({ number, units, request: sha256(Buffer.from(what)) }));
    const words = steps.map((count, chain) => (count === 0 ? undefined : wordAt(chain, tab.steps[chain]! + count)));
    tab = withPurchase(tab, { number, steps, head, words }, { units, head });
    remember();
  };

  const record = (by: Side, at = moments.length - 1, changes: RecordChanges = {}): Uint8Array => {
    const { tab: then, released } = moments[at]!;
    const { count, units, head } = then;
    const value = { transaction, by, count, units, unitNano, currency, head, released, atMs: 1, ...changes };
    const { privateKey } = by === 'customer' ? customer : merchant;
    return signMessage(transactionRecordType, value as TransactionRecord, { privateKey });
  };

  return { transaction, currency, unitNano, moments, buy, record, signCheckpoint };
}

export type Spending = ReturnType<typeof createSpending>;

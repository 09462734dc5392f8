/** A till and a spender that keep real tabs, chains and lists in memory: what stands behind both ends of paying over HTTP. */
import { sha256 } from '../../src/crypto/digest.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256 } from '../../src/crypto/signature.ts';
import { readMessage, signMessage } from '../../src/crypto/signed-message.ts';
import type { Spender } from '../../src/deposit/customer-http/spender.ts';
import type { Till } from '../../src/deposit/merchant-http/charge-terms.ts';
import { checkpointType } from '../../src/deposit/message/checkpoint.ts';
import { DepositError } from '../../src/deposit/message/deposit-error.ts';
import { makeChain, WORD_LENGTH } from '../../src/deposit/message/hash-chain.ts';
import type { Offer } from '../../src/deposit/message/payment-offer.ts';
import { decodePurchase, encodePurchase, stepsFor, WORTHS } from '../../src/deposit/message/purchase.ts';
import { createListCipher, EMPTY_HEAD, headWith } from '../../src/deposit/message/purchase-list.ts';
import { type Tab, tabAt, withPurchase } from '../../src/deposit/message/tab.ts';
import type { Clock } from '../../src/journal/clock.ts';

export const UNIT_NANO = 100_000;

/** Stands still until it is told. */
export function standingClock(startMs = Date.parse('2026-11-21T12:00:00Z')): Clock & { nowIs: number } {
  return {
    nowIs: startMs,
    nowMs() {
      return this.nowIs;
    },
    after(delayMs, call) {
      const timeout = setTimeout(call, Math.min(delayMs, 2000));
      return () => clearTimeout(timeout);
    },
  };
}

interface Deposit {
  readonly transaction: string;
  readonly key: Uint8Array;
  readonly chains: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
  readonly signer: ReturnType<typeof generateP256>;
  /** The customer's. */
  count: number;
  steps: number[];
  head: Uint8Array;
  /** The merchant's, from the first checkpoint on. */
  tab: Tab | undefined;
  /** By number, as the merchant took them. */
  readonly taken: { readonly token: string; readonly item: string; readonly units: number }[];
}

export interface Ends {
  readonly till: Till;
  readonly spender: Spender;
  /** What the merchant has earned, in units. */
  earned(): number;
  readonly offers: Offer[];
  readonly told: (readonly (string | number)[])[];
  readonly deposits: ReadonlyMap<string, Deposit>;
  /** The merchant closes what is open. */
  close(): void;
}

const CHAIN_STEPS = 1024;

export function createEnds({ delayMs = 0 } = {}): Ends {
  const deposits = new Map<string, Deposit>();
  const closed = new Set<string>();
  const offers: Offer[] = [];
  const told: (readonly (string | number)[])[] = [];
  let current: string | undefined;

  const open = ({ currency, unitNano }: Offer): string => {
    const transaction = `north.7.${deposits.size + 1}`;
    const signer = generateP256();
    const chains = WORTHS.map(() => makeChain(systemRandom(32), CHAIN_STEPS));
    const anchors = chains.map((chain) => chain.slice(0, WORD_LENGTH));
    const first = { transaction, count: 0, units: 0, head: EMPTY_HEAD, unitNano, currency, anchors };
    deposits.set(transaction, {
      ...{ transaction, key: systemRandom(32), chains, signer, count: 0, steps: [0, 0, 0, 0], head: EMPTY_HEAD },
      ...{ checkpoint: signMessage(checkpointType, first, signer), tab: undefined, taken: [] },
    });
    return transaction;
  };
  const find = (transaction: string): Deposit => {
    const deposit = deposits.get(transaction);
    if (deposit === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit here');
    if (closed.has(transaction)) throw new DepositError('DEPOSIT_CLOSED', 'the deposit is concluded');
    return deposit;
  };

  const spender: Spender = {
    async ensure(offer) {
      offers.push(offer);
      current ??= open(offer);
      return current;
    },
    async pay(transaction, { units, request }) {
      const deposit = deposits.get(transaction)!;
      const number = deposit.count + 1;
      const steps = stepsFor(units);
      deposit.steps = deposit.steps.map((step, chain) => step + steps[chain]!);
      deposit.head = headWith(deposit.head, createListCipher(deposit.key).encrypt({ number, units, request }));
      deposit.count = number;
      const words = steps.map((moved, chain) => {
        const at = deposit.steps[chain]! * WORD_LENGTH;
        return moved === 0 ? undefined : deposit.chains[chain]!.slice(at, at + WORD_LENGTH);
      });
      const token = encodePurchase({ number, steps, head: deposit.head, words });
      return { number, token, ...(number === 1 ? { checkpoint: deposit.checkpoint } : {}) };
    },
    paid: (_transaction, number) => void told.push(['paid', number]),
    failed(_transaction, number, failure) {
      told.push([failure.reason, number, ...(failure.reason === 'refused' ? [failure.code] : [])]);
      current = undefined;
    },
  };

  const till: Till = {
    async purchase(transaction, token, { units, request }) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const deposit = find(transaction);
      const purchase = decodePurchase(token);
      const item = Buffer.from(request).toString('hex');
      const before = deposit.taken[purchase.number - 1];
      if (before !== undefined) {
        if (before.token === Buffer.from(token).toString('hex') && before.item === item && before.units === units) {
          return { number: purchase.number, repeated: true };
        }
        throw new DepositError('PURCHASE_REUSED', 'the number is of another request');
      }
      if (deposit.tab === undefined) throw new DepositError('PURCHASE_UNPROVED', 'there is no checkpoint yet');
      const entry = createListCipher(deposit.key).encrypt({ number: purchase.number, units, request });
      deposit.tab = withPurchase(deposit.tab, purchase, { units, head: headWith(deposit.tab.head, entry) });
      deposit.taken.push({ token: Buffer.from(token).toString('hex'), item, units });
      return { number: purchase.number, repeated: false };
    },
    async checkpoint(transaction, bytes) {
      const deposit = find(transaction);
      const message = readMessage(checkpointType, bytes);
      message.requireSignature(deposit.signer.publicKey);
      if (message.value.count !== (deposit.tab?.count ?? 0))
        throw new DepositError('CHECKPOINT_UNFIT', 'another count');
      deposit.tab = tabAt(message.value);
    },
  };

  return {
    ...{ till, spender, offers, told, deposits },
    earned: () => [...deposits.values()].reduce((sum, { tab }) => sum + (tab?.units ?? 0), 0),
    close: () => deposits.forEach(({ transaction }) => void closed.add(transaction)),
  };
}

export const secret = sha256(Buffer.from('a secret of the test'));

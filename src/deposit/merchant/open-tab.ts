/**
 * A deposit as the till has it in hand: its tab with the purchases that are checked and not yet durable, and what is needed to check the
 * next one without asking anybody.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { equalBytes } from '../../codec/hex.ts';
import { DepositError } from '../message/deposit-error.ts';
import { isAhead, WORD_LENGTH } from '../message/hash-chain.ts';
import { listKeyOf } from '../message/list-key.ts';
import { type Purchase, worthOf } from '../message/purchase.ts';
import { createListCipher, headWith, type ListCipher } from '../message/purchase-list.ts';
import { advance, type RunningTab, runningTab } from '../message/tab.ts';
import type { Run } from './merchant-input.ts';
import {
  headAfter,
  headsOf,
  lastHeads,
  type MerchantSession,
  putHead,
  REPEATS_KNOWN,
  type Terms,
  tabOf,
} from './merchant-session.ts';
import { openSessionKey } from './session-key.ts';

/** What is sold. */
export interface Item {
  /** Its price. */
  readonly units: number;
  /** What the price was counted in: a deposit opened for another unit is refused. */
  readonly unitNano?: number;
  /** SHA-256 over what was asked for: method, resource and body. */
  readonly request: Uint8Array;
  /** Called as soon as the purchase is checked, when only the flush is still to come; never for a repetition. */
  readonly checked?: () => void;
}

export interface OpenTab {
  readonly session: MerchantSession;
  /** Of the checkpoint its chains hang on. */
  readonly epoch: number;
  readonly tab: RunningTab;
  /** Of the list after the last purchases: a ring as in the session. */
  readonly heads: Uint8Array;
  readonly listKey: KeyObject;
  readonly cipher: ListCipher;
}

/** @throws DepositError `PURCHASE_UNPROVED` before the first checkpoint */
export function openTab(session: MerchantSession, storageKey: Uint8Array): OpenTab {
  if (session.epoch === 0) throw new DepositError('PURCHASE_UNPROVED', 'the deposit begins with a checkpoint');
  const listKey = createSecretKey(ownListKey(session, storageKey));
  return {
    session,
    epoch: session.epoch,
    tab: runningTab(tabOf(session)),
    heads: headsOf(session).slice(),
    listKey,
    cipher: createListCipher(listKey),
  };
}

export function ownListKey(terms: Terms, storageKey: Uint8Array): Uint8Array {
  const { transaction, customerKey, ownKey, sealedKey } = terms;
  const privateKey = openSessionKey({ transaction, storageKey, sealed: sealedKey });
  return listKeyOf({ transaction, own: 'merchant', privateKey, customer: customerKey, merchant: ownKey });
}

/**
 * Takes the next purchase and gives its list entry, encrypted.
 * @throws DepositError `DEPOSIT_EXCEEDED`, `PURCHASE_OUT_OF_ORDER`, `PURCHASE_UNPROVED`; the tab is then as it was
 */
export function takePurchase({ session, tab, heads, cipher }: OpenTab, purchase: Purchase, item: Item): Uint8Array {
  const { units, request } = item;
  if (units > session.depositUnits - tab.units) throw new DepositError('DEPOSIT_EXCEEDED', 'more than is left');
  const entry = cipher.encrypt({ number: purchase.number, units, request });
  advance(tab, purchase, { units, head: headWith(tab.head, entry) });
  putHead(heads, tab.count, tab.head);
  return entry;
}

/**
 * Passes when a purchase with a number already used is that same purchase again. Its head is known to nobody but the two ends and
 * whoever overheard it, and is over number, price and request.
 * @throws DepositError `PURCHASE_REUSED`
 */
export function requireRepeated({ tab, heads, listKey }: OpenTab, purchase: Purchase, item: Item): void {
  const { number } = purchase;
  if (number > tab.count - REPEATS_KNOWN) {
    const head = headAfter(heads, number);
    // A cipher of its own: it is at another place of the list than the till's.
    const entry = createListCipher(listKey).encrypt({ number, units: item.units, request: item.request });
    const same = equalBytes(purchase.head, head) && equalBytes(headWith(headAfter(heads, number - 1), entry), head);
    if (same && worthOf(purchase.steps) === item.units) return;
  }
  throw new DepositError('PURCHASE_REUSED', `purchase ${number} was another one`);
}

/** Steps a purchase before it may have taken in the same chain: prices are paid by digits below 16. */
const STEPS_OF_OTHERS = 16;

/**
 * Whether a purchase before its turn brings a word that nobody but the customer can have, as far as can be seen without those before it.
 * A few hundred hashes at most for prices of up to sixteen steps, and numbers that are not far ahead.
 */
export function isOfCustomer({ tab }: OpenTab, { number, steps, words }: Purchase): boolean {
  const chain = steps.findIndex((moved) => moved > 0);
  const word = words[chain];
  const atMost = (number - tab.count) * Math.max(steps[chain] ?? 0, STEPS_OF_OTHERS);
  const at = chain * WORD_LENGTH;
  return word !== undefined && isAhead(word, tab.words.subarray(at, at + WORD_LENGTH), atMost);
}

/** Purchases taken one after the other since the last flush began. */
export interface Spell {
  readonly from: Run['from'];
  readonly entries: Uint8Array[];
}

export function beginSpell({ epoch, tab }: OpenTab): Spell {
  return { from: { epoch, count: tab.count, head: tab.head }, entries: [] };
}

/** What the machine is told: how the tab stands after them. */
export function runOf({ session, tab, heads }: OpenTab, { from, entries }: Spell): Run {
  const { count, units, head, steps, words } = runningTab(tab);
  return {
    ...{ transaction: session.transaction, from, count, units, head, steps, words },
    entries: Buffer.concat(entries),
    heads: lastHeads(heads, { number: count, purchases: entries.length }),
  };
}

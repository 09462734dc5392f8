/** What an acquirer host knows, what it writes down, and how the one follows from the other. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { applyLedger } from '../../ledger/apply.ts';
import { createLedger, type LedgerState } from '../../ledger/ledger.ts';
import type { LedgerRecord } from '../../ledger/record.ts';
import { restoreLedger, snapshotLedger } from '../../ledger/snapshot.ts';
import type { Amount } from '../../money/amount.ts';
import type { CardRequest, CardResponse, PaymentRequest } from '../message/card-message.ts';
import { type BookTotals, bookKey, countCredit, countDebit, countReversal, NO_TOTALS } from './settlement-book.ts';

/**
 *   asking ── approved ──→ authorised (0100) ──→ capturing ──→ captured ──→ (gone, settled)
 *      │                └→ captured (0200)          └─ refused ─→ authorised
 *      ├── declined ──→ (gone)
 *      └── no answer ──→ reversing ──→ (gone);  authorised or captured ── reversal asked ──→ reversing
 * In `asking`, `capturing` and `reversing` the payment is in motion: the issuer has been asked and not answered yet.
 */
export type PaymentStatus = 'asking' | 'authorised' | 'capturing' | 'captured' | 'reversing';

/** A message to us that waits for what the issuer says, with its answer prepared. */
export interface WaitingMessage {
  readonly messageId: string;
  readonly answer: CardResponse;
}

export interface AcquiredPayment {
  readonly type: PaymentRequest['type'];
  readonly issuerId: string;
  readonly merchantId: string;
  /** As authorised; after a partial capture, as captured. */
  readonly amount: Amount;
  readonly status: PaymentStatus;
  /** The batch in which it counts; 0 before an authorisation is captured. */
  readonly batch: number;
  readonly approvalCode?: string;
  /** Only while in motion. */
  readonly waiting?: WaitingMessage;
  /** The trace number and time of what we asked last, which the answer must repeat. */
  readonly asked: { readonly stan: number; readonly transmittedAt: string };
  /** Only while asking: to be able to reverse. */
  readonly request?: PaymentRequest;
  /** Only while capturing. */
  readonly captureMinor?: bigint;
  /** Only while reversing: what is to be undone; undefined when we never heard the issuer's answer. */
  readonly undoing?: 'authorised' | 'captured';
  /** Minor units of it that were given back: what is credited is not reversed, too. */
  readonly creditedMinor?: bigint;
  /** An advice that came while in motion and is taken up afterwards. */
  readonly queued?: { readonly messageId: string; readonly request: CardRequest };
}

/** A credit that the issuer has been asked for and has not confirmed yet. */
export interface AcquiredCredit {
  /** Of what was captured: a key of `payments` as long as that is not settled. */
  readonly payment: string;
  readonly issuerId: string;
  readonly merchantId: string;
  readonly amount: Amount;
  readonly batch: number;
  readonly waiting: WaitingMessage;
  readonly asked: AcquiredPayment['asked'];
}

export interface AcquirerBook {
  readonly issuerId: string;
  readonly currency: string;
  readonly batch: number;
  totals: BookTotals;
  /** Payments in motion whose outcome counts here: the book cannot be closed before they have come to rest. */
  readonly moving: Set<string>;
  readonly captured: Set<string>;
  /** `sent`: the issuer has been asked whether it counted the same; `disputed`: it has not. */
  phase: 'open' | 'sent' | 'disputed';
  /** When a charge was counted here last, Unix milliseconds. */
  countedMs: number;
  /** Trace number and time of the reconciliation message. */
  asked?: { readonly stan: number; readonly transmittedAt: string };
}

export interface AcquirerState {
  ledger: LedgerState;
  /** False: known, and not served at present. */
  readonly merchants: Map<string, boolean>;
  readonly payments: Map<string, AcquiredPayment>;
  readonly barred: Set<string>;
  /** In motion, by `creditKeyOf`. */
  readonly credits: Map<string, AcquiredCredit>;
  readonly books: Map<string, AcquirerBook>;
  /** The batch in which captures count now. */
  batch: number;
  /** Trace number given last to a message of our own. */
  stan: number;
}

export type ReversalEffect = 'nothing' | 'released' | 'undone' | 'undone-unseen';

export type AcquirerRecord =
  | { readonly type: 'ledger'; readonly record: LedgerRecord }
  | { readonly type: 'merchant'; readonly merchantId: string; readonly active: boolean }
  | { readonly type: 'payment'; readonly key: string; readonly payment: AcquiredPayment }
  /** Declined, or lapsed unused. */
  | { readonly type: 'gone'; readonly key: string; readonly why: string }
  /** The issuer charged the card: it counts. */
  | { readonly type: 'captured'; readonly key: string; readonly payment: AcquiredPayment; readonly atMs: number }
  | { readonly type: 'reversed'; readonly key: string; readonly effect: ReversalEffect }
  | { readonly type: 'crediting'; readonly key: string; readonly credit: AcquiredCredit }
  /** Confirmed by the issuer, and counted; or refused, and nothing moved. */
  | { readonly type: 'credited'; readonly key: string; readonly done: boolean }
  | { readonly type: 'barred' | 'unbarred'; readonly key: string }
  | { readonly type: 'numbered'; readonly stan: number }
  | { readonly type: 'batch'; readonly batch: number }
  | { readonly type: 'reconciling'; readonly book: string; readonly asked: NonNullable<AcquirerBook['asked']> }
  | { readonly type: 'settled' | 'disputed'; readonly book: string };

export function createAcquirerState(): AcquirerState {
  return {
    ledger: createLedger(),
    merchants: new Map(),
    payments: new Map(),
    barred: new Set(),
    credits: new Map(),
    books: new Map(),
    batch: 1,
    stan: 0,
  };
}

type Counted = Pick<AcquiredPayment, 'issuerId' | 'amount' | 'batch'>;

export function bookOfPayment({ issuerId, amount, batch }: Counted): string {
  return bookKey({ counterparty: issuerId, currency: amount.currency, batch });
}

/** Whether the issuer has been asked something about it and has not answered. */
export function inMotion({ status }: AcquiredPayment): boolean {
  return status === 'asking' || status === 'capturing' || status === 'reversing';
}

export function applyAcquirer(state: AcquirerState, record: AcquirerRecord): void {
  switch (record.type) {
    case 'ledger':
      applyLedger(state.ledger, record.record);
      return;
    case 'merchant':
      state.merchants.set(record.merchantId, record.active);
      return;
    case 'payment':
      place(state, record.key, record.payment);
      return;
    case 'captured': {
      const { payment } = record;
      place(state, record.key, payment);
      const book = openBook(state, payment);
      book.captured.add(record.key);
      book.countedMs = Math.max(book.countedMs, record.atMs);
      book.totals = countDebit(book.totals, payment.amount.minor);
      return;
    }
    case 'gone':
      remove(state, record.key);
      return;
    case 'reversed': {
      const payment = state.payments.get(record.key)!;
      const { minor } = payment.amount;
      remove(state, record.key);
      if (record.effect !== 'undone' && record.effect !== 'undone-unseen') return;
      const book = openBook(state, payment);
      if (record.effect === 'undone-unseen') book.totals = countDebit(book.totals, minor);
      book.totals = countReversal(book.totals, minor);
      return;
    }
    case 'crediting':
      state.credits.set(record.key, record.credit);
      openBook(state, record.credit).moving.add(record.key);
      return;
    case 'credited':
      concludeCredit(state, record.key, record.done);
      return;
    case 'barred':
      state.barred.add(record.key);
      return;
    case 'unbarred':
      state.barred.delete(record.key);
      return;
    case 'numbered':
      state.stan = record.stan;
      return;
    case 'batch':
      state.batch = record.batch;
      return;
    case 'reconciling': {
      const book = state.books.get(record.book)!;
      book.phase = 'sent';
      book.asked = record.asked;
      return;
    }
    case 'disputed':
      state.books.get(record.book)!.phase = 'disputed';
      return;
    case 'settled': {
      for (const key of state.books.get(record.book)!.captured) state.payments.delete(key);
      state.books.delete(record.book);
      return;
    }
  }
}

function concludeCredit(state: AcquirerState, key: string, done: boolean): void {
  const credit = state.credits.get(key)!;
  state.credits.delete(key);
  const book = openBook(state, credit);
  book.moving.delete(key);
  if (!done) return;
  const { minor } = credit.amount;
  book.totals = countCredit(book.totals, minor);
  const payment = state.payments.get(credit.payment);
  if (payment === undefined) return; // settled long ago
  state.payments.set(credit.payment, { ...payment, creditedMinor: (payment.creditedMinor ?? 0n) + minor });
}

function place(state: AcquirerState, key: string, payment: AcquiredPayment): void {
  const before = state.payments.get(key);
  if (before !== undefined && before.batch > 0) state.books.get(bookOfPayment(before))?.moving.delete(key);
  state.payments.set(key, payment);
  if (payment.batch > 0 && inMotion(payment)) openBook(state, payment).moving.add(key);
}

function remove(state: AcquirerState, key: string): void {
  const payment = state.payments.get(key);
  state.payments.delete(key);
  if (payment === undefined || payment.batch === 0) return;
  const book = state.books.get(bookOfPayment(payment));
  book?.moving.delete(key);
  book?.captured.delete(key);
}

function openBook(state: AcquirerState, payment: Counted): AcquirerBook {
  const key = bookOfPayment(payment);
  const found = state.books.get(key);
  if (found !== undefined) return found;
  const book: AcquirerBook = {
    issuerId: payment.issuerId,
    currency: payment.amount.currency,
    batch: payment.batch,
    totals: NO_TOTALS,
    moving: new Set(),
    captured: new Set(),
    phase: 'open',
    countedMs: 0,
  };
  state.books.set(key, book);
  return book;
}

export function snapshotAcquirer(state: AcquirerState): Uint8Array {
  const books = [...state.books].map(([key, book]) => {
    return [key, { ...book, moving: [...book.moving], captured: [...book.captured] }];
  });
  const { ledger, merchants, payments, barred, batch, stan, credits } = state;
  const parts = [snapshotLedger(ledger), [...merchants], [...payments], [...barred], books, batch, stan, [...credits]];
  return encodeCborExact(parts as unknown as CborValue);
}

type StoredBook = Omit<AcquirerBook, 'moving' | 'captured'> & { moving: string[]; captured: string[] };

/** Our own bytes, whose digest the journal has checked: the shape is trusted. */
export function restoreAcquirer(bytes: Uint8Array): AcquirerState {
  const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as unknown;
  const [ledger, merchants, payments, barred, books, batch, stan, credits = []] = parts as [
    Uint8Array,
    [string, boolean][],
    [string, AcquiredPayment][],
    string[],
    [string, StoredBook][],
    number,
    number,
    [string, AcquiredCredit][]?,
  ];
  const revive = (book: StoredBook) => ({
    ...book,
    totals: { ...NO_TOTALS, ...book.totals },
    moving: new Set(book.moving),
    captured: new Set(book.captured),
  });
  return {
    ledger: restoreLedger(ledger),
    merchants: new Map(merchants),
    payments: new Map(payments),
    barred: new Set(barred),
    credits: new Map(credits),
    books: new Map(books.map(([key, book]) => [key, revive(book)])),
    batch,
    stan,
  };
}

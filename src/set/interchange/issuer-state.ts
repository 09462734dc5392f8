/** What an issuer host knows, what it writes down, and how the one follows from the other. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { applyLedger } from '../../ledger/apply.ts';
import { createLedger, type LedgerState } from '../../ledger/ledger.ts';
import type { LedgerRecord } from '../../ledger/record.ts';
import { restoreLedger, snapshotLedger } from '../../ledger/snapshot.ts';
import type { Amount } from '../../money/amount.ts';
import { type BookTotals, bookKey, countCredit, countDebit, countReversal, NO_TOTALS } from './settlement-book.ts';

/** Amounts in minor units of the account's currency. */
export interface CardTerms {
  readonly account: string;
  /** `YYMM`; good to the end of that month, UTC. */
  readonly expiry: string;
  readonly perTransactionMinor: bigint;
  /** Approved and not reversed in one UTC day. */
  readonly perDayMinor: bigint;
}

export interface Card extends CardTerms {
  /** On the stop-list. */
  stopped: boolean;
  /** Days since 1970 to which `spentMinor` belongs. */
  spentDay: number;
  spentMinor: bigint;
}

/** A payment that can still be captured, reversed or settled. Afterwards it is only in the journal. */
export interface IssuedPayment {
  readonly acquirerId: string;
  readonly merchantId: string;
  readonly cardId: string;
  readonly approvalCode: string;
  /** Day on which it counts towards the daily limit. */
  readonly day: number;
  readonly status: 'held' | 'posted';
  /** As the merchant asked, less what a partial capture released. */
  readonly amount: Amount;
  /** As the card's account is charged: the same, or converted. */
  readonly billed: Amount;
  /** 0 while held. */
  readonly batch: number;
}

/** Given back to a card. */
export interface IssuedCredit {
  readonly acquirerId: string;
  readonly merchantId: string;
  readonly cardId: string;
  readonly amount: Amount;
  /** As the card's account is credited: the same, or converted at today's rate. */
  readonly billed: Amount;
  readonly batch: number;
}

export interface IssuerBook {
  totals: BookTotals;
  readonly payments: Set<string>;
}

export interface IssuerState {
  ledger: LedgerState;
  readonly cards: Map<string, Card>;
  readonly payments: Map<string, IssuedPayment>;
  /** Requests that were reversed before they arrived: they must not be approved any more. */
  readonly barred: Set<string>;
  readonly books: Map<string, IssuerBook>;
}

export type DeclineReason =
  | 'unknown-card'
  | 'stopped'
  | 'expiry'
  | 'transaction-limit'
  | 'daily-limit'
  | 'currency'
  | 'funds'
  | 'reversed-before';

export type IssuerRecord =
  | { readonly type: 'ledger'; readonly record: LedgerRecord }
  | { readonly type: 'card'; readonly cardId: string; readonly terms: CardTerms }
  | { readonly type: 'stopped'; readonly cardId: string; readonly stopped: boolean }
  | { readonly type: 'approved'; readonly key: string; readonly payment: IssuedPayment }
  /** For the card's history only: what the asker is not told. */
  | { readonly type: 'declined'; readonly key: string; readonly cardId: string; readonly reason: DeclineReason }
  | { readonly type: 'captured'; readonly key: string; readonly payment: IssuedPayment }
  | { readonly type: 'reversed' | 'lapsed'; readonly key: string }
  | { readonly type: 'credited'; readonly key: string; readonly credit: IssuedCredit }
  | { readonly type: 'barred' | 'unbarred'; readonly key: string }
  | { readonly type: 'settled'; readonly book: string };

export function createIssuerState(): IssuerState {
  return { ledger: createLedger(), cards: new Map(), payments: new Map(), barred: new Set(), books: new Map() };
}

export function applyIssuer(state: IssuerState, record: IssuerRecord): void {
  switch (record.type) {
    case 'ledger':
      applyLedger(state.ledger, record.record);
      return;
    case 'card': {
      const { stopped, spentDay, spentMinor } = state.cards.get(record.cardId) ?? NEW_CARD;
      state.cards.set(record.cardId, { ...record.terms, stopped, spentDay, spentMinor });
      return;
    }
    case 'stopped':
      state.cards.get(record.cardId)!.stopped = record.stopped;
      return;
    case 'approved':
      spend(state, record.payment, record.payment.billed.minor);
      keep(state, record.key, record.payment);
      return;
    case 'captured': {
      const before = state.payments.get(record.key)!;
      spend(state, before, record.payment.billed.minor - before.billed.minor);
      keep(state, record.key, record.payment);
      return;
    }
    case 'reversed':
    case 'lapsed': {
      const payment = state.payments.get(record.key)!;
      spend(state, payment, -payment.billed.minor);
      drop(state, record.key, payment);
      return;
    }
    case 'credited': {
      const book = bookOf(record.credit);
      const { totals, payments } = state.books.get(book) ?? { totals: NO_TOTALS, payments: new Set<string>() };
      state.books.set(book, { totals: countCredit(totals, record.credit.amount.minor), payments });
      return;
    }
    case 'declined':
      return;
    case 'barred':
      state.barred.add(record.key);
      return;
    case 'unbarred':
      state.barred.delete(record.key);
      return;
    case 'settled': {
      for (const key of state.books.get(record.book)?.payments ?? []) state.payments.delete(key);
      state.books.delete(record.book);
      return;
    }
  }
}

const NEW_CARD = { stopped: false, spentDay: 0, spentMinor: 0n };

function spend(state: IssuerState, { cardId, day }: IssuedPayment, minor: bigint): void {
  const card = state.cards.get(cardId)!;
  if (day > card.spentDay) {
    card.spentDay = day;
    card.spentMinor = 0n;
  }
  if (day === card.spentDay) card.spentMinor += minor;
}

function keep(state: IssuerState, key: string, payment: IssuedPayment): void {
  state.payments.set(key, payment);
  if (payment.status !== 'posted') return;
  const book = bookOf(payment);
  const { totals, payments } = state.books.get(book) ?? { totals: NO_TOTALS, payments: new Set<string>() };
  payments.add(key);
  state.books.set(book, { totals: countDebit(totals, payment.amount.minor), payments });
}

function drop(state: IssuerState, key: string, payment: IssuedPayment): void {
  state.payments.delete(key);
  const book = payment.status === 'posted' ? state.books.get(bookOf(payment)) : undefined;
  if (book === undefined) return;
  book.payments.delete(key);
  book.totals = countReversal(book.totals, payment.amount.minor);
}

function bookOf({ acquirerId, amount, batch }: Pick<IssuedPayment, 'acquirerId' | 'amount' | 'batch'>): string {
  return bookKey({ counterparty: acquirerId, currency: amount.currency, batch });
}

export function snapshotIssuer({ ledger, cards, payments, barred, books }: IssuerState): Uint8Array {
  const rows = [...books].map(([key, book]) => [key, book.totals, [...book.payments]]);
  const parts = [snapshotLedger(ledger), [...cards], [...payments], [...barred], rows];
  return encodeCborExact(parts as unknown as CborValue);
}

/** Our own bytes, whose digest the journal has checked: the shape is trusted. */
export function restoreIssuer(bytes: Uint8Array): IssuerState {
  const parts = decodeCborExact(bytes, { maxBytes: bytes.length }) as unknown;
  const [ledger, cards, payments, barred, books] = parts as [
    Uint8Array,
    [string, Card][],
    [string, IssuedPayment][],
    string[],
    [string, BookTotals, string[]][],
  ];
  return {
    ledger: restoreLedger(ledger),
    cards: new Map(cards),
    payments: new Map(payments),
    barred: new Set(barred),
    books: new Map(
      books.map(([key, totals, keys]) => [key, { totals: { ...NO_TOTALS, ...totals }, payments: new Set(keys) }]),
    ),
  };
}

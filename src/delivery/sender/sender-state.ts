/** What a merchant's side of delivery remembers, and what each record does to that. Orders that ended are read back from the journal. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';

/** A package with its K2. Digests and keys are hexadecimal. */
export interface Edition {
  readonly package: string;
  readonly product: string;
  /** Digest of the signed description. */
  readonly description: string;
  /** Signed: it is lodged again from time to time. */
  readonly manifest: Uint8Array;
  readonly productKey: string;
  readonly trustee: string;
  readonly urls: readonly string[];
  /** Until then the trustee has signed for the key; 0 while it has not, and nothing is sold. */
  readonly keptUntilMs: number;
  readonly lodgings: number;
}

export interface OpenOrder {
  readonly order: string;
  readonly package: string;
  /** The key that signed the order, by `nameOfKey`. */
  readonly customer: string;
  readonly resendings: number;
  /** Digest of the accept it was sold for: it stays until its deadline, so that whoever comes second hears the same. */
  readonly soldFor: string | null;
}

/** A complaint about words, which people of the merchant may answer until then. */
export interface OpenHearing {
  readonly case: string;
  /** The message that waits for the answer. */
  readonly messageId: string;
  readonly untilMs: number;
  /** K2 for the arbiter, sealed for the case. */
  readonly key: Uint8Array;
}

export type SenderRecord =
  | { readonly type: 'published'; readonly edition: Edition; readonly description: Uint8Array; readonly atMs: number }
  | { readonly type: 'lodged-again'; readonly package: string; readonly atMs: number }
  | {
      readonly type: 'custody';
      readonly package: string;
      readonly receipt: Uint8Array;
      readonly keptUntilMs: number;
      readonly atMs: number;
    }
  | { readonly type: 'custody-refused'; readonly package: string; readonly code: string; readonly atMs: number }
  | { readonly type: 'ordered'; readonly order: OpenOrder; readonly bytes: Uint8Array; readonly atMs: number }
  | { readonly type: 'key'; readonly order: string; readonly passed: Uint8Array; readonly atMs: number }
  | {
      readonly type: 'resent';
      readonly order: string;
      readonly attempt: number;
      readonly notAccept: Uint8Array;
      readonly atMs: number;
    }
  | {
      readonly type: 'sold';
      readonly order: string;
      readonly accept: string;
      readonly by: 'merchant' | 'trustee';
      readonly acceptance: Uint8Array;
      readonly atMs: number;
    }
  | {
      readonly type: 'lapsed';
      readonly order: string;
      readonly reason: 'deadline' | 'resendings';
      readonly atMs: number;
    }
  /** Sold, and its deadline is over. */
  | { readonly type: 'settled'; readonly order: string; readonly atMs: number }
  /** The trustee signed a release for what was not paid: this shows it. */
  | { readonly type: 'trustee-breach'; readonly order: string; readonly evidence: Uint8Array; readonly atMs: number }
  | {
      readonly type: 'heard';
      readonly case: string;
      readonly hearing: Uint8Array;
      /** Present while somebody may still say something to it. */
      readonly open?: OpenHearing;
      readonly atMs: number;
    }
  /** By the trustee, as it signed it. */
  | { readonly type: 'refunded'; readonly order: string; readonly receipt: Uint8Array; readonly atMs: number }
  | { readonly type: 'answered'; readonly case: string; readonly statement: Uint8Array; readonly atMs: number }
  | {
      readonly type: 'ruled';
      readonly order: string;
      readonly outcome: string;
      readonly ruling: Uint8Array;
      readonly atMs: number;
    };

export interface SenderState {
  /** By package. */
  readonly editions: Map<string, Edition>;
  /** By order digest. */
  readonly orders: Map<string, OpenOrder>;
  /** How many of them, not sold yet, each customer has. */
  readonly openOf: Map<string, number>;
  /** Hearings that wait for an answer, by case. */
  readonly hearings: Map<string, OpenHearing>;
}

/** Index key of all refunds. */
export const REFUNDS_KEY = 'refunds';
export const packageKey = (of: string) => `package:${of}`;
export const caseKey = (of: string) => `case:${of}`;
export const orderKey = (order: string) => `order:${order}`;

export function emptySender(): SenderState {
  return { editions: new Map(), orders: new Map(), openOf: new Map(), hearings: new Map() };
}

export function applySender(state: SenderState, record: SenderRecord): void {
  const { editions, orders } = state;
  switch (record.type) {
    case 'published':
      editions.set(record.edition.package, record.edition);
      break;
    case 'lodged-again': {
      const edition = editions.get(record.package)!;
      editions.set(record.package, { ...edition, lodgings: edition.lodgings + 1 });
      break;
    }
    case 'custody':
      editions.set(record.package, { ...editions.get(record.package)!, keptUntilMs: record.keptUntilMs });
      break;
    case 'ordered':
      open(state, record.order);
      break;
    case 'resent':
      orders.set(record.order, { ...orders.get(record.order)!, resendings: record.attempt });
      break;
    case 'sold':
      markSold(state, record.order, record.accept);
      break;
    case 'lapsed':
    case 'settled':
      close(state, record.order);
      break;
    case 'heard':
      if (record.open !== undefined) state.hearings.set(record.case, record.open);
      break;
    case 'answered':
      state.hearings.delete(record.case);
      break;
    case 'custody-refused':
    case 'key':
    case 'trustee-breach':
    case 'ruled':
    case 'refunded':
      break;
  }
}

function open({ orders, openOf }: SenderState, order: OpenOrder): void {
  orders.set(order.order, order);
  if (order.soldFor === null) count(openOf, order.customer, 1);
}

/** What is sold waits for nothing: it does not count against its customer. */
function markSold({ orders, openOf }: SenderState, name: string, accept: string): void {
  const order = orders.get(name);
  if (order === undefined || order.soldFor !== null) return;
  orders.set(name, { ...order, soldFor: accept });
  count(openOf, order.customer, -1);
}

function close({ orders, openOf }: SenderState, name: string): void {
  const order = orders.get(name);
  if (order === undefined) return;
  orders.delete(name);
  if (order.soldFor === null) count(openOf, order.customer, -1);
}

function count(counts: Map<string, number>, of: string, change: 1 | -1): void {
  const now = (counts.get(of) ?? 0) + change;
  if (now > 0) counts.set(of, now);
  else counts.delete(of);
}

export function snapshotSender({ editions, orders, hearings }: SenderState): Uint8Array {
  const stored = { editions: [...editions.values()], orders: [...orders.values()], hearings: [...hearings.values()] };
  return encodeCborExact(stored as unknown as CborValue);
}

export function restoreSender(bytes: Uint8Array): SenderState {
  // Written by `snapshotSender` into this party's own journal, which vouches for it.
  const stored = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as {
    readonly editions: readonly Edition[];
    readonly orders: readonly OpenOrder[];
    readonly hearings: readonly OpenHearing[];
  };
  const state = emptySender();
  for (const edition of stored.editions) state.editions.set(edition.package, edition);
  for (const order of stored.orders) open(state, order);
  for (const hearing of stored.hearings) state.hearings.set(hearing.case, hearing);
  return state;
}

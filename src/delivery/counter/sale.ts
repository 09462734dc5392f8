/** A sale across the counter as it is kept while it is open, the facts recorded about it, and all its transitions. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';

/** `preparing`: packages are fetched and accepted. `paying`: all are accepted. `paid`: there is evidence. `off`: nothing was paid, or will be. */
export type SalePhase = 'preparing' | 'paying' | 'paid' | 'off';

export interface SalePart {
  /** Its share of the payment, minor units. */
  readonly minor: bigint;
  /** Digest of the signed accept, once there is one. */
  readonly accept: Uint8Array | null;
  /** How the purchase of this part ended, once it has: an outcome of `receiver/errand.ts`, and why. */
  readonly outcome: string | null;
  readonly reason: string;
}

export interface Sale {
  /** The payment's name: 1 to 48 characters, no slash. */
  readonly payment: string;
  readonly phase: SalePhase;
  readonly parts: readonly SalePart[];
  /** What the payment method is to be told: its own words. */
  readonly order: Uint8Array;
  /** Unix milliseconds: not accepted by then, it is off. */
  readonly deadlineMs: number;
  /** Route of whoever can say whether it is paid: set with the accepts. */
  readonly attestor: string | null;
  /** The method's name for the transaction, once that is known. */
  readonly transaction: string;
  readonly evidence: Uint8Array | null;
  /** Why it is off, or will be if it turns out to be void. */
  readonly reason: string;
  /** How often it was asked what became of the payment. */
  readonly questions: number;
}

export type SaleRecord =
  | { readonly type: 'begun'; readonly sale: Sale; readonly atMs: number }
  | {
      readonly type: 'accepted';
      readonly payment: string;
      readonly part: number;
      readonly accept: Uint8Array;
      readonly attestor: string;
      readonly atMs: number;
    }
  | { readonly type: 'questioned'; readonly payment: string }
  /** It runs under this name, so whoever has to know can be asked. */
  | { readonly type: 'placed'; readonly payment: string; readonly transaction: string; readonly reason: string }
  | { readonly type: 'paid'; readonly payment: string; readonly evidence: Uint8Array; readonly atMs: number }
  | { readonly type: 'off'; readonly payment: string; readonly reason: string; readonly atMs: number }
  | {
      readonly type: 'part-ended';
      readonly payment: string;
      readonly part: number;
      readonly outcome: string;
      readonly reason: string;
      readonly atMs: number;
    };

export interface CounterState {
  /** By payment. */
  readonly sales: Map<string, Sale>;
}

/** Index key of a sale's history. */
export const saleKey = (payment: string) => `sale:${payment}`;

/** The receiver's reference of one part of a sale, and back. */
export const referenceOf = (payment: string, part: number) => `${payment}.${part}`;
export function partNamed(reference: string): { readonly payment: string; readonly part: number } {
  const dot = reference.lastIndexOf('.');
  return { payment: reference.slice(0, dot), part: Number(reference.slice(dot + 1)) };
}

export function applySale({ sales }: CounterState, record: SaleRecord): void {
  if (record.type === 'begun') {
    sales.set(record.sale.payment, record.sale);
    return;
  }
  const sale = afterSaleRecord(sales.get(record.payment)!, record);
  if (isOver(sale)) sales.delete(record.payment);
  else sales.set(record.payment, sale);
}

/** All transitions of a sale. */
export function afterSaleRecord(sale: Sale, record: Exclude<SaleRecord, { type: 'begun' }>): Sale {
  switch (record.type) {
    case 'accepted': {
      const parts = sale.parts.with(record.part, { ...sale.parts[record.part]!, accept: record.accept });
      const complete = parts.every(({ accept }) => accept !== null);
      return { ...sale, parts, attestor: record.attestor, phase: complete ? 'paying' : sale.phase };
    }
    case 'questioned':
      return { ...sale, questions: sale.questions + 1 };
    case 'placed':
      return { ...sale, transaction: record.transaction, reason: record.reason };
    case 'paid':
      return { ...sale, phase: 'paid', evidence: record.evidence, reason: '' };
    case 'off':
      return { ...sale, phase: 'off', reason: record.reason };
    case 'part-ended': {
      const { outcome, reason } = record;
      return { ...sale, parts: sale.parts.with(record.part, { ...sale.parts[record.part]!, outcome, reason }) };
    }
  }
}

/** Nothing more is to be expected of it: its history tells the rest. */
function isOver({ phase, parts }: Sale): boolean {
  return phase === 'off' || (phase === 'paid' && parts.every(({ outcome }) => outcome !== null));
}

/** A sale read back from its history, also after its end; undefined when there was none. */
export function saleIn(records: readonly SaleRecord[]): Sale | undefined {
  let sale: Sale | undefined;
  for (const record of records) {
    if (record.type === 'begun') sale = record.sale;
    else if (sale !== undefined) sale = afterSaleRecord(sale, record);
  }
  return sale;
}

export function snapshotCounter({ sales }: CounterState): Uint8Array {
  return encodeCborExact([...sales.values()] as unknown as CborValue);
}

export function restoreCounter(bytes: Uint8Array): CounterState {
  // Written by `snapshotCounter` into this party's own journal, which vouches for it.
  const sales = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as readonly Sale[];
  return { sales: new Map(sales.map((sale) => [sale.payment, sale])) };
}

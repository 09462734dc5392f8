/** A purchase as the customer's machine keeps it while it is open, the facts it records about it, and all its transitions. */
import { decodeCborExact, encodeCborExact } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import type { Complaint } from '../message/complaint.ts';
import type { Outcome } from './errand.ts';

/**
 * `preparing`: order, K1, money and package are under way. `paying`: the accept is signed. `claiming`: it is paid, K2 is waited for.
 * `opening`: K2 is here. `complaining`: an arbiter is asked.
 */
export type Phase = 'preparing' | 'paying' | 'claiming' | 'opening' | 'complaining';

export interface Purchase {
  /** The caller's name for it: 1 to 64 characters, no slash. */
  readonly reference: string;
  readonly phase: Phase;
  /** Digest of the signed order, and that itself. */
  readonly orderDigest: Uint8Array;
  readonly order: Uint8Array;
  readonly handover: Uint8Array;
  /** K1. */
  readonly orderKey: Uint8Array;
  /** As the merchant offered it, signed. */
  readonly description: Uint8Array;
  readonly manifest: Uint8Array;
  readonly custody: Uint8Array;
  readonly urls: readonly string[];
  readonly merchant: string;
  readonly merchantUrl: string;
  readonly trustee: string;
  readonly trusteeUrl: string;
  readonly deadlineMs: number;
  readonly keptUntilMs: number;
  readonly notify: string | null;
  /** Signed by merchant and trustee, once they have. */
  readonly taken: Uint8Array | null;
  readonly passedKey: Uint8Array | null;
  readonly prepared: boolean;
  /** The package is here and was checked. */
  readonly whole: boolean;
  /** Downloads asked for, not-accepts sent, openings tried. */
  readonly downloads: number;
  readonly notAccepts: number;
  readonly openings: number;
  readonly accept: Uint8Array | null;
  readonly evidence: Uint8Array | null;
  readonly claimed: boolean;
  /** Who was asked for K2 and will not release it. */
  readonly merchantFailed: boolean;
  readonly trusteeFailed: boolean;
  /** K2. */
  readonly productKey: Uint8Array | null;
  readonly complaint: { readonly about: Complaint['about']; readonly digest: Uint8Array } | null;
  readonly complaints: number;
}

export type ReceiverRecord =
  | { readonly type: 'begun'; readonly purchase: Purchase; readonly atMs: number }
  | { readonly type: 'taken'; readonly reference: string; readonly taken: Uint8Array; readonly urls: readonly string[] }
  | { readonly type: 'passed'; readonly reference: string; readonly passedKey: Uint8Array }
  | { readonly type: 'prepared'; readonly reference: string }
  | { readonly type: 'downloading'; readonly reference: string }
  | { readonly type: 'whole'; readonly reference: string }
  | { readonly type: 'not-accepted'; readonly reference: string; readonly notAccept: Uint8Array }
  | { readonly type: 'resent'; readonly reference: string; readonly urls: readonly string[] }
  | { readonly type: 'accepted'; readonly reference: string; readonly accept: Uint8Array; readonly atMs: number }
  | { readonly type: 'paid'; readonly reference: string; readonly evidence: Uint8Array; readonly atMs: number }
  | { readonly type: 'claimed'; readonly reference: string; readonly reason: string; readonly atMs: number }
  | {
      readonly type: 'released';
      readonly reference: string;
      readonly productKey: Uint8Array;
      /** Signed by whoever released it. */
      readonly release: Uint8Array;
      readonly atMs: number;
    }
  /** Signed, and not what it should be: kept as evidence against its signer. */
  | { readonly type: 'false-release'; readonly reference: string; readonly release: Uint8Array; readonly atMs: number }
  | {
      readonly type: 'not-released';
      readonly reference: string;
      readonly by: 'merchant' | 'trustee';
      readonly code: string;
    }
  | { readonly type: 'opening'; readonly reference: string }
  | {
      readonly type: 'complained';
      readonly reference: string;
      readonly complaint: { readonly about: Complaint['about']; readonly digest: Uint8Array };
      readonly atMs: number;
    }
  | { readonly type: 'ruled'; readonly reference: string; readonly ruling: Uint8Array; readonly atMs: number }
  /** A ruling gives the money back, and it is waited for. */
  | { readonly type: 'refund-due'; readonly refund: RefundDue; readonly atMs: number }
  /** As the trustee signed it. */
  | { readonly type: 'refunded'; readonly reference: string; readonly receipt: Uint8Array; readonly atMs: number }
  | { readonly type: 'not-refunded'; readonly reference: string; readonly code: string; readonly atMs: number }
  | {
      readonly type: 'finished';
      readonly reference: string;
      readonly outcome: Outcome['outcome'];
      readonly reason: string;
      readonly atMs: number;
    };

/** Of a purchase that has ended with a ruling. */
export interface RefundDue {
  readonly reference: string;
  readonly order: Uint8Array;
  /** Who has to say that it is paid back. */
  readonly trustee: string;
  readonly trusteeUrl: string;
}

export interface ReceiverState {
  /** By reference. */
  readonly purchases: Map<string, Purchase>;
  /** By reference. */
  readonly refunds: Map<string, RefundDue>;
}

/** Index key of all refunds. */
export const REFUNDS_KEY = 'refunds';

/** Index key of a purchase's history. */
export const purchaseKey = (reference: string) => `purchase:${reference}`;

export function applyReceiver({ purchases, refunds }: ReceiverState, record: ReceiverRecord): void {
  switch (record.type) {
    case 'begun':
      purchases.set(record.purchase.reference, record.purchase);
      break;
    case 'finished':
      purchases.delete(record.reference);
      break;
    case 'refund-due':
      refunds.set(record.refund.reference, record.refund);
      break;
    case 'refunded':
    case 'not-refunded':
      refunds.delete(record.reference);
      break;
    default:
      purchases.set(record.reference, afterRecord(purchases.get(record.reference)!, record));
  }
}

type Progress = Exclude<ReceiverRecord, { type: 'begun' | 'finished' | 'refund-due' | 'refunded' | 'not-refunded' }>;

const isProgress = (record: ReceiverRecord): record is Progress =>
  !['begun', 'finished', 'refund-due', 'refunded', 'not-refunded'].includes(record.type);

/** All transitions of an open purchase. */
export function afterRecord(purchase: Purchase, record: Progress): Purchase {
  switch (record.type) {
    case 'taken':
      return { ...purchase, taken: record.taken, urls: record.urls };
    case 'passed':
      return { ...purchase, passedKey: record.passedKey };
    case 'prepared':
      return { ...purchase, prepared: true };
    case 'downloading':
      return { ...purchase, downloads: purchase.downloads + 1, whole: false };
    case 'whole':
      return { ...purchase, whole: true };
    case 'not-accepted':
      return { ...purchase, notAccepts: purchase.notAccepts + 1 };
    case 'resent':
      return record.urls.length === 0 ? purchase : { ...purchase, urls: record.urls };
    case 'accepted':
      return { ...purchase, phase: 'paying', accept: record.accept };
    case 'paid':
      return { ...purchase, phase: 'claiming', evidence: record.evidence };
    case 'claimed':
      return { ...purchase, claimed: true };
    case 'not-released':
      return { ...purchase, [record.by === 'merchant' ? 'merchantFailed' : 'trusteeFailed']: true };
    case 'released':
      return { ...purchase, phase: 'opening', productKey: record.productKey };
    case 'opening':
      return { ...purchase, openings: purchase.openings + 1 };
    case 'complained':
      return { ...purchase, phase: 'complaining', complaint: record.complaint, complaints: purchase.complaints + 1 };
    case 'false-release':
    case 'ruled':
      return purchase;
  }
}

/** A purchase read back from its history, also after its end; undefined when there was none. */
export function purchaseIn(records: readonly ReceiverRecord[]): Purchase | undefined {
  let purchase: Purchase | undefined;
  for (const record of records) {
    if (record.type === 'begun') purchase = record.purchase;
    else if (purchase !== undefined && isProgress(record)) purchase = afterRecord(purchase, record);
  }
  return purchase;
}

export function snapshotReceiver({ purchases, refunds }: ReceiverState): Uint8Array {
  const stored: Snapshot = { purchases: [...purchases.values()], refunds: [...refunds.values()] };
  return encodeCborExact(stored as unknown as CborValue);
}

interface Snapshot {
  readonly purchases: readonly Purchase[];
  readonly refunds: readonly RefundDue[];
}

export function restoreReceiver(bytes: Uint8Array): ReceiverState {
  // Written by `snapshotReceiver` into this party's own journal, which vouches for it.
  const stored = decodeCborExact(bytes, { maxBytes: 1 << 30 }) as unknown as Snapshot | readonly Purchase[];
  // Before there were refunds it was the purchases alone.
  const { purchases, refunds } = 'purchases' in stored ? stored : { purchases: stored, refunds: [] };
  return {
    purchases: new Map(purchases.map((purchase) => [purchase.reference, purchase])),
    refunds: new Map(refunds.map((refund) => [refund.reference, refund])),
  };
}

/** What the person sees of a sale across the counter: plain data, the same as JSON and for people. */
import { statSync } from 'node:fs';
import { toHex } from '../../codec/hex.ts';
import { linkOf, readMessage } from '../../crypto/signed-message.ts';
import type { Sale } from '../../delivery/counter/sale.ts';
import { descriptionType } from '../../delivery/message/description.ts';
import { manifestType } from '../../delivery/message/manifest.ts';
import { refundReceiptType } from '../../delivery/message/refund.ts';
import { releaseType } from '../../delivery/message/release.ts';
import { rulingType } from '../../delivery/message/ruling.ts';
import { layoutOf } from '../../delivery/package/layout.ts';
import { packageFile } from '../../delivery/receiver/package-courier.ts';
import { type Purchase, purchaseIn, type ReceiverRecord } from '../../delivery/receiver/purchase.ts';
import { formatAmount } from '../../money/amount.ts';
import { refundEntry } from '../message/refund-entry.ts';
import { decodeCounterOrder } from './counter-order.ts';

export interface DeliveryPartView {
  readonly name: string;
  /** As the receiver says it, or `offer` while there is none yet; an outcome once it has ended. */
  readonly phase: Purchase['phase'] | 'offer' | 'delivered' | 'unpaid' | 'faulty' | 'withheld' | 'ruled';
  readonly reason?: string;
  readonly package?: string;
  /** Of the package: what is here, and all of it. */
  readonly fetchedBytes?: number;
  readonly totalBytes?: number;
  readonly resendings?: number;
  readonly accepted: boolean;
  readonly released?: { readonly role: string; readonly by: string };
  readonly sha256: string;
  readonly file?: string;
  readonly complaint?: { readonly case: string; readonly about: string };
  readonly ruling?: {
    readonly outcome: string;
    readonly breaches: readonly string[];
    readonly reasons: readonly { readonly code: string; readonly text: string }[];
    readonly person?: string;
  };
  readonly refund?: RefundView;
}

export interface RefundView {
  /** `waiting`: claimed, and the merchant may still do it by itself. `impossible`: not by the way it was paid. `refused`: the operator will not. */
  readonly state: 'waiting' | 'refunded' | 'impossible' | 'refused';
  readonly amount?: string;
  /** At whose word: the merchant's, or its operator's in its place. */
  readonly by?: 'merchant' | 'operator';
  /** Who signed that. */
  readonly operator?: string;
  readonly at?: string;
  readonly reason?: string;
}

export interface DeliveryView {
  readonly payment: string;
  readonly phase: Sale['phase'];
  readonly reason?: string;
  readonly price: string;
  readonly merchant: string;
  /** The station was started again since somebody gave the password: it pays when it is given once more. */
  readonly locked?: true;
  readonly parts: readonly DeliveryPartView[];
}

export function deliveryView(
  sale: Sale,
  /** By part. */
  histories: readonly (readonly ReceiverRecord[])[],
  places: { readonly packages: string; fileOf(part: number): string },
): DeliveryView {
  const { payment, goods } = decodeCounterOrder(sale.order);
  return {
    payment: sale.payment,
    phase: sale.phase,
    ...(sale.reason !== '' && { reason: sale.reason }),
    price: formatAmount(payment.amount),
    merchant: payment.merchant.merchantId,
    parts: goods.map(({ sha256, fileName }, part) => {
      const { outcome, reason } = sale.parts[part]!;
      const records = histories[part]!;
      const known = purchaseIn(records);
      const last = records.findLast(({ type }) => type === 'finished' || type === 'begun');
      // What was delivered may be complained of later: then it is open once more.
      const finished = last?.type === 'finished' ? last : undefined;
      const reopened = last?.type === 'begun' && last.purchase.productKey !== null;
      const told = reopened ? null : (outcome as DeliveryPartView['phase'] | null);
      const phase = finished?.outcome ?? told ?? known?.phase ?? 'offer';
      const why = finished?.reason || (reopened ? '' : reason);
      return {
        name: known === undefined ? fileName : readMessage(descriptionType, known.description).value.name,
        ...{ phase, sha256: toHex(sha256), accepted: known !== undefined && known.accept !== null },
        ...(why !== '' && { reason: why }),
        ...(known && packageFacts(known, places.packages, phase)),
        ...((outcome === 'delivered' || phase === 'delivered') && { file: places.fileOf(part) }),
        ...rulingFacts(records, known),
      };
    }),
  };
}

function packageFacts(purchase: Purchase, packages: string, phase: string) {
  const manifest = readMessage(manifestType, purchase.manifest).value;
  const { size } = layoutOf(purchase.manifest, manifest);
  const file = packageFile(packages, purchase.manifest);
  const here = sizeOf(file) ?? sizeOf(`${file}.part`) ?? 0;
  // What is opened is not kept.
  const done = purchase.whole || purchase.productKey !== null || phase === 'delivered';
  return {
    package: toHex(linkOf(purchase.manifest)),
    fetchedBytes: done ? size : Math.min(here, size),
    totalBytes: size,
    resendings: purchase.notAccepts,
  };
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size;

function rulingFacts(records: readonly ReceiverRecord[], purchase: Purchase | undefined) {
  const released = records.findLast((record) => record.type === 'released');
  const ruled = records.findLast((record) => record.type === 'ruled');
  const ruling = ruled && readMessage(rulingType, ruled.ruling).value;
  const complaint = purchase?.complaint;
  const release = released && readMessage(releaseType, released.release).value;
  return {
    ...(release && { released: { role: release.role, by: release.by } }),
    ...refundFacts(records),
    ...(complaint && { complaint: { case: toHex(complaint.digest), about: complaint.about } }),
    ...(ruling && {
      ruling: {
        ...{ outcome: ruling.outcome, breaches: ruling.breaches, reasons: ruling.reasons },
        ...(ruling.person !== undefined && { person: ruling.person }),
      },
    }),
  };
}

function refundFacts(records: readonly ReceiverRecord[]): { readonly refund?: RefundView } {
  const last = records.findLast(({ type }) => type === 'refund-due' || type === 'refunded' || type === 'not-refunded');
  if (last?.type === 'refund-due') return { refund: { state: 'waiting', operator: last.refund.trustee } };
  if (last?.type === 'not-refunded') return { refund: { state: 'refused', reason: last.code } };
  if (last?.type !== 'refunded') return {};
  const {
    outcome: state,
    amount,
    by,
    operator,
    at,
    reason,
  } = refundEntry(readMessage(refundReceiptType, last.receipt).value);
  return { refund: { state, amount, by, operator, at, ...(reason !== undefined && { reason }) } };
}

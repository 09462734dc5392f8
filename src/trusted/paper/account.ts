/** What papers say about one order, and what is found wrong or missing in them. */
import { type Amount, formatAmount } from '../../money/amount.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { Paper, PaperOf } from './paper.ts';

export type FindingCode =
  // Missing: expected, and no fault of anybody yet.
  | 'INVOICE_MISSING'
  | 'PAYMENT_MISSING'
  | 'RECEIPT_MISSING'
  // Contradictions: papers that cannot all be right.
  | 'REFERENCE_TWICE'
  | 'NUMBER_TWICE'
  | 'CURRENCIES_MIXED'
  | 'OTHER_CURRENCY'
  | 'ANOTHER_NAME'
  | 'ORDER_UNKNOWN'
  | 'INVOICE_UNKNOWN'
  | 'REFERENCE_ABSENT'
  | 'INVOICED_TOO_MUCH'
  | 'PAID_TOO_MUCH'
  | 'RECEIVED_TOO_MUCH'
  | 'RECEIPT_DIFFERS'
  | 'SUM_DIFFERS'
  | 'NOT_ORDERED';

export interface Finding {
  readonly code: FindingCode;
  /** In plain words, with the amounts. */
  readonly text: string;
  /** The papers that it rests on, by their tickets' names. */
  readonly papers: readonly string[];
}

/** Of an order: `invoiced` once anything is, `paid` once the vendor has acknowledged all of it. */
export type AccountStanding = 'on-order' | 'invoiced' | 'paid';

export interface OrderAccount {
  /** The order's ticket. */
  readonly order: string;
  readonly reference: string;
  readonly buyer: AgentId;
  readonly seller: AgentId;
  readonly standing: AccountStanding;
  /** `matched`: all is paid and acknowledged. `open`: something is still to come. */
  readonly verdict: 'matched' | 'open' | 'contradicted';
  /** Undefined for an order in several currencies, which is not reckoned with. */
  readonly sums: AccountSums | undefined;
  readonly missing: readonly Finding[];
  readonly contradictions: readonly Finding[];
}

/** Amounts of one currency. */
export interface AccountSums {
  readonly ordered: Amount;
  /** By invoices, or by receipts for what was paid on delivery. */
  readonly invoiced: Amount;
  /** The buyer says so. */
  readonly remitted: Amount;
  /** The vendor says so. */
  readonly acknowledged: Amount;
}

export interface Reconciliation {
  readonly accounts: readonly OrderAccount[];
  /** About papers that belong to no order that is known. */
  readonly stray: readonly Finding[];
}

/** A part of an order that was invoiced, or paid on delivery, by one paper. */
export interface Lot {
  readonly account: OpenAccount;
  readonly minor: bigint;
  remitted: bigint;
  acknowledged: bigint;
}

/** An account while papers are being read into it. */
export interface OpenAccount {
  readonly order: PaperOf<'purchase-order'>;
  /** Undefined where the items have several currencies. */
  readonly currency: string | undefined;
  readonly ordered: bigint;
  invoiced: bigint;
  readonly lots: Lot[];
  /** What of each item was not receipted yet: for receipts that list items. */
  readonly items: Map<string, number>;
  readonly contradictions: Finding[];
}

export function finding(code: FindingCode, text: string, ...papers: readonly Paper[]): Finding {
  return { code, text, papers: papers.map(({ id }) => id) };
}

export const itemKey = ({ description, price }: { readonly description: string; readonly price: Amount }) =>
  `${formatAmount(price)} ${description}`;

export function openAccount(order: PaperOf<'purchase-order'>): OpenAccount {
  const { items } = order.components;
  const currencies = new Set(items.map(({ price }) => price.currency));
  const [currency] = currencies.size === 1 ? currencies : [];
  const open: OpenAccount = {
    ...{ order, currency, invoiced: 0n, lots: [], items: new Map(), contradictions: [] },
    ordered: items.reduce((sum, { price, quantity }) => sum + price.minor * BigInt(quantity), 0n),
  };
  for (const item of items) {
    const key = itemKey(item);
    open.items.set(key, (open.items.get(key) ?? 0) + item.quantity);
  }
  if (currency === undefined) {
    const text = `Order ${order.components.reference} has items in ${[...currencies].sort().join(' and ')}: one order, one currency.`;
    open.contradictions.push(finding('CURRENCIES_MIXED', text, order));
  }
  return open;
}

/** What is left to say once all papers were read. */
export function closeAccount(open: OpenAccount): OrderAccount {
  const { order, currency, ordered, invoiced, lots, contradictions } = open;
  const { reference, payment } = order.components;
  const base = { order: order.id, reference, buyer: order.issuer, seller: order.receiver, contradictions };
  if (currency === undefined) {
    return { ...base, standing: 'on-order', verdict: 'contradicted', sums: undefined, missing: [] };
  }
  const total = (of: 'remitted' | 'acknowledged') => lots.reduce((sum, lot) => sum + lot[of], 0n);
  const [remitted, acknowledged] = [total('remitted'), total('acknowledged')];
  const missing: Finding[] = [];
  const miss = (code: FindingCode, minor: bigint, what: string) => {
    if (minor > 0n) missing.push(finding(code, `${formatAmount({ currency, minor })} ${what}.`, order));
  };
  const later = payment === 'on-delivery' ? 'of the order is to be delivered and paid' : 'of the order is not invoiced';
  miss(payment === 'on-delivery' ? 'RECEIPT_MISSING' : 'INVOICE_MISSING', ordered - invoiced, later);
  const unpaid = lots.reduce((sum, lot) => sum + lot.minor - larger(lot.remitted, lot.acknowledged), 0n);
  miss('PAYMENT_MISSING', unpaid, 'is invoiced and not paid');
  const unheard = lots.reduce((sum, lot) => sum + larger(lot.remitted - lot.acknowledged, 0n), 0n);
  miss('RECEIPT_MISSING', unheard, 'is paid by the buyer’s word and not acknowledged by the vendor');
  const open_ = missing.length > 0 ? 'open' : 'matched';
  const amount = (minor: bigint): Amount => ({ currency, minor });
  return {
    ...base,
    ...{ missing, verdict: contradictions.length > 0 ? 'contradicted' : open_ },
    standing: invoiced === 0n ? 'on-order' : acknowledged >= ordered ? 'paid' : 'invoiced',
    sums: {
      ...{ ordered: amount(ordered), invoiced: amount(invoiced) },
      ...{ remitted: amount(remitted), acknowledged: amount(acknowledged) },
    },
  };
}

export const smaller = (a: bigint, b: bigint) => (b > a ? a : b);
export const larger = (a: bigint, b: bigint) => (a > b ? a : b);

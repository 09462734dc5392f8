/**
 * Commercial papers reconcile by themselves (US 5,671,280, "automated transactions and records from order to payment"): from any set of them,
 * in any order and with any repetition, what of each order is matched, what is missing, and what contradicts. Pure, so both sides and
 * whoever audits them come to the same.
 *
 * An order is what its items cost. Invoices are taken off it, part by part; remittance advices (the buyer's word) and receipts (the vendor's)
 * are taken off invoices. A paper that names several is taken off them in the order in which it names them. Nothing is converted.
 */
import { type Amount, formatAmount } from '../../money/amount.ts';
import {
  closeAccount,
  type Finding,
  type FindingCode,
  finding,
  itemKey,
  type Lot,
  larger,
  type OpenAccount,
  openAccount,
  type Reconciliation,
  smaller,
} from './account.ts';
import { isPaperOf, type Paper, type PaperOf, type PaperType } from './paper.ts';

interface Invoice {
  readonly paper: PaperOf<'invoice'>;
  readonly lots: readonly Lot[];
}

interface Books {
  /** By buyer, seller and the order's reference. */
  readonly accounts: Map<string, OpenAccount>;
  /** By buyer, seller and the invoice's number. */
  readonly invoices: Map<string, Invoice>;
  /** Receipts read, by buyer, seller and identifier. */
  readonly receipts: Map<string, Paper>;
  readonly stray: Finding[];
}

const key = (buyer: number, seller: number, name: string) => `${buyer}/${seller}/${name}`;

/** @param papers validated: a paper counts as the word of its issuer */
export function reconcile(papers: Iterable<Paper>): Reconciliation {
  const all = inOrder(papers);
  const books: Books = { accounts: new Map(), invoices: new Map(), receipts: new Map(), stray: [] };
  const each = <T extends PaperType>(type: T, read: (books: Books, paper: PaperOf<T>) => void) => {
    for (const paper of all) if (isPaperOf(paper, type)) read(books, paper);
  };
  each('purchase-order', readOrder);
  each('invoice', readInvoice);
  each('remittance-advice', readRemittance);
  each('receipt', readReceipt);
  compareWords(books);
  return { accounts: [...books.accounts.values()].map(closeAccount), stray: books.stray };
}

/** Each once, by day, and those of one day as they were issued, so that nothing depends on who gathered them how. */
function inOrder(papers: Iterable<Paper>): readonly Paper[] {
  const once = new Map([...papers].map((paper) => [paper.id, paper]));
  return [...once.values()].sort(
    (a, b) => a.components.day - b.components.day || a.serial - b.serial || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
}

function readOrder({ accounts }: Books, order: PaperOf<'purchase-order'>): void {
  const { reference } = order.components;
  const name = key(order.issuer, order.receiver, reference);
  const before = accounts.get(name);
  if (before === undefined) accounts.set(name, openAccount(order));
  else {
    const text = `Two different orders have the reference ${reference}; the later one is not reckoned with.`;
    before.contradictions.push(finding('REFERENCE_TWICE', text, before.order, order));
  }
}

/** The accounts that a vendor's paper names, and for those it does not find a finding. */
function accountsOf(books: Books, paper: Paper, references: readonly string[]): readonly OpenAccount[] {
  const found: OpenAccount[] = [];
  const unknown: string[] = [];
  for (const reference of new Set(references)) {
    const account = books.accounts.get(key(paper.receiver, paper.issuer, reference));
    if (account === undefined) unknown.push(reference);
    else found.push(account);
  }
  if (unknown.length > 0) {
    const text = `${titleOf(paper)} is about ${unknown.join(', ')}, and no such order is known.`;
    blame(books, found, finding('ORDER_UNKNOWN', text, paper));
  }
  return found;
}

function blame(books: Books, accounts: Iterable<OpenAccount>, what: Finding): void {
  const blamed = new Set(accounts);
  for (const { contradictions } of blamed) contradictions.push(what);
  if (blamed.size === 0) books.stray.push(what);
}

function titleOf({ components }: Paper): string {
  switch (components.type) {
    case 'purchase-order':
      return `Order ${components.reference}`;
    case 'invoice':
      return `Invoice ${components.number}`;
    case 'remittance-advice':
      return `The remittance of ${formatAmount(components.amountPaid)}`;
    case 'receipt':
      return `Receipt ${components.identifier}`;
  }
}

function readInvoice(books: Books, paper: PaperOf<'invoice'>): void {
  const { number, amount, orderReferences, vendor } = paper.components;
  const named = accountsOf(books, paper, orderReferences);
  if (named.length === 0) return;
  const name = key(paper.receiver, paper.issuer, number);
  const before = books.invoices.get(name);
  if (before !== undefined) {
    const text = `Two different invoices have the number ${number}; the later one is not reckoned with.`;
    blame(books, named, finding('NUMBER_TWICE', text, before.paper, paper));
    return;
  }
  checkName(books, named, paper, vendor);
  const accounts = ofCurrency(books, named, paper, amount);
  if (accounts.length === 0) return;
  const { lots, rest } = takeOff(accounts, amount.minor);
  if (rest > 0n) {
    const text = `Invoice ${number} is ${formatAmount({ ...amount, minor: rest })} more than was ordered and not invoiced before.`;
    blame(books, accounts, finding('INVOICED_TOO_MUCH', text, paper));
  }
  books.invoices.set(name, { paper, lots });
}

function checkName(books: Books, accounts: readonly OpenAccount[], paper: Paper, vendor: string): void {
  if (vendor === paper.issuerName) return;
  const text = `${titleOf(paper)} is in the name of ${vendor}, and signed in that of ${paper.issuerName}.`;
  blame(books, accounts, finding('ANOTHER_NAME', text, paper));
}

/** Nothing is converted: what is in another currency than the order is explained and left out. */
function ofCurrency(
  books: Books,
  accounts: readonly OpenAccount[],
  paper: Paper,
  { currency }: Amount,
): readonly OpenAccount[] {
  const others = accounts.filter((account) => account.currency !== currency);
  if (others.length > 0) {
    const orders = others.map(({ order }) => order.components.reference).join(', ');
    const text = `${titleOf(paper)} is in ${currency}, and ${orders} is not: it is not reckoned with there.`;
    blame(books, others, finding('OTHER_CURRENCY', text, paper));
  }
  return accounts.filter((account) => account.currency === currency);
}

/** In the order in which they are named, each up to what was ordered. */
function takeOff(accounts: readonly OpenAccount[], minor: bigint): { lots: readonly Lot[]; rest: bigint } {
  let rest = minor;
  const lots = accounts.flatMap((account) => {
    const open = larger(account.ordered - account.invoiced, 0n);
    const part = smaller(rest, open);
    rest -= part;
    account.invoiced += part;
    const lot: Lot = { account, minor: part, remitted: 0n, acknowledged: 0n };
    account.lots.push(lot);
    return [lot];
  });
  return { lots, rest };
}

/** Fills the lots one after the other; gives what is too much. */
function fill(lots: readonly Lot[], what: 'remitted' | 'acknowledged', minor: bigint): bigint {
  let rest = minor;
  for (const lot of lots) {
    const open = lot.minor - lot[what];
    const part = smaller(rest, open);
    lot[what] += part;
    rest -= part;
  }
  return rest;
}

const accountsIn = (invoices: readonly Invoice[]) => invoices.flatMap(({ lots }) => lots.map(({ account }) => account));

interface Naming {
  readonly references: readonly string[];
  readonly amount: Amount;
  readonly buyer: number;
  readonly seller: number;
}

/** The invoices that a paper names and that have its currency. */
function invoicesOf(books: Books, paper: Paper, { references, amount, buyer, seller }: Naming): readonly Invoice[] {
  const found: Invoice[] = [];
  const unknown: string[] = [];
  for (const reference of new Set(references)) {
    const invoice = books.invoices.get(key(buyer, seller, reference));
    if (invoice === undefined) unknown.push(reference);
    else found.push(invoice);
  }
  const isFit = (invoice: Invoice) => invoice.paper.components.amount.currency === amount.currency;
  const other = found.filter((invoice) => !isFit(invoice));
  if (unknown.length > 0) {
    const text = `${titleOf(paper)} is about ${unknown.join(', ')}, and no such invoice is known.`;
    blame(books, accountsIn(found), finding('INVOICE_UNKNOWN', text, paper));
  }
  if (other.length > 0) {
    const numbers = other.map((invoice) => invoice.paper.components.number).join(', ');
    const text = `${titleOf(paper)} is in ${amount.currency}, and invoice ${numbers} is not: it is not reckoned with there.`;
    blame(books, accountsIn(other), finding('OTHER_CURRENCY', text, paper));
  }
  return found.filter(isFit);
}

function readRemittance(books: Books, paper: PaperOf<'remittance-advice'>): void {
  const { invoiceReferences: references, amountPaid: amount } = paper.components;
  const invoices = invoicesOf(books, paper, { references, amount, buyer: paper.issuer, seller: paper.receiver });
  if (invoices.length === 0) return;
  const lots = invoices.flatMap((invoice) => invoice.lots);
  tooMuch(books, { code: 'PAID_TOO_MUCH', paper, amount, invoices }, fill(lots, 'remitted', amount.minor));
}

interface Filling {
  readonly code: FindingCode;
  readonly paper: Paper;
  readonly amount: Amount;
  readonly invoices: readonly Invoice[];
}

function tooMuch(books: Books, { code, paper, amount, invoices }: Filling, rest: bigint): void {
  if (rest <= 0n) return;
  const numbers = invoices.map((invoice) => invoice.paper.components.number).join(', ');
  const text = `${titleOf(paper)} is ${formatAmount({ ...amount, minor: rest })} more than was open on ${numbers}.`;
  blame(books, accountsIn(invoices), finding(code, text, paper));
}

function readReceipt(books: Books, paper: PaperOf<'receipt'>): void {
  const { invoiceReferences: references, identifier, amountPaid: amount } = paper.components;
  const name = key(paper.receiver, paper.issuer, identifier);
  const before = books.receipts.get(name);
  if (before !== undefined) {
    const text = `Two different receipts are called ${identifier}; the later one is not reckoned with.`;
    const orders = paper.components.orderReferences ?? [];
    const invoices = references.flatMap((one) => books.invoices.get(key(paper.receiver, paper.issuer, one)) ?? []);
    const accounts = orders.flatMap((one) => books.accounts.get(key(paper.receiver, paper.issuer, one)) ?? []);
    blame(books, [...accountsIn(invoices), ...accounts], finding('NUMBER_TWICE', text, before, paper));
    return;
  }
  books.receipts.set(name, paper);
  if (references.length === 0) {
    readDelivery(books, paper);
    return;
  }
  const invoices = invoicesOf(books, paper, { references, amount, buyer: paper.receiver, seller: paper.issuer });
  if (invoices.length === 0) return;
  checkName(books, accountsIn(invoices), paper, paper.components.vendor);
  const lots = invoices.flatMap((invoice) => invoice.lots);
  tooMuch(books, { code: 'RECEIVED_TOO_MUCH', paper, amount, invoices }, fill(lots, 'acknowledged', amount.minor));
}

/** Paid on delivery: the receipt lists the items, and no invoice was written. */
function readDelivery(books: Books, paper: PaperOf<'receipt'>): void {
  const { items, amountPaid, identifier, vendor, orderReferences } = paper.components;
  if (orderReferences === undefined) {
    const text = `Receipt ${identifier} names neither invoice nor order.`;
    books.stray.push(finding('REFERENCE_ABSENT', text, paper));
    return;
  }
  const named = accountsOf(books, paper, orderReferences);
  if (named.length === 0) return;
  checkName(books, named, paper, vendor);
  const accounts = ofCurrency(books, named, paper, amountPaid);
  if (accounts.length === 0) return;
  const sum = items.reduce((total, { price, quantity }) => total + price.minor * BigInt(quantity), 0n);
  if (items.some(({ price }) => price.currency !== amountPaid.currency) || sum !== amountPaid.minor) {
    const text = `Receipt ${identifier} is for ${formatAmount(amountPaid)}, and its items come to something else.`;
    blame(books, accounts, finding('SUM_DIFFERS', text, paper));
  }
  const strange = items.filter((item) => !receive(accounts, item)).map(({ description }) => description);
  if (strange.length > 0) {
    const text = `Receipt ${identifier} lists what was not ordered, or more of it, or at another price: ${strange.join(', ')}.`;
    blame(books, accounts, finding('NOT_ORDERED', text, paper));
  }
  const { lots, rest } = takeOff(accounts, amountPaid.minor);
  for (const lot of lots) lot.acknowledged = lot.minor;
  if (rest > 0n) {
    const more = formatAmount({ ...amountPaid, minor: rest });
    blame(books, accounts, finding('RECEIVED_TOO_MUCH', `Receipt ${identifier} is ${more} more than was open.`, paper));
  }
}

/** Ticks an item off; false when so many of it are not open. */
function receive(
  accounts: readonly OpenAccount[],
  item: Parameters<typeof itemKey>[0] & { quantity: number },
): boolean {
  let left = item.quantity;
  for (const { items } of accounts) {
    const open = items.get(itemKey(item)) ?? 0;
    const part = Math.min(open, left);
    items.set(itemKey(item), open - part);
    left -= part;
  }
  return left === 0;
}

/** Where the buyer spoke of a payment at all, the vendor must not have got more than the buyer says. */
function compareWords(books: Books): void {
  for (const { paper, lots } of books.invoices.values()) {
    const total = (of: 'remitted' | 'acknowledged') => lots.reduce((sum, lot) => sum + lot[of], 0n);
    const [remitted, acknowledged] = [total('remitted'), total('acknowledged')];
    if (remitted === 0n || acknowledged <= remitted) continue;
    const { amount, number } = paper.components;
    const more = formatAmount({ ...amount, minor: acknowledged - remitted });
    const text = `On invoice ${number} the vendor acknowledges ${more} more than the buyer says that it paid.`;
    blame(books, accountsIn([{ paper, lots }]), finding('RECEIPT_DIFFERS', text, paper));
  }
}

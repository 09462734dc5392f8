/** Commercial papers and the orders they are about, as their owners read them. */
import { type Amount, formatAmount } from '../../money/amount.ts';
import { formatAgentId } from '../../trusted/message/agent-id.ts';
import type { OrderAccount } from '../../trusted/paper/account.ts';
import type { Paper } from '../../trusted/paper/paper.ts';
import { reconcile } from '../../trusted/paper/reconcile.ts';
import { dayText } from './ticket-view.ts';

export interface PaperView {
  /** The ticket's name. */
  readonly id: string;
  readonly type: string;
  /** The numbers of the devices. */
  readonly from: string;
  readonly to: string;
  readonly issuer: string;
  readonly day: string;
  /** Its own reference or number; an advice has none. */
  readonly number?: string;
  /** The orders or invoices that it names. */
  readonly about: readonly string[];
  /** Absent for an order in several currencies. */
  readonly amount?: string;
}

export interface AccountView {
  readonly order: string;
  readonly reference: string;
  readonly buyer: string;
  readonly seller: string;
  readonly standing: 'on-order' | 'invoiced' | 'paid';
  readonly verdict: 'matched' | 'open' | 'contradicted';
  readonly sums?: {
    readonly ordered: string;
    readonly invoiced: string;
    readonly remitted: string;
    readonly acknowledged: string;
  };
  readonly missing: readonly string[];
  readonly contradictions: readonly string[];
}

export interface PaperBooks {
  readonly papers: readonly PaperView[];
  readonly accounts: readonly AccountView[];
  /** What is wrong with papers that belong to no order that is known. */
  readonly stray: readonly string[];
}

export function paperBooks(papers: readonly Paper[]): PaperBooks {
  const { accounts, stray } = reconcile(papers);
  return {
    papers: papers.map(paperView),
    accounts: accounts.map(accountView),
    // A receipt for just an amount is about no order, and right so.
    stray: stray.flatMap(({ code, text }) => (code === 'REFERENCE_ABSENT' ? [] : [text])),
  };
}

/** The accounts that stand differently now. */
export function changedAccounts(before: PaperBooks, after: PaperBooks): readonly AccountView[] {
  const known = new Set(before.accounts.map((one) => JSON.stringify(one)));
  return after.accounts.filter((one) => !known.has(JSON.stringify(one)));
}

function paperView({ id, issuer, receiver, issuerName, components }: Paper): PaperView {
  return {
    ...{ id, type: components.type, from: formatAgentId(issuer), to: formatAgentId(receiver), issuer: issuerName },
    ...{ day: dayText(components.day), ...saidIn(components) },
  };
}

function saidIn(components: Paper['components']): Pick<PaperView, 'number' | 'about' | 'amount'> {
  switch (components.type) {
    case 'purchase-order': {
      const total = totalOf(components.items);
      return { number: components.reference, about: [], ...(total && { amount: formatAmount(total) }) };
    }
    case 'invoice':
      return {
        ...{ number: components.number, about: components.orderReferences },
        amount: formatAmount(components.amount),
      };
    case 'remittance-advice':
      return { about: components.invoiceReferences, amount: formatAmount(components.amountPaid) };
    case 'receipt': {
      const { identifier: number, invoiceReferences, orderReferences = [], amountPaid } = components;
      return { number, about: [...invoiceReferences, ...orderReferences], amount: formatAmount(amountPaid) };
    }
  }
}

function totalOf(items: readonly { readonly price: Amount; readonly quantity: number }[]): Amount | undefined {
  const [currency, ...others] = new Set(items.map(({ price }) => price.currency));
  if (currency === undefined || others.length > 0) return undefined;
  return { currency, minor: items.reduce((sum, { price, quantity }) => sum + price.minor * BigInt(quantity), 0n) };
}

function accountView(account: OrderAccount): AccountView {
  const { order, reference, buyer, seller, standing, verdict, sums, missing, contradictions } = account;
  return {
    ...{ order, reference, buyer: formatAgentId(buyer), seller: formatAgentId(seller), standing, verdict },
    ...(sums && {
      sums: {
        ...{ ordered: formatAmount(sums.ordered), invoiced: formatAmount(sums.invoiced) },
        ...{ remitted: formatAmount(sums.remitted), acknowledged: formatAmount(sums.acknowledged) },
      },
    }),
    ...{ missing: missing.map(({ text }) => text), contradictions: contradictions.map(({ text }) => text) },
  };
}

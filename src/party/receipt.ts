/** The receipt: what was bought, the offers it beat, what was paid, where the files are. Plain data, the same as JSON and for people. */
import type { Agreement } from '../agent/message/agreement.ts';
import type { CompletionNotice } from '../agent/message/payment.ts';
import { toHex } from '../codec/hex.ts';
import { formatMinor } from '../money/amount.ts';

export interface Receipt {
  readonly mandate: string;
  readonly payment: string;
  readonly bought: {
    readonly name: string;
    readonly values: Readonly<Record<string, string>>;
    readonly items: readonly {
      readonly sku: string;
      readonly name: string;
      readonly quantity: number;
      readonly mediaType: string;
      readonly sha256: string;
      readonly file: string;
    }[];
  };
  readonly merchant: { readonly id: string; readonly name: string };
  readonly paid: { readonly amount: string; readonly currency: string };
  readonly beaten: readonly { readonly merchant: string; readonly product: string; readonly price: string }[];
  readonly set: { readonly xid: string };
  /** Hex SHA-256 of the agreement, which is SET's order description. */
  readonly agreement: string;
  readonly paidAt: string;
}

export function makeReceipt(facts: {
  readonly mandateId: string;
  readonly agreement: Agreement;
  readonly files: readonly string[];
  readonly xid: string;
  readonly paidAtMs: number;
  readonly others: CompletionNotice['others'];
}): Receipt {
  const { agreement, files } = facts;
  const { terms } = agreement;
  return {
    mandate: facts.mandateId,
    payment: toHex(agreement.orderId),
    bought: {
      name: terms.product.name,
      values: terms.values,
      items: terms.items.map(({ sku, name, quantity, mediaType, sha256 }, index) => ({
        sku,
        name,
        quantity,
        mediaType,
        sha256: toHex(sha256),
        file: files[index]!,
      })),
    },
    merchant: { id: terms.merchant.id, name: terms.merchant.name },
    paid: { amount: formatMinor(agreement.price), currency: agreement.price.currency },
    beaten: facts.others,
    set: { xid: facts.xid },
    agreement: agreement.id,
    paidAt: new Date(facts.paidAtMs).toISOString(),
  };
}

/** The receipt as lines for a person. */
export function formatReceipt(receipt: Receipt): string {
  const { bought, merchant, paid, beaten } = receipt;
  const values = Object.entries(bought.values).map(([issue, value]) => `${issue} ${value}`);
  const lines = [
    `bought    ${bought.name}${values.length > 0 ? ` (${values.join(', ')})` : ''}`,
    `from      ${merchant.name}`,
    `paid      ${paid.amount} ${paid.currency} by card over SET (transaction ${receipt.set.xid.slice(0, 16)}…)`,
    ...(beaten.length === 0 ? ['beat      no other offer'] : []),
    ...beaten.map(
      ({ merchant: other, product, price }, index) =>
        `${index === 0 ? 'beat' : '    '}      ${price}  ${product}, ${other}`,
    ),
    ...bought.items.map(({ file }, index) => `${index === 0 ? 'file' : '    '}      ${file}`),
  ];
  return lines.join('\n');
}

/** The receipt: what was bought, the offers it beat, what was paid, where the files are. Plain data, the same as JSON and for people. */
import type { Agreement } from '../../agent/message/agreement.ts';
import type { CompletionNotice } from '../../agent/message/payment.ts';
import { toHex } from '../../codec/hex.ts';
import { formatMinor } from '../../money/amount.ts';

/** Secure delivery: the package (SHA-256 of its signed manifest, hexadecimal), and who released its key once it was paid. */
export interface DeliveredBy {
  readonly package: string;
  readonly released: 'merchant' | 'trustee' | 'arbiter';
  readonly by: string;
}

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
      /** How it came, where by secure delivery. */
      readonly delivery?: DeliveredBy;
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
  /** Of each file; empty where they did not come by secure delivery. */
  readonly deliveries?: readonly DeliveredBy[];
  readonly xid: string;
  readonly paidAtMs: number;
  readonly others: CompletionNotice['others'];
}): Receipt {
  const { agreement, files, deliveries } = facts;
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
        ...(deliveries?.[index] && { delivery: deliveries[index] }),
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
    ...bought.items.flatMap(fileLines),
  ];
  return lines.join('\n');
}

function fileLines({ file, sha256, delivery }: Receipt['bought']['items'][number]): readonly string[] {
  const lines = [`file      ${file}`, `SHA-256   ${sha256}`];
  if (delivery === undefined) return lines;
  const { package: of, released, by } = delivery;
  return [
    ...lines,
    `delivery  package ${of.slice(0, 16)}…, checked before it was paid; its key released by the ${released}, ${by}`,
  ];
}

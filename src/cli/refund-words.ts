/** Refunds of what was sold across the counter, in words: of a customer, a merchant, an operator. */
import type { CustomerRefund } from '../party/customer/delivery-control.ts';
import type { RefundEntry } from '../party/message/refund-entry.ts';
import type { OperatorRefunds } from '../party/operator/operator-refunds.ts';
import { timeWords } from './agent-words.ts';

/** What a party says of refunds, by what it is. */
export type AnyRefunds =
  | { readonly party: 'customer'; readonly refunds: readonly CustomerRefund[] }
  | { readonly party: 'merchant'; readonly refunds: readonly RefundEntry[] }
  | ({ readonly party: 'operator' } & OperatorRefunds);

export function refundLines(of: AnyRefunds): readonly string[] {
  if (of.party === 'customer') return of.refunds.map((refund) => line(refund, `by ${refund.merchant}`, refund.payment));
  if (of.party === 'merchant') return of.refunds.map((refund) => line(refund, `through ${refund.operator}`));
  return [
    ...of.refunds.map((refund) => line(refund, `for ${refund.merchant}`)),
    ...of.waiting.map(({ order, merchant }) => `  refund  ${merchant}  waits for its merchant: order ${order}`),
    ...of.unfollowed.map(({ merchant, times, trusted }) => {
      const kept = trusted ? '' : ': nothing new of it is taken';
      return `  merchant ${merchant}  left ${times} ${times === 1 ? 'ruling' : 'rulings'} to us${kept}`;
    }),
  ];
}

function line(refund: RefundEntry, whose: string, name = refund.order): string {
  return `  refund  ${timeWords(refund.at)}  ${refundText(refund)}, ${whose}  ${name}`;
}

/** What became of it, and at whose word. */
export function refundText({
  amount,
  outcome,
  by,
  reason,
}: Pick<RefundEntry, 'amount' | 'outcome' | 'by' | 'reason'>): string {
  if (outcome === 'impossible') return `${amount} could not be paid back the way it was paid (${reason})`;
  return `${amount} paid back${by === 'merchant' ? '' : ' in the merchant’s place'}`;
}

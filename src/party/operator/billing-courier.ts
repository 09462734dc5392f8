/** From the outbox of the accounts into the billing book, where each record is booked once. */
import type { BillingHost } from '../../billing/book/read-book.ts';
import { sha256 } from '../../crypto/digest.ts';
import { readBillingRecord } from '../../deposit/message/billing-record.ts';
import type { Courier } from '../../journal/courier.ts';

export const BILLING_ROUTE = 'billing:';

export function billingCourier(book: Pick<BillingHost, 'handle'>): Courier {
  return {
    async deliver({ to, body }) {
      const record = readBillingRecord(to.slice(BILLING_ROUTE.length), body);
      const answer = await book.handle({
        messageId: record.id,
        digest: sha256(body),
        input: { type: 'record', record },
      });
      return { type: 'answered', body: answer };
    },
  };
}

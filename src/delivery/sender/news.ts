/** What the merchant's shop is told by its side of delivery. */
import { digest, oneOf, optional, record, type Shaped, text } from '../../codec/shape.ts';
import { encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import type { Outgoing } from '../../journal/machine.ts';
import { orderDigest } from '../message/identity.ts';
import type { SenderPolicy } from './sender-policy.ts';

const newsShape = record({
  order: orderDigest,
  /** `refund`: a ruling wants the customer to have its money back. `breach`: the trustee released K2 unpaid. */
  what: oneOf('sold', 'lapsed', 'refund', 'ruled', 'breach', 'not-in-custody'),
  accept: optional(digest()),
  reason: optional(text({ max: 100 })),
});
type News = Shaped<typeof newsShape>;
export const newsType: MessageType<News> = { name: 'delivery-news', shape: newsShape, maxBytes: 1024 };

/** @param id tells two pieces of news about one order apart */
export function tell({ notify }: SenderPolicy, id: string, news: News): readonly Outgoing[] {
  if (notify === undefined) return [];
  return [{ id: `news:${id}`, to: notify, kind: newsType.name, body: encodeShape(newsType, news) }];
}

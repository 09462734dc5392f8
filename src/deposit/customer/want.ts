/** A deposit somebody on the device wants, and what he hears of it in the end. */
import { list, minorUnits, oneOf, optional, record, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import { encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import type { IncomingMessage } from '../../journal/message-identity.ts';
import { partyName, transactionIdentity } from '../message/identity.ts';
import { MAX_PRICE_UNITS } from '../message/purchase.ts';
import { currencyCode } from '../message/session-rate.ts';

const wantShape = record({
  /** The caller's own number for it, never used again: the operator gives the same identities for the same number. */
  reference: text({ min: 1, max: 64 }),
  limitId: text({ min: 1, max: 64 }),
  merchant: partyName,
  merchantOperator: partyName,
  merchantCurrency: currencyCode,
  /** In the currency of the limit, which is the account's. */
  depositMinor: minorUnits(),
  /** The first purchase, in units of `unitNano` of the merchant's currency: the merchant says how large its unit is. */
  order: record({
    units: whole({ min: 1, max: MAX_PRICE_UNITS }),
    unitNano: whole({ min: 1, max: 1_000_000_000_000 }),
  }),
  idleMs: whole({ min: 1000, max: 30 * 86_400_000 }),
  endsAtMs: timeMs(),
});
export type Want = Shaped<typeof wantShape>;
const wantType: MessageType<Want> = { name: 'deposit-want', shape: wantShape, maxBytes: 4096 };

/** For `Host.handle`, which resolves with an `Opening` when the deposit is open or refused. */
export function wantMessage(
  want: Want,
): IncomingMessage & { readonly input: { readonly type: 'want'; readonly want: Want } } {
  const messageId = wantMessageId(want.reference);
  return { messageId, digest: sha256(encodeShape(wantType, want)), input: { type: 'want', want } };
}

export const wantMessageId = (reference: string) => `want:${reference}`;
export const closeMessageId = (transaction: string) => `close:${transaction}`;

/** @throws MessageError */
export function checkedWant(want: Want): Want {
  return wantShape.decode(wantShape.encode(want), 'want');
}

/** The answer to a want: open when it has a transaction and no code. */
const openingShape = record({
  transaction: optional(transactionIdentity),
  /** Why there is no deposit: as the code of an error. */
  code: optional(text({ max: 64 })),
  detail: optional(text({ max: 200 })),
});
export type Opening = Shaped<typeof openingShape>;
export const openingType: MessageType<Opening> = { name: 'deposit-opening', shape: openingShape, maxBytes: 1024 };

/**
 * How a deposit ended. `concluded`: by a statement that is right. `disputed`: by one that is not. `lapsed`: the operator says that nothing
 * was taken. `unsettled`: no statement came. `refused`: it never opened as agreed, and nothing was released.
 */
export const OUTCOMES = ['concluded', 'disputed', 'lapsed', 'unsettled', 'refused'] as const;

/** The answer to a close. */
const endingShape = record({
  outcome: oneOf(...OUTCOMES),
  /** Minor units of the customer's currency. */
  bookedMinor: minorUnits(),
  reasons: list(text({ max: 300 }), { max: 16 }),
});
export type Ending = Shaped<typeof endingShape>;
export const endingType: MessageType<Ending> = { name: 'deposit-ending', shape: endingShape, maxBytes: 8192 };

/** What the billing book sends its adapters: a record as it was booked, and that a day is over. */
import { bytes, optional, record, text, timeMs, whole } from '../../codec/shape.ts';
import { decodeShape, encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import { encodeBillingRecord, readBillingRecord } from '../../deposit/message/billing-record.ts';
import type { Booked } from './billing-adapter.ts';
import { movementOf } from './entry.ts';

const bookedShape = record({
  number: whole({ min: 1 }),
  day: text({ min: 10, max: 10 }),
  bookedAtMs: timeMs(),
  kind: text({ min: 1, max: 20 }),
  body: bytes({ max: 16_384 }),
  /** The balance after its entry, as digits with a sign; the entry itself follows from the record. */
  after: optional(text({ min: 1, max: 24 })),
});
export const bookedType = { name: 'billing-booked', shape: bookedShape, maxBytes: 17_000 } as const;

const closedShape = record({ day: text({ min: 10, max: 10 }) });
export const dayClosedType: MessageType<{ readonly day: string }> = {
  name: 'billing-day-closed',
  shape: closedShape,
  maxBytes: 64,
};

export function encodeBooked({ number, day, bookedAtMs, record: billing, entry }: Booked): Uint8Array {
  return encodeShape(bookedType, {
    ...{ number, day, bookedAtMs, kind: billing.type, body: encodeBillingRecord(billing) },
    ...(entry === undefined ? {} : { after: entry.afterMinor.toString() }),
  });
}

/** @throws CborError, MessageError, DepositError */
export function decodeBooked(encoded: Uint8Array): Booked {
  const { number, day, bookedAtMs, kind, body, after } = decodeShape(bookedType, encoded);
  const billing = readBillingRecord(kind, body);
  const movement = after === undefined ? undefined : movementOf(billing);
  return {
    ...{ number, day, bookedAtMs, record: billing },
    ...(movement === undefined ? {} : { entry: { ...movement, afterMinor: BigInt(after!) } }),
  };
}

/** The one rate of a session (ERI-8, ERI-B) as messages carry it, and the rate table a customer's own bank gives out with a lifespan. */
import { bytes, list, record, type Shape, type Shaped, text, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { type Rate, rateOf } from '../../money/rate.ts';
import { DepositError } from './deposit-error.ts';

export const currencyCode = text({ min: 3, max: 3 });

/** Numerator and denominator as big-endian bytes, so that rates stay exact. */
const fraction = record({
  from: currencyCode,
  to: currencyCode,
  numerator: bytes({ min: 1, max: 32 }),
  denominator: bytes({ min: 1, max: 32 }),
});

/** `from` the customer's currency `to` the merchant's. */
export const sessionRate: Shape<Rate> = {
  decode(value, at) {
    const { from, to, numerator, denominator } = fraction.decode(value, at);
    return rateOf({ from, to, numerator: toBigint(numerator), denominator: toBigint(denominator) });
  },
  encode: ({ from, to, numerator, denominator }) =>
    fraction.encode({ from, to, numerator: toBytes(numerator), denominator: toBytes(denominator) }),
};

const rateTableShape = record({
  /** Each from the customer's account currency. */
  rates: list(sessionRate, { max: 200 }),
  issuedAtMs: timeMs(),
  /** Its lifespan: after that the device asks for another. */
  validUntilMs: timeMs(),
});

export type RateTable = Shaped<typeof rateTableShape>;
export const rateTable = rateTableShape;
export const rateTableType: MessageType<RateTable> = { name: 'rate-table', shape: rateTableShape, maxBytes: 32_768 };

/** 1 when both are the same currency. @throws DepositError `RATE_STALE`, `RATE_UNKNOWN` */
export function rateIn(table: RateTable, pair: { readonly from: string; readonly to: string }, nowMs: number): Rate {
  const { from, to } = pair;
  if (from === to) return { from, to, numerator: 1n, denominator: 1n };
  if (table.validUntilMs < nowMs) throw new DepositError('RATE_STALE', 'the rate table is older than its lifespan');
  const rate = table.rates.find((candidate) => candidate.from === from && candidate.to === to);
  if (rate === undefined) throw new DepositError('RATE_UNKNOWN', `no rate from ${from} to ${to}`);
  return rate;
}

function toBigint(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function toBytes(number: bigint): Uint8Array {
  const hex = number.toString(16);
  return new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}

/** What the merchant machine tells the shop about an order: paid, or why not. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex } from '../../codec/hex.ts';
import { HandselError } from '../../handsel-error.ts';
import { type Amount, amountOf } from '../../money/amount.ts';

export interface OrderOutcome {
  readonly orderId: Uint8Array;
  /** `authorized`: held on the card, neither captured nor given back yet. `unreversed`: giving it back was refused. */
  readonly status: 'paid' | 'declined' | 'failed' | 'expired' | 'reversed' | 'authorized' | 'unreversed';
  readonly reason: string;
  readonly amount: Amount;
  /** Empty when no transaction was begun. */
  readonly xid: Uint8Array;
}

const STATUSES: readonly string[] = [
  'paid',
  'declined',
  'failed',
  'expired',
  'reversed',
  'authorized',
  'unreversed',
] satisfies OrderOutcome['status'][];
const MAX_BYTES = 1024;

export interface OutcomeToTell extends Omit<OrderOutcome, 'orderId' | 'xid'> {
  /** Hexadecimal, as the machine keeps them. */
  readonly orderId: string;
  readonly xid: string | undefined;
}

export function encodeOrderOutcome({ orderId, xid = '', amount, status, reason }: OutcomeToTell): Uint8Array {
  const { currency, minor } = amount;
  return encodeCbor({ orderId: fromHex(orderId), xid: fromHex(xid), status, reason, currency, minor });
}

/** @throws HandselError on anything but an encoded outcome. */
export function decodeOrderOutcome(bytes: Uint8Array): OrderOutcome {
  const value = decodeCbor(bytes, { maxBytes: MAX_BYTES }) as Readonly<Record<string, unknown>> | null;
  const { orderId, status, reason, currency, minor, xid } = typeof value === 'object' && value !== null ? value : {};
  if (
    !(orderId instanceof Uint8Array) ||
    typeof status !== 'string' ||
    !STATUSES.includes(status) ||
    typeof reason !== 'string' ||
    typeof currency !== 'string' ||
    (typeof minor !== 'bigint' && typeof minor !== 'number') ||
    !(xid instanceof Uint8Array)
  ) {
    throw new HandselError('ORDER_OUTCOME_MALFORMED', 'not the outcome of an order');
  }
  return { orderId, status: status as OrderOutcome['status'], reason, amount: amountOf(currency, BigInt(minor)), xid };
}

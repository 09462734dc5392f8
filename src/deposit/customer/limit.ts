/**
 * What the customer allows to be spent (ERI-J). A deposit is judged against its limit and set aside under it in one step of the purse,
 * so deposits wanted at the same time can never sum above it.
 */

import { list, minorUnits, optional, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { sha256 } from '../../crypto/digest.ts';
import { encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import type { IncomingMessage } from '../../journal/message-identity.ts';
import { formatAmount } from '../../money/amount.ts';
import { partyName } from '../message/identity.ts';
import { currencyCode } from '../message/session-rate.ts';
import { PurseError } from './purse-error.ts';
import type { Want } from './want.ts';

const limitShape = record({
  limitId: text({ min: 1, max: 64 }),
  /** Of the customer's account. */
  currency: currencyCode,
  /** Minor units: what all deposits under it may sum to, less what came back. */
  totalMinor: minorUnits(),
  /** 10⁻⁹ major units of `currency`: what one purchase may cost; absent = anything the deposit holds. */
  perPurchaseNano: optional(minorUnits()),
  /** Absent = any merchant. */
  merchantsAllowed: optional(list(partyName, { min: 1, max: 1000 })),
  /** No deposit under it ends later. */
  expiresAtMs: timeMs(),
});
export type Limit = Shaped<typeof limitShape>;
const limitType: MessageType<Limit> = { name: 'deposit-limit', shape: limitShape, maxBytes: 131_072 };

export interface LimitUse {
  readonly limit: Limit;
  /** Minor units set aside in deposits that are not concluded. */
  heldMinor: bigint;
  /** Minor units that concluded deposits have cost. */
  spentMinor: bigint;
}

/** For `Host.handle`: the same limit given twice is one limit. */
export function limitMessage(
  limit: Limit,
): IncomingMessage & { readonly input: { readonly type: 'limit'; readonly limit: Limit } } {
  const digest = sha256(encodeShape(limitType, limit));
  return { messageId: `limit:${limit.limitId}`, digest, input: { type: 'limit', limit } };
}

/** @throws MessageError */
export function checkedLimit(limit: Limit): Limit {
  return limitShape.decode(limitShape.encode(limit), 'limit');
}

/** @throws PurseError when the deposit may not be set aside under the limit */
export function requireAllowed(use: LimitUse | undefined, want: Want, nowMs: number): Limit {
  if (use === undefined) throw new PurseError('LIMIT_UNKNOWN', 'there is no such limit');
  const { limit, heldMinor, spentMinor } = use;
  if (nowMs >= limit.expiresAtMs) throw new PurseError('LIMIT_EXPIRED', 'the limit has expired');
  if (want.endsAtMs > limit.expiresAtMs) throw new PurseError('LIMIT_EXPIRED', 'the deposit would outlast the limit');
  if (limit.merchantsAllowed !== undefined && !limit.merchantsAllowed.includes(want.merchant)) {
    throw new PurseError('MERCHANT_NOT_ALLOWED', `${want.merchant} is not among the merchants of the limit`);
  }
  const { currency, totalMinor } = limit;
  const left = totalMinor - heldMinor - spentMinor;
  if (want.depositMinor > left) {
    const words = formatAmount({ currency, minor: left > 0n ? left : 0n });
    throw new PurseError(
      'LIMIT_EXCEEDED',
      `${words} of ${formatAmount({ currency, minor: totalMinor })} is left under the limit`,
    );
  }
  return limit;
}

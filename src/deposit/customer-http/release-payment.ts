/** Releasing one payment out of whatever deposit is fit for it, opened if need be. */
import { DepositError } from '../message/deposit-error.ts';
import type { Offer } from '../message/payment-offer.ts';
import type { Spender, SpentToken } from './spender.ts';

export interface ReleasedPayment extends SpentToken {
  readonly transaction: string;
}

/** Deposits one payment may be tried in: requests made at the same time use each other's up. */
const MAX_DEPOSITS = 8;
/** What a spender says of a deposit that was fit a moment ago. Nothing was released then. */
const NOT_ANY_MORE: readonly string[] = ['DEPOSIT_UNKNOWN', 'DEPOSIT_CLOSED', 'DEPOSIT_EXCEEDED'];

/** @throws what the spender throws */
export async function releasePayment(spender: Spender, offer: Offer, request: Uint8Array): Promise<ReleasedPayment> {
  for (let tried = 1; ; tried++) {
    const transaction = await spender.ensure(offer);
    try {
      return { transaction, ...(await spender.pay(transaction, { units: offer.units, request })) };
    } catch (cause) {
      const another = cause instanceof DepositError && NOT_ANY_MORE.includes(cause.code) && tried < MAX_DEPOSITS;
      if (!another) throw cause;
    }
  }
}

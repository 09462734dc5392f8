/** The port to the customer's deposits: what paying over HTTP asks of whoever holds them. */
import type { Offer } from '../message/payment-offer.ts';

export interface PaymentItem {
  readonly units: number;
  /** The digest of the request that is paid for. */
  readonly request: Uint8Array;
}

export interface SpentToken {
  readonly number: number;
  readonly token: Uint8Array;
  /** When this purchase is the first of a new checkpoint. */
  readonly checkpoint?: Uint8Array;
}

export type Failure =
  /** The merchant said that it did not take it, with its reason. */
  | { readonly reason: 'refused'; readonly code: string }
  /** Nobody said what became of it: the token may have been taken. */
  | { readonly reason: 'unknown' };

export interface Spender {
  /**
   * The transaction of an open deposit at this merchant, in this currency and unit, with enough left for the offer; opens one if need be.
   * @throws when there is none and none can be opened
   */
  ensure(offer: Offer): Promise<string>;
  /**
   * The next purchase. What is returned counts as spent until `failed` says that it was refused.
   * @throws DepositError `DEPOSIT_EXCEEDED`, `DEPOSIT_CLOSED`, `DEPOSIT_UNKNOWN`, each with nothing released: another deposit is needed
   */
  pay(transaction: string, item: PaymentItem): Promise<SpentToken>;
  paid(transaction: string, number: number): void | Promise<void>;
  /** Nothing may be bought with this number any more, and its words are released: mostly this is the end of the deposit. */
  failed(transaction: string, number: number, failure: Failure): void | Promise<void>;
}

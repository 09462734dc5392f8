/** A payment as the wallet keeps it while it is open, and the facts it records about it. */
import { fromHex } from '../../codec/hex.ts';
import type { Amount } from '../../money/amount.ts';
import type { TransIds } from '../message/transaction.ts';
import type { PaymentOutcome } from './payment-outcome.ts';

/** What a person or an agent's guard asks the wallet to pay. */
export interface PaymentToMake {
  /** Unique within the wallet; 1 to 64 characters. */
  readonly paymentId: string;
  /** LID-M: how the merchant names the order; 1 to 20 bytes. */
  readonly orderId: Uint8Array;
  /** The order description that merchant and customer agreed on, byte for byte. */
  readonly description: Uint8Array;
  readonly amount: Amount;
  readonly merchant: { readonly url: string; readonly merchantId: string };
  readonly brandId: string;
  readonly cardId: string;
  /** The first six digits of the card number, which the merchant may see. */
  readonly bin: string;
  /** Unix milliseconds. Until then the order is tried; what was ordered by then is followed up to its end. */
  readonly deadlineMs: number;
  /** Route to tell of the end of the payment, e.g. `local:guard`. */
  readonly notify: string;
  /**
   * What else the payment is for, as 32 bytes nobody can guess: they take the place of ODSalt, so that the cardholder's signature, what
   * the merchant checks and what the gateway keeps are bound to it. Default at random.
   */
  readonly boundTo?: Uint8Array;
}

/**
 * `initiating`: PInitReq is out. `pausing`: the merchant does not know the order yet, or the card is closed.
 * `ordering`: PReq is out. `waiting`: the order may have been received, its end is unknown. `inquiring`: InqReq is out.
 */
export type PaymentPhase = 'initiating' | 'pausing' | 'ordering' | 'waiting' | 'inquiring';

/** Bytes are kept as hexadecimal text: small strings take a third of the memory of small byte arrays. */
export interface OpenPayment {
  readonly paymentId: string;
  readonly orderId: string;
  /** Hash of the order description. */
  readonly od: string;
  readonly amount: Amount;
  readonly merchantUrl: string;
  readonly merchantId: string;
  readonly brandId: string;
  readonly cardId: string;
  readonly bin: string;
  readonly deadlineMs: number;
  readonly notify: string;
  /** Absent where ODSalt is made at random, and in older journals. */
  readonly odSalt?: string;
  readonly lidC: string;
  phase: PaymentPhase;
  /** Counts the requests sent, so that a late answer to an earlier one is told apart. */
  attempt: number;
  /** Consecutive pauses, for the backoff. */
  pauses: number;
  request: SentRequest | undefined;
  order: PlacedOrder | undefined;
  /** The person was told that the end is not known at the deadline. */
  pendingTold: boolean;
}

export interface SentRequest {
  readonly rrpid: string;
  readonly challenge: string;
  /** Hash of the whole message, which its answer repeats under the merchant's signature. */
  readonly hash: string;
}

/** What was ordered under whose names: enough to recognise the merchant's word about it. */
export interface PlacedOrder {
  readonly xid: string;
  readonly preqDateMs: number;
  readonly language: string;
  readonly cardThumb: string;
  readonly merchantThumb: string;
}

export type WalletRecord =
  | { readonly type: 'opened'; readonly payment: OpenPayment }
  | {
      readonly type: 'asked';
      readonly paymentId: string;
      readonly phase: 'initiating' | 'ordering' | 'inquiring';
      readonly request: SentRequest;
      readonly order?: PlacedOrder;
    }
  | { readonly type: 'paused'; readonly paymentId: string; readonly phase: 'pausing' | 'waiting' }
  | { readonly type: 'pending-told'; readonly paymentId: string }
  | { readonly type: 'finished'; readonly paymentId: string; readonly outcome: PaymentOutcome };

export interface WalletState {
  readonly payments: Map<string, OpenPayment>;
}

/** All transitions of a payment. */
export function applyWalletRecord({ payments }: WalletState, record: WalletRecord): void {
  if (record.type === 'opened') {
    payments.set(record.payment.paymentId, { ...record.payment });
    return;
  }
  if (record.type === 'finished') {
    payments.delete(record.paymentId);
    return;
  }
  const payment = payments.get(record.paymentId)!;
  switch (record.type) {
    case 'asked':
      payment.phase = record.phase;
      payment.attempt += 1;
      payment.request = record.request;
      if (record.order !== undefined) payment.order = record.order;
      break;
    case 'paused':
      payment.phase = record.phase;
      payment.pauses += 1;
      break;
    case 'pending-told':
      payment.pendingTold = true;
      break;
  }
}

/** The names under which a placed order runs, as they were agreed at its initiation. */
export function transIdsOf(payment: OpenPayment, order: PlacedOrder): TransIds {
  return {
    lidC: fromHex(payment.lidC),
    lidM: fromHex(payment.orderId),
    xid: fromHex(order.xid),
    preqDate: new Date(order.preqDateMs),
    language: order.language,
  };
}

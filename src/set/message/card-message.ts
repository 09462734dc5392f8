/**
 * Card messages between a payment gateway, acquirers and issuers (ISO 8583:1987 sections 4 and 5), as typed values:
 * authorisation 0100, financial request 0200 (authorise and capture at once), capture advice 0220, credit advice 0220 with processing code
 * 20 (returns), reversal advice 0420, acquirer reconciliation 0500, network test 0800, and their answers. Bytes come from `card-message-codec.ts`.
 */
import type { Amount } from '../../money/amount.ts';

/** What every message carries; together with the type it is the message's identity. */
export interface TransmissionIdentity {
  /** Field 7, `MMDDhhmmss` in UTC: see `transmissionTime`. */
  readonly transmittedAt: string;
  /** Field 11, systems trace audit number, 1 to 999999, given by the sender. */
  readonly stan: number;
  /** Field 32, up to 11 digits: the acquiring institution. */
  readonly acquirerId: string;
}

/** What every message about one card payment carries. */
export interface CardTransaction extends TransmissionIdentity {
  /** Field 37, 12 letters or digits: the same in all messages about one payment; see `retrievalReferenceOf`. */
  readonly retrievalReference: string;
  /** Field 41, up to 8 characters: the gateway that asks. */
  readonly terminalId: string;
  /** Field 42, up to 15 characters: the card acceptor at its acquirer. */
  readonly merchantId: string;
  /** Field 2, 12 to 19 digits. Secret: never logged, never traced. */
  readonly pan: string;
  /** Field 14, `YYMM`. */
  readonly expiry: string;
  /** Fields 4 and 49; 1 to 999999999999 minor units. */
  readonly amount: Amount;
  /** Field 60, set by the acquirer host: the settlement batch in which it counts what this message moves. */
  readonly batch?: number;
}

/** 0100 holds the amount on the card; 0200 holds and captures it at once. */
export interface PaymentRequest extends CardTransaction {
  readonly type: 'authorise' | 'purchase';
}

/** 0220 captures up to the held amount (the rest is released); 0420 undoes an authorisation, a capture or a purchase. */
export interface PaymentAdvice extends CardTransaction {
  readonly type: 'capture' | 'reverse';
  /** Field 90: the request that this is about. */
  readonly original: OriginalMessage;
  /** Field 38, from the answer to the original. */
  readonly approvalCode?: string;
}

/** 0220 with processing code 20: gives back to the card, of what was captured, however long ago and whether or not it was settled. */
export interface CreditAdvice extends CardTransaction {
  readonly type: 'credit';
  /** Field 90: the request by which the card was charged. */
  readonly original: OriginalMessage;
}

export interface OriginalMessage {
  readonly type: 'authorise' | 'purchase';
  readonly transmittedAt: string;
  readonly stan: number;
}

export interface SettlementTotals {
  readonly currency: string;
  /** Captures and purchases. */
  readonly debitCount: number;
  readonly debitMinor: bigint;
  /** Reversals of captures and purchases. */
  readonly reversalCount: number;
  readonly reversalMinor: bigint;
  readonly creditCount: number;
  readonly creditMinor: bigint;
}

/** 0500: what the acquirer counted for one issuer in one batch and currency; the issuer answers whether it counted the same. */
export interface Reconciliation extends TransmissionIdentity {
  readonly type: 'reconcile';
  readonly batch: number;
  /** Field 99, up to 11 digits: the issuer with whom to settle. */
  readonly issuerId: string;
  readonly totals: SettlementTotals;
}

/** 0800 with network management code 301: is anybody there? */
export interface NetworkTest {
  readonly type: 'test';
  readonly transmittedAt: string;
  readonly stan: number;
}

export type CardRequest = PaymentRequest | PaymentAdvice | CreditAdvice | Reconciliation | NetworkTest;

/** An answer repeats the identity of what it answers, never the card. */
export interface CardResponse {
  readonly type: CardRequest['type'];
  readonly transmittedAt: string;
  readonly stan: number;
  /** Field 39: see `response-code.ts`. */
  readonly responseCode: string;
  readonly acquirerId?: string;
  readonly retrievalReference?: string;
  readonly terminalId?: string;
  readonly merchantId?: string;
  readonly amount?: Amount;
  /** Field 38, 6 letters or digits, present when approved. */
  readonly approvalCode?: string;
  readonly batch?: number;
}

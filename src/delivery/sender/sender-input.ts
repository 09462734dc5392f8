/** Everything a merchant's side of delivery is told. What comes from outside is made by the `receive…` functions and nothing else. */
import type { CheckedAcceptance } from '../message/acceptance.ts';
import type { Hearing } from '../message/complaint.ts';
import type { CustodyReceipt } from '../message/custody.ts';
import type { PassedKey } from '../message/key-handover.ts';
import type { Order } from '../message/order.ts';
import type { RefundReceipt } from '../message/refund.ts';
import type { NotAccept } from '../message/resending.ts';
import type { Ruling } from '../message/ruling.ts';
import type { Party, Signed } from '../message/signed-by.ts';
import type { Edition } from './sender-state.ts';

/** A package is to be sold from now on, as soon as the trustee has K2. */
export interface PublishInput {
  readonly type: 'publish';
  readonly edition: Pick<
    Edition,
    'package' | 'product' | 'description' | 'manifest' | 'productKey' | 'trustee' | 'urls'
  >;
  readonly description: Uint8Array;
}

export interface OrderInput {
  readonly type: 'order';
  readonly order: Signed<Order>;
}

export interface KeyInput {
  readonly type: 'key';
  readonly passed: Signed<PassedKey>;
  readonly order: string;
}

/** Read back from the journal with a message about an order that may have ended. */
export interface Past {
  /** Digest of the accept it was sold for. */
  readonly soldFor: string | undefined;
  /** By a ruling. */
  readonly refunded: boolean;
}

export interface AcceptanceInput extends Past {
  readonly type: 'acceptance';
  /** Checked and paid. */
  readonly acceptance: CheckedAcceptance;
  readonly bytes: Uint8Array;
  /** K1. */
  readonly orderKey: Uint8Array;
}

export interface NotAcceptInput {
  readonly type: 'not-accept';
  readonly notAccept: Signed<NotAccept>;
}

export interface PassedAcceptanceInput extends Past {
  readonly type: 'passed-acceptance';
  readonly acceptance: CheckedAcceptance;
  readonly acceptanceBytes: Uint8Array;
  /** As the trustee signed it. */
  readonly bytes: Uint8Array;
  readonly paid: boolean;
}

export interface HearingInput {
  readonly type: 'hearing';
  readonly messageId: string;
  readonly hearing: Signed<Hearing>;
  /** Of words only, where what people say may count. */
  readonly isAboutWords: boolean;
  readonly arbiter: Party;
  /** What it is about, when that was bought from us and paid. */
  readonly acceptance: CheckedAcceptance | undefined;
}

/** What is known of an order that is to be paid back. */
export interface OrderToRefund {
  /** Of the order; undefined when it was never heard of here. */
  readonly trustee: string | undefined;
  readonly acceptance: Uint8Array | undefined;
  /** It is asked for already. */
  readonly refunding: boolean;
}

/** The operator's word that it paid back, asked for or not. */
export interface RefundedInput {
  readonly type: 'refunded';
  readonly receipt: Signed<RefundReceipt>;
}

export type SenderInput =
  | PublishInput
  | { readonly type: 'custody'; readonly package: string; readonly receipt: Signed<CustodyReceipt> }
  | { readonly type: 'custody-refused'; readonly package: string; readonly code: string }
  | OrderInput
  | KeyInput
  | AcceptanceInput
  | NotAcceptInput
  | PassedAcceptanceInput
  | HearingInput
  | ({ readonly type: 'ruling'; readonly ruling: Signed<Ruling> } & OrderToRefund)
  | RefundedInput
  /** What the merchant's people, or nobody any more, say to a complaint. */
  | { readonly type: 'say'; readonly case: string; readonly statement: string | undefined }
  | { readonly type: 'told' }
  | { readonly type: 'renew'; readonly package: string }
  | { readonly type: 'lapse'; readonly order: string };

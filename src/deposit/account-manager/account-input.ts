/** Everything an account manager is told. What comes from outside is made by the `receive…` functions and nothing else. */
import type { Amount } from '../../money/amount.ts';
import type { ClearingInformation, Settlement, TransactionRecord } from '../message/conclusion.ts';
import type { Initiation, LogOn, OperatorAcknowledgement } from '../message/initiation.ts';

export type AccountInput =
  /** Opens the operator's own accounts and its positions; done before is fine, new limits are taken over. */
  | { readonly type: 'set-up'; readonly currencies: readonly string[] }
  /** Done before is fine, a new credit line is taken over. `creditLineMinor` is for customers only. */
  | {
      readonly type: 'open-account';
      readonly of: 'customer' | 'merchant';
      readonly name: string;
      readonly currency: string;
      readonly creditLineMinor?: bigint;
    }
  /** A customer brings money. Nothing here knows whether it was brought before: handle it as the message `fund:ID`. */
  | { readonly type: 'fund'; readonly id: string; readonly customer: string; readonly amount: Amount }
  /** Pays what we owe, in one currency or all. */
  | { readonly type: 'settle'; readonly currency?: string }
  | { readonly type: 'settle-position'; readonly operator: string; readonly currency: string }
  | LogOnInput
  | InitiationInput
  | RecordInput
  | ClearingInput
  | CarriedInput
  | SettlementInput
  | ReplyInput
  /** A hold is due. */
  | { readonly type: 'lapse' }
  | { readonly type: 'idle'; readonly session: string };

export interface LogOnInput {
  readonly type: 'log-on';
  readonly customer: string;
  readonly logOn: LogOn;
  /** What the accounts elsewhere said, where they are kept elsewhere. */
  readonly available?: Amount;
}

export interface InitiationInput {
  readonly type: 'initiation';
  readonly customer: string;
  readonly initiation: Initiation;
}

/** Signed with the key of the initiation. */
export interface RecordInput {
  readonly type: 'record';
  readonly record: TransactionRecord;
  readonly bytes: Uint8Array;
  /** What the journal has when the deposit is over: a statement, if anything was cleared. */
  readonly ended?: { readonly statement?: Uint8Array };
}

export interface ClearingInput {
  readonly type: 'clearing';
  /** Who signed it. */
  readonly operator: string;
  readonly clearing: ClearingInformation;
  readonly bytes: Uint8Array;
}

/** Clearing information that another shard of ours has booked. */
export interface CarriedInput {
  readonly type: 'carried';
  readonly from: number;
  /** Who signed it. */
  readonly operator: string;
  readonly clearing: ClearingInformation;
  readonly bytes: Uint8Array;
}

export interface SettlementInput {
  readonly type: 'settlement';
  /** Who signed it. */
  readonly operator: string;
  readonly settlement: Settlement;
}

export type ReplyInput =
  | {
      readonly type: 'acknowledged';
      readonly transaction: string;
      /** Who signed it. */
      readonly operator: string;
      readonly acknowledgement: OperatorAcknowledgement;
      /** The merchant's temporary key, certified by that operator, and how long for. */
      readonly key: Uint8Array;
      readonly notAfterMs: number;
    }
  | {
      readonly type: 'refused';
      readonly transaction: string;
      /** Who signed it; absent where the connection said so. */
      readonly operator?: string;
      readonly code: string;
      readonly detail: string;
    }
  | { readonly type: 'unanswered'; readonly transaction: string }
  /** What the accounts elsewhere said to a hold; silent: nothing, as far as we know. */
  | {
      readonly type: 'hold-answered';
      readonly transaction: string;
      readonly held: boolean;
      readonly silent: boolean;
      readonly available?: Amount;
    }
  /** They have taken what a deposit came to. */
  | { readonly type: 'posted'; readonly transaction: string; readonly customer: string; readonly amount: Amount }
  | { readonly type: 'settlement-answered'; readonly settlement: string; readonly accepted: boolean }
  | { readonly type: 'told' };

/** What a purse is told: by its own device, by its operator (at the door of `receive-answer.ts`), and by time. */
import type { KeyObject } from 'node:crypto';
import type { Signer } from '../../crypto/signed-message.ts';
import type { ClearingInformation, Statement } from '../message/conclusion.ts';
import type { LoggedOn, Opened } from '../message/initiation.ts';
import type { RateTable } from '../message/session-rate.ts';
import type { TemporaryCertificate } from '../message/temporary-certificate.ts';
import type { Limit } from './limit.ts';
import type { Mark, Position } from './position.ts';
import type { Want } from './want.ts';

export type PurseInput =
  | { readonly type: 'limit'; readonly limit: Limit }
  /** Nobody wants anything under it any more. While deposits under it are not settled it stays, and is looked at again every day. */
  | { readonly type: 'end-limit'; readonly limitId: string }
  /** Make it with `wantMessage`. */
  | { readonly type: 'want'; readonly want: Want }
  /** Fetch a rate table. */
  | { readonly type: 'rates' }
  /** From the spender: what may be released from now on, and what has been paid for certain. */
  | {
      readonly type: 'mark';
      readonly transaction: string;
      readonly position: Position;
      readonly mark: Mark;
      readonly activeAtMs: number;
    }
  | {
      readonly type: 'close';
      readonly transaction: string;
      /** What the spender has seen paid, and what it has released; absent when it does not have the deposit in hand. */
      readonly spent?: { readonly position: Position; readonly released: Mark };
      /** The answer is to tell how it ended. */
      readonly asked: boolean;
    }
  | AnswerInput
  | { readonly type: 'due'; readonly timer: string };

export type AnswerInput =
  | { readonly type: 'logged-on'; readonly reference: string; readonly loggedOn: LoggedOn }
  | { readonly type: 'log-on-refused'; readonly reference: string; readonly code: string; readonly detail: string }
  | {
      readonly type: 'opened';
      readonly transaction: string;
      readonly opened: Opened;
      /** Absent when it is not of this transaction or not of our operator. */
      readonly certificate?: TemporaryCertificate;
    }
  | {
      readonly type: 'refused';
      readonly transaction: string;
      readonly code: string;
      readonly detail: string;
    }
  | {
      readonly type: 'statement';
      readonly transaction: string;
      readonly bytes: Uint8Array;
      readonly statement: Statement;
      readonly clearing: ClearingInformation;
    }
  /** `signed`: the operator answers for it that nothing was taken. */
  | {
      readonly type: 'unsettled';
      readonly transaction: string;
      readonly signed: boolean;
      readonly code: string;
      readonly detail: string;
    }
  | { readonly type: 'rate-table'; readonly rates: RateTable | null }
  /** The merchant has been told, or nobody is left to tell. */
  | { readonly type: 'told' };

/** Who a certificate chain (DER, leaf first) belongs to. Throws unless it leads to the anchors trusted for operators. */
export type Validate = (chain: readonly Uint8Array[]) => { readonly name: string; readonly publicKey: KeyObject };

export interface PurseOptions {
  /** The customer's own: its name as in its certificate, and its base URL, below which `/deposit/KIND` is found. */
  readonly operator: { readonly name: string; readonly url: string };
  /** The customer's communication key, with its chain. */
  readonly signer: Signer;
  readonly validate: Validate;
  /** 32 bytes: seals the temporary keys. */
  readonly storageKey: Uint8Array;
  /** For the certificates in answers. */
  nowMs(): number;
}

/** A payment or refund by card, as the network remembers it, and all its transitions. The journal is sealed: it holds the numbers of cards. */
import type { Amount } from '../../money/amount.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { ListUpdate } from '../message/list-change.ts';
import { foldUpdate, type TrustLists } from '../message/trust-lists.ts';
import type { InterchangeIdentity } from './interchange-request.ts';

export interface CardPayment {
  /** 32 hexadecimal digits. */
  readonly transaction: string;
  /**
   * `asked`: the bank has not answered. `authorised`: held, and can be undone. `captured`: the payee's agent has committed. `declined`: no money
   * moved. `undone`: none is going to. A refund goes from `asked` to `captured`, or is declined.
   */
  readonly status: 'asked' | 'authorised' | 'captured' | 'declined' | 'undone';
  /** Of the channel to the payee's agent. Secret. */
  readonly key: Uint8Array;
  readonly payer: AgentId;
  /** With the name in its merchant's or authority's credential, if it showed one. */
  readonly payee: { readonly agentId: AgentId; readonly publicKey: Uint8Array; readonly name?: string };
  readonly amount: Amount;
  readonly card: { readonly number: string; readonly expiresDay: number };
  readonly asked: InterchangeIdentity;
  /** The message of the payee's agent that is owed an answer. */
  readonly owed: { readonly messageId: string; readonly number: number } | undefined;
  readonly approvalCode: string | undefined;
  readonly refundOf: string | undefined;
  /** By which other transaction the amount was given back, or is about to be. */
  readonly refundedBy: string | undefined;
}

export interface CardNetworkState {
  /** Open ones, and those that may still be given back; in the order in which they came. */
  readonly payments: Map<string, CardPayment>;
  /** Transactions that were aborted before they were heard of, and when that was. */
  readonly aborted: Map<string, number>;
  /** Whose certificates count. */
  readonly lists: TrustLists;
  /** When they were heard last, Unix milliseconds; undefined while they are those that were built in. */
  listsAtMs: number | undefined;
  /** Of the last message to the interchange. */
  number: number;
}

export type CardRecord =
  | { readonly type: 'payment'; readonly payment: CardPayment }
  | { readonly type: 'aborted'; readonly transaction: string; readonly atMs: number }
  | { readonly type: 'forgotten'; readonly transactions: readonly string[] }
  | { readonly type: 'lists'; readonly update: ListUpdate; readonly atMs: number }
  | { readonly type: 'number'; readonly number: number };

export function applyCardRecord(state: CardNetworkState, record: CardRecord): void {
  switch (record.type) {
    case 'payment':
      state.payments.set(record.payment.transaction, record.payment);
      break;
    case 'aborted':
      state.aborted.set(record.transaction, record.atMs);
      break;
    case 'forgotten':
      for (const transaction of record.transactions) {
        state.payments.delete(transaction);
        state.aborted.delete(transaction);
      }
      break;
    case 'lists':
      foldUpdate(state.lists, record.update);
      state.listsAtMs = record.atMs;
      break;
    case 'number':
      state.number = record.number;
      break;
  }
}

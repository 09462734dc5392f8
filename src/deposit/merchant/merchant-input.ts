/** What reaches a merchant's deposits, past its doors, and what they work with. */
import type { Signer } from '../../crypto/signed-message.ts';
import type { Amount } from '../../money/amount.ts';
import type { Checkpoint } from '../message/checkpoint.ts';
import type { Information } from '../message/initiation.ts';
import type { Ending, Spending } from './merchant-session.ts';

export interface Run extends Spending {
  /** Where the till began: the state has to be just there. */
  readonly from: { readonly epoch: number; readonly count: number; readonly head: Uint8Array };
}

export type MerchantInput =
  | {
      readonly type: 'information';
      readonly information: Information;
      /** Of the temporary certificate in it. */
      readonly customerKey: Uint8Array;
    }
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint; readonly bytes: Uint8Array }
  /** Purchases that the till has checked: all of them are taken or none. */
  | { readonly type: 'spent'; readonly runs: readonly Run[] }
  /** The deposit ends; `closed` is the merchant's own will. */
  | {
      readonly type: 'conclude';
      readonly transaction: string;
      readonly ending: Ending;
      readonly message?: Uint8Array;
    }
  | { readonly type: 'time'; readonly transaction: string }
  /** What became of the transaction record; with a code when it was refused or never arrived. */
  | { readonly type: 'told'; readonly transaction: string; readonly refused?: string }
  | {
      readonly type: 'statement';
      readonly transaction: string;
      readonly paid: Amount;
      readonly statement: Uint8Array;
    };

export interface MerchantOptions {
  /** The merchant's communication key, for acknowledgements. */
  readonly signer: Signer;
  /** Base URL of its operator, to whom the records go. */
  readonly operatorUrl: string;
  /** Where the purchases are made. */
  readonly url: string;
  /** What prices are counted in: nano of the merchant's currency. Open deposits keep the one they began with. */
  readonly unit: { readonly currency: string; readonly nano: number };
  /** 32 secret bytes, under which temporary keys are kept. */
  readonly storageKey: Uint8Array;
  /** Deposits open at one time; default 250,000. */
  readonly maxOpen?: number;
}

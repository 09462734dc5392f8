/** What a merchant's host side has told its agent to sell (US 5,671,280, figure 12, step 406). */
import type { Amount } from '../../money/amount.ts';
import type { Selection } from '../message/selection.ts';
import type { Components } from '../ticket/components.ts';

export type PaymentWay = 'card' | 'module';

/** What the merchandise server has in store. */
export type Merchandise =
  | { readonly type: 'ticket'; readonly components: Components }
  /** An electronic object that the agent has encrypted, by the digest of the file. */
  | { readonly type: 'object'; readonly digest: Uint8Array; readonly description?: string; readonly usage?: string }
  | { readonly type: 'none'; readonly reason: string };

export interface Sale {
  readonly selection: Selection;
  readonly price: Amount;
  readonly ways: readonly PaymentWay[];
  /** Whether the customer has to show a credential (figure 14 the other way round). */
  readonly wantsCredential: boolean;
  /** Already at hand; otherwise the host side is asked for it. */
  readonly merchandise?: Merchandise;
}

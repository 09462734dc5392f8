/** What a platform may be asked to decide: messages from owners and from agents elsewhere, and what its own agents do next. */

import type { SignedMessage } from '../../crypto/signed-message.ts';
import type { Outcome } from '../../journal/machine.ts';
import type { CallForProposals } from '../message/call-for-proposals.ts';
import type { Deploy, Launch, Reserve } from '../message/hosting.ts';
import type { Mandate } from '../message/mandate.ts';
import type { MerchantParameters } from '../message/merchant-parameters.ts';
import type { Completion, PaymentRefusal } from '../message/payment.ts';

/** Whoever signed: `name` is the hex of the X.501 name in its certificate, whose path was validated. */
export interface Owner {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

export type PlatformInput =
  // From owners.
  | { readonly type: 'reserve'; readonly owner: Owner; readonly value: Reserve }
  | {
      readonly type: 'launch';
      readonly owner: Owner;
      readonly value: Launch;
      readonly mandate: Mandate;
      /** Of the agent's own certificate, whose path was validated. */
      readonly agentKey: Uint8Array;
      readonly agentThumb: Uint8Array;
    }
  | {
      readonly type: 'deploy';
      readonly owner: Owner;
      readonly value: Deploy;
      readonly parameters: MerchantParameters;
      readonly agentKey: Uint8Array;
    }
  | { readonly type: 'recall'; readonly owner: Owner; readonly agent: string }
  | { readonly type: 'payment-refusal'; readonly owner: Owner; readonly value: PaymentRefusal }
  | { readonly type: 'completion'; readonly owner: Owner; readonly message: SignedMessage<Completion> }
  // From agents elsewhere, and from stations without an agent.
  | { readonly type: 'call'; readonly message: SignedMessage<CallForProposals> }
  | { readonly type: 'offer'; readonly bytes: Uint8Array }
  | { readonly type: 'acceptance'; readonly bytes: Uint8Array }
  | { readonly type: 'ending'; readonly bytes: Uint8Array }
  | { readonly type: 'pay-by-card'; readonly bytes: Uint8Array }
  | {
      readonly type: 'passed-completion';
      readonly bytes: Uint8Array;
      readonly completion: SignedMessage<Completion>;
    }
  // What follows here.
  | { readonly type: 'begin'; readonly agent: string }
  | { readonly type: 'choose'; readonly call: string }
  | { readonly type: 'advance'; readonly agent: string }
  | {
      readonly type: 'hear';
      readonly kind: 'offer' | 'acceptance' | 'pay-by-card';
      readonly talk: string;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: 'completed';
      readonly agent: string;
      readonly talk: string;
      readonly completion: Uint8Array;
    }
  | { readonly type: 'reply'; readonly about: string; readonly of: string; readonly outcome: Outcome }
  | { readonly type: 'timer'; readonly about: string; readonly of: string };

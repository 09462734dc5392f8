/** The port by which merchant, trustee and arbiter see that an acceptance is paid. The composition plugs a payment method in. */
import type { Accept } from './acceptance.ts';
import type { Order } from './order.ts';
import type { Signed } from './signed-by.ts';

export interface SettlementProof {
  /**
   * `paid`: the order's price has gone to its payee for this accept, and that cannot be taken back. `unproved`: the evidence does not
   * show that. `unknown`: it cannot be said yet; whoever asks is told to ask again.
   *
   * Evidence must be bound to the digest of the accept, so that no payment counts twice; every release rests on it.
   */
  check(claim: {
    readonly order: Signed<Order>;
    readonly accept: Signed<Accept>;
    readonly evidence: Uint8Array;
  }): Promise<'paid' | 'unproved' | 'unknown'>;
}

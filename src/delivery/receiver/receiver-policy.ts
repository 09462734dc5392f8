/** What a customer's side of delivery is given: its key, whom it knows, and how long it waits. */
import type { Signer } from '../../crypto/signed-message.ts';
import type { Identify, Party } from '../message/signed-by.ts';

export interface ReceiverPolicy {
  /** Signs orders and accepts. */
  readonly signer: Signer;
  readonly identify: { readonly merchant: Identify; readonly trustee: Identify; readonly arbiter: Identify };
  /** Who decides when neither merchant nor trustee keeps its word; without one that is told as it is. */
  readonly arbiter?: {
    readonly name: string;
    readonly url: string;
    readonly party: Party;
    /** Route of whoever fetches what a ruling rests on; without it no refund is claimed. */
    readonly evidence?: string;
  };
  /** For the stateless checks of answers, Unix milliseconds. */
  readonly nowMs: () => number;
  /** How long after payment the merchant may take to release K2 before the trustee is asked; default 30 s. */
  readonly releaseWaitMs?: number;
  /** How long the trustee may take before the arbiter is asked; default a day, at most as long as the key is kept. */
  readonly claimWaitMs?: number;
  /** Purchases at one time, default 1000. */
  readonly maxOpen?: number;
}

export const releaseWaitMs = (policy: ReceiverPolicy) => policy.releaseWaitMs ?? 30_000;
export const claimWaitMs = (policy: ReceiverPolicy) => policy.claimWaitMs ?? 86_400_000;
export const maxOpen = (policy: ReceiverPolicy) => policy.maxOpen ?? 1000;

/** Routes of what the customer's own machine does: the payment method, and files. */
export const SETTLEMENT = 'local:settlement';
export const PACKAGES = 'local:packages';

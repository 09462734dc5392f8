/** What a trustee is given: its name and key, whom it knows, and what it allows them. */
import type { Signer } from '../../crypto/signed-message.ts';
import type { IdentifyRoles } from '../message/acceptance.ts';
import type { SettlementProof } from '../message/settlement-proof.ts';
import type { Identify } from '../message/signed-by.ts';

export interface TrusteePolicy {
  readonly name: string;
  /** Also what is sealed to the trustee opens with its key. */
  readonly signer: Signer;
  readonly identify: IdentifyRoles & { readonly arbiter: Identify };
  readonly proof: SettlementProof;
  /** Whose keys are kept, by name, and the base URL where K1 and acceptances are passed on to. */
  readonly merchants: ReadonlyMap<string, { readonly url: string }>;
  /** By name: who may ask for keys of what is complained about. */
  readonly arbiters: ReadonlySet<string>;
  /** For the stateless checks, Unix milliseconds. */
  readonly nowMs: () => number;
  /** The longest a key is kept; default two years. */
  readonly keepMs?: number;
  /** Keys of one merchant, default 100,000. */
  readonly maxKept?: number;
  /** Handovers of one customer that wait to be passed on, default 1000. */
  readonly maxPassing?: number;
}

export const keepMs = (policy: TrusteePolicy) => policy.keepMs ?? 2 * 365 * 86_400_000;
export const maxKept = (policy: TrusteePolicy) => policy.maxKept ?? 100_000;
export const maxPassing = (policy: TrusteePolicy) => policy.maxPassing ?? 1000;

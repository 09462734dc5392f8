/** What a trustee is given: its name and key, whom it knows, and what it allows them. */
import type { Signer } from '../../crypto/signed-message.ts';
import type { IdentifyRoles } from '../message/acceptance.ts';
import type { Complaint } from '../message/complaint.ts';
import type { Bundle, Ruling } from '../message/ruling.ts';
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
  /** Without it nothing is paid back. */
  readonly refunds?: {
    /** Route of whoever pays back by the way it was paid, e.g. `local:pay-back`. */
    readonly route: string;
    /** Judges a ruling again from its evidence. @throws as `verifyRuling` */
    verify(bundle: Bundle): { readonly ruling: Ruling; readonly complaint: Complaint };
    /** How long after a ruling the merchant may pay back by itself; default a week. */
    readonly graceMs?: number;
    /** After so many refunds within half a year that were left to us, nothing new of a merchant is taken; default 3. */
    readonly maxUnfollowed?: number;
  };
  /** Handovers of one customer that wait to be passed on, default 1000. */
  readonly maxPassing?: number;
}

export const keepMs = (policy: TrusteePolicy) => policy.keepMs ?? 2 * 365 * 86_400_000;
export const maxKept = (policy: TrusteePolicy) => policy.maxKept ?? 100_000;
export const refundGraceMs = ({ refunds }: TrusteePolicy) => refunds?.graceMs ?? 7 * 86_400_000;
export const maxUnfollowed = ({ refunds }: TrusteePolicy) => refunds?.maxUnfollowed ?? 3;
export const maxPassing = (policy: TrusteePolicy) => policy.maxPassing ?? 1000;

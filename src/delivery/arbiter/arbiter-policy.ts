/** What an arbiter is given: its name and key, whom it knows, and how long it waits for them. */
import type { Signer } from '../../crypto/signed-message.ts';
import type { IdentifyRoles } from '../message/acceptance.ts';
import type { SettlementProof } from '../message/settlement-proof.ts';
import type { Party } from '../message/signed-by.ts';

export interface ArbiterPolicy {
  readonly name: string;
  /** Also what is sealed to the arbiter opens with its key. */
  readonly signer: Signer;
  readonly party: Party;
  readonly identify: IdentifyRoles;
  readonly proof: SettlementProof;
  /** By name, with their base URLs. */
  readonly trustees: ReadonlyMap<string, { readonly url: string }>;
  readonly merchants: ReadonlyMap<string, { readonly url: string }>;
  /** For the stateless checks, Unix milliseconds. */
  readonly nowMs: () => number;
  /** How long the trustee may take to disclose a key; default a day. */
  readonly trusteeWaitMs?: number;
  /** How long the merchant is heard; default a week. */
  readonly hearingMs?: number;
  /** Cases at one time, default 1000, and of one customer, default 10. */
  readonly maxCases?: number;
  readonly maxCasesOf?: number;
}

export const trusteeWaitMs = (policy: ArbiterPolicy) => policy.trusteeWaitMs ?? 86_400_000;
export const hearingMs = (policy: ArbiterPolicy) => policy.hearingMs ?? 7 * 86_400_000;
export const maxCases = (policy: ArbiterPolicy) => policy.maxCases ?? 1000;
export const maxCasesOf = (policy: ArbiterPolicy) => policy.maxCasesOf ?? 10;

/** Route of what the arbiter's own machine does: opening a package. */
export const EXAMINATION = 'local:examination';

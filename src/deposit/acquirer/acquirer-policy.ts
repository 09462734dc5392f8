/** What an acquirer is given: its operator's name and key, whom it knows, and what it allows them. */
import type { KeyObject } from 'node:crypto';
import type { Signer } from '../../crypto/signed-message.ts';
import type { Rate } from '../../money/rate.ts';
import { CLEARING_GRACE_MS } from '../message/conclusion.ts';

/** Who a certificate chain (DER, leaf first) belongs to. Throws unless it leads to the anchors the caller trusts for this. */
export type Validate = (chain: readonly Uint8Array[]) => { readonly name: string; readonly publicKey: KeyObject };

export interface KnownOperator {
  /** Base URL, below which `/deposit/KIND` is found. */
  readonly url: string;
  /** Most it may owe us in minor units: open deposits, and cleared but not yet settled. In other currencies nothing is opened. */
  readonly limits: readonly { readonly currency: string; readonly theyMayOweMinor: bigint }[];
}

export interface KnownMerchant {
  /** Base URL, below which `/deposit/KIND` is found. */
  readonly url: string;
  readonly currency: string;
}

export interface AcquirerPolicy {
  /** The merchants' operator, by the first common name of its certificate. */
  readonly name: string;
  /** Its communication key. */
  readonly signer: Signer;
  /** Base URL of its own account manager, where the merchants' accounts are. */
  readonly accountManagerUrl: string;
  /** By name. Ourselves too, where customers and merchants of ours meet: no limit is asked then. */
  readonly operators: ReadonlyMap<string, KnownOperator>;
  /** By name. */
  readonly merchants: ReadonlyMap<string, KnownMerchant>;
  /** Of merchants' communication keys, for what they answer. */
  readonly validateMerchant: Validate;
  /** From our own table, of two different currencies; undefined where it has none. */
  rate(pair: { readonly from: string; readonly to: string }, nowMs: number): Rate | undefined;
  /** How far the rate of a customer's bank may be from ours, in ten-thousandths; default 200. */
  readonly rateTolerance?: number;
  /** How long a merchant may take to acknowledge a deposit; default two minutes, less than account managers wait for us. */
  readonly acknowledgeMs?: number;
  /** How long the other side's record is waited for; default an hour, less than half of `CLEARING_GRACE_MS`. */
  readonly recordWaitMs?: number;
  /** The longest a deposit may be open; default 90 days. */
  readonly longestMs?: number;
  /** Deposits open for one operator at one time; default 100,000. */
  readonly maxOpen?: number;
}

export const acknowledgeMs = (policy: AcquirerPolicy) => policy.acknowledgeMs ?? 120_000;
export const longestMs = (policy: AcquirerPolicy) => policy.longestMs ?? 90 * 86_400_000;
export const maxOpen = (policy: AcquirerPolicy) => policy.maxOpen ?? 100_000;

/** Account managers take clearing information until the grace is over: there must be time to bring it to them. */
export function recordWaitMs({ recordWaitMs: waitMs = 3_600_000 }: AcquirerPolicy): number {
  return Math.min(waitMs, CLEARING_GRACE_MS / 2);
}

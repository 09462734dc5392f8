/** What an account manager is given: its name and key, the other operators, and the ports it asks. */
import type { KeyObject } from 'node:crypto';
import type { Signer } from '../../crypto/signed-message.ts';
import type { Rate } from '../../money/rate.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { RateTable } from '../message/session-rate.ts';
import type { OwnShard } from './shard-map.ts';

/** Who a certificate chain (DER, leaf first) belongs to. Throws unless it leads to the anchors the caller trusts for this. */
export type Validate = (chain: readonly Uint8Array[]) => { readonly name: string; readonly publicKey: KeyObject };

/** Amounts in minor units. */
export interface OperatorLimit {
  readonly currency: string;
  /** Most we let it owe us, cleared and not settled yet. */
  readonly theyMayOweMinor: bigint;
  /** Most we are willing to owe it; default without limit. */
  readonly weMayOweMinor?: bigint;
}

export interface Operator {
  /** Base URL, below which `/deposit/KIND` is found. */
  readonly url: string;
  /** A clearing position for each: in other currencies nothing is cleared with it. Empty for ourselves. */
  readonly limits: readonly OperatorLimit[];
}

export interface AccountPolicy {
  /** The operator, by the first common name of its certificate. */
  readonly name: string;
  /** Its communication key. */
  readonly signer: Signer;
  /** By name; ourselves too, where customers and merchants of ours meet. */
  readonly operators: ReadonlyMap<string, Operator>;
  /** The bank's own table for customers with accounts in the currency. What it gives is kept for its lifespan. */
  rateTable(currency: string, nowMs: number): RateTable;
  /** Whether to take a rate that another operator names because our table has none. */
  isSaneRate(rate: Rate): boolean;
  /** Base URL of a merchant of ours, for its statements. */
  merchantUrl(merchant: string): string | undefined;
  readonly validateOperator: Validate;
  /** Present where the accounts are cut into shards, and this is one of them. */
  readonly shard?: OwnShard;
  /**
   * The customers' balances are kept elsewhere: every deposit is held there first, by a message to `accounts:hold`, and the ledger here has
   * no limit for customers. Default: they are kept here.
   */
  readonly accountsElsewhere?: boolean;
  /** How long the merchant's side may take to acknowledge; default five minutes. */
  readonly openingMs?: number;
  /** A session without open deposits is forgotten after this time (above zero) without use; default a day. */
  readonly sessionIdleMs?: number;
  /** The longest a deposit may be open; default 90 days. */
  readonly longestMs?: number;
  /** Deposits one customer may have at a time; default 1000, as many as a purse has. */
  readonly mostDeposits?: number;
}

const DAY_MS = 86_400_000;

export const openingMs = (policy: AccountPolicy) => policy.openingMs ?? 300_000;
export const sessionIdleMs = (policy: AccountPolicy) => Math.max(1, policy.sessionIdleMs ?? DAY_MS);
export const mostDeposits = (policy: AccountPolicy) => policy.mostDeposits ?? 1000;
export const longestMs = (policy: AccountPolicy) => policy.longestMs ?? 90 * DAY_MS;

/** @throws DepositError `OPERATOR_UNKNOWN`, also for one that was known when a deposit was opened */
export function urlOf({ operators }: AccountPolicy, operator: string): string {
  const known = operators.get(operator);
  if (known === undefined) throw new DepositError('OPERATOR_UNKNOWN', 'nothing is cleared with this operator');
  return known.url;
}

/**
 * What a mandate still allows. A claim on it is judged and its amount set aside in one step of the guard machine, so two
 * agents racing for the last of a budget cannot both have it.
 */
import type { Amount } from '../../money/amount.ts';
import { isWanted, type Product, type Wanted } from '../message/wanted.ts';

export type PaymentScenario = 'unattended' | 'ask-person';

/** The limits the person signed, as far as paying is concerned. */
export interface Terms {
  readonly mandateId: string;
  readonly scenario: PaymentScenario;
  readonly wanted: Wanted;
  /** Pieces wanted of each thing, at most. */
  readonly quantity: number;
  readonly currency: string;
  /** The most one purchase may cost, minor units. */
  readonly priceLimitMinor: bigint;
  /** The most all purchases of this mandate may cost together, minor units. */
  readonly budgetMinor: bigint;
  /** How many purchases. */
  readonly count: number;
  /** Merchant identities; empty = any that is not barred. */
  readonly merchantsAllowed: readonly string[];
  readonly merchantsBarred: readonly string[];
  readonly expiresAtMs: number;
  /** The card to pay with. */
  readonly cardId: string;
  /** Thumbprint (hex) of the agent certificate the mandate was given to. */
  readonly agentThumb: string;
  /** True for an agent on the station's own platform, whose token needs less protection (EP 1 006 469, paragraph 0018). */
  readonly local: boolean;
  /** Name of a budget shared with other mandates, with its own limit. */
  readonly purse?: { readonly name: string; readonly limitMinor: bigint };
}

export type Refusal =
  | 'MANDATE_UNKNOWN'
  | 'MANDATE_RECALLED'
  | 'MANDATE_EXPIRED'
  | 'AGENT_NOT_MANDATED'
  | 'TOKEN_REFUSED'
  | 'AGREEMENT_USED'
  | 'PRODUCT_NOT_WANTED'
  | 'QUANTITY_ABOVE_WANTED'
  | 'PAYEE_NOT_ALLOWED'
  | 'CURRENCY_NOT_ALLOWED'
  | 'PRICE_ABOVE_LIMIT'
  | 'COUNT_EXHAUSTED'
  | 'BUDGET_EXCEEDED'
  | 'PURSE_EXCEEDED';

export interface Spending {
  readonly terms: Terms;
  recalled: boolean;
  /** Set aside and spent together, minor units: what is released on failure is taken off again. */
  committedMinor: bigint;
  /** Purchases under way or done. */
  committedCount: number;
}

export interface Claim {
  readonly merchant: string;
  readonly price: Amount;
  readonly product: Product;
  readonly quantity: number;
  /** The agreed values of the open issues other than the price. */
  readonly values: Readonly<Record<string, string>>;
}

/** The first rule of the mandate that the claim breaks, or undefined when the amount may be set aside. */
export function refusalOf(spending: Spending, claim: Claim, purseMinor: bigint, nowMs: number): Refusal | undefined {
  const { terms } = spending;
  if (spending.recalled) return 'MANDATE_RECALLED';
  if (nowMs >= terms.expiresAtMs) return 'MANDATE_EXPIRED';
  const agreed = Object.fromEntries(Object.entries(claim.values).map(([issue, value]) => [issue, [value]]));
  if (!isWanted(terms.wanted, claim.product, agreed)) return 'PRODUCT_NOT_WANTED';
  if (claim.quantity > terms.quantity) return 'QUANTITY_ABOVE_WANTED';
  if (terms.merchantsBarred.includes(claim.merchant)) return 'PAYEE_NOT_ALLOWED';
  if (terms.merchantsAllowed.length > 0 && !terms.merchantsAllowed.includes(claim.merchant)) return 'PAYEE_NOT_ALLOWED';
  if (claim.price.currency !== terms.currency) return 'CURRENCY_NOT_ALLOWED';
  if (claim.price.minor <= 0n || claim.price.minor > terms.priceLimitMinor) return 'PRICE_ABOVE_LIMIT';
  if (spending.committedCount >= terms.count) return 'COUNT_EXHAUSTED';
  if (spending.committedMinor + claim.price.minor > terms.budgetMinor) return 'BUDGET_EXCEEDED';
  if (terms.purse !== undefined && purseMinor + claim.price.minor > terms.purse.limitMinor) return 'PURSE_EXCEEDED';
  return undefined;
}

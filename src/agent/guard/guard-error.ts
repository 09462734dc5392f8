/** A payment the wallet guard will not make, or an act on one that is not in the state for it. */
import { HandselError } from '../../handsel-error.ts';
import type { Refusal } from './allowance.ts';

const explanations: Readonly<Record<Refusal, string>> = {
  MANDATE_UNKNOWN: 'no such mandate was given by this station',
  MANDATE_RECALLED: 'the person recalled this mandate',
  MANDATE_EXPIRED: 'the mandate has expired',
  AGENT_NOT_MANDATED: 'the mandate was given to another agent',
  TOKEN_REFUSED: 'the token does not open the wallet',
  AGREEMENT_USED: 'this agreement is being paid or was paid',
  PRODUCT_NOT_WANTED: 'the product lacks something the mandate demands',
  QUANTITY_ABOVE_WANTED: 'more pieces than the mandate asks for',
  PAYEE_NOT_ALLOWED: 'the mandate does not allow this merchant',
  CURRENCY_NOT_ALLOWED: 'the mandate is in another currency',
  PRICE_ABOVE_LIMIT: 'the price is above the limit of the mandate',
  COUNT_EXHAUSTED: 'the mandate has been used as often as it may be',
  BUDGET_EXCEEDED: 'the budget of the mandate does not cover it',
  PURSE_EXCEEDED: 'the budget shared with other mandates does not cover it',
};

/** In words, for codes a guard refuses with; undefined for any other. */
export function explanationOf(code: string): string | undefined {
  return Object.hasOwn(explanations, code) ? explanations[code as Refusal] : undefined;
}

export class GuardError extends HandselError {}

export function refusal(code: Refusal): GuardError {
  return new GuardError(code, explanations[code]);
}

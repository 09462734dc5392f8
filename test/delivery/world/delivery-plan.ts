/** What one seed has happen: who is honest, who lies how, and what is bought when. */
import type { SeededRandom } from '../../world/seeded-random.ts';
import { type ProductName, productNames } from './products.ts';

export const merchantKinds = ['honest', 'silent', 'refuses', 'lies', 'takes-nothing', 'gone'] as const;
/**
 * `silent`: no claim is answered. `lies`: releases another key. `hides`: tells merchants neither K1 nor acceptances. `gone`: answers
 * nobody after custody, not even the arbiter.
 */
export const trusteeKinds = ['honest', 'silent', 'lies', 'hides', 'gone'] as const;
export type MerchantKind = (typeof merchantKinds)[number];
export type TrusteeKind = (typeof trusteeKinds)[number];

export const honestCustomers = ['carl', 'dora'] as const;
export const liar = 'mallory';
export type CustomerName = (typeof honestCustomers)[number] | typeof liar;

/** What a dishonest customer tries, with an order of its own that merchant and trustee took. */
export const attacks = ['unpaid', 'borrowed', 'claim', 'replay', 'complain', 'refund'] as const;
export type Attack = (typeof attacks)[number];

export interface PlannedPurchase {
  readonly reference: string;
  readonly customer: CustomerName;
  readonly product: ProductName;
  readonly atMs: number;
  readonly deadlineAfterMs: number;
  readonly minor: bigint;
}

export interface Plan {
  readonly merchant: MerchantKind;
  readonly trustee: TrusteeKind;
  readonly purchases: readonly PlannedPurchase[];
  readonly attacks: readonly Attack[];
}

export const minuteMs = 60_000;

export function planDeliveries(random: SeededRandom, startMs: number): Plan {
  const merchant = random.chance(0.5) ? 'honest' : random.pick(merchantKinds);
  const trustee = random.chance(0.5) ? 'honest' : random.pick(trusteeKinds);
  const purchase = (customer: CustomerName, number: number): PlannedPurchase => ({
    reference: `${customer}-${number}`,
    customer,
    product: customer === liar || random.chance(0.4) ? 'good' : random.pick(productNames),
    atMs: startMs + 2000 + random.below(8000),
    // Some so short that it is over before everything is together.
    deadlineAfterMs: random.chance(0.15) ? 1500 : 10 * minuteMs,
    // Some cannot be paid: there are 100,000 on each account.
    minor: random.chance(0.1) ? 90_000n : 500n,
  });
  return {
    ...{ merchant, trustee },
    purchases: [
      ...honestCustomers.flatMap((customer) => [1, 2].map((number) => purchase(customer, number))),
      ...[1, 2].map((number) => purchase(liar, number)),
    ],
    attacks: [random.pick(attacks), random.pick(attacks)],
  };
}

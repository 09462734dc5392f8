/**
 * What an offer is worth to a merchant agent: what is left of the price over floor and surcharges. That is additive in price and
 * choices, so it is an ordinary utility space whose reservation value is a sale at exactly the floor.
 */
import type { Lot } from '../message/call-for-proposals.ts';
import type { Issue } from '../negotiation/issue.ts';
import { issueNames, PRICE } from '../negotiation/lot-issues.ts';
import { createUtilitySpace, type Evaluation, type UtilitySpace } from '../negotiation/utility.ts';
import { highest, type Pricing } from './propose.ts';

/** Secret: it shows the floor. */
export function merchantSpace(pricing: Pricing, lot: Lot, quantity: number): UtilitySpace {
  const floor = Number(pricing.floorMinor) * quantity;
  const top = Number(lot.highestMinor);
  const range = Math.max(1, top - floor);
  const names = issueNames(lot);
  const most = names.map((name) => Number(highest(pricing.choices[name]!)) * quantity);
  const whole = range + most.reduce((sum, surcharge) => sum + surcharge, 0);

  const issues: Issue[] = [{ type: 'integer', name: PRICE, lower: Math.min(floor, top), upper: top }];
  const evaluations: Evaluation[] = [{ type: 'linear', offset: -floor / range, slope: 1 / range }];
  const weights = [range / whole];
  names.forEach((name, at) => {
    const choices = pricing.choices[name]!;
    issues.push({ type: 'discrete', name, values: lot.issues[name]! });
    weights.push(most[at]! / whole);
    const worth = (surchargeMinor: bigint) =>
      most[at] === 0 ? 1 : 1 - (Number(surchargeMinor) * quantity) / most[at]!;
    evaluations.push({
      type: 'table',
      values: new Map(choices.map(({ value, surchargeMinor }) => [value, worth(surchargeMinor)])),
    });
  });
  const atFloor = (whole - range) / whole;
  // Half a minor unit of tolerance, so that a sale at exactly the floor is not lost to rounding of the utilities.
  return createUtilitySpace({ issues, weights, evaluations, reservation: atFloor - 0.5 / whole, hard: true });
}

/** Which of all proposed lots a customer agent negotiates over: a function of the set, whatever the order it arrived in. */
import type { Lot, Proposal } from '../message/call-for-proposals.ts';
import type { Mandate } from '../message/mandate.ts';
import { issueNames } from '../negotiation/lot-issues.ts';
import { type UtilitySpace, utilityOf } from '../negotiation/utility.ts';
import { attributeWorth, customerSpace } from './customer-utility.ts';

export interface ChosenLot {
  readonly proposal: Proposal;
  readonly lot: Lot;
  readonly space: UtilitySpace;
  readonly score: number;
}

/** Best first; at most `most`, and from each merchant only the best. Equal ones are put in the order of their identities. */
export function chooseLots(options: {
  readonly mandate: Mandate;
  readonly proposals: readonly Proposal[];
  readonly limitMinor: bigint;
  readonly most: number;
}): readonly ChosenLot[] {
  const { mandate, proposals, limitMinor, most } = options;
  const chosen: ChosenLot[] = [];
  for (const proposal of proposals) {
    if (!mayDealWith(mandate, proposal.merchant.id)) continue;
    for (const lot of proposal.lots) {
      const space = customerSpace(mandate, lot, limitMinor);
      if (space !== undefined) chosen.push({ proposal, lot, space, score: scoreOf(mandate, lot, space, limitMinor) });
    }
  }
  chosen.sort((a, b) => b.score - a.score || compareText(keyOf(a), keyOf(b)));
  const merchants = new Set<string>();
  return chosen
    .filter(({ proposal }) => {
      const first = !merchants.has(proposal.merchant.id);
      merchants.add(proposal.merchant.id);
      return first;
    })
    .slice(0, most);
}

export function mayDealWith(mandate: Mandate, merchant: string): boolean {
  if (mandate.merchantsBarred.includes(merchant)) return false;
  return mandate.merchantsAllowed.length === 0 || mandate.merchantsAllowed.includes(merchant);
}

/** Utility at the asking price, as far as it may be spent, with the best choice of everything else; asking above the limit counts against it. */
function scoreOf(mandate: Mandate, lot: Lot, space: UtilitySpace, limitMinor: bigint): number {
  const price = Number(lot.listMinor < limitMinor ? lot.listMinor : limitMinor);
  const best = issueNames(lot).map((name, at) => {
    const issue = space.issues[at + 1]!;
    if (issue.type !== 'discrete') return '';
    const evaluation = space.evaluations[at + 1]!;
    const worth = (value: string) => (evaluation.type === 'table' ? (evaluation.values.get(value) ?? 0) : 1);
    return issue.values.reduce((top, value) => (worth(value) > worth(top) ? value : top), issue.values[0] ?? name);
  });
  const excess = lot.listMinor > limitMinor ? Number(lot.listMinor - limitMinor) / Number(lot.listMinor) : 0;
  const open = utilityOf(space, [Math.min(price, Number(lot.highestMinor)), ...best]) - excess;
  const { worth, share } = attributeWorth(mandate, lot);
  return open * (1 - share) + worth * share;
}

function keyOf({ proposal, lot }: ChosenLot): string {
  return `${proposal.merchant.id}\n${proposal.agent}\n${lot.id}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Which list of purchases stands. The acquirer sees heads only, so a list is proved as far as the other side signed it: nobody can
 * make his own list better by claiming it.
 */
import { equalBytes } from '../../codec/hex.ts';
import type { Side } from './evidence.ts';
import { EMPTY_HEAD } from './purchase-list.ts';

export interface ListHead {
  readonly count: number;
  readonly head: Uint8Array;
}

/** A head under one side's signature, in the hands of the other. */
export interface SignedHead extends ListHead {
  readonly signer: Side;
}

export interface ListRuling extends ListHead {
  readonly reason: string;
}

/** @param claims what each side's own record says; absent for a silent side. The order of `signed` does not matter. */
export function ruleList(
  claims: { readonly customer?: ListHead | undefined; readonly merchant?: ListHead | undefined },
  signed: readonly SignedHead[],
): ListRuling {
  const { customer, merchant } = claims;
  if (customer !== undefined && merchant !== undefined) {
    if (sameHead(customer, merchant)) {
      return { ...headOf(customer), reason: `Both have the same list of ${customer.count} purchases.` };
    }
    return longestSigned(signed, 'The lists differ');
  }
  if (customer !== undefined) return { ...headOf(customer), reason: 'The customer’s list stands: no other was shown.' };
  if (merchant !== undefined) return { ...headOf(merchant), reason: 'The merchant’s list stands: no other was shown.' };
  return longestSigned(signed, 'No list was shown');
}

/** Whoever holds the other's signature over more is right, as far as that signature goes. */
function longestSigned(signed: readonly SignedHead[], why: string): ListRuling {
  const counts = [...new Set(signed.map(({ count }) => count))].sort((a, b) => b - a);
  for (const count of counts) {
    const [first, ...others] = signed.filter((candidate) => candidate.count === count);
    // Two signatures over different lists of one length: neither is worth anything there.
    if (first === undefined || count === 0 || !others.every((other) => sameHead(first, other))) continue;
    return {
      ...headOf(first),
      reason: `${why}: the ${signersOf([first, ...others])} signed the first ${count} entries.`,
    };
  }
  return { count: 0, head: EMPTY_HEAD, reason: `${why}, and neither side holds the other’s signature over one.` };
}

function signersOf(signed: readonly SignedHead[]): string {
  const signers = new Set(signed.map(({ signer }) => signer));
  return signers.size === 2 ? 'customer and the merchant' : [...signers].join();
}

function sameHead(a: ListHead, b: ListHead): boolean {
  return a.count === b.count && equalBytes(a.head, b.head);
}

function headOf({ count, head }: ListHead): ListHead {
  return { count, head };
}

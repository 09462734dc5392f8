/** What really happened in a seed, written down where it happens and outlived by no crash: the invariants are judged by it. */
import { toHex } from '../../../src/codec/hex.ts';

export interface Bought {
  readonly units: number;
  /** In hexadecimal. */
  readonly request: string;
}

interface Happened {
  /** By number: what the device let out of its hands. Two racing devices may have released two things under one number. */
  readonly released: Map<number, Bought[]>;
  /** By number: what the merchant said was paid for. */
  readonly served: Map<number, Bought>;
}

export interface Truth {
  /** What was seen to go wrong on the way. */
  readonly breaches: Set<string>;
  readonly transactions: ReadonlyMap<string, Happened>;
  release(transaction: string, number: number, item: { readonly units: number; readonly request: Uint8Array }): void;
  serve(transaction: string, number: number, item: { readonly units: number; readonly request: Uint8Array }): void;
}

export function createTruth(): Truth {
  const transactions = new Map<string, Happened>();
  const breaches = new Set<string>();
  const of = (transaction: string): Happened => {
    let happened = transactions.get(transaction);
    if (happened === undefined) {
      happened = { released: new Map(), served: new Map() };
      transactions.set(transaction, happened);
    }
    return happened;
  };
  return {
    ...{ transactions, breaches },
    release(transaction, number, { units, request }) {
      const { released } = of(transaction);
      const bought = released.get(number) ?? [];
      bought.push({ units, request: toHex(request) });
      released.set(number, bought);
    },
    serve(transaction, number, { units, request }) {
      const { served } = of(transaction);
      const before = served.get(number);
      const asked = toHex(request);
      if (before !== undefined && before.request !== asked) {
        breaches.add(`${transaction}: purchase ${number} served two requests`);
      }
      served.set(number, { units, request: asked });
    },
  };
}

export function unitsOf(bought: ReadonlyMap<number, Bought | readonly Bought[]> | undefined): number {
  let units = 0;
  for (const one of bought?.values() ?? [])
    units += Array.isArray(one) ? Math.max(...one.map((each) => each.units)) : (one as Bought).units;
  return units;
}

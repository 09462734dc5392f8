/**
 * Purchases that came before their turn: requests made at the same time arrive in any order. Nothing about them can be checked yet, so
 * they are few and wait a bounded time.
 */
import type { Clock } from '../../journal/clock.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { Purchase } from '../message/purchase.ts';
import type { Item } from './open-tab.ts';

export interface Early {
  readonly purchase: Purchase;
  readonly item: Item;
  readonly caller: { reject(cause: unknown): void };
}

export interface EarlyPurchases<E extends Early> {
  readonly size: number;
  /** @throws DepositError `PURCHASE_OUT_OF_ORDER` when it is too far ahead or too many wait */
  park(count: number, early: E): void;
  /** The first that waited for this count, which no longer waits then. */
  takeNext(count: number): E | undefined;
  refuseAll(cause: unknown): void;
}

const WINDOW = 16;

export function createEarlyPurchases<E extends Early>(options: {
  readonly clock: Clock;
  readonly windowMs: number;
}): EarlyPurchases<E> {
  const { clock, windowMs } = options;
  let parked: { readonly early: E; readonly cancel: () => void }[] = [];
  const outOfOrder = (count: number) => new DepositError('PURCHASE_OUT_OF_ORDER', `expected purchase ${count + 1}`);
  return {
    get size() {
      return parked.length;
    },
    park(count, early) {
      if (early.purchase.number > count + 1 + WINDOW || parked.length >= WINDOW) throw outOfOrder(count);
      const cancel = clock.after(windowMs, () => {
        parked = parked.filter((waiting) => waiting.early !== early);
        early.caller.reject(outOfOrder(count));
      });
      parked.push({ early, cancel });
    },
    takeNext(count) {
      const found = parked.findIndex(({ early }) => early.purchase.number <= count + 1);
      if (found < 0) return undefined;
      const [{ early, cancel }] = parked.splice(found, 1) as [(typeof parked)[number]];
      cancel();
      return early;
    },
    refuseAll(cause) {
      for (const { early, cancel } of parked) {
        cancel();
        early.caller.reject(cause);
      }
      parked = [];
    },
  };
}

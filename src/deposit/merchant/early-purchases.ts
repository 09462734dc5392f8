/**
 * Purchases that came before their turn: requests made at the same time arrive in any order. Little about them can be checked yet, so
 * they are few and wait a bounded time. Whoever guesses a transaction can make some up: those that may be the customer's have room of their own.
 */
import type { Clock } from '../../journal/clock.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { Purchase } from '../message/purchase.ts';
import type { Item } from './open-tab.ts';

export interface Early {
  readonly purchase: Purchase;
  readonly item: Item;
  readonly caller: { reject(cause: unknown): void };
  /** Whether it brings a word that only the customer can have. */
  isOfCustomer(): boolean;
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
/** Of others: a customer's own are among them when prices before them were such that its words cannot be seen to fit. */
const OTHERS = 4;

export function createEarlyPurchases<E extends Early>(options: {
  readonly clock: Clock;
  readonly windowMs: number;
}): EarlyPurchases<E> {
  const { clock, windowMs } = options;
  let parked: { readonly early: E; readonly ofCustomer: boolean; readonly cancel: () => void }[] = [];
  // How many there have been is nobody's business but the customer's.
  const outOfOrder = () => new DepositError('PURCHASE_OUT_OF_ORDER', 'the purchases before it are missing');
  return {
    get size() {
      return parked.length;
    },
    park(count, early) {
      if (early.purchase.number > count + 1 + WINDOW) throw outOfOrder();
      const ofCustomer = early.isOfCustomer();
      const alike = parked.filter((waiting) => waiting.ofCustomer === ofCustomer).length;
      if (alike >= (ofCustomer ? WINDOW : OTHERS)) throw outOfOrder();
      const cancel = clock.after(windowMs, () => {
        parked = parked.filter((waiting) => waiting.early !== early);
        early.caller.reject(outOfOrder());
      });
      parked.push({ early, ofCustomer, cancel });
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

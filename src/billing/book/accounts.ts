/**
 * The port to an operator's accounts where they are not kept in the built-in ledger (ERI-G): hold, post, release and look-up, and no more.
 * docs/billing.md says it in full, with an example.
 */

import { encodeCbor } from '../../codec/cbor.ts';
import { decodeShape, encodeShape } from '../../crypto/signed-message.ts';
import {
  ACCOUNTS_ROUTE,
  holdAnswerType,
  holdType,
  postType,
  releaseType,
} from '../../deposit/account-manager/elsewhere-message.ts';
import { MAX_SAID_MINOR } from '../../deposit/account-manager/ledger-step.ts';
import type { Courier, CourierResult } from '../../journal/courier.ts';
import type { Amount } from '../../money/amount.ts';
import type { Attempt } from './billing-adapter.ts';

export interface AccountHold {
  /** The transaction: unique for ever, and the idempotency key of the hold and of all that follows on it. */
  readonly id: string;
  /** As in the operator's configuration. */
  readonly customer: string;
  /** Whole minor units (cents for EUR), above zero, in the currency the configuration gives the customer. */
  readonly amount: Amount;
  /** Unix milliseconds. The hold is over by then, unless the operator is away; it must never end by itself. */
  readonly untilMs: number;
}

export type HoldOutcome =
  /** Set aside. `availableMinor` is what could still be held, if it is to be shown. */
  | { readonly held: true; readonly availableMinor?: bigint }
  /** Not covered, blocked, unknown customer: the deposit is declined for good. */
  | { readonly held: false };

/**
 * Each is called at least once, also again after it was done: the same `id` is the same act. Whatever is thrown means "again later", after
 * growing pauses, also across restarts.
 */
export interface Accounts {
  /** What could be held now, in minor units; undefined for a customer without an account. Only shown to the customer: nothing rests on it. */
  lookUp(customer: string): Promise<Amount | undefined>;
  /**
   * Sets money aside, all of it or none. Asked again, it says the same, whatever the balance is by now. An id that was released before is
   * declined: the message may have been on its way when we gave up. It is given up after some minutes (`openingMs`), and then released.
   */
  hold(hold: AccountHold, attempt: Attempt): Promise<HoldOutcome>;
  /** Takes the amount, at most what is held and above zero, and frees the rest. Cannot be declined: we have given our word on the hold. */
  post(posting: Omit<AccountHold, 'untilMs'>, attempt: Attempt): Promise<void>;
  /** Frees all of it. Nothing to do for an id that was never held, except to remember it. */
  release(release: { readonly id: string; readonly customer: string }, attempt: Attempt): Promise<void>;
  /** When the operator stops: nothing is called afterwards. */
  close?(): Promise<void> | void;
}

const DONE = encodeCbor(null);

/** From the outbox of the account manager to the accounts. */
export function accountsCourier(accounts: Accounts): Courier {
  return {
    async deliver({ to, body }, attempt): Promise<CourierResult> {
      switch (to.slice(ACCOUNTS_ROUTE.length)) {
        case 'hold': {
          const { transaction: id, ...hold } = decodeShape(holdType, body);
          const outcome = await accounts.hold({ id, ...hold }, attempt);
          return { type: 'answered', body: encodeShape(holdAnswerType, answerOf(outcome, hold.amount.currency)) };
        }
        case 'post': {
          const { transaction: id, ...posting } = decodeShape(postType, body);
          await accounts.post({ id, ...posting }, attempt);
          return { type: 'answered', body };
        }
        case 'release': {
          const { transaction: id, customer } = decodeShape(releaseType, body);
          await accounts.release({ id, customer }, attempt);
          return { type: 'answered', body: DONE };
        }
        default:
          return { type: 'refused', code: 'ROUTE_UNKNOWN', detail: to };
      }
    },
  };
}

function answerOf(outcome: HoldOutcome, currency: string) {
  if (outcome.held !== true) return { outcome: 'declined' as const };
  const { availableMinor } = outcome;
  const available = availableMinor === undefined ? {} : { available: { currency, minor: sayable(availableMinor) } };
  return { outcome: 'held' as const, ...available };
}

/** Within what a message can say: an overdrawn account has nothing available. */
export function sayable(minor: bigint): bigint {
  if (minor < 0n) return 0n;
  return minor < MAX_SAID_MINOR ? minor : MAX_SAID_MINOR;
}

/** What charging for HTTP requests is set up with, asked and answered: the words between `charge.ts` and the adapters of each framework. */
import type { Clock } from '../../journal/clock.ts';
import type { NanoAmount } from '../../money/nano.ts';
import type { PAYMENT_AUTHORIZATION } from '../message/payment-challenge.ts';
import type { AnswerLimits, AnswerRecorder, KeptAnswer } from './answer-memory.ts';
import type { RefusedAnswer } from './payment-problem.ts';

/** Where purchases are taken: the till of this merchant, or whatever stands before it. */
export interface Till {
  /**
   * Resolves when the purchase is durable. `unitNano` is what the price was counted in: a deposit opened for another unit is refused.
   * `checked` may be called before that, once the purchase is checked and only its flush is still to come.
   * @throws DepositError, CryptographicError for a purchase that is none; HostError when it cannot be taken now
   */
  purchase(
    transaction: string,
    token: Uint8Array,
    item: {
      readonly units: number;
      readonly unitNano: number;
      readonly request: Uint8Array;
      readonly checked?: () => void;
    },
  ): Promise<{ readonly number: number; readonly repeated: boolean }>;
  /** @throws DepositError `CHECKPOINT_UNFIT`, also for one that was taken before; CryptographicError, MessageError */
  checkpoint(transaction: string, bytes: Uint8Array): Promise<void>;
}

export interface ChargeSetup {
  readonly till: Till;
  /** 32 random bytes or more, for challenges; older ones after it are still accepted. */
  readonly secrets: readonly [Uint8Array, ...Uint8Array[]];
  /** The server's public host, with its port where that is not the usual one: customers compare it with the URL they asked. */
  readonly realm: string;
  readonly merchant: string;
  /** The merchant's operator. */
  readonly operator: string;
  /** Of every price here. */
  readonly currency: string;
  /** Nano of the currency a unit is worth; every price is a whole number of units. */
  readonly unitNano: number;
  readonly clock: Clock;
  /** How long a price that was offered holds; default five minutes. */
  readonly validMs?: number;
  /** False when every payment has to answer a challenge; default true, for routes with one price. */
  readonly preemptive?: boolean;
  readonly answers?: AnswerLimits;
  /** Told what kept a request from being charged that is no matter of its payment: for the log. */
  onFault?(error: unknown): void;
}

/** A request as far as paying for it goes. */
export interface ChargedRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly target: string;
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** `0.0004 EUR` */
export type Price = string;

export type ChargeOptions = (
  | { readonly price: Price; readonly priceOf?: undefined }
  /** Undefined: this request is free. Asked for the same request more than once, so it has to be quick and steady. */
  | {
      readonly priceOf: (request: ChargedRequest) => Price | undefined | Promise<Price | undefined>;
      readonly price?: undefined;
    }
) & {
  /** For people, visible ASCII. */
  readonly description?: string;
  /** What a customer had better set aside, such as `1.00 EUR`. */
  readonly suggestedDeposit?: Price;
  /**
   * The handler changes nothing. It then runs while the payment is being made durable, where the price is a fixed one and whoever asks the
   * gate can hold its answer until it is: all but `nodeCharge`.
   */
  readonly readsOnly?: boolean;
  /** For routes whose callers log in with `Authorization`: payments then come in `Payment-Authorization`. */
  readonly header?: typeof PAYMENT_AUTHORIZATION;
};

export interface Payment {
  readonly transaction: string;
  readonly number: number;
  readonly units: number;
  /** `transaction/number`: names this purchase for ever, also where it is served again. */
  readonly reference: string;
  /** It was paid before, and the answer of then is not here any more: whoever acts on requests has to see whether it did. */
  readonly repeated: boolean;
}

export type Admission =
  | ({ readonly type: 'refused' } & RefusedAnswer)
  | { readonly type: 'free' }
  /** Answered before: the same answer goes out again. */
  | { readonly type: 'answered'; readonly answer: KeptAnswer }
  | {
      readonly type: 'paid';
      readonly payment: Payment;
      /** What the answer has to carry, given its status and what it says about caching. */
      headersFor(status: number, cacheControl: string | undefined): Readonly<Record<string, string>>;
      readonly recorder: AnswerRecorder;
      /**
       * Present for whoever may hold the answer: nothing of it leaves and nothing is recorded before this resolves, and when it does with a
       * refusal, that is the answer.
       */
      readonly durable?: Promise<RefusedAnswer | undefined>;
    };

export interface Gate {
  /** `mayHold`: whoever asks can run the handler before the payment is durable, and hold its answer until then. */
  admit(request: ChargedRequest, how?: { readonly mayHold: boolean }): Promise<Admission>;
  /** For the discovery document; without an amount where it depends on the request. */
  readonly offered: { readonly price?: NanoAmount; readonly currency: string; readonly description?: string };
}

export type Charge = (options: ChargeOptions) => Gate;

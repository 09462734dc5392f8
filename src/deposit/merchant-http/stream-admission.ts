/**
 * Who is let into a stream, and what is paid into it: a stream is opened by a payment like a request is, and each payment after it is taken
 * once, whether it comes in a frame or, because the connection was lost, in the credential of the next one.
 */
import { toHex } from '../../codec/hex.ts';
import { equalSecrets } from '../../crypto/constant-time.ts';
import { HostError } from '../../journal/host-error.ts';
import {
  type Credential,
  type DepositPayload,
  parseCredential,
  type StreamPosition,
} from '../message/payment-credential.ts';
import {
  priceIn,
  requestDigest,
  STREAM_METHOD,
  type StreamTerms,
  streamKeyOf,
  streamPaymentDigest,
  unitsOf,
} from '../message/payment-offer.ts';
import { formatReceipt, PURCHASE_HEADER, RECEIPT_HEADER } from '../message/payment-receipt.ts';
import { decodePurchase, MAX_PRICE_UNITS, type Purchase, worthOf } from '../message/purchase.ts';
import { createChallengeBinding } from './challenge-binding.ts';
import type { ChargeOptions, ChargeSetup, Payment, Price } from './charge-terms.ts';
import { type Asked, createPaymentCheck, problemOf, readPayment, Unpaid } from './payment-check.ts';
import {
  type PaymentProblem,
  paymentRefusal,
  type RefusedAnswer,
  refusalFor,
  unknownStreamRefusal,
  usedUpRefusal,
} from './payment-problem.ts';
import { createStreamAccount, type StreamAccount } from './stream-account.ts';

export interface StreamOptions extends Pick<ChargeOptions, 'description' | 'suggestedDeposit' | 'header'> {
  readonly price: Price;
  readonly per: StreamTerms['per'];
  /** Messages, seconds or kilobytes that are served before they are paid, at most; default 16. */
  readonly credit?: number;
}

/** A stream as far as paying for it goes. */
export interface PaidEntry {
  readonly payment: Payment;
  readonly resource: Uint8Array;
  readonly key: Uint8Array;
  readonly target: string;
  readonly account: StreamAccount;
  /** Of the last payment that was taken. */
  sequence: number;
  /** A payment that is being taken. */
  taking: Promise<void> | undefined;
}

export type StreamAdmitted =
  | ({ readonly type: 'refused' } & RefusedAnswer)
  | {
      readonly type: 'admitted';
      readonly entry: PaidEntry;
      readonly received: number;
      readonly headers: Readonly<Record<string, string>>;
    };

export interface StreamAdmission {
  readonly terms: StreamTerms;
  readonly priceUnits: number;
  admit(request: { readonly target: string; header(name: string): string | undefined }): Promise<StreamAdmitted>;
  /** The next payment of the stream. @throws Unpaid for what is none; whatever else keeps it from being taken */
  pay(entry: PaidEntry, payload: DepositPayload): Promise<void>;
}

/** What is known of streams; the same for all connections. */
export interface StreamsKnown {
  find(reference: string): PaidEntry | undefined;
  add(entry: PaidEntry): void;
  readonly isFull: boolean;
  /** False when it was known before. */
  notePayment(reference: string): boolean;
}

const CREDIT = 16;

export function createStreamAdmission(
  setup: ChargeSetup,
  options: StreamOptions,
  known: StreamsKnown,
): StreamAdmission {
  const { realm, currency, unitNano, clock, onFault } = setup;
  const { per, credit = CREDIT, header } = options;
  const priceUnits = unitsOf(priceIn(currency, options.price), unitNano);
  const terms: StreamTerms = { per, creditUnits: credit * priceUnits };
  const check = createPaymentCheck(
    setup,
    { ...options, preemptive: false, stream: terms },
    createChallengeBinding(setup.secrets),
  );

  const refuse = (asked: Asked, problem: PaymentProblem): StreamAdmitted => {
    if (problem.type === 'method-unsupported') return { type: 'refused', ...paymentRefusal(problem) };
    return { type: 'refused', ...paymentRefusal(problem, check.challengeFor(asked, priceUnits)) };
  };

  const enter = (entry: PaidEntry, received: number): StreamAdmitted => {
    const { transaction, number, units } = entry.payment;
    const receipt = formatReceipt({ transaction, number, atMs: clock.nowMs() }, { currency, units, unitNano });
    const headers = { [PURCHASE_HEADER]: String(number), [RECEIPT_HEADER]: receipt, 'cache-control': 'private' };
    return { type: 'admitted', entry, received, headers };
  };

  const open = async (credential: Credential, paid: Paying, asked: AskedStream): Promise<StreamAdmitted> => {
    const { payload, purchase } = paid;
    const { transaction, token } = payload;
    const ahead = Math.min(payload.ahead ?? 0, MAX_PRICE_UNITS);
    const { number } = purchase;
    const reference = `${transaction}/${number}`;
    const { resource, target } = asked;
    const key = streamKeyOf(token);
    const same = () => {
      const entry = known.find(reference);
      return entry !== undefined && isSame(entry, { resource, key }) ? entry : undefined;
    };
    const before = same();
    if (before !== undefined) return enter(before, 0);

    const units = check.offeredUnits(credential.challenge, asked);
    if (worthOf(purchase.steps) !== units) {
      throw new Unpaid({ type: 'payment-insufficient', detail: `expected a payment of ${units} units` });
    }
    if (terms.creditUnits + ahead < units) {
      throw new Unpaid({ type: 'invalid-payload', detail: 'without credit something has to be paid ahead' });
    }
    if (known.isFull) throw new HostError('HOST_BUSY', 'as many streams as there may be');
    await check.take(payload, { units, unitNano, request: resource });
    // It may have come twice at the same time.
    const meanwhile = same();
    if (meanwhile !== undefined) return enter(meanwhile, 0);
    if (!known.notePayment(reference)) return { type: 'refused', ...usedUpRefusal(number) };
    const payment = { transaction, number, units, reference, repeated: false };
    const account = createStreamAccount({ terms, priceUnits: units, aheadUnits: ahead });
    const entry = { payment, resource, key, target, account, sequence: 1, taking: undefined };
    known.add(entry);
    return enter(entry, 0);
  };

  const resume = async (
    { payload }: Paying,
    position: StreamPosition,
    { resource }: AskedStream,
  ): Promise<StreamAdmitted> => {
    const entry = known.find(position.stream);
    const unknown: StreamAdmitted = { type: 'refused', ...unknownStreamRefusal() };
    if (entry === undefined || !isSame(entry, { resource, key: position.key })) return unknown;
    // It may be the one that came in the last frame of the connection before.
    while (entry.taking !== undefined) await entry.taking.catch(() => {});
    if (position.sequence === entry.sequence + 1) await payOnce(entry, payload);
    return position.sequence === entry.sequence ? enter(entry, position.received) : unknown;
  };

  const pay = async (entry: PaidEntry, payload: DepositPayload): Promise<void> => {
    const units = worthOf(decodePurchase(payload.token).steps);
    const { least, most } = entry.account.payable();
    if (units < least || units > most) {
      throw new Unpaid({ type: 'payment-insufficient', detail: `expected a payment of ${least} to ${most} units` });
    }
    const request = streamPaymentDigest(entry.resource, entry.payment.reference, entry.sequence + 1);
    await check.take(payload, { units, unitNano, request });
    entry.sequence++;
    entry.account.pay(units);
  };
  /** One at a time: the same one twice at once would count twice. */
  const payOnce = (entry: PaidEntry, payload: DepositPayload): Promise<void> => {
    const taking = pay(entry, payload).finally(() => {
      entry.taking = undefined;
    });
    entry.taking = taking;
    return taking;
  };

  return {
    ...{ terms, priceUnits, pay: payOnce },
    async admit({ target, header: headerOf }) {
      const body = new Uint8Array();
      const asked = { target, body, resource: requestDigest({ realm, method: STREAM_METHOD, target, body }) };
      try {
        const credential = parseCredential(headerOf(header ?? 'Authorization'));
        if (credential === undefined) return refuse(asked, { type: 'payment-required' });
        const paid = readPayment(credential);
        const { resume: position } = paid.payload;
        return await (position === undefined ? open(credential, paid, asked) : resume(paid, position, asked));
      } catch (error) {
        const problem = problemOf(error);
        if (problem !== undefined) return refuse(asked, problem);
        onFault?.(error);
        return { type: 'refused', ...refusalFor(error) };
      }
    },
  };
}

interface Paying {
  readonly payload: DepositPayload;
  readonly purchase: Purchase;
}

interface AskedStream extends Asked {
  readonly target: string;
}

function isSame(entry: PaidEntry, { resource, key }: Pick<PaidEntry, 'resource' | 'key'>): boolean {
  return toHex(entry.resource) === toHex(resource) && equalSecrets(entry.key, key);
}

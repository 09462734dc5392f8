/**
 * What every way of charging checks, for requests and for streams: that the challenge is ours and about what is asked for, that the price is
 * the one we offered, and that the till takes what is paid.
 */
import { toHex } from '../../codec/hex.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import {
  type Credential,
  type DepositPayload,
  type EchoedChallenge,
  readPayload,
} from '../message/payment-credential.ts';
import { PaymentError } from '../message/payment-error.ts';
import {
  contentDigest,
  DEPOSIT_METHOD,
  decodeOffer,
  encodeOffer,
  type Offer,
  priceIn,
  SESSION_INTENT,
  type StreamTerms,
} from '../message/payment-offer.ts';
import { decodePurchase, type Purchase } from '../message/purchase.ts';
import type { ChallengeBinding } from './challenge-binding.ts';
import type { ChargeOptions, ChargeSetup, Till } from './charge-terms.ts';
import { type PaymentProblem, problemOfPurchase } from './payment-problem.ts';

const VALID_MS = 300_000;
/** For what was paid in time and arrives late: a payment refused costs the customer its deposit. */
const GRACE_MS = 30_000;
const DESCRIPTION = /^[ -~]{1,200}$/;
const REALM = /^[A-Za-z0-9.:[\]-]{1,255}$/;

/** Why something is not served, on the way to the refusal. */
export class Unpaid extends Error {
  readonly problem: PaymentProblem;

  constructor(problem: PaymentProblem) {
    super(problem.type);
    this.problem = problem;
  }
}

export interface Asked {
  readonly resource: Uint8Array;
  readonly body: Uint8Array;
}

export interface OfferedTerms extends Pick<ChargeOptions, 'description' | 'header' | 'suggestedDeposit'> {
  /** Whether payments may come without a challenge. */
  readonly preemptive: boolean;
  readonly stream?: StreamTerms;
}

export interface PaymentCheck {
  challengeFor(asked: Asked, units: number): PaymentChallenge;
  /** The units we offered. @throws Unpaid for a challenge of another, about something else, or too old */
  offeredUnits(challenge: EchoedChallenge, asked: Asked): number;
  /** @throws Unpaid for what the till refuses; what it throws for reasons of its own */
  take(payload: DepositPayload, item: Parameters<Till['purchase']>[2]): ReturnType<Till['purchase']>;
}

/** @throws PaymentError for a realm or description that no challenge could say */
export function createPaymentCheck(setup: ChargeSetup, terms: OfferedTerms, binding: ChallengeBinding): PaymentCheck {
  const { till, realm, merchant, operator, currency, unitNano, clock, validMs = VALID_MS } = setup;
  const { description, header, suggestedDeposit, preemptive, stream } = terms;
  if (!REALM.test(realm)) throw new PaymentError('CHALLENGE_MALFORMED', 'expected a host as realm');
  if (description !== undefined && !DESCRIPTION.test(description)) {
    throw new PaymentError('CHALLENGE_MALFORMED', 'expected a description of 1 to 200 visible ASCII characters');
  }
  const suggestedDepositNano = suggestedDeposit === undefined ? undefined : priceIn(currency, suggestedDeposit).nano;

  return {
    challengeFor({ resource, body }, units) {
      const offer: Offer = {
        ...{ merchant, operator, currency, unitNano, units, resource, preemptive },
        ...(suggestedDepositNano === undefined ? {} : { suggestedDepositNano }),
        ...(stream === undefined ? {} : { stream }),
      };
      const digest = contentDigest(body);
      return binding.issue({
        ...{ realm, method: DEPOSIT_METHOD, intent: SESSION_INTENT, request: encodeOffer(offer) },
        expires: rfc3339(clock.nowMs() + validMs),
        ...(digest === undefined ? {} : { digest }),
        ...(description === undefined ? {} : { description }),
        ...(header === undefined ? {} : { header }),
      });
    },

    offeredUnits(challenge, { resource, body }) {
      if (!binding.isOurs(challenge)) throw invalid('the challenge is none of this server');
      if (challenge.realm !== realm || challenge.header !== header) throw invalid('the challenge is of another place');
      if (challenge.digest !== contentDigest(body)) throw invalid('the challenge is for another body');
      const offer = decodeOffer(challenge);
      if (toHex(offer.resource) !== toHex(resource)) throw invalid('the challenge is for another request');
      if (offer.unitNano !== unitNano || offer.merchant !== merchant) throw invalid('the challenge is out of date');
      if (!(Date.parse(challenge.expires ?? '') + GRACE_MS > clock.nowMs())) {
        throw new Unpaid({ type: 'payment-expired', detail: 'the challenge has expired: here is a new one' });
      }
      return offer.units;
    },

    async take({ transaction, token, checkpoint }, item) {
      try {
        if (checkpoint !== undefined) await till.checkpoint(transaction, checkpoint).catch(unlessUnfit);
        return await till.purchase(transaction, token, item);
      } catch (error) {
        const problem = problemOfPurchase(error);
        throw problem === undefined ? error : new Unpaid(problem);
      }
    },
  };
}

/** @throws Unpaid for another method, or what is no payment of ours */
export function readPayment({ challenge, payload, read = readPayload(payload) }: Credential): {
  readonly payload: DepositPayload;
  readonly purchase: Purchase;
} {
  if (challenge.method !== DEPOSIT_METHOD || challenge.intent !== SESSION_INTENT) {
    throw new Unpaid({ type: 'method-unsupported', detail: `expected ${DEPOSIT_METHOD}/${SESSION_INTENT}` });
  }
  if (read === undefined) throw new Unpaid({ type: 'invalid-payload', detail: 'expected a transaction and a token' });
  return { payload: read, purchase: decodePurchase(read.token) };
}

/** Undefined for what is no matter of the payment. */
export function problemOf(error: unknown): PaymentProblem | undefined {
  if (error instanceof Unpaid) return error.problem;
  if (error instanceof DepositError) return problemOfPurchase(error);
  if (!(error instanceof PaymentError)) return undefined;
  if (error.code === 'CREDENTIAL_MALFORMED') return { type: 'malformed-credential', detail: error.message };
  return error.code === 'OFFER_UNFIT' ? { type: 'invalid-challenge', detail: error.message } : undefined;
}

/** One that was taken before does not fit any more; whether the purchase fits is for the purchase to say. */
function unlessUnfit(error: unknown): void {
  if (!(error instanceof DepositError) || error.code !== 'CHECKPOINT_UNFIT') throw error;
}

function invalid(detail: string): Unpaid {
  return new Unpaid({ type: 'invalid-challenge', detail });
}

function rfc3339(atMs: number): string {
  return new Date(Math.floor(atMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

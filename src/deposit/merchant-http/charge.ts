/**
 * Charging for HTTP requests out of deposits, without any framework: a request is refused with a challenge, or it is paid and may be
 * served. Nothing is kept about challenges; a payment is taken once and answered again when it is repeated (`answer-memory.ts`).
 */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { HandselError } from '../../handsel-error.ts';
import type { NanoAmount } from '../../money/nano.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import {
  type Credential,
  type DepositPayload,
  PREEMPTIVE_ID,
  parseCredential,
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
  requestDigest,
  SESSION_INTENT,
  unitsOf,
} from '../message/payment-offer.ts';
import { formatReceipt, PURCHASE_HEADER, RECEIPT_HEADER } from '../message/payment-receipt.ts';
import { decodePurchase, type Purchase, worthOf } from '../message/purchase.ts';
import { type AnswerMemory, createAnswerMemory } from './answer-memory.ts';
import { type ChallengeBinding, createChallengeBinding } from './challenge-binding.ts';
import type {
  Admission,
  Charge,
  ChargedRequest,
  ChargeOptions,
  ChargeSetup,
  Gate,
  Price,
  Till,
} from './charge-terms.ts';
import {
  type PaymentProblem,
  paymentRefusal,
  problemOfPurchase,
  refusalFor,
  usedUpRefusal,
} from './payment-problem.ts';

const VALID_MS = 300_000;
/** For what was paid in time and arrives late: a payment refused costs the customer its deposit. */
const GRACE_MS = 30_000;
const DESCRIPTION = /^[ -~]{1,200}$/;
const REALM = /^[A-Za-z0-9.:[\]-]{1,255}$/;

/** @throws PaymentError for a set-up that no challenge could be made of */
export function createCharge(setup: ChargeSetup): Charge {
  const binding = createChallengeBinding(setup.secrets);
  const memory = createAnswerMemory(setup.clock, setup.answers);
  if (!REALM.test(setup.realm)) throw new PaymentError('CHALLENGE_MALFORMED', 'expected a host as realm');
  return (options) => createGate(setup, options, { binding, memory });
}

interface Shared {
  readonly binding: ChallengeBinding;
  readonly memory: AnswerMemory;
}

/** Why a request is not served, on the way to the refusal. */
class Unpaid extends Error {
  readonly problem: PaymentProblem;

  constructor(problem: PaymentProblem) {
    super(problem.type);
    this.problem = problem;
  }
}

interface Asked {
  readonly request: ChargedRequest;
  readonly resource: Uint8Array;
}

function createGate(setup: ChargeSetup, options: ChargeOptions, { binding, memory }: Shared): Gate {
  const { till, realm, merchant, operator, currency, unitNano, clock, validMs = VALID_MS, preemptive = true } = setup;
  const { description, header, suggestedDeposit } = options;
  if (description !== undefined && !DESCRIPTION.test(description)) {
    throw new PaymentError('CHALLENGE_MALFORMED', 'expected a description of 1 to 200 visible ASCII characters');
  }
  const fixed = options.price === undefined ? undefined : priced(options.price);
  // A price that depends on the request cannot be known ahead, and a payment refused costs the customer its deposit.
  const ahead = preemptive && fixed !== undefined;
  const suggestedDepositNano = suggestedDeposit === undefined ? undefined : priceIn(currency, suggestedDeposit).nano;

  function priced(price: Price): { readonly units: number; readonly amount: NanoAmount } {
    const amount = priceIn(currency, price);
    return { units: unitsOf(amount, unitNano), amount };
  }

  /** Units; undefined when the request is free. */
  const unitsFor = async (request: ChargedRequest): Promise<number | undefined> => {
    if (options.priceOf === undefined) return fixed?.units;
    const price = await options.priceOf(request);
    return price === undefined ? undefined : priced(price).units;
  };

  const challengeFor = ({ request, resource }: Asked, units: number): PaymentChallenge => {
    const offer: Offer = {
      ...{ merchant, operator, currency, unitNano, units, resource, preemptive: ahead },
      ...(suggestedDepositNano === undefined ? {} : { suggestedDepositNano }),
    };
    const digest = contentDigest(request.body);
    return binding.issue({
      ...{ realm, method: DEPOSIT_METHOD, intent: SESSION_INTENT, request: encodeOffer(offer) },
      expires: rfc3339(clock.nowMs() + validMs),
      ...(digest === undefined ? {} : { digest }),
      ...(description === undefined ? {} : { description }),
      ...(header === undefined ? {} : { header }),
    });
  };

  /** The caller is told nothing of it. */
  const failed = (error: unknown): Admission => {
    setup.onFault?.(error);
    return { type: 'refused', ...refusalFor(error) };
  };

  const refuse = async (asked: Asked, problem: PaymentProblem): Promise<Admission> => {
    const units = await unitsFor(asked.request);
    if (units === undefined) return { type: 'free' };
    if (problem.type === 'method-unsupported') return { type: 'refused', ...paymentRefusal(problem) };
    return { type: 'refused', ...paymentRefusal(problem, challengeFor(asked, units)) };
  };

  /** The price that binds us: the one we offered, or for a payment that answers no challenge the one of now. */
  const boundUnits = async ({ challenge }: Credential, asked: Asked): Promise<number | undefined> => {
    if (ahead && challenge.id === PREEMPTIVE_ID) return unitsFor(asked.request);
    if (!binding.isOurs(challenge)) throw invalid('the challenge is none of this server');
    if (challenge.realm !== realm || challenge.header !== header) throw invalid('the challenge is of another place');
    if (challenge.digest !== contentDigest(asked.request.body)) throw invalid('the challenge is for another body');
    const offer = decodeOffer(challenge);
    if (toHex(offer.resource) !== toHex(asked.resource)) throw invalid('the challenge is for another request');
    if (offer.unitNano !== unitNano || offer.merchant !== merchant) throw invalid('the challenge is out of date');
    if (!(Date.parse(challenge.expires ?? '') + GRACE_MS > clock.nowMs())) {
      throw new Unpaid({ type: 'payment-expired', detail: 'the challenge has expired: here is a new one' });
    }
    return offer.units;
  };

  const take = async (credential: Credential, asked: Asked): Promise<Admission> => {
    const { payload, purchase } = readPayment(credential);
    const { transaction, token } = payload;
    const reference = `${transaction}/${purchase.number}`;
    const proof = toHex(sha256(asked.resource, token));
    const known = memory.find(reference, proof);
    if (known !== undefined) return serve(reference, { transaction, ...known, repeated: true });

    const units = await boundUnits(credential, asked);
    if (units === undefined) return { type: 'free' };
    if (worthOf(purchase.steps) !== units) {
      throw new Unpaid({ type: 'payment-insufficient', detail: `expected a payment of ${units} units` });
    }
    const { number, repeated } = await purchased(payload, { units, unitNano, request: asked.resource });
    return serve(reference, { transaction, number, units, proof, repeated });
  };

  const purchased = async (
    { transaction, token, checkpoint }: DepositPayload,
    item: Parameters<Till['purchase']>[2],
  ) => {
    try {
      if (checkpoint !== undefined) await till.checkpoint(transaction, checkpoint).catch(unlessUnfit);
      return await till.purchase(transaction, token, item);
    } catch (error) {
      const problem = problemOfPurchase(error);
      throw problem === undefined ? error : new Unpaid(problem);
    }
  };

  interface Taken {
    readonly transaction: string;
    readonly number: number;
    readonly units: number;
    readonly proof: string;
    readonly repeated: boolean;
  }

  const serve = async (reference: string, taken: Taken): Promise<Admission> => {
    const { transaction, number, units, proof, repeated } = taken;
    const serving = await memory.serve(reference, { proof, units, number });
    if (serving.type === 'kept') return { type: 'answered', answer: serving.answer };
    if (serving.type === 'busy') throw new HandselError('ANSWER_PENDING', 'the answer is being made');
    if (serving.type === 'used-up') return { type: 'refused', ...usedUpRefusal(number) };
    const receipt = formatReceipt({ transaction, number, atMs: clock.nowMs() }, { currency, units, unitNano });
    return {
      type: 'paid',
      payment: { transaction, number, units, reference, repeated },
      headersFor: (status, cacheControl) => ({
        [PURCHASE_HEADER]: String(number),
        'cache-control': privately(cacheControl),
        ...(status >= 200 && status < 300 ? { [RECEIPT_HEADER]: receipt } : {}),
      }),
      recorder: serving.recorder,
    };
  };

  return {
    offered: { currency, ...(fixed && { price: fixed.amount }), ...(description === undefined ? {} : { description }) },
    async admit(request) {
      const { method, target, body } = request;
      const asked = { request, resource: requestDigest({ realm, method, target, body }) };
      try {
        const credential = parseCredential(request.header(header ?? 'Authorization'));
        if (credential === undefined) return await refuse(asked, { type: 'payment-required' });
        return await take(credential, asked);
      } catch (error) {
        const problem = problemOf(error);
        if (problem === undefined) return failed(error);
        return refuse(asked, problem).catch(failed);
      }
    },
  };
}

function readPayment({ challenge, payload }: Credential): {
  readonly payload: DepositPayload;
  readonly purchase: Purchase;
} {
  if (challenge.method !== DEPOSIT_METHOD || challenge.intent !== SESSION_INTENT) {
    throw new Unpaid({ type: 'method-unsupported', detail: `expected ${DEPOSIT_METHOD}/${SESSION_INTENT}` });
  }
  const read = readPayload(payload);
  if (read === undefined) throw new Unpaid({ type: 'invalid-payload', detail: 'expected a transaction and a token' });
  return { payload: read, purchase: decodePurchase(read.token) };
}

/** Undefined for what is no matter of the payment. */
function problemOf(error: unknown): PaymentProblem | undefined {
  if (error instanceof Unpaid) return error.problem;
  if (error instanceof DepositError) return problemOfPurchase(error);
  if (!(error instanceof PaymentError)) return undefined;
  if (error.code === 'CREDENTIAL_MALFORMED') return { type: 'malformed-credential', detail: error.message };
  return error.code === 'OFFER_UNFIT' ? { type: 'invalid-challenge', detail: error.message } : undefined;
}

function invalid(detail: string): Unpaid {
  return new Unpaid({ type: 'invalid-challenge', detail });
}

/** One that was taken before does not fit any more; whether the purchase fits is for the purchase to say. */
function unlessUnfit(error: unknown): void {
  if (!(error instanceof DepositError) || error.code !== 'CHECKPOINT_UNFIT') throw error;
}

function rfc3339(atMs: number): string {
  return new Date(Math.floor(atMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Nobody shared may keep what was paid for (the draft, "Caching"). */
function privately(cacheControl: string | undefined): string {
  const directives = (cacheControl ?? '')
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '');
  const rest = directives.filter((directive) => !/^(?:public|private|s-maxage=.*)$/i.test(directive));
  return ['private', ...rest].join(', ');
}

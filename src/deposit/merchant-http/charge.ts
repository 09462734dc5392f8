/**
 * Charging for HTTP requests out of deposits, without any framework: a request is refused with a challenge, or it is paid and may be
 * served. Nothing is kept about challenges; a payment is taken once and answered again when it is repeated (`answer-memory.ts`).
 */
import { HandselError } from '../../handsel-error.ts';
import type { NanoAmount } from '../../money/nano.ts';
import { type Credential, PREEMPTIVE_ID, parseCredential } from '../message/payment-credential.ts';
import { priceIn, requestDigest, unitsOf } from '../message/payment-offer.ts';
import { formatReceipt, PURCHASE_HEADER, RECEIPT_HEADER } from '../message/payment-receipt.ts';
import { worthOf } from '../message/purchase.ts';
import { type AnswerMemory, createAnswerMemory, type Serving } from './answer-memory.ts';
import { type ChallengeBinding, createChallengeBinding } from './challenge-binding.ts';
import { requireChargeOptions, requireChargeSetup } from './charge-options.ts';
import type { Admission, Charge, ChargedRequest, ChargeOptions, ChargeSetup, Gate, Price } from './charge-terms.ts';
import { type Asked, createPaymentCheck, problemOf, readPayment, Unpaid } from './payment-check.ts';
import { type PaymentProblem, paymentRefusal, refusalFor, usedUpRefusal } from './payment-problem.ts';

/** @throws PaymentError `OPTIONS_UNFIT`, also from what it gives; or for a set-up that no challenge could be made of */
export function createCharge(setup: ChargeSetup): Charge {
  requireChargeSetup(setup);
  const binding = createChallengeBinding(setup.secrets);
  const memory = createAnswerMemory(setup.clock, setup.answers);
  return (options) => createGate(setup, options, { binding, memory });
}

interface Shared {
  readonly binding: ChallengeBinding;
  readonly memory: AnswerMemory;
}

type Refused = Extract<Admission, { type: 'refused' }>;
type Free = Extract<Admission, { type: 'free' }>;

interface AskedRequest extends Asked {
  readonly request: ChargedRequest;
}

function createGate(setup: ChargeSetup, options: ChargeOptions, { binding, memory }: Shared): Gate {
  requireChargeOptions(options);
  const { realm, currency, unitNano, clock, preemptive = true } = setup;
  const { description, header } = options;
  const fixed = options.price === undefined ? undefined : priced(options.price);
  // A price that depends on the request cannot be known ahead, and a payment refused costs the customer its deposit.
  const unitsAhead = preemptive ? fixed?.units : undefined;
  const check = createPaymentCheck(setup, { ...options, preemptive: unitsAhead !== undefined }, binding);

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

  /** The caller is told nothing of it. */
  const failed = (error: unknown): Refused => {
    setup.onFault?.(error);
    return { type: 'refused', ...refusalFor(error) };
  };

  const refuse = async (asked: AskedRequest, problem: PaymentProblem): Promise<Refused | Free> => {
    const units = await unitsFor(asked.request);
    if (units === undefined) return { type: 'free' };
    if (problem.type === 'method-unsupported') return { type: 'refused', ...paymentRefusal(problem) };
    return { type: 'refused', ...paymentRefusal(problem, check.challengeFor(asked, units)) };
  };

  /** The price that binds us: the one we offered, or for a payment that answers no challenge the one of now. */
  const boundUnits = ({ challenge }: Credential, asked: Asked): number =>
    unitsAhead !== undefined && challenge.id === PREEMPTIVE_ID ? unitsAhead : check.offeredUnits(challenge, asked);

  const refuseFor = async (error: unknown, asked: AskedRequest): Promise<Refused | Free> => {
    const problem = problemOf(error);
    return problem === undefined ? failed(error) : refuse(asked, problem).catch(failed);
  };

  const take = async (credential: Credential, asked: AskedRequest, mayHold: boolean): Promise<Admission> => {
    const { payload, purchase } = readPayment(credential);
    const { transaction, token } = payload;
    const reference = `${transaction}/${purchase.number}`;
    const proof = asText(token) + asText(asked.resource);
    const known = memory.find(reference, proof);
    if (known !== undefined) return serve(reference, { transaction, ...known, repeated: true });

    const units = boundUnits(credential, asked);
    if (worthOf(purchase.steps) !== units) {
      throw new Unpaid({ type: 'payment-insufficient', detail: `expected a payment of ${units} units` });
    }
    const item = { units, unitNano, request: asked.resource };
    const taken = (number: number, repeated: boolean): Taken => ({ transaction, number, units, proof, repeated });
    if (!mayHold || fixed === undefined || options.readsOnly !== true) {
      const { number, repeated } = await check.take(payload, item);
      return serve(reference, taken(number, repeated));
    }

    const { promise: checked, resolve } = Promise.withResolvers<'checked'>();
    const taking = check.take(payload, { ...item, checked: () => resolve('checked') });
    const first = await Promise.race([checked, taking]);
    if (first !== 'checked') return serve(reference, taken(first.number, first.repeated));
    const admission = await serve(reference, taken(purchase.number, false));
    const durable = taking.then(
      () => undefined,
      async (error) => {
        memory.forget(reference);
        return (await refuseFor(error, asked)) as Refused; // at a fixed price nothing is free
      },
    );
    return admission.type === 'paid' ? { ...admission, durable } : ((await durable) ?? admission);
  };

  interface Taken {
    readonly transaction: string;
    readonly number: number;
    readonly units: number;
    readonly proof: string;
    readonly repeated: boolean;
  }

  const serve = (reference: string, taken: Taken): Admission | Promise<Admission> => {
    const serving = memory.serve(reference, taken);
    if (serving instanceof Promise) return serving.then((settled) => admissionOf(reference, taken, settled));
    return admissionOf(reference, taken, serving);
  };

  const admissionOf = (reference: string, taken: Taken, serving: Serving): Admission => {
    const { transaction, number, units, repeated } = taken;
    if (serving.type === 'kept') return { type: 'answered', answer: serving.answer };
    if (serving.type === 'busy') throw new HandselError('ANSWER_PENDING', 'the answer is being made');
    if (serving.type === 'used-up') return { type: 'refused', ...usedUpRefusal(number) };
    const atMs = clock.nowMs();
    return {
      type: 'paid',
      payment: { transaction, number, units, reference, repeated },
      headersFor(status, cacheControl) {
        const headers: Record<string, string> = {
          [PURCHASE_HEADER]: String(number),
          'cache-control': privately(cacheControl),
        };
        if (status >= 200 && status < 300) {
          headers[RECEIPT_HEADER] = formatReceipt({ transaction, number, atMs }, { currency, units, unitNano });
        }
        return headers;
      },
      recorder: serving.recorder,
    };
  };

  return {
    offered: { currency, ...(fixed && { price: fixed.amount }), ...(description === undefined ? {} : { description }) },
    async admit(request, { mayHold } = { mayHold: false }) {
      const { method, target, body } = request;
      const asked = { request, body, resource: requestDigest({ realm, method, target, body }) };
      try {
        const credential = parseCredential(request.header(header ?? 'Authorization'));
        if (credential === undefined) return await refuse(asked, { type: 'payment-required' });
        return await take(credential, asked, mayHold);
      } catch (error) {
        return refuseFor(error, asked);
      }
    },
  };
}

/** A letter a byte: what is compared is the bytes themselves, and hashing them first would cost more. */
function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Nobody shared may keep what was paid for (the draft, "Caching"). */
function privately(cacheControl: string | undefined): string {
  if (cacheControl === undefined) return 'private';
  const directives = cacheControl
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => directive !== '');
  const rest = directives.filter((directive) => !/^(?:public|private|s-maxage=.*)$/i.test(directive));
  return ['private', ...rest].join(', ');
}

/** Whether a payment was made, from whoever carries payments out: asked where no receipt can show it, because nothing came of the purchase. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { oneOf } from '../../codec/shape.ts';
import type { Outcome } from '../../journal/machine.ts';
import { type Claim, type PaymentEvidence, paymentEvidenceShape } from '../message/dispute.ts';
import type { PaymentFact } from '../ruling/judge-dispute.ts';
import type { DisputeCase } from './dispute-state.ts';
import type { ServerTurn } from './server-turn.ts';

const factShape = oneOf('paid', 'not-paid', 'unknown');
/** How long whoever knows may take. */
const askMs = 86_400_000;

/** The case, with the question under way if there is one. */
export function askPayments(
  { draft, env, settings }: ServerTurn,
  of: DisputeCase,
  { about, payment }: Claim,
): DisputeCase {
  const { payments, paymentFact } = settings.disputes;
  if (about !== 'not-delivered' || payment === undefined || payments === undefined) return of;
  if (paymentFact(payment) !== 'unknown') return of;
  draft.send.push({
    ...{ id: `p/${of.case}`, to: payments, kind: 'payment-fact', expiresAtMs: env.nowMs + askMs },
    body: encodePaymentQuestion(payment),
  });
  return { ...of, paid: 'asked' };
}

export function encodePaymentQuestion(evidence: PaymentEvidence): Uint8Array {
  return encodeCbor(paymentEvidenceShape.encode(evidence));
}

/** At whoever is asked. @throws CborError or MessageError */
export function decodePaymentQuestion(body: Uint8Array): PaymentEvidence {
  return paymentEvidenceShape.decode(decodeCbor(body, { maxBytes: 4096 }), 'payment');
}

export function encodePaymentFact(fact: PaymentFact): Uint8Array {
  return encodeCbor(factShape.encode(fact));
}

/** What came back. @throws CborError or MessageError: it is asked for again */
export function paymentFactIn(outcome: Outcome): PaymentFact {
  if (outcome.type !== 'answered') return 'unknown';
  return factShape.decode(decodeCbor(outcome.body, { maxBytes: 64 }), 'payment fact');
}

/** Whoever was asked knows it best. */
export function payer({ paid }: DisputeCase, fact: (evidence: PaymentEvidence) => PaymentFact) {
  return (evidence: PaymentEvidence): PaymentFact => {
    const known = fact(evidence);
    return known === 'unknown' && paid !== undefined && paid !== 'asked' ? paid : known;
  };
}

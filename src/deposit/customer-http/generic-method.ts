/**
 * The method `deposit` as a plug-in for clients of the "Payment" scheme that know nothing of deposits: they find the challenge and send the
 * request again, this makes the credential. Such a client does not show its request, so the plug-in takes the challenge's word for
 * what is bought; `createPayingFetch` does not.
 */
import type { Clock } from '../../journal/clock.ts';
import type { PaymentChallenge } from '../message/payment-challenge.ts';
import { formatCredential } from '../message/payment-credential.ts';
import { PaymentError } from '../message/payment-error.ts';
import { encodePaymentJson, type PaymentJson } from '../message/payment-json.ts';
import { DEPOSIT_METHOD, decodeOffer, SESSION_INTENT } from '../message/payment-offer.ts';
import { requireUnexpired, requireWithinLimits, type SpendingLimits } from './accept-offer.ts';
import { problemOf, settlementOf } from './settlement.ts';
import type { Spender } from './spender.ts';

/** A challenge as such clients hold it: with its `request` still encoded, or read as JSON. */
export type GenericChallenge = Omit<PaymentChallenge, 'request' | 'header'> & {
  readonly request: string | PaymentJson;
  readonly header?: string;
};

export interface GenericMethod {
  readonly name: typeof DEPOSIT_METHOD;
  readonly intent: typeof SESSION_INTENT;
  /**
   * The value of the header field.
   * @throws PaymentError `OFFER_UNFIT`, `OFFER_REFUSED`; what the spender throws
   */
  createCredential(given: { readonly challenge: GenericChallenge }): Promise<string>;
  /** Has to be told every answer to a credential of ours, or that none came: only then the spender knows what it has spent. */
  settle(credential: string, response: Response | undefined): Promise<void>;
}

interface Sent {
  readonly transaction: string;
  readonly number: number;
}

export interface GenericMethodOptions {
  readonly spender: Spender;
  readonly limits: SpendingLimits;
  readonly clock: Clock;
}

export function createGenericMethod({ spender, limits, clock }: GenericMethodOptions): GenericMethod {
  const open = new Map<string, Sent>();
  return {
    name: DEPOSIT_METHOD,
    intent: SESSION_INTENT,
    async createCredential({ challenge: given }) {
      const request = typeof given.request === 'string' ? given.request : encodePaymentJson(given.request);
      const challenge = onlyKnown({ ...given, request });
      requireUnexpired(challenge, clock.nowMs());
      const offer = decodeOffer(challenge);
      if (offer.stream !== undefined) throw new PaymentError('OFFER_UNFIT', 'the price is of a stream');
      requireWithinLimits(offer, limits);
      const transaction = await spender.ensure(offer);
      const { number, ...spent } = await spender.pay(transaction, { units: offer.units, request: offer.resource });
      const credential = formatCredential(challenge, { transaction, ...spent });
      open.set(credential, { transaction, number });
      return credential;
    },
    async settle(credential, response) {
      const sent = open.get(credential);
      if (sent === undefined) return;
      const { transaction, number } = sent;
      open.delete(credential);
      const settlement = response === undefined ? undefined : settlementOf(response, sent);
      if (settlement?.type === 'paid') return spender.paid(transaction, number);
      if (response === undefined || settlement?.reason === 'unknown' || settlement === undefined) {
        return spender.failed(transaction, number, { reason: 'unknown' });
      }
      const problem = await problemOf(response);
      return spender.failed(transaction, number, { reason: 'refused', code: problem?.code ?? settlement.code });
    },
  };
}

/** Such clients keep notes of their own beside what the challenge said. */
function onlyKnown(given: Omit<GenericChallenge, 'request'> & { readonly request: string }): PaymentChallenge {
  const { id, realm, method, intent, request, expires, digest, description, opaque, header } = given;
  const named = { expires, digest, description, opaque, header };
  const present = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return { id, realm, method, intent, request, ...present };
}

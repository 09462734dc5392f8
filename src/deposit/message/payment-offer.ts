/**
 * The method `deposit` of the scheme: what its challenge's `request` says. The names are those of the draft's intents: `amount` in base
 * units, `currency`, `recipient`, `methodDetails`. A base unit is one nano, 10⁻⁹ of the currency's major unit (`decimals` 9), because
 * these prices are finer than a minor unit.
 */
import { z } from 'zod';
import { encodeCbor } from '../../codec/cbor.ts';
import { fromBase64Url, toBase64Url } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { formatNano, type NanoAmount, parseNano } from '../../money/nano.ts';
import type { PaymentChallenge } from './payment-challenge.ts';
import { PaymentError } from './payment-error.ts';
import { decodePaymentJson, encodePaymentJson } from './payment-json.ts';
import { MAX_PRICE_UNITS } from './purchase.ts';

export const DEPOSIT_METHOD = 'deposit';
/** Pay as you go out of what was set aside: the draft's discovery knows `charge` and `session`. */
export const SESSION_INTENT = 'session';

/** What a merchant asks for one request. */
export interface Offer {
  readonly merchant: string;
  /** The merchant's operator, through which a deposit is opened. */
  readonly operator: string;
  readonly currency: string;
  /** Nano of the currency that a unit is worth. */
  readonly unitNano: number;
  readonly units: number;
  /** The digest of the request that is paid for (`requestDigest`). */
  readonly resource: Uint8Array;
  /** True when this server also takes payments that answer no challenge. */
  readonly preemptive: boolean;
  /** Nano: what the merchant suggests to set aside. */
  readonly suggestedDepositNano?: bigint;
  /** Where a stream is charged for: the price is that of one message, started second or started kilobyte. */
  readonly stream?: StreamTerms;
}

export const streamUnits = ['message', 'second', 'kilobyte'] as const;
export type StreamUnit = (typeof streamUnits)[number];

export interface StreamTerms {
  readonly per: StreamUnit;
  /** Units the merchant serves before they are paid. */
  readonly creditUnits: number;
}

/** One nano to a thousand of the major unit. */
export const MAX_UNIT_NANO = 1_000_000_000_000;
const MAX_REQUEST_LENGTH = 4096;
const NANO = /^(?:0|[1-9][0-9]{0,26})$/;
const nano = z.string().regex(NANO);
const party = z.string().regex(/^[^.\s]{1,64}$/);

const requestSchema = z.object({
  amount: nano,
  currency: z.string().regex(/^[a-z]{3}$/),
  recipient: party,
  suggestedDeposit: nano.optional(),
  unitType: z.enum(['request', ...streamUnits]),
  methodDetails: z.object({
    credit: nano.optional(),
    decimals: z.literal(9),
    operator: party,
    preemptive: z.boolean().optional(),
    resource: z.string().length(43),
    unitNano: z.number().int().min(1).max(MAX_UNIT_NANO),
    /** Absent is 1; what is not 1 is another method to us. */
    version: z.literal(1).optional(),
  }),
});

export function encodeOffer(offer: Offer): string {
  const { merchant, operator, currency, unitNano, resource, preemptive, suggestedDepositNano, stream } = offer;
  return encodePaymentJson({
    amount: nanoOfOffer(offer).nano.toString(),
    currency: currency.toLowerCase(),
    recipient: merchant,
    suggestedDeposit: suggestedDepositNano?.toString(),
    unitType: stream?.per ?? 'request',
    methodDetails: {
      credit: stream && (BigInt(stream.creditUnits) * BigInt(unitNano)).toString(),
      decimals: 9,
      operator,
      preemptive: preemptive || undefined,
      resource: toBase64Url(resource),
      unitNano,
    },
  });
}

/**
 * What a challenge of this method asks for.
 * @throws PaymentError `OFFER_UNFIT` when its request is none of this method, or not a whole number of units
 */
export function decodeOffer({ request }: Pick<PaymentChallenge, 'request'>): Offer {
  const read = requestSchema.safeParse(decodePaymentJson(request, MAX_REQUEST_LENGTH));
  if (!read.success) throw new PaymentError('OFFER_UNFIT', 'the request of the challenge is none of a deposit');
  const { amount, currency, recipient, suggestedDeposit, unitType, methodDetails } = read.data;
  const { operator, unitNano, preemptive = false, credit = '0' } = methodDetails;
  const units = unitsOf({ currency: currency.toUpperCase(), nano: BigInt(amount) }, unitNano);
  return {
    ...{ merchant: recipient, operator, currency: currency.toUpperCase(), unitNano, units, preemptive },
    resource: fromBase64Url(methodDetails.resource),
    ...(suggestedDeposit === undefined ? {} : { suggestedDepositNano: BigInt(suggestedDeposit) }),
    ...(unitType === 'request' ? {} : { stream: { per: unitType, creditUnits: wholeUnits(credit, unitNano) } }),
  };
}

/** @throws PaymentError `OFFER_UNFIT` */
function wholeUnits(amount: string, unitNano: number): number {
  const units = BigInt(amount) / BigInt(unitNano);
  if (units * BigInt(unitNano) !== BigInt(amount) || units > BigInt(MAX_PRICE_UNITS)) {
    throw new PaymentError('OFFER_UNFIT', 'the credit is no number of units that one purchase could pay');
  }
  return Number(units);
}

/** @throws PaymentError `PRICE_UNFIT` for a price that is no whole number of units, or more than one purchase can carry */
export function unitsOf(price: NanoAmount, unitNano: number): number {
  const units = price.nano / BigInt(unitNano);
  if (units * BigInt(unitNano) !== price.nano || units < 1n || units > BigInt(MAX_PRICE_UNITS)) {
    const [least, most] = [1n, BigInt(MAX_PRICE_UNITS)].map((count) =>
      formatNano({ currency: price.currency, nano: count * BigInt(unitNano) }),
    );
    throw new PaymentError('PRICE_UNFIT', `${formatNano(price)} is no multiple of ${least} up to ${most}`);
  }
  return Number(units);
}

export function nanoOfOffer({ currency, units, unitNano }: Pick<Offer, 'currency' | 'units' | 'unitNano'>): NanoAmount {
  return { currency, nano: BigInt(units) * BigInt(unitNano) };
}

/** @throws MoneyError; PaymentError `PRICE_UNFIT` for another currency, or what is no text */
export function priceIn(currency: string, price: string): NanoAmount {
  // A number has lost its decimals before we see it, and has no currency.
  if (typeof price !== 'string') {
    throw new PaymentError(
      'PRICE_UNFIT',
      `expected a price as text, such as '0.0004 ${currency}', saw a ${typeof price}`,
    );
  }
  const amount = parseNano(price);
  if (amount.currency !== currency)
    throw new PaymentError('PRICE_UNFIT', `expected a price in ${currency}, saw ${price}`);
  return amount;
}

export interface PaidRequest {
  /** The server's name for itself, so that what is meant for one server proves nothing at another. */
  readonly realm: string;
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  readonly body: Uint8Array;
}

const DIGEST_OF_NOTHING = sha256(new Uint8Array());

/** What the list of purchases holds for a request (US 09/718,411: only a digest of what was bought is visible, to the two ends). */
export function requestDigest({ realm, method, target, body }: PaidRequest): Uint8Array {
  const digest = body.length === 0 ? DIGEST_OF_NOTHING : sha256(body);
  return sha256(encodeCbor(['Handsel paid request', realm, method.toUpperCase(), target, digest]));
}

/** Stands where the method of a request does: what pays for a stream pays for no request of the same path. */
export const STREAM_METHOD = 'WEBSOCKET';

/**
 * What the list of purchases holds for a payment in a stream.
 * @param stream names it: transaction and number of its first purchase
 * @param sequence 2 for the first after the one that opened it
 */
export function streamPaymentDigest(resource: Uint8Array, stream: string, sequence: number): Uint8Array {
  return sha256(encodeCbor(['Handsel paid stream', resource, stream, sequence]));
}

/** Made of the token that opened the stream, which only the two ends know: whoever goes on with it shows this. */
export function streamKeyOf(token: Uint8Array): Uint8Array {
  return sha256(encodeCbor(['Handsel paid stream key', token]));
}

/** As in `Content-Digest` (RFC 9530); undefined without a body. */
export function contentDigest(body: Uint8Array): string | undefined {
  return body.length === 0 ? undefined : `sha-256=:${Buffer.from(sha256(body)).toString('base64')}:`;
}

/** How card messages are told apart and numbered: trace numbers, times, retrieval references (ISO 8583:1987, fields 7, 11, 32, 37, 41, 42). */
import { toHex } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { CardRequest, CreditAdvice, PaymentAdvice, PaymentRequest } from './card-message.ts';

const REFERENCE_LENGTH = 12;
const BASE = 36n;
const LAST_STAN = 999_999;

/** Field 7 for a time in Unix milliseconds: `MMDDhhmmss`, UTC. */
export function transmissionTime(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(5, 19).replace(/[-T:]/g, '');
}

/** The retrieval reference of a SET transaction: twelve base-36 characters of the XID's digest, so all messages about it agree. */
export function retrievalReferenceOf(xid: Uint8Array): string {
  const number = BigInt(`0x${toHex(sha256(xid))}`) % BASE ** BigInt(REFERENCE_LENGTH);
  return number.toString(Number(BASE)).padStart(REFERENCE_LENGTH, '0').toUpperCase();
}

/** The trace number after this one: 1 to 999999, then 1 again. */
export function nextStan(stan: number): number {
  return stan >= LAST_STAN ? 1 : stan + 1;
}

/**
 * The identity of a message at whoever receives it. A repeat has the same identity and the same bytes; the retrieval
 * reference makes it unique for ever, where trace number and time alone come round again.
 */
export function cardMessageIdentity(request: CardRequest): string {
  const own = `${request.type}:${request.transmittedAt}:${request.stan}`;
  if (request.type === 'test') return own;
  if (request.type === 'reconcile') {
    return `${own}:${request.acquirerId}:${request.issuerId}:${request.batch}:${request.totals.currency}`;
  }
  return `${own}:${request.acquirerId}:${request.terminalId}:${request.merchantId}:${request.retrievalReference}`;
}

/** Names one payment at acquirer and issuer: the request that began it, or the one that the advice is about. */
export function paymentKeyOf(request: PaymentRequest | PaymentAdvice | CreditAdvice): string {
  const { type, transmittedAt, stan } = 'original' in request ? request.original : request;
  return [request.acquirerId, request.retrievalReference, type, transmittedAt, stan].join(':');
}

/** Names one credit: of one payment there may be several, each for a part of it. */
export function creditKeyOf({ acquirerId, retrievalReference, type, transmittedAt, stan }: CreditAdvice): string {
  return [acquirerId, retrievalReference, type, transmittedAt, stan].join(':');
}

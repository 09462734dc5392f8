/** Card messages for the tests of the interchange network. */
import type { CreditAdvice, PaymentAdvice, PaymentRequest } from '../../../src/set/message/card-message.ts';

export const PAN = '4000010000000016';
export const FOREIGN_PAN = '4000020000000006';

export const purchase: PaymentRequest = {
  type: 'purchase',
  transmittedAt: '1121110123',
  stan: 1,
  acquirerId: '400001',
  retrievalReference: 'AAAABBBBCCCC',
  terminalId: 'GATEWAY1',
  merchantId: 'MERCHANT1',
  pan: PAN,
  expiry: '2812',
  amount: { currency: 'EUR', minor: 1250n },
};

/** The advice about a request, sent as the next message. */
export function adviceOn(
  request: PaymentRequest,
  type: PaymentAdvice['type'],
  change: Partial<PaymentAdvice> = {},
): PaymentAdvice {
  const { type: original, transmittedAt, stan } = request;
  return { ...request, type, stan: stan + 1000, original: { type: original, transmittedAt, stan }, ...change };
}

/** Gives back so much of it, sent as a later message. */
export function creditOf(request: PaymentRequest, minor: bigint, stan = request.stan + 2000): CreditAdvice {
  const { type: original, transmittedAt, stan: first } = request;
  const amount = { ...request.amount, minor };
  return { ...request, type: 'credit', stan, amount, original: { type: original, transmittedAt, stan: first } };
}

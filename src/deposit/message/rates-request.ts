/**
 * Customer → account manager: another rate table, when the one on the device is missing or older than its lifespan (ERI-B). It names no
 * merchant: an operator need not hear whose prices are looked at. The answer is a signed `rate-table`.
 */
import { record, type Shaped, timeMs } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { currencyCode } from './session-rate.ts';

const ratesRequestShape = record({
  /** Of the customer's account. */
  currency: currencyCode,
  atMs: timeMs(),
});
export type RatesRequest = Shaped<typeof ratesRequestShape>;
export const ratesRequestType: MessageType<RatesRequest> = {
  name: 'deposit-rates',
  shape: ratesRequestShape,
  maxBytes: 8192,
};

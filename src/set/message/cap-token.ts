/** CapToken (notes on SET, "Common data"): what the gateway needs to know of an authorization later, signed by itself, sealed to itself, kept by the merchant. */
import { decodeDer, encodeDer, type Infer, numericString, sequence } from '../../codec/der.ts';
import { currencyAmountType } from './currency-amount.ts';
import { merchantIdType, rrpidType, xidType } from './identifiers.ts';

const capTokenDataType = sequence({
  authRrpid: rrpidType,
  xid: xidType,
  merchantId: merchantIdType,
  /** What was authorized: no capture or reversal can be for more (fix 4). */
  authAmt: currencyAmountType,
  /** TokenOpaque: how the acquirer's network names the authorization. */
  network: sequence({
    stan: numericString({ min: 6, max: 6 }),
    retrievalReference: numericString({ min: 12, max: 12 }),
  }),
});
export type CapTokenData = Infer<typeof capTokenDataType>;

export function encodeCapTokenData(data: CapTokenData): Uint8Array {
  return encodeDer(capTokenDataType, data);
}

/** @throws DerError */
export function decodeCapTokenData(der: Uint8Array): CapTokenData {
  return decodeDer(capTokenDataType, der, { maxBytes: 1024 });
}

/** CapToken (notes on SET, "Common data"): what the gateway needs to know of an authorization later, signed by itself, sealed to itself, kept by the merchant. */
import {
  decodeDer,
  encodeDer,
  type Infer,
  implicit,
  numericString,
  optional,
  sequence,
  smallInteger,
  visibleString,
} from '../../codec/der.ts';
import { currencyAmountType } from './currency-amount.ts';
import { merchantIdType, nonceType, rrpidType, xidType } from './identifiers.ts';

const capTokenDataType = sequence({
  authRrpid: rrpidType,
  xid: xidType,
  merchantId: merchantIdType,
  /** What was authorized: no capture or reversal can be for more (fix 4). */
  authAmt: currencyAmountType,
  /** TokenOpaque: how the acquirer's network names the authorization. */
  network: sequence({
    transmittedAt: numericString({ min: 10, max: 10 }),
    stan: smallInteger({ min: 1, max: 999_999 }),
    approvalCode: optional(implicit(0, visibleString({ min: 1, max: 12 }))),
  }),
  /** PANToken: the card, for the network wants its number again; nobody but the gateway opens this. */
  panToken: sequence({
    pan: numericString({ min: 12, max: 19 }),
    cardExpiry: numericString({ min: 6, max: 6 }),
    exNonce: nonceType,
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

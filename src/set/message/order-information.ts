/** OIData and HODInput (notes on SET, "Purchase"): what the merchant sees of a purchase. The order description itself is never sent. */
import {
  decodeDer,
  encodeDer,
  type Infer,
  implicit,
  lendDer,
  numericString,
  objectIdentifier,
  optional,
  sequence,
  sequenceOf,
} from '../../codec/der.ts';
import type { Amount } from '../../money/amount.ts';
import { digestContent, digestedType } from './content-digest.ts';
import { contentTypes } from './content-types.ts';
import { currencyAmountType } from './currency-amount.ts';
import { gatewayIdentityType } from './gateway-identity.ts';
import { brandIdType, nonceType, rrpidType } from './identifiers.ts';
import { extensionsField } from './message-extension.ts';
import { type InstallRecurData, installRecurDataType } from './recurring.ts';
import { transIdsType } from './transaction.ts';

export const oiDataType = sequence({
  transIds: transIdsType,
  rrpid: rrpidType,
  challC: nonceType,
  hod: digestedType(contentTypes.hodInput),
  odSalt: nonceType,
  /** Required here: without PInit a purchase would not be fresh to the merchant (fix 7). */
  challM: nonceType,
  brandId: brandIdType,
  bin: numericString({ min: 6, max: 6 }),
  gateway: gatewayIdentityType,
  odExtOids: optional(implicit(0, sequenceOf(objectIdentifier(), { min: 1, max: 16 }))),
  oiExtensions: extensionsField(1),
});
export type OIData = Infer<typeof oiDataType>;

const hodInputType = sequence({
  /** DD of the order description, so that whoever recomputes HOD keeps 32 bytes of an order and not its text. */
  od: digestedType(contentTypes.orderDescription),
  purchAmt: currencyAmountType,
  odSalt: nonceType,
  installRecurData: optional(implicit(0, installRecurDataType)),
});

export interface HodInput {
  /** `digestOrderDescription` of the order text. */
  readonly od: Uint8Array;
  readonly purchAmt: Amount;
  readonly odSalt: Uint8Array;
  readonly installRecurData?: InstallRecurData;
}

/** The order description is any bytes both sides hold: for agents, the signed agreement. */
export function digestOrderDescription(description: Uint8Array): Uint8Array {
  return digestContent(contentTypes.orderDescription, description);
}

/** HOD: the salt keeps the gateway, who sees the hash, from guessing what was ordered. */
export function digestOrder(input: HodInput): Uint8Array {
  return lendDer(hodInputType, input, (der) => digestContent(contentTypes.hodInput, der));
}

export function encodeOIData(oiData: OIData): Uint8Array {
  return encodeDer(oiDataType, oiData);
}

/** @throws DerError */
export function decodeOIData(der: Uint8Array): OIData {
  return decodeDer(oiDataType, der, { maxBytes: 16_384 });
}

/** TransIDs, RRTags and the identifiers of the header: what names a transaction in SET (notes on SET, "Wrapper" and "Common data"). */
import {
  generalizedTime,
  type Infer,
  implicit,
  numericString,
  optional,
  sequence,
  visibleString,
} from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { languageType, localIdType, merchantIdType, rrpidType, xidType } from './identifiers.ts';

export const transIdsType = sequence({
  lidC: localIdType,
  lidM: optional(implicit(0, localIdType)),
  xid: xidType,
  /** When the purchase was begun: the merchant's clock in PInitRes, echoed by everybody after that. */
  preqDate: generalizedTime(),
  paySysId: optional(implicit(1, visibleString({ min: 1, max: 64 }))),
  language: languageType,
});
export type TransIds = Infer<typeof transIdsType>;

export const rrTagsType = sequence({
  rrpid: rrpidType,
  merTermIds: sequence({
    merchantId: merchantIdType,
    terminalId: optional(implicit(0, visibleString({ min: 1, max: 48 }))),
    agentNumber: optional(implicit(1, numericString({ min: 1, max: 18 }))),
  }),
  date: generalizedTime(),
});
export type RrTags = Infer<typeof rrTagsType>;

/** MessageIDs of the header: the parts of TransIDs that are known when the message is sent. */
export const messageIdsType = sequence({
  lidC: optional(implicit(0, localIdType)),
  lidM: optional(implicit(1, localIdType)),
  xid: optional(implicit(2, xidType)),
});
export type MessageIds = Infer<typeof messageIdsType>;

export function messageIdsOf({ lidC, lidM, xid }: TransIds): MessageIds {
  return { lidC, ...(lidM && { lidM }), xid };
}

export function sameTransaction(a: TransIds, b: TransIds): boolean {
  return (
    equalBytes(a.xid, b.xid) &&
    equalBytes(a.lidC, b.lidC) &&
    sameOptional(a.lidM, b.lidM) &&
    a.preqDate.getTime() === b.preqDate.getTime() &&
    a.paySysId === b.paySysId &&
    a.language === b.language
  );
}

/** Equal, or absent in both. */
export function sameOptional(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** The outcome codes of authorization, capture and purchase (notes on SET, "Purchase" and "Authorization"): answers, not errors. */
import { enumerated } from '../../codec/der.ts';

export const authCodes = {
  approved: 0,
  unspecifiedFailure: 1,
  declined: 2,
  noReply: 3,
  callIssuer: 4,
  amountError: 5,
  expiredCard: 6,
  invalidTransaction: 7,
  systemError: 8,
  piPreviouslyUsed: 9,
  recurringTooSoon: 10,
  recurringExpired: 11,
  piAuthMismatch: 12,
  installRecurMismatch: 13,
  captureNotSupported: 14,
  signatureRequired: 15,
  cardMerchBrandMismatch: 16,
} as const;
export type AuthCode = keyof typeof authCodes;
export const authCodeType = enumerated(authCodes);

export const capCodes = {
  success: 0,
  unspecifiedFailure: 1,
  duplicateRequest: 2,
  authExpired: 3,
  authDataMissing: 4,
  invalidAuthData: 5,
  capTokenMissing: 6,
  invalidCapToken: 7,
  batchUnknown: 8,
  batchClosed: 9,
  unknownXID: 10,
  unknownLID: 11,
} as const;
export type CapCode = keyof typeof capCodes;
export const capCodeType = enumerated(capCodes);

/** AuthRevCode, numbered as SET numbers the outcomes of capture reversal and credit. */
export const authRevCodes = {
  success: 0,
  unspecifiedFailure: 1,
  duplicateRequest: 2,
  /** Captured or reversed before: nothing is left to undo. */
  originalProcessed: 3,
  originalNotFound: 4,
  capPurged: 5,
  missingCapData: 6,
  missingCapToken: 7,
  invalidCapToken: 8,
  batchUnknown: 9,
  batchClosed: 10,
} as const;
export type AuthRevCode = keyof typeof authRevCodes;
export const authRevCodeType = enumerated(authRevCodes);

export const completionCodes = {
  meaninglessRatio: 0,
  orderRejected: 1,
  orderReceived: 2,
  orderNotReceived: 3,
  authorizationPerformed: 4,
  capturePerformed: 5,
  creditPerformed: 6,
} as const;
export type CompletionCode = keyof typeof completionCodes;
export const completionCodeType = enumerated(completionCodes);

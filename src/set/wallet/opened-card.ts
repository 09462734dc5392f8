/** A payment card while the wallet holds it open: opening it (by a token or a person) is the wallet guard's business. */
import type { CertifiedKey } from '../message/certified-key.ts';

export interface OpenedCard {
  /** Secret: to be given to nobody but the gateway. */
  readonly pan: string;
  /** YYYYMM */
  readonly expiry: string;
  /** 32 bytes shared with the cardholder's certificate authority: binds the certificate to the card number. */
  readonly panSecret: Uint8Array;
  /** 32 bytes shared with the issuer: stains each purchase so that the issuer can prove its origin. */
  readonly cardSecret: Uint8Array;
  readonly key: CertifiedKey;
}

/** Undefined while the card is closed: the payment then waits and asks again. */
export type OpenCard = (cardId: string) => OpenedCard | undefined;

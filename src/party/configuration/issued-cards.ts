/** The file of the cards an operator issued; it holds card numbers and is kept as a secret. */
import { z } from 'zod';
import { currency, minor } from './configuration.ts';

/** A card as the issuer's file lists it. */
export const issuedCards = z.array(
  z.strictObject({
    pan: z.string().regex(/^\d{13,19}$/),
    /** The account it charges. */
    account: z.string().min(1).max(64),
    /** YYYYMM. */
    expiry: z.string().regex(/^\d{6}$/),
    currency,
    creditMinor: minor,
    perTransactionMinor: minor.optional(),
    perDayMinor: minor.optional(),
    /** On the stop-list. */
    stopped: z.boolean().default(false),
  }),
);

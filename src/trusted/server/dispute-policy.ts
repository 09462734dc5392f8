/** How a trusted server hears disputes, and what they do to the standing of merchants and to the credit of those who complain. */
import type { PaymentEvidence } from '../message/dispute.ts';
import type { PaymentFact } from '../ruling/judge-dispute.ts';

export interface DisputePolicy {
  /** How long a merchant may take to answer a customer before the server hears of it. */
  readonly answerMs: number;
  /** How long a merchant is heard. */
  readonly hearingMs: number;
  /** How long either side may appeal: before, nobody has to follow a ruling, and it counts against nobody. */
  readonly appealMs: number;
  /** Cases at one time, and of one customer. */
  readonly maxCases: number;
  readonly maxCasesOf: number;
  /**
   * So many complaints disproved by their own evidence, within that time: no more are heard from that agent until the first of them is older.
   * Nothing else happens to it: what it holds, it holds.
   */
  readonly falseLimit: number;
  readonly falseWithinMs: number;
  /** At a primary server: so many disputes lost within that time, and a merchant is untrusted after a notice of `noticeMs`. */
  readonly lostLimit: number;
  readonly lostWithinMs: number;
  readonly noticeMs: number;
  /** Who can tell at once whether a payment was made, by the receipt; by default nobody. */
  readonly paymentFact: (evidence: PaymentEvidence) => PaymentFact;
  /** Route of whoever can tell when asked; without it the logs count. */
  readonly payments?: string;
}

const DAY = 86_400_000;

export const usualDisputePolicy: DisputePolicy = {
  ...{ answerMs: 7 * DAY, hearingMs: 7 * DAY, appealMs: 14 * DAY, maxCases: 1000, maxCasesOf: 10 },
  ...{ falseLimit: 3, falseWithinMs: 180 * DAY, lostLimit: 5, lostWithinMs: 180 * DAY, noticeMs: 30 * DAY },
  paymentFact: () => 'unknown',
};

/**
 * Asking for money on accounts that are kept elsewhere (ERI-G): a hold before a deposit is vouched for, and in the end what is taken of it,
 * or its release. The ledger here then knows only what it has to bring in from there.
 */
import { oneOf, optional, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import type { Outgoing } from '../../journal/machine.ts';
import type { Amount } from '../../money/amount.ts';
import { partyName, transactionIdentity } from '../message/identity.ts';
import { money } from '../message/initiation.ts';
import type { DepositTerms } from './account-record.ts';

const holdShape = record({
  transaction: transactionIdentity,
  customer: partyName,
  amount: money,
  /** When it is over at the latest, unless we are away: nothing ends it but a posting or a release. */
  untilMs: timeMs(),
});
export const holdType: MessageType<Shaped<typeof holdShape>> = {
  name: 'account-hold',
  shape: holdShape,
  maxBytes: 1024,
};

/** The answer to a hold. */
const holdAnswerShape = record({
  outcome: oneOf('held', 'declined'),
  /** What could still be held after it. */
  available: optional(money),
  detail: optional(text({ max: 200 })),
});
export type HoldAnswer = Shaped<typeof holdAnswerShape>;
export const holdAnswerType: MessageType<HoldAnswer> = {
  name: 'account-hold-answer',
  shape: holdAnswerShape,
  maxBytes: 1024,
};

const postShape = record({ transaction: transactionIdentity, customer: partyName, amount: money });
/** The answer repeats it. */
export type Posting = Shaped<typeof postShape>;
export const postType: MessageType<Posting> = { name: 'account-post', shape: postShape, maxBytes: 1024 };

const releaseShape = record({ transaction: transactionIdentity, customer: partyName });
export const releaseType: MessageType<Shaped<typeof releaseShape>> = {
  name: 'account-release',
  shape: releaseShape,
  maxBytes: 1024,
};

export const ACCOUNTS_ROUTE = 'accounts:';
export const holdId = (transaction: string) => `account-hold:${transaction}`;
export const postId = (transaction: string) => `account-post:${transaction}`;
const releaseId = (transaction: string) => `account-release:${transaction}`;

export function holdElsewhere(
  transaction: string,
  { customer, deposit: amount, heldUntilMs: untilMs }: DepositTerms,
  expiresAtMs: number,
): Outgoing {
  const body = encodeShape(holdType, { transaction, customer, amount, untilMs });
  return { id: holdId(transaction), to: `${ACCOUNTS_ROUTE}hold`, kind: holdType.name, body, expiresAtMs };
}

/** What was not taken is free again by the same message. */
export function postElsewhere(transaction: string, customer: string, amount: Amount): Outgoing {
  if (amount.minor === 0n) return releaseElsewhere(transaction, customer);
  const body = encodeShape(postType, { transaction, customer, amount });
  return { id: postId(transaction), to: `${ACCOUNTS_ROUTE}post`, kind: postType.name, body };
}

export function releaseElsewhere(transaction: string, customer: string): Outgoing {
  const body = encodeShape(releaseType, { transaction, customer });
  return { id: releaseId(transaction), to: `${ACCOUNTS_ROUTE}release`, kind: releaseType.name, body };
}

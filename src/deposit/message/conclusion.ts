/** Concluding a deposit (US 09/718,411, claims 10 and 11): both sides' signed records, and what the acquirer makes of them. */
import { bytes, digest, list, oneOf, optional, record, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { partyName, transactionIdentity } from './identity.ts';
import { money } from './initiation.ts';
import { MAX_STEPS_OF_CHECKPOINT, WORTHS } from './purchase.ts';
import { sessionRate } from './session-rate.ts';

const MAX_CHECKPOINT = 1024;

/** What proves a value: a checkpoint the customer signed, and the newest words of its chains. */
export const releasedShape = record({
  checkpoint: bytes({ min: 1, max: MAX_CHECKPOINT }),
  steps: list(whole({ max: MAX_STEPS_OF_CHECKPOINT }), { min: WORTHS.length, max: WORTHS.length }),
  words: bytes({ min: 32 * WORTHS.length, max: 32 * WORTHS.length }),
});
export type Released = Shaped<typeof releasedShape>;

/** Customer → merchant: the session ends. Signed with the customer's temporary key. */
const terminateShape = record({ transaction: transactionIdentity, atMs: timeMs() });
export type Terminate = Shaped<typeof terminateShape>;
export const terminateType: MessageType<Terminate> = {
  name: 'deposit-terminate',
  shape: terminateShape,
  maxBytes: 1024,
};

/** Acquirer → merchant: the customer has concluded, or time is up: no purchase more, and your record, please, before the deadline. */
const concludeShape = record({ transaction: transactionIdentity, deadlineMs: timeMs() });
export type Conclude = Shaped<typeof concludeShape>;
export const concludeType: MessageType<Conclude> = { name: 'deposit-conclude', shape: concludeShape, maxBytes: 8192 };

/** Of either side, signed with its temporary key. The value is in units; the list stays at home, only its head is shown. */
const transactionRecordShape = record({
  transaction: transactionIdentity,
  by: oneOf('customer', 'merchant'),
  count: whole(),
  units: whole(),
  unitNano: whole({ min: 1, max: 1_000_000_000_000 }),
  currency: text({ min: 3, max: 3 }),
  head: digest(),
  /** What the customer released; absent when nothing was ever paid. */
  released: optional(releasedShape),
  atMs: timeMs(),
});
export type TransactionRecord = Shaped<typeof transactionRecordShape>;
export const transactionRecordType: MessageType<TransactionRecord> = {
  name: 'deposit-record',
  shape: transactionRecordShape,
  maxBytes: 4096,
};

/** Acquirer → both account managers. Signed by the acquirer's operator. */
const clearingInformationShape = record({
  transaction: transactionIdentity,
  merchant: partyName,
  /** Of the customer. */
  accountManager: partyName,
  /** Paid to the merchant, in its currency: rounded once, never above the deposit. */
  paid: money,
  /** Comes back unused, in the merchant's currency (ERI-C). */
  unused: money,
  rate: sessionRate,
  count: whole(),
  head: digest(),
  /** What proves it to the customer's operator, which takes nobody's word for it; its customer's own record it has already. */
  released: optional(releasedShape),
  /** SHA-256 of the two records as they were compared; absent for a side that was silent. */
  customerRecord: optional(digest()),
  merchantRecord: optional(digest()),
  /** How it was decided, one reason after the other. */
  reasons: list(text({ min: 1, max: 200 }), { min: 1, max: 16 }),
  atMs: timeMs(),
});
export type ClearingInformation = Shaped<typeof clearingInformationShape>;
export const clearingInformationType: MessageType<ClearingInformation> = {
  name: 'deposit-clearing-information',
  shape: clearingInformationShape,
  maxBytes: 8192,
};

/** Account manager → its own customer or merchant: how the transaction was settled on the account. */
const statementShape = record({
  clearing: bytes({ min: 1, max: 8192 }),
  /** Withdrawn from the customer's account, or deposited to the merchant's. */
  booked: money,
  /** Given back of the hold; zero for a merchant. */
  returned: money,
  atMs: timeMs(),
});
export type Statement = Shaped<typeof statementShape>;
export const statementType: MessageType<Statement> = {
  name: 'deposit-statement',
  shape: statementShape,
  maxBytes: 16_384,
};

/** Operator who owes → operator who is owed: paid through whatever settles between banks; positions go down by it on both sides. */
const settlementShape = record({
  /** `payer.payee.currency.n`: a repeat is the same payment. */
  settlement: text({ min: 1, max: 200 }),
  amount: money,
  atMs: timeMs(),
});
export type Settlement = Shaped<typeof settlementShape>;
export const settlementType: MessageType<Settlement> = {
  name: 'deposit-settlement',
  shape: settlementShape,
  maxBytes: 8192,
};

/** How long after a deposit's end clearing information is still taken: until then the customer's money stays set aside for it. */
export const CLEARING_GRACE_MS = 7 * 86_400_000;

/**
 * What an operator's billing system is told (US 09/718,411, claim 11; ERI-G): withdrawal and deposit records of cleared transactions, what
 * operators owe each other for them, how that was settled, and money that customers brought. Each stands in the journal and goes out
 * through the outbox; none says what was bought, which operators never learn.
 */
import { bytes, oneOf, record, type Shaped, text, timeMs } from '../../codec/shape.ts';
import { decodeShape, encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import { DepositError } from './deposit-error.ts';
import { partyName, transactionIdentity } from './identity.ts';
import { money } from './initiation.ts';
import { sessionRate } from './session-rate.ts';

const withdrawalRecordShape = record({
  transaction: transactionIdentity,
  customer: partyName,
  merchant: partyName,
  merchantOperator: partyName,
  /** Set aside, taken, and given back, in the currency of the customer's account. */
  deposit: money,
  withdrawn: money,
  returned: money,
  /** In the merchant's currency. */
  paid: money,
  rate: sessionRate,
  atMs: timeMs(),
});
export type WithdrawalRecord = Shaped<typeof withdrawalRecordShape>;
export const withdrawalRecordType: MessageType<WithdrawalRecord> = {
  name: 'billing-withdrawal',
  shape: withdrawalRecordShape,
  maxBytes: 4096,
};

const depositRecordShape = record({
  transaction: transactionIdentity,
  merchant: partyName,
  /** Of the customer, who stays unknown here. */
  accountManager: partyName,
  paid: money,
  /** The clearing information it rests on. */
  clearing: bytes({ min: 1, max: 8192 }),
  atMs: timeMs(),
});
export type DepositRecord = Shaped<typeof depositRecordShape>;
export const depositRecordType: MessageType<DepositRecord> = {
  name: 'billing-deposit',
  shape: depositRecordShape,
  maxBytes: 16_384,
};

const clearingRecordShape = record({
  transaction: transactionIdentity,
  /** The other one. */
  operator: partyName,
  /** `owed`: we owe it this from now on; `due`: it owes us. */
  direction: oneOf('owed', 'due'),
  amount: money,
  atMs: timeMs(),
});
export type ClearingRecord = Shaped<typeof clearingRecordShape>;
const clearingRecordType: MessageType<ClearingRecord> = {
  name: 'billing-clearing',
  shape: clearingRecordShape,
  maxBytes: 2048,
};

const settlementRecordShape = record({
  settlement: text({ min: 1, max: 200 }),
  operator: partyName,
  /** `paid`: by us, and the other side has acknowledged it; `received`: by us. */
  direction: oneOf('paid', 'received'),
  amount: money,
  atMs: timeMs(),
});
export type SettlementRecord = Shaped<typeof settlementRecordShape>;
const settlementRecordType: MessageType<SettlementRecord> = {
  name: 'billing-settlement',
  shape: settlementRecordShape,
  maxBytes: 2048,
};

const fundingRecordShape = record({
  reference: text({ min: 1, max: 96 }),
  customer: partyName,
  amount: money,
  atMs: timeMs(),
});
export type FundingRecord = Shaped<typeof fundingRecordShape>;
const fundingRecordType: MessageType<FundingRecord> = {
  name: 'billing-funding',
  shape: fundingRecordShape,
  maxBytes: 2048,
};

/** `id` is unique for ever within the operator, and the same however often the record is told. */
export type BillingRecord = { readonly id: string } & (
  | ({ readonly type: 'withdrawal' } & WithdrawalRecord)
  | ({ readonly type: 'deposit' } & DepositRecord)
  | ({ readonly type: 'clearing' } & ClearingRecord)
  | ({ readonly type: 'settlement' } & SettlementRecord)
  | ({ readonly type: 'funding' } & FundingRecord)
);
export type BillingKind = BillingRecord['type'];

/** The part of a record besides its type and id. */
type Facts<K extends BillingKind> = Omit<Extract<BillingRecord, { type: K }>, 'type' | 'id'>;

export const billingTypes: { readonly [K in BillingKind]: MessageType<Facts<K>> } = {
  withdrawal: withdrawalRecordType,
  deposit: depositRecordType,
  clearing: clearingRecordType,
  settlement: settlementRecordType,
  funding: fundingRecordType,
};

export function isBillingKind(type: string): type is BillingKind {
  return Object.hasOwn(billingTypes, type);
}

export function billingRecord<K extends BillingKind>(type: K, facts: Facts<K>): Extract<BillingRecord, { type: K }> {
  return { type, id: `${type}:${subjectOf(facts)}`, ...facts } as unknown as Extract<BillingRecord, { type: K }>;
}

/** The record without type and id, which follow from the route it is sent by and from itself. */
export function encodeBillingRecord(billing: BillingRecord): Uint8Array {
  return encodeShape(billingTypes[billing.type] as MessageType<unknown>, billing);
}

/** @throws CborError, MessageError; DepositError `RECORD_UNFIT` for another kind of record */
export function readBillingRecord(type: string, bytes: Uint8Array): BillingRecord {
  if (!isBillingKind(type)) throw new DepositError('RECORD_UNFIT', 'there is no such kind of billing record');
  return billingRecord(type, decodeShape(billingTypes[type] as MessageType<Facts<typeof type>>, bytes));
}

function subjectOf(facts: object): string {
  const { transaction, settlement, reference } = facts as Readonly<Record<string, string | undefined>>;
  return transaction ?? settlement ?? reference ?? '';
}

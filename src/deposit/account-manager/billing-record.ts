/**
 * Withdrawal and deposit records (US 09/718,411, claim 11): what billing systems are told of a cleared transaction. They stand in the
 * journal, and each also goes out through the outbox, so that any billing system can be plugged in as a courier of these routes.
 */
import { bytes, record, type Shaped, timeMs } from '../../codec/shape.ts';
import { encodeShape, type MessageType } from '../../crypto/signed-message.ts';
import type { Outgoing } from '../../journal/machine.ts';
import { partyName, transactionIdentity } from '../message/identity.ts';
import { money } from '../message/initiation.ts';
import { sessionRate } from '../message/session-rate.ts';

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
  name: 'withdrawal-record',
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
  name: 'deposit-record',
  shape: depositRecordShape,
  maxBytes: 16_384,
};

export function billWithdrawal(withdrawal: WithdrawalRecord): Outgoing {
  return {
    id: `billing:withdrawal:${withdrawal.transaction}`,
    to: 'billing:withdrawal',
    kind: withdrawalRecordType.name,
    body: encodeShape(withdrawalRecordType, withdrawal),
  };
}

export function billDeposit(deposit: DepositRecord): Outgoing {
  return {
    id: `billing:deposit:${deposit.transaction}`,
    to: 'billing:deposit',
    kind: depositRecordType.name,
    body: encodeShape(depositRecordType, deposit),
  };
}

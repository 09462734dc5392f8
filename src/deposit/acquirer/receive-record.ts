/** A side's signed record of a deposit (US 09/718,411, claims 10 and 11), the customer's through its account manager. */
import { importPoint } from '../../crypto/agreement.ts';
import { readMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import { transactionRecordType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { readRecord } from '../message/evidence.ts';
import type { RecordInput } from './acquirer-input.ts';
import type { Deposit } from './acquirer-state.ts';

/**
 * The signature is checked for deposits that are finished, too: nobody may take another's place with a record nobody signed.
 * @param deliverer the name of whoever brings it, as its connection proves
 * @param find `findDeposit` on this acquirer's host
 * @throws CryptographicError, MessageError; DepositError `DEPOSIT_UNKNOWN`, `RECORD_UNFIT`; HandselError `ANSWER_PENDING`
 */
export async function receiveRecord(
  bytes: Uint8Array,
  { deliverer, find }: { readonly deliverer: string; find(transaction: string): Promise<Deposit | undefined> },
): Promise<RecordInput> {
  const { transaction, by } = readMessage(transactionRecordType, bytes).value;
  const deposit = await find(transaction);
  const expected = by === 'customer' ? deposit?.accountManager : deposit?.merchant;
  // The same refusal for all of them: whoever asks learns of no deposit but his own.
  if (deposit === undefined || deliverer !== expected) {
    throw new DepositError('DEPOSIT_UNKNOWN', 'no such deposit of yours is known here');
  }
  // The merchant's acknowledgement may have been lost on its way: whoever ends the deposit before it is repeated is not silent.
  if (deposit.merchantKey === undefined) throw new HandselError('ANSWER_PENDING', 'the deposit is being opened');
  const publicKey = importPoint(by === 'customer' ? deposit.customerKey : deposit.merchantKey);
  readRecord(bytes, { transaction, currency: deposit.deposit.currency, by, publicKey });
  return { type: 'record', transaction, by, bytes };
}

/** What the customer signs with the temporary key of the transaction: what was spent so far, and that it ends (claim 10). */
import { importPoint } from '../../crypto/agreement.ts';
import { readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { checkpointType } from '../message/checkpoint.ts';
import { terminateType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import type { MerchantInput } from './merchant-input.ts';
import type { MerchantState } from './merchant-session.ts';

/** @throws CryptographicError, MessageError, DepositError `DEPOSIT_UNKNOWN` */
export function receiveCheckpoint(
  bytes: Uint8Array,
  state: Readonly<MerchantState>,
): Extract<MerchantInput, { type: 'checkpoint' }> {
  const { value } = fromCustomer(readMessage(checkpointType, bytes), state);
  return { type: 'checkpoint', checkpoint: value, bytes };
}

/** @throws CryptographicError, MessageError, DepositError `DEPOSIT_UNKNOWN` */
export function receiveTerminate(
  bytes: Uint8Array,
  state: Readonly<MerchantState>,
): Extract<MerchantInput, { type: 'conclude' }> {
  const { value } = fromCustomer(readMessage(terminateType, bytes), state);
  return { type: 'conclude', transaction: value.transaction, ending: 'terminated', message: bytes };
}

function fromCustomer<T extends { readonly transaction: string }>(
  message: SignedMessage<T>,
  { sessions }: Readonly<MerchantState>,
): SignedMessage<T> {
  const session = sessions.get(message.value.transaction);
  if (session === undefined) throw new DepositError('DEPOSIT_UNKNOWN', 'there is no such deposit here');
  message.requireSignature(importPoint(session.customerKey));
  return message;
}

/** What became of a message of ours; a merchant's acknowledgement (US 09/718,411, claim 6) is checked here. */
import { importPoint } from '../../crypto/agreement.ts';
import type { Reply } from '../../journal/machine.ts';
import { clearingInformationType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { acknowledgementType, informationType } from '../message/initiation.ts';
import type { ReplyInput } from './acquirer-input.ts';
import type { Validate } from './acquirer-policy.ts';
import { informationId } from './open-deposit.ts';
import { readFromSender } from './signed-by.ts';

/** @throws CryptographicError, MessageError, DepositError for what is no answer: it is asked again */
export function receivedReply({ id, kind, outcome }: Reply, validateMerchant: Validate): ReplyInput {
  if (kind === clearingInformationType.name && outcome.type === 'refused') {
    // Money depends on it: it is told until it is taken.
    throw new DepositError('DEPOSIT_REFUSED', `clearing information was refused with ${outcome.code.slice(0, 64)}`);
  }
  if (kind !== informationType.name) return { type: 'told' };
  const transaction = id.slice(informationId('').length);
  if (outcome.type === 'expired') {
    return { type: 'declined', transaction, code: 'DEPOSIT_REFUSED', detail: 'the merchant did not answer in time' };
  }
  if (outcome.type === 'refused') {
    const { code, detail } = outcome;
    return {
      type: 'declined',
      transaction,
      code: code.slice(0, 64) || 'DEPOSIT_REFUSED',
      detail: detail.slice(0, 200),
    };
  }
  const { value, name: merchant } = readFromSender(acknowledgementType, outcome.body, validateMerchant);
  if (value.transaction !== transaction) throw new DepositError('DEPOSIT_UNKNOWN', 'acknowledged another deposit');
  importPoint(value.key);
  return { type: 'acknowledged', transaction, merchant, merchantKey: value.key, url: value.url };
}

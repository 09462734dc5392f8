/** The door for other operators and our own acquirer: clearing information, settlements, and their answers to our messages. */
import { parseCose1 } from '../../crypto/cose-sign1.ts';
import { sha256 } from '../../crypto/digest.ts';
import { contentTypeOf, decodeShape } from '../../crypto/signed-message.ts';
import type { Outcome, Reply } from '../../journal/machine.ts';
import { clearingInformationType, settlementType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { partsOfTransaction } from '../message/identity.ts';
import { amendedInitiationType, depositRefusedType, operatorAcknowledgementType } from '../message/initiation.ts';
import { readTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { ClearingInput, ReplyInput, SettlementInput } from './account-input.ts';
import type { AccountPolicy, Validate } from './account-policy.ts';
import type { AccountState } from './account-state.ts';
import { holdAnswerType, holdId, holdType, postType } from './elsewhere-message.ts';
import { amendedInitiationId } from './initiate.ts';
import { requireOperator } from './open-deposit.ts';
import { type Arrived, readSigned } from './receive-customer.ts';
import { settlementMessageId } from './settle.ts';

/**
 * Whoever is not the merchant's operator is refused here already: while its message waits, the other one could not be taken.
 * @throws CryptographicError, MessageError, DepositError
 */
export function receiveClearing(
  bytes: Uint8Array,
  validateOperator: Validate,
  own: {
    readonly policy: Pick<AccountPolicy, 'operators'>;
    readonly state: Pick<AccountState, 'deposits'>;
  },
): Arrived<ClearingInput> {
  const { name: operator, value: clearing } = readSigned(clearingInformationType, bytes, validateOperator);
  const { accountManager } = partsOfTransaction(clearing.transaction);
  if (accountManager !== clearing.accountManager) {
    throw new DepositError('IDENTITY_MALFORMED', 'the transaction is of another account manager');
  }
  const open = own.state.deposits.get(clearing.transaction);
  if (open !== undefined) requireOperator(open, operator);
  if (!own.policy.operators.has(operator)) {
    throw new DepositError('OPERATOR_UNKNOWN', 'nothing is cleared with whoever signed this');
  }
  const input: ClearingInput = { type: 'clearing', operator, clearing, bytes };
  return { messageId: `clearing:${clearing.transaction}`, digest: sha256(bytes), input };
}

/** @throws CryptographicError, MessageError, DepositError */
export function receiveSettlement(bytes: Uint8Array, validateOperator: Validate): Arrived<SettlementInput> {
  const { name: operator, value: settlement } = readSigned(settlementType, bytes, validateOperator);
  // The payer's name comes first, so that nobody can take up another one's numbers.
  if (!settlement.settlement.startsWith(`${operator}.`)) {
    throw new DepositError('IDENTITY_MALFORMED', 'the settlement is of another operator');
  }
  const input: SettlementInput = { type: 'settlement', operator, settlement };
  return { messageId: settlementMessageId(settlement.settlement), digest: sha256(bytes), input };
}

/** What became of a message of ours. @throws HandselError when the answer is of no use: it is asked for again */
export function receiveReply({ id, kind, outcome }: Reply, validateOperator: Validate): ReplyInput {
  const settlement = afterPrefix(id, settlementMessageId(''));
  if (settlement !== undefined) {
    return { type: 'settlement-answered', settlement, accepted: outcome.type === 'answered' };
  }
  const held = kind === holdType.name ? afterPrefix(id, holdId('')) : undefined;
  if (held !== undefined) return holdAnswered(held, outcome);
  if (kind === postType.name && outcome.type === 'answered') {
    return { type: 'posted', ...decodeShape(postType, outcome.body) };
  }
  const transaction = kind === amendedInitiationType.name ? afterPrefix(id, amendedInitiationId('')) : undefined;
  if (transaction === undefined) return { type: 'told' };
  if (outcome.type === 'expired') return { type: 'unanswered', transaction };
  if (outcome.type === 'refused') {
    return { type: 'refused', transaction, code: outcome.code, detail: outcome.detail };
  }
  return receiveAnswer(transaction, outcome.body, validateOperator);
}

function holdAnswered(transaction: string, outcome: Outcome): ReplyInput {
  if (outcome.type !== 'answered') {
    return { type: 'hold-answered', transaction, held: false, silent: outcome.type === 'expired' };
  }
  const { outcome: said, available } = decodeShape(holdAnswerType, outcome.body);
  return { type: 'hold-answered', transaction, held: said === 'held', silent: false, ...(available && { available }) };
}

function receiveAnswer(transaction: string, bytes: Uint8Array, validateOperator: Validate): ReplyInput {
  const { contentType } = parseCose1(bytes, { maxBytes: operatorAcknowledgementType.maxBytes });
  if (contentType === contentTypeOf(depositRefusedType)) {
    const { name: operator, value } = readSigned(depositRefusedType, bytes, validateOperator);
    requireTransaction(value.transaction, transaction);
    return { type: 'refused', transaction, operator, code: value.code, detail: value.detail };
  }
  const signed = readSigned(operatorAcknowledgementType, bytes, validateOperator);
  const { name: operator, publicKey, value: acknowledgement } = signed;
  requireTransaction(acknowledgement.transaction, transaction);
  const { certificate } = readTemporaryCertificate(acknowledgement.certificate, {
    ...{ transaction, of: 'merchant', issuer: operator, issuerKey: publicKey },
    // There is no clock here: the decision looks at the end.
    nowMs: 0,
  });
  const { key, notAfterMs } = certificate;
  return { type: 'acknowledged', transaction, operator, acknowledgement, key, notAfterMs };
}

function requireTransaction(seen: string, expected: string): void {
  if (seen !== expected) throw new DepositError('DEPOSIT_UNKNOWN', `expected an answer about ${expected}`);
}

function afterPrefix(id: string, prefix: string): string | undefined {
  return id.startsWith(prefix) ? id.slice(prefix.length) : undefined;
}

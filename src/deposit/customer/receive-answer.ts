/**
 * The door for answers: only the customer's own operator is listened to, and its signature is checked here. An answer of somebody else,
 * or none that can be read, is of no use, and the outbox asks again.
 */
import type { KeyObject } from 'node:crypto';
import { MessageError } from '../../codec/message-error.ts';
import { type MessageType, readMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import type { Outcome, Reply } from '../../journal/machine.ts';
import {
  type ClearingInformation,
  clearingInformationType,
  type Statement,
  statementType,
} from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { depositRefusedType, type LoggedOn, loggedOnType, openedType } from '../message/initiation.ts';
import { rateTableType } from '../message/session-rate.ts';
import { readTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { AnswerInput, PurseOptions } from './purse-input.ts';

type Keys = Pick<PurseOptions, 'operator' | 'validate' | 'nowMs'>;

/** @throws CryptographicError, MessageError, DepositError when the answer is of no use */
export function receiveAnswer({ id, outcome }: Reply, keys: Keys): AnswerInput {
  const at = id.indexOf(':');
  const about = id.slice(at + 1);
  switch (id.slice(0, at)) {
    case 'log-on':
      return receiveLoggedOn(about, outcome, keys);
    case 'initiation':
      return receiveOpened(about, outcome, keys);
    case 'record':
      return receiveStatement(about, outcome, keys);
    case 'rates':
      return receiveRates(outcome, keys);
    default:
      return { type: 'told' };
  }
}

function receiveLoggedOn(reference: string, outcome: Outcome, keys: Keys): AnswerInput {
  if (outcome.type !== 'answered') return { type: 'log-on-refused', reference, ...whyNot(outcome) };
  const loggedOn: LoggedOn = fromOperator(loggedOnType, outcome.body, keys).value;
  return { type: 'logged-on', reference, loggedOn };
}

function receiveOpened(transaction: string, outcome: Outcome, keys: Keys): AnswerInput {
  if (outcome.type !== 'answered') return { type: 'refused', transaction, ...whyNot(outcome) };
  const refused = refusalIn(transaction, outcome.body, keys);
  if (refused !== undefined) return { type: 'refused', transaction, ...refused };
  const { value: opened, publicKey } = fromOperator(openedType, outcome.body, keys);
  if (opened.transaction !== transaction) throw anotherDeposit();
  try {
    const { certificate } = readTemporaryCertificate(opened.certificate, {
      ...{ transaction, of: 'merchant', issuer: keys.operator.name, issuerKey: publicKey, nowMs: keys.nowMs() },
    });
    return { type: 'opened', transaction, opened, certificate };
  } catch (error) {
    // The operator has signed it, so asking again would not better it.
    if (isUnfit(error)) return { type: 'opened', transaction, opened };
    throw error;
  }
}

function receiveStatement(transaction: string, outcome: Outcome, keys: Keys): AnswerInput {
  if (outcome.type !== 'answered') return { type: 'unsettled', transaction, signed: false, ...whyNot(outcome) };
  const refused = refusalIn(transaction, outcome.body, keys);
  if (refused !== undefined) return { type: 'unsettled', transaction, signed: true, ...refused };
  const statement: Statement = fromOperator(statementType, outcome.body, keys).value;
  // Between strangers there is no trust (ERI-E): our operator answers for what another operator signed inside.
  const clearing: ClearingInformation = readMessage(clearingInformationType, statement.clearing).value;
  if (clearing.transaction !== transaction) throw anotherDeposit();
  return { type: 'statement', transaction, bytes: outcome.body, statement, clearing };
}

function receiveRates(outcome: Outcome, keys: Keys): AnswerInput {
  if (outcome.type !== 'answered') return { type: 'rate-table', rates: null };
  return { type: 'rate-table', rates: fromOperator(rateTableType, outcome.body, keys).value };
}

function refusalIn(transaction: string, body: Uint8Array, keys: Keys): { code: string; detail: string } | undefined {
  try {
    const { value } = fromOperator(depositRefusedType, body, keys);
    if (value.transaction !== transaction) throw anotherDeposit();
    return { code: value.code, detail: value.detail };
  } catch (error) {
    if (error instanceof MessageError && error.code === 'MESSAGE_OF_ANOTHER_KIND') return undefined;
    throw error;
  }
}

function fromOperator<T>(
  type: MessageType<T>,
  bytes: Uint8Array,
  { operator, validate }: Keys,
): { readonly value: T; readonly publicKey: KeyObject } {
  const message = readMessage(type, bytes);
  const { name, publicKey } = whoIs(message.certificateChain, validate);
  if (name !== operator.name) throw new CryptographicError(new Error(`signed by ${name}, not by our operator`));
  message.requireSignature(publicKey);
  return { value: message.value, publicKey };
}

function whoIs(chain: readonly Uint8Array[], validate: Keys['validate']): ReturnType<Keys['validate']> {
  try {
    return validate(chain);
  } catch (cause) {
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}

function whyNot(outcome: Exclude<Outcome, { type: 'answered' }>): { code: string; detail: string } {
  if (outcome.type === 'expired') return { code: 'EXPIRED', detail: 'no answer came in time' };
  return { code: outcome.code.slice(0, 64), detail: outcome.detail.slice(0, 200) };
}

const isUnfit = (error: unknown) =>
  error instanceof DepositError || error instanceof CryptographicError || error instanceof MessageError;

const anotherDeposit = () => new DepositError('DEPOSIT_UNKNOWN', 'the answer is about another deposit');

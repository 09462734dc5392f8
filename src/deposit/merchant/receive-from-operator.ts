/**
 * What the merchant's own operator says: a customer's deposit (US 09/718,411, claim 5), that it is concluded (claim 10), how it was
 * settled (claim 11). The merchant trusts nobody else, and looks up nothing.
 */
import type { KeyObject } from 'node:crypto';
import { CborError } from '../../codec/cbor-value.ts';
import { MessageError } from '../../codec/message-error.ts';
import { type MessageType, readMessage, type SignedMessage } from '../../crypto/signed-message.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { clearingInformationType, concludeType, statementType } from '../message/conclusion.ts';
import { DepositError } from '../message/deposit-error.ts';
import { partsOfTransaction } from '../message/identity.ts';
import { informationType } from '../message/initiation.ts';
import { readTemporaryCertificate } from '../message/temporary-certificate.ts';
import type { MerchantInput } from './merchant-input.ts';

export interface OperatorKeys {
  /** The merchant, and its operator, by their names. */
  readonly merchant: string;
  readonly operator: string;
  /** The leaf's first common name and key. @throws CryptographicError unless the chain (leaf first) leads to the operators' authority */
  validate(chain: readonly Uint8Array[], atMs: number): { readonly name: string; readonly publicKey: KeyObject };
}

/** @throws CryptographicError, MessageError, DepositError `CERTIFICATE_UNFIT`, `IDENTITY_MALFORMED`, `MERCHANT_UNKNOWN` */
export function receiveInformation(
  bytes: Uint8Array,
  keys: OperatorKeys,
  nowMs: number,
): Extract<MerchantInput, { type: 'information' }> {
  const { value, publicKey } = fromOperator(informationType, bytes, keys, nowMs);
  const { transaction } = value;
  partsOfTransaction(transaction);
  if (value.merchant !== keys.merchant) {
    throw new DepositError('MERCHANT_UNKNOWN', 'the deposit is guaranteed to another merchant');
  }
  const { certificate } = readTemporaryCertificate(value.certificate, {
    ...{ transaction, of: 'customer', issuer: keys.operator, issuerKey: publicKey, nowMs },
  });
  return { type: 'information', information: value, customerKey: certificate.key };
}

/** @throws CryptographicError, MessageError */
export function receiveConclude(
  bytes: Uint8Array,
  keys: OperatorKeys,
  nowMs: number,
): Extract<MerchantInput, { type: 'conclude' }> {
  const { value } = fromOperator(concludeType, bytes, keys, nowMs);
  return { type: 'conclude', transaction: value.transaction, ending: 'concluded', message: bytes };
}

/** @throws CryptographicError, MessageError, DepositError `RECORD_UNFIT` */
export function receiveStatement(
  bytes: Uint8Array,
  keys: OperatorKeys,
  nowMs: number,
): Extract<MerchantInput, { type: 'statement' }> {
  const { value } = fromOperator(statementType, bytes, keys, nowMs);
  const clearing = fromOperator(clearingInformationType, value.clearing, keys, nowMs).value;
  const { booked } = value;
  if (clearing.merchant !== keys.merchant || booked.currency !== clearing.paid.currency) {
    throw new DepositError('RECORD_UNFIT', 'the statement is of another merchant or currency');
  }
  return { type: 'statement', transaction: clearing.transaction, paid: clearing.paid, statement: bytes };
}

function fromOperator<T>(
  type: MessageType<T>,
  bytes: Uint8Array,
  keys: OperatorKeys,
  nowMs: number,
): SignedMessage<T> & { readonly publicKey: KeyObject } {
  try {
    const message = readMessage(type, bytes);
    const { name, publicKey } = keys.validate(message.certificateChain, nowMs);
    if (name !== keys.operator) throw new Error(`a message of ${name}, not of our operator`);
    message.requireSignature(publicKey);
    return { ...message, publicKey };
  } catch (cause) {
    if (cause instanceof MessageError || cause instanceof CborError) throw cause;
    throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
  }
}
